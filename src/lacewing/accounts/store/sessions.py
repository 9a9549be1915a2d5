from collections.abc import Mapping
from datetime import datetime
from typing import Final
from uuid import UUID

import msgspec
from sqlalchemy import bindparam, delete, insert, select, update

from lacewing.accounts.rules import device_name
from lacewing.accounts.schemas import SessionView
from lacewing.accounts.tables import refresh_tokens, sessions, users
from lacewing.kernel.actor import Actor, Role
from lacewing.kernel.db import Session
from lacewing.kernel.db.paging import Order, keyset_page
from lacewing.kernel.db.types import Timestamp
from lacewing.kernel.pagination import PageRequest, Slice


class SessionState(msgspec.Struct, frozen=True):
    """What a refresh looks at, with the session's row locked."""

    user_id: UUID
    ended_at: datetime | None
    is_active: bool


class RefreshTokenState(msgspec.Struct, frozen=True):
    generation: int
    issued_at: datetime
    consumed_at: datetime | None


_BY_ID: Final = sessions.c.id == bindparam("session_id")

_INSERT = insert(sessions)
_INSERT_TOKEN = insert(refresh_tokens)
_ACTOR = (
    select(users.c.id, users.c.username, users.c.role, users.c.full_name, sessions.c.id)
    .join_from(sessions, users, users.c.id == sessions.c.user_id)
    .where(_BY_ID, sessions.c.ended_at.is_(None), users.c.is_active)
)
_LOCK = (
    select(sessions.c.user_id, sessions.c.ended_at, users.c.is_active)
    .join_from(sessions, users, users.c.id == sessions.c.user_id)
    .where(_BY_ID)
    .with_for_update(of=sessions)
)
_CONSUME = (
    update(refresh_tokens)
    .where(
        # SQLAlchemy keeps columns' own names for what is set.
        refresh_tokens.c.session_id == bindparam("of_session"),
        refresh_tokens.c.token_hash == bindparam("used_hash"),
        refresh_tokens.c.consumed_at.is_(None),
    )
    .values(consumed_at=bindparam("at", type_=Timestamp))
)
_TOKEN = select(
    refresh_tokens.c.generation, refresh_tokens.c.issued_at, refresh_tokens.c.consumed_at
).where(refresh_tokens.c.session_id == bindparam("session_id"))
_TOKEN_BY_HASH = _TOKEN.where(refresh_tokens.c.token_hash == bindparam("used_hash"))
_TOKEN_BY_GENERATION = _TOKEN.where(refresh_tokens.c.generation == bindparam("generation"))
_TOUCH = update(sessions).where(_BY_ID)
_NOTE_USE = (
    update(sessions)
    .where(_BY_ID, sessions.c.last_used_at < bindparam("at", type_=Timestamp))
    .values(last_used_at=bindparam("at", type_=Timestamp))
)
_LIVE = select(
    sessions.c.id,
    sessions.c.user_agent,
    sessions.c.ip,
    sessions.c.created_at,
    sessions.c.last_used_at,
    sessions.c.expires_at,
).where(
    sessions.c.user_id == bindparam("user_id"),
    sessions.c.ended_at.is_(None),
    sessions.c.expires_at > bindparam("now", type_=Timestamp),
)
_NEWEST_FIRST: Final = Order(sessions.c.created_at, sessions.c.id, descending=True)
_LIVE_OF_USER = (
    select(sessions.c.id)
    .where(sessions.c.user_id == bindparam("user_id"), sessions.c.ended_at.is_(None))
    .order_by(sessions.c.id)
    .with_for_update()
)
_END = (
    update(sessions)
    .where(_BY_ID, sessions.c.ended_at.is_(None))
    .values(ended_at=bindparam("at", type_=Timestamp), end_reason=bindparam("reason"))
)
_DELETE_EXPIRED = delete(sessions).where(
    sessions.c.expires_at < bindparam("before", type_=Timestamp)
)


async def insert_session(
    session: Session,
    *,
    session_id: UUID,
    user_id: UUID,
    now: datetime,
    expires_at: datetime,
    ip: str | None,
    user_agent: str | None,
) -> None:
    row = {
        "id": session_id,
        "user_id": user_id,
        "created_at": now,
        "last_used_at": now,
        "expires_at": expires_at,
        "ip": ip,
        "user_agent": user_agent,
    }
    await session.execute(_INSERT, row)


async def insert_refresh_token(
    session: Session,
    session_id: UUID,
    generation: int,
    token_hash: str,
    issued_at: datetime,
    expires_at: datetime,
) -> None:
    row = {
        "session_id": session_id,
        "generation": generation,
        "token_hash": token_hash,
        "issued_at": issued_at,
        "expires_at": expires_at,
    }
    await session.execute(_INSERT_TOKEN, row)


async def find_actor(session: Session, session_id: UUID) -> Actor | None:
    """The user of a live session, with the role of this very moment (AUTH-17)."""
    return await session.one(_actor, _ACTOR, {"session_id": session_id})


def _actor(
    user_id: UUID, username: str, role: str, full_name: str | None, session_id: UUID
) -> Actor:
    return Actor(user_id, username, Role(role), full_name, session_id)


async def lock_session(session: Session, session_id: UUID) -> SessionState | None:
    return await session.one(SessionState, _LOCK, {"session_id": session_id})


async def consume_refresh_token(
    session: Session, session_id: UUID, token_hash: str, now: datetime
) -> bool:
    """Use the token up; ``False`` when it was used before or never given."""
    values = {"of_session": session_id, "used_hash": token_hash, "at": now}
    return await session.execute(_CONSUME, values) == 1


async def find_refresh_token(
    session: Session, session_id: UUID, token_hash: str
) -> RefreshTokenState | None:
    values = {"session_id": session_id, "used_hash": token_hash}
    return await session.one(RefreshTokenState, _TOKEN_BY_HASH, values)


async def find_refresh_token_of(
    session: Session, session_id: UUID, generation: int
) -> RefreshTokenState | None:
    values = {"session_id": session_id, "generation": generation}
    return await session.one(RefreshTokenState, _TOKEN_BY_GENERATION, values)


async def touch_session(
    session: Session,
    session_id: UUID,
    *,
    now: datetime,
    expires_at: datetime,
    ip: str | None,
    user_agent: str | None,
) -> None:
    values = {
        "session_id": session_id,
        "last_used_at": now,
        "expires_at": expires_at,
        "ip": ip,
        "user_agent": user_agent,
    }
    await session.execute(_TOUCH, values)


async def note_uses(session: Session, uses: Mapping[UUID, datetime]) -> None:
    """Write down when each of these sessions was last used; never an earlier moment."""
    rows = [{"session_id": each, "at": at} for each, at in sorted(uses.items())]
    await session.execute_many(_NOTE_USE, rows)


async def list_live_sessions(
    session: Session, user_id: UUID, current: UUID | None, now: datetime, page: PageRequest
) -> Slice[SessionView]:
    """One page of the user's sessions that are good at ``now``, newest first."""

    def view(
        session_id: UUID,
        user_agent: str | None,
        ip: str | None,
        created_at: datetime,
        last_used_at: datetime,
        expires_at: datetime,
    ) -> SessionView:
        return SessionView(
            session_id,
            device_name(user_agent),
            user_agent,
            ip,
            created_at,
            last_used_at,
            expires_at,
            is_current=session_id == current,
        )

    values = {"user_id": user_id, "now": now}
    return await keyset_page(session, view, _LIVE, _NEWEST_FIRST, page, values)


async def lock_live_sessions(session: Session, user_id: UUID) -> list[UUID]:
    return await session.all(lambda session_id: session_id, _LIVE_OF_USER, {"user_id": user_id})


async def end_session(session: Session, session_id: UUID, now: datetime, reason: str) -> None:
    await session.execute(_END, {"session_id": session_id, "at": now, "reason": reason})


async def delete_sessions_expired_before(session: Session, before: datetime) -> int:
    return await session.execute(_DELETE_EXPIRED, {"before": before})
