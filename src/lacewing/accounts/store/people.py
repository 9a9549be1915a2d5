"""People as other domains show them: a small object beside what they did (NAME-4)."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

import msgspec
from sqlalchemy import ColumnElement, FromClause, bindparam, select

from lacewing.accounts.rules import USERNAME_LENGTH_MAX, folded
from lacewing.accounts.store import users as users_store
from lacewing.accounts.tables import users
from lacewing.kernel.actor import Role
from lacewing.kernel.db import Session
from lacewing.kernel.db.expressions import any_of
from lacewing.kernel.ids import new_id


class Person(msgspec.Struct, frozen=True):
    """Somebody, as far as colleagues need to tell them apart."""

    id: UUID
    username: str
    full_name: str | None


_BY_NAME = select(users.c.id).where(users.c.username_key == bindparam("name"))
_ACTIVE_BY_ID = select(users.c.id, users.c.username, users.c.full_name).where(
    users.c.id == bindparam("user_id"), users.c.is_active
)
_ACTIVE_BY_NAME = select(users.c.id, users.c.username, users.c.full_name).where(
    users.c.username_key == bindparam("name"), users.c.is_active
)
_ACTIVE_BY_NAMES = (
    select(users.c.id)
    .where(any_of(users.c.username_key, "names"), users.c.is_active)
    .order_by(users.c.id)
)
_ACTIVE_IDS = select(users.c.id).where(users.c.is_active).order_by(users.c.id)
_ACTIVE_AMONG = select(users.c.id).where(any_of(users.c.id, "user_ids"), users.c.is_active)
_LOCKED = (
    select(users.c.id).where(users.c.id == bindparam("user_id")).with_for_update(key_share=True)
)
_BY_IDS = select(users.c.id, users.c.username, users.c.full_name).where(
    any_of(users.c.id, "user_ids")
)

_FIRST_ADMIN = (
    select(users.c.id)
    .where(users.c.role == Role.ADMIN.value, users.c.is_active)
    .order_by(users.c.created_at, users.c.id)
    .limit(1)
)


def users_as(name: str) -> FromClause:
    """The users' table under another name, to be joined."""
    return users.alias(name)


def person_columns(table: FromClause) -> tuple[ColumnElement[Any], ...]:
    """What ``person_of`` wants, in its order."""
    return table.c.id, table.c.username, table.c.full_name


def person_of(user_id: UUID | None, username: str | None, full_name: str | None) -> Person | None:
    """The person of three joined columns; ``None`` when there was nobody to join."""
    if user_id is None or username is None:
        return None
    return Person(user_id, username, full_name)


async def find_active_person(session: Session, who: str) -> Person | None:
    """The active user with this id or username."""
    if (user_id := _as_id(who)) is not None:
        return await session.one(Person, _ACTIVE_BY_ID, {"user_id": user_id})
    return await session.one(Person, _ACTIVE_BY_NAME, {"name": folded(who)})


async def find_active_ids(session: Session, names: Sequence[str]) -> list[UUID]:
    """The ids of the active users with these usernames; of the others none."""
    return await session.all(
        lambda user_id: user_id, _ACTIVE_BY_NAMES, {"names": [folded(name) for name in names]}
    )


async def list_active_ids(session: Session) -> list[UUID]:
    """The ids of all active users."""
    return await session.all(lambda user_id: user_id, _ACTIVE_IDS)


async def find_active_among(session: Session, user_ids: Sequence[UUID]) -> frozenset[UUID]:
    """Those of these users who are active."""
    found = await session.all(lambda user_id: user_id, _ACTIVE_AMONG, {"user_ids": user_ids})
    return frozenset(found)


async def find_people(session: Session, user_ids: Sequence[UUID]) -> dict[UUID, Person]:
    """These people by their ids, as far as they are there."""
    found = await session.all(Person, _BY_IDS, {"user_ids": user_ids})
    return {person.id: person for person in found}


async def lock_person(session: Session, user_id: UUID) -> None:
    """Let one change at a time be made to what is theirs alone."""
    await session.scalar(_LOCKED, {"user_id": user_id})


async def find_person_id(session: Session, who: str) -> UUID | None:
    """The id of the user with this username; an id stands for itself."""
    if (user_id := _as_id(who)) is not None:
        return user_id
    found: UUID | None = await session.scalar(_BY_NAME, {"name": folded(who)})
    return found


def _as_id(who: str) -> UUID | None:
    """Usernames never look like ids, so the two can't be confused."""
    try:
        return UUID(who)
    except ValueError:
        return None


async def find_first_admin(session: Session) -> UUID | None:
    """The active administrator who has been here for the longest."""
    found: UUID | None = await session.scalar(_FIRST_ADMIN)
    return found


async def import_person(session: Session, username: str, now: datetime) -> tuple[UUID, bool]:
    """The id of the user with this name, and whether they are new.

    A new one is not active, and cannot log in until an administrator lets them.

    Names of other systems are kept as they are there, brackets and all.
    """
    name = username[:USERNAME_LENGTH_MAX]
    found: UUID | None = await session.scalar(_BY_NAME, {"name": folded(name)})
    if found is not None:
        return found, False
    user_id = new_id()
    await users_store.insert_user(
        session,
        user_id=user_id,
        username=name,
        email=f"{user_id}@imported.invalid",
        full_name=None,
        password_hash=None,
        role=Role.DEVELOPER,
        is_active=False,
        now=now,
    )
    return user_id, True
