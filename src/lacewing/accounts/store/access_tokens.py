from collections.abc import Mapping
from datetime import datetime
from typing import Any, Final
from uuid import UUID

from sqlalchemy import bindparam, func, insert, or_, select, update

from lacewing.accounts.schemas import PersonalAccessTokenView
from lacewing.accounts.tables import personal_access_tokens as tokens, users
from lacewing.kernel.actor import Actor, Role, Scope
from lacewing.kernel.db import Session
from lacewing.kernel.db.paging import Order, keyset_page
from lacewing.kernel.db.types import Timestamp
from lacewing.kernel.pagination import PageRequest, Slice

_NOW: Final = bindparam("now", type_=Timestamp)
_IS_GOOD: Final = tokens.c.revoked_at.is_(None) & (tokens.c.expires_at > _NOW)
_OF_USER: Final = tokens.c.user_id == bindparam("of_user")

_INSERT = insert(tokens)
_ACTOR = (
    select(
        users.c.id,
        users.c.username,
        users.c.role,
        users.c.full_name,
        tokens.c.id,
        tokens.c.scopes,
        tokens.c.project_ids,
    )
    .join_from(tokens, users, users.c.id == tokens.c.user_id)
    .where(tokens.c.token_hash == bindparam("hash"), _IS_GOOD, users.c.is_active)
)
_GOOD = select(
    tokens.c.id,
    tokens.c.name,
    tokens.c.hint,
    tokens.c.scopes,
    tokens.c.project_ids,
    tokens.c.created_at,
    tokens.c.expires_at,
    tokens.c.last_used_at,
).where(_OF_USER, _IS_GOOD)
_ONE_GOOD = _GOOD.where(tokens.c.id == bindparam("token_id"))
_COUNT_GOOD = select(func.count()).select_from(tokens).where(_OF_USER, _IS_GOOD)
_REVOKE = (
    update(tokens)
    .where(_OF_USER, _IS_GOOD, tokens.c.id == bindparam("token_id"))
    .values(revoked_at=_NOW)
)
_REVOKE_ALL = update(tokens).where(_OF_USER, _IS_GOOD).values(revoked_at=_NOW)
_NOTE_USE = (
    update(tokens)
    .where(
        tokens.c.id == bindparam("token_id"),
        or_(
            tokens.c.last_used_at.is_(None),
            tokens.c.last_used_at < bindparam("at", type_=Timestamp),
        ),
    )
    .values(last_used_at=bindparam("at", type_=Timestamp))
)
_NEWEST_FIRST: Final = Order(tokens.c.created_at, tokens.c.id, descending=True)


def _actor(
    user_id: UUID,
    username: str,
    role: str,
    full_name: str | None,
    token_id: UUID,
    scopes: list[str],
    project_ids: list[str] | None,
) -> Actor:
    return Actor(
        user_id,
        username,
        Role(role),
        full_name,
        token_id=token_id,
        scopes=frozenset(map(Scope, scopes)),
        project_ids=None if project_ids is None else frozenset(map(UUID, project_ids)),
    )


def _view(
    token_id: UUID,
    name: str,
    hint: str,
    scopes: list[str],
    project_ids: list[str] | None,
    created_at: datetime,
    expires_at: datetime,
    last_used_at: datetime | None,
) -> PersonalAccessTokenView:
    return PersonalAccessTokenView(
        token_id,
        name,
        hint,
        [Scope(each) for each in scopes],
        None if project_ids is None else [UUID(each) for each in project_ids],
        created_at,
        expires_at,
        last_used_at,
    )


async def insert_token(session: Session, row: Mapping[str, Any]) -> None:
    await session.execute(_INSERT, row)


async def find_actor(session: Session, token_hash: str, now: datetime) -> Actor | None:
    """The owner of a good token, with the role of this very moment."""
    return await session.one(_actor, _ACTOR, {"hash": token_hash, "now": now})


async def find_token(
    session: Session, user_id: UUID, token_id: UUID, now: datetime
) -> PersonalAccessTokenView | None:
    values = {"of_user": user_id, "token_id": token_id, "now": now}
    return await session.one(_view, _ONE_GOOD, values)


async def count_tokens(session: Session, user_id: UUID, now: datetime) -> int:
    count: int = await session.scalar(_COUNT_GOOD, {"of_user": user_id, "now": now})
    return count


async def list_tokens(
    session: Session, user_id: UUID, now: datetime, page: PageRequest
) -> Slice[PersonalAccessTokenView]:
    """One page of the user's tokens that are good at ``now``, newest first."""
    values = {"of_user": user_id, "now": now}
    return await keyset_page(session, _view, _GOOD, _NEWEST_FIRST, page, values)


async def revoke_token(session: Session, user_id: UUID, token_id: UUID, now: datetime) -> bool:
    """Whether there was such a token to revoke."""
    values = {"of_user": user_id, "token_id": token_id, "now": now}
    return await session.execute(_REVOKE, values) == 1


async def revoke_tokens_of(session: Session, user_id: UUID, now: datetime) -> None:
    await session.execute(_REVOKE_ALL, {"of_user": user_id, "now": now})


async def note_uses(session: Session, uses: Mapping[UUID, datetime]) -> None:
    """Write down when each of these tokens was last used; never an earlier moment."""
    rows = [{"token_id": each, "at": at} for each, at in sorted(uses.items())]
    await session.execute_many(_NOTE_USE, rows)
