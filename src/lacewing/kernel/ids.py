"""Ids of things: UUID version 7 (RFC 9562), so that they grow with time and indices stay dense."""

from uuid import UUID

from uuid_utils.compat import uuid7


def new_id() -> UUID:
    """A fresh UUIDv7; later ones sort after earlier ones, also within one millisecond."""
    return uuid7()
