from datetime import datetime
from functools import cache
from typing import Any, Final
from uuid import UUID

import msgspec
from sqlalchemy import (
    ColumnElement,
    Select,
    bindparam,
    func,
    insert,
    select,
    update,
)

from lacewing.accounts.rules import folded
from lacewing.accounts.schemas import AccountView, UserSort
from lacewing.accounts.tables import EMAIL, FULL_NAME, users
from lacewing.kernel.actor import Role
from lacewing.kernel.db import Session
from lacewing.kernel.db.expressions import any_of, contains_text
from lacewing.kernel.db.locks import lock_for_transaction
from lacewing.kernel.db.paging import Order, keyset_page
from lacewing.kernel.pagination import PageRequest, Slice

REGISTRATION_LOCK: Final = 4_710_102


class Credential(msgspec.Struct, frozen=True):
    """What a login looks at."""

    user_id: UUID
    username: str
    password_hash: str | None
    role: str
    is_active: bool
    recent_failures: list[float]
    locked_until: datetime | None
    lock_count: int


class UserFilter(msgspec.Struct, frozen=True):
    search: str | None
    role: Role | None
    is_active: bool | None


_ACCOUNT_COLUMNS: Final = (
    users.c.id,
    users.c.username,
    users.c.full_name,
    users.c.role,
    users.c.is_active,
    users.c.created_at,
    users.c.email,
    users.c.last_login,
)
_CREDENTIAL_COLUMNS: Final = (
    users.c.id,
    users.c.username,
    users.c.password_hash,
    users.c.role,
    users.c.is_active,
    users.c.recent_failures,
    users.c.locked_until,
    users.c.lock_count,
)
_BY_ID: Final = users.c.id == bindparam("user_id")

_INSERT = insert(users)
_ACCOUNT = select(*_ACCOUNT_COLUMNS).where(_BY_ID)
# No key changes: rows that refer to a user (a notification, say) may come meanwhile.
_ACCOUNT_LOCKED = _ACCOUNT.with_for_update(key_share=True)
_CREDENTIAL_BY_NAME = select(*_CREDENTIAL_COLUMNS).where(
    (users.c.username_key == bindparam("name")) | any_of(users.c.email_key, "email_keys")
)
_CREDENTIAL_BY_ID = select(*_CREDENTIAL_COLUMNS).where(_BY_ID)
_CREDENTIAL_LOCKED = _CREDENTIAL_BY_ID.with_for_update(key_share=True)
_ID_BY_EMAIL = select(users.c.id).where(any_of(users.c.email_key, "email_keys"))
_EMAIL_PROVEN = select(users.c.email_proven_at).where(_BY_ID)
_USERNAME_TAKEN = select(users.c.id).where(users.c.username_key == bindparam("name"))
_ACTIVE_ADMINS_LOCKED = (
    select(users.c.id)
    .where(users.c.role == Role.ADMIN.value, users.c.is_active)
    .order_by(users.c.id)
    .with_for_update(key_share=True)
)
_UPDATE = update(users).where(_BY_ID)

_ORDERS: Final = {
    UserSort.USERNAME: Order(users.c.username_key),
    UserSort.USERNAME_DESC: Order(users.c.username_key, descending=True),
    UserSort.CREATED: Order(users.c.created_at, users.c.id),
    UserSort.CREATED_DESC: Order(users.c.created_at, users.c.id, descending=True),
}


def _account(
    user_id: UUID,
    username: str,
    full_name: str | None,
    role: str,
    is_active: bool,  # ruff: ignore[boolean-type-hint-positional-argument]  a column
    created_at: datetime,
    email: str,
    last_login: datetime | None,
) -> AccountView:
    return AccountView(
        id=user_id,
        username=username,
        full_name=full_name,
        role=Role(role),
        is_active=is_active,
        created_at=created_at,
        email=email,
        last_login=last_login,
    )


async def insert_user(
    session: Session,
    *,
    user_id: UUID,
    username: str,
    email: str,
    full_name: str | None,
    password_hash: str | None,
    role: Role,
    is_active: bool,
    now: datetime,
    email_proven_at: datetime | None = None,
) -> None:
    """Add a user.

    Raises:
        UniqueViolation: the ``username_key`` or the ``email_key`` is taken.
    """
    row = {
        "id": user_id,
        "username": username,
        "username_key": folded(username),
        "email": session.cipher.seal(EMAIL, user_id, email),
        "email_key": session.cipher.index(EMAIL, folded(email)),
        "email_proven_at": email_proven_at,
        "full_name": session.cipher.seal(FULL_NAME, user_id, full_name),
        "password_hash": password_hash,
        "role": role.value,
        "is_active": is_active,
        "created_at": now,
    }
    await session.execute(_INSERT, row)


async def find_account(session: Session, user_id: UUID) -> AccountView | None:
    return await session.one(_account, _ACCOUNT, {"user_id": user_id})


async def lock_account(session: Session, user_id: UUID) -> AccountView | None:
    """The user, who nobody else changes until the transaction ends."""
    return await session.one(_account, _ACCOUNT_LOCKED, {"user_id": user_id})


async def find_credential(session: Session, name: str) -> Credential | None:
    """The credential of the user with this username or email."""
    key = folded(name)
    values = {"name": key, "email_keys": session.cipher.indexes(EMAIL, key)}
    return await session.one(Credential, _CREDENTIAL_BY_NAME, values)


async def find_id_by_email(session: Session, email: str) -> UUID | None:
    """Whose email this is, in whatever case and by whichever key it stands."""
    keys = session.cipher.indexes(EMAIL, folded(email))
    found: UUID | None = await session.scalar(_ID_BY_EMAIL, {"email_keys": keys})
    return found


async def find_credential_by_id(session: Session, user_id: UUID) -> Credential | None:
    return await session.one(Credential, _CREDENTIAL_BY_ID, {"user_id": user_id})


async def lock_credential(session: Session, user_id: UUID) -> Credential | None:
    return await session.one(Credential, _CREDENTIAL_LOCKED, {"user_id": user_id})


async def wait_to_register(session: Session) -> None:
    """Return when nobody else is being added; nobody is until the transaction ends."""
    await lock_for_transaction(session, REGISTRATION_LOCK)


async def is_email_proven(session: Session, user_id: UUID) -> bool:
    """Whether an identity provider has vouched for the user's email as it stands."""
    return await session.scalar(_EMAIL_PROVEN, {"user_id": user_id}) is not None


async def is_username_taken(session: Session, username: str) -> bool:
    return await session.scalar(_USERNAME_TAKEN, {"name": folded(username)}) is not None


async def lock_active_admins(session: Session) -> list[UUID]:
    """All active admins, locked in one order, so that two demotions can't pass each other."""
    return await session.all(lambda user_id: user_id, _ACTIVE_ADMINS_LOCKED)


async def update_user(session: Session, user_id: UUID, **changes: Any) -> None:
    """Set these columns.

    Raises:
        UniqueViolation: the ``email_key`` is taken.
    """
    cipher = session.cipher
    if "email" in changes:
        changes["email_key"] = cipher.index(EMAIL, folded(changes["email"]))
        changes["email"] = cipher.seal(EMAIL, user_id, changes["email"])
        changes.setdefault("email_proven_at", None)
    if "full_name" in changes:
        changes["full_name"] = cipher.seal(FULL_NAME, user_id, changes["full_name"])
    await session.execute(_UPDATE, {**changes, "user_id": user_id})


@cache
def _list_statement(filters: frozenset[str]) -> Select[Any]:
    conditions: dict[str, ColumnElement[bool]] = {
        "search": contains_text(users.c.username_key, "search")
        | contains_text(func.lower(users.c.full_name), "search"),
        # What is sealed can't be searched by its parts.
        "search_username": contains_text(users.c.username_key, "search"),
        "role": users.c.role == bindparam("role"),
        "is_active": users.c.is_active == bindparam("is_active"),
    }
    return select(*_ACCOUNT_COLUMNS).where(*(conditions[name] for name in sorted(filters)))


async def list_accounts(
    session: Session, wanted: UserFilter, sort: UserSort, page: PageRequest
) -> Slice[AccountView]:
    values: dict[str, Any] = {}
    if wanted.search is not None:
        values["search"] = folded(wanted.search)
    if wanted.role is not None:
        values["role"] = wanted.role.value
    if wanted.is_active is not None:
        values["is_active"] = wanted.is_active
    filters = set(values)
    if session.cipher.is_on and "search" in filters:
        filters = (filters - {"search"}) | {"search_username"}
    statement = _list_statement(frozenset(filters))
    return await keyset_page(session, _account, statement, _ORDERS[sort], page, values)
