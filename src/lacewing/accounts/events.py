from uuid import UUID

from lacewing.kernel.events import Event


class UserRegistered(Event, frozen=True, tag="user.registered"):
    user_id: UUID


class UserChanged(Event, frozen=True, tag="user.changed"):
    user_id: UUID
    fields: list[str]


class SessionStarted(Event, frozen=True, tag="session.started"):
    user_id: UUID
    session_id: UUID


class SessionsEnded(Event, frozen=True, tag="session.ended"):
    user_id: UUID
    session_ids: list[UUID]
    reason: str
