"""How domains describe their things to those who only know events about them."""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from uuid import UUID

import msgspec

from lacewing.kernel.db import Session


class Subject(msgspec.Struct, frozen=True):
    """A thing, as far as a line about it needs."""

    title: str
    link: str
    """Its path in the API."""
    owner_id: UUID | None = None
    """Whose alone it is; ``None``: everybody's who is signed in."""


Describe = Callable[[Session, Sequence[UUID]], Awaitable[Mapping[UUID, Subject]]]
"""What stands behind these ids now; those that are gone are left out."""
