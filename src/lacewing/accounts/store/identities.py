from datetime import datetime
from typing import Final
from uuid import UUID

import msgspec
from sqlalchemy import bindparam, delete, func, insert, select, update

from lacewing.accounts.schemas import IdentityView
from lacewing.accounts.tables import identities, used_login_states
from lacewing.kernel.db import Session
from lacewing.kernel.db.expressions import insert_new
from lacewing.kernel.db.paging import Order, keyset_page
from lacewing.kernel.db.types import Timestamp
from lacewing.kernel.pagination import PageRequest, Slice


class LinkedIdentity(msgspec.Struct, frozen=True):
    id: UUID
    user_id: UUID


_OF_USER: Final = identities.c.user_id == bindparam("of_user")
_INSERT = insert(identities)
_BY_SUBJECT = select(identities.c.id, identities.c.user_id).where(
    identities.c.issuer == bindparam("of_issuer"), identities.c.subject == bindparam("who")
)
_ALL = select(
    identities.c.id, identities.c.provider, identities.c.created_at, identities.c.last_used_at
).where(_OF_USER)
_OF_ISSUER = select(identities.c.id).where(_OF_USER, identities.c.issuer == bindparam("of_issuer"))
_COUNT = select(func.count()).select_from(identities).where(_OF_USER)
_TOUCH = update(identities).where(identities.c.id == bindparam("identity_id"))
_DELETE = delete(identities).where(_OF_USER, identities.c.id == bindparam("identity_id"))
_NEWEST_FIRST: Final = Order(identities.c.created_at, identities.c.id, descending=True)
_USE_STATE = insert_new(used_login_states)
_DELETE_STATES = delete(used_login_states).where(
    used_login_states.c.expires_at < bindparam("before", type_=Timestamp)
)


async def find_identity(session: Session, issuer: str, subject: str) -> LinkedIdentity | None:
    values = {"of_issuer": issuer, "who": subject}
    return await session.one(LinkedIdentity, _BY_SUBJECT, values)


async def insert_identity(
    session: Session,
    *,
    identity_id: UUID,
    user_id: UUID,
    provider: str,
    issuer: str,
    subject: str,
    now: datetime,
) -> None:
    """Link an identity to a user.

    Raises:
        UniqueViolation: it is linked already.
    """
    row = {
        "id": identity_id,
        "user_id": user_id,
        "provider": provider,
        "issuer": issuer,
        "subject": subject,
        "created_at": now,
        "last_used_at": now,
    }
    await session.execute(_INSERT, row)


async def touch_identity(session: Session, identity_id: UUID, now: datetime) -> bool:
    """Note its use; ``False`` when it was unlinked meanwhile."""
    values = {"identity_id": identity_id, "last_used_at": now}
    return await session.execute(_TOUCH, values) == 1


async def has_identity_of(session: Session, user_id: UUID, issuer: str) -> bool:
    values = {"of_user": user_id, "of_issuer": issuer}
    return await session.scalar(_OF_ISSUER, values) is not None


async def count_identities(session: Session, user_id: UUID) -> int:
    count: int = await session.scalar(_COUNT, {"of_user": user_id})
    return count


async def list_identities(
    session: Session, user_id: UUID, page: PageRequest
) -> Slice[IdentityView]:
    """One page of the user's linked identities, newest first."""
    values = {"of_user": user_id}
    return await keyset_page(session, IdentityView, _ALL, _NEWEST_FIRST, page, values)


async def delete_identity(session: Session, user_id: UUID, identity_id: UUID) -> bool:
    """Whether there was such an identity to unlink."""
    values = {"of_user": user_id, "identity_id": identity_id}
    return await session.execute(_DELETE, values) == 1


async def use_state(session: Session, state_hash: str, expires_at: datetime) -> bool:
    """Use a login's state up; ``False`` when it was used before, were it at this very moment."""
    values = {"state_hash": state_hash, "expires_at": expires_at}
    return await session.execute(_USE_STATE, values) == 1


async def delete_states_expired_before(session: Session, before: datetime) -> int:
    return await session.execute(_DELETE_STATES, {"before": before})
