"""Who acts: the roles, and the identity that every use case is handed."""

from enum import StrEnum
from uuid import UUID

import msgspec


class Role(StrEnum):
    """What a user is in the whole installation."""

    DEVELOPER = "developer"
    MANAGER = "manager"
    ADMIN = "admin"


class Scope(StrEnum):
    """What a personal access token may do of what its owner may."""

    READ = "read"
    WRITE = "write"


class Actor(msgspec.Struct, frozen=True):
    """A user who has proven who they are, by a session of theirs or a token that they made."""

    id: UUID
    username: str
    role: Role
    full_name: str | None = None
    session_id: UUID | None = None
    """``None`` for a personal access token, and for the command line, which acts as somebody."""
    token_id: UUID | None = None
    """The personal access token that was shown, if one was."""
    scopes: frozenset[Scope] | None = None
    """What the personal access token is for; ``None`` for everything that the role may."""
    project_ids: frozenset[UUID] | None = None
    """The projects that the personal access token is held to; ``None`` for all."""

    def reaches(self, project_id: UUID) -> bool:
        """Whether things of that project are there for this actor at all."""
        return self.project_ids is None or project_id in self.project_ids
