from uuid import UUID

from lacewing.kernel.events import Event


class UserRegistered(Event, frozen=True, tag="user.registered"):
    """Somebody has an account."""

    user_id: UUID


class UserChanged(Event, frozen=True, tag="user.changed"):
    """Some fields of a user have new values."""

    user_id: UUID
    fields: list[str]


class SessionStarted(Event, frozen=True, tag="session.started"):
    """Somebody has logged in."""

    user_id: UUID
    session_id: UUID


class SessionsEnded(Event, frozen=True, tag="session.ended"):
    """Sessions were ended, by their user or by an administrator."""

    user_id: UUID
    session_ids: list[UUID]
    reason: str
