"""Who acts: the roles, and the identity that every use case is handed."""

from enum import StrEnum
from uuid import UUID

import msgspec


class Role(StrEnum):
    """What a user is in the whole installation."""

    DEVELOPER = "developer"
    MANAGER = "manager"
    ADMIN = "admin"


class Actor(msgspec.Struct, frozen=True):
    """A user who has proven who they are, through one session of theirs."""

    id: UUID
    username: str
    role: Role
    full_name: str | None = None
    session_id: UUID | None = None
    """The session of the token; ``None`` for the command line, which acts as somebody."""
