from datetime import datetime
from uuid import UUID

import msgspec
from sqlalchemy import bindparam, delete, insert, select, update

from lacewing.accounts.tables import known_devices as devices
from lacewing.kernel.db import Session
from lacewing.kernel.db.types import Timestamp


class Device(msgspec.Struct, frozen=True):
    """A device that somebody has logged in from before."""

    id: UUID
    recent_failures: list[float]


_BY_ID = devices.c.id == bindparam("device_id")
_INSERT = insert(devices)
_KNOWN = select(devices.c.id, devices.c.recent_failures).where(
    devices.c.user_id == bindparam("of_user"),
    devices.c.token_hash == bindparam("hash"),
    devices.c.expires_at > bindparam("now", type_=Timestamp),
)
_UPDATE = update(devices).where(_BY_ID)
_DELETE = delete(devices).where(_BY_ID)
_DELETE_OF_USER = delete(devices).where(devices.c.user_id == bindparam("of_user"))
_NEWEST = (
    select(devices.c.id)
    .where(devices.c.user_id == bindparam("of_user"))
    .order_by(devices.c.created_at.desc(), devices.c.id.desc())
    .limit(bindparam("how_many"))
)
_DELETE_OLDEST = delete(devices).where(
    devices.c.user_id == bindparam("of_user"), devices.c.id.not_in(_NEWEST)
)
_DELETE_EXPIRED = delete(devices).where(devices.c.expires_at < bindparam("before", type_=Timestamp))


async def insert_device(
    session: Session,
    *,
    device_id: UUID,
    user_id: UUID,
    token_hash: str,
    now: datetime,
    expires_at: datetime,
) -> None:
    row = {
        "id": device_id,
        "user_id": user_id,
        "token_hash": token_hash,
        "created_at": now,
        "expires_at": expires_at,
        "recent_failures": [],
    }
    await session.execute(_INSERT, row)


async def find_device(
    session: Session, user_id: UUID, token_hash: str, now: datetime
) -> Device | None:
    values = {"of_user": user_id, "hash": token_hash, "now": now}
    return await session.one(Device, _KNOWN, values)


async def set_failures(session: Session, device_id: UUID, failures: list[float]) -> None:
    await session.execute(_UPDATE, {"device_id": device_id, "recent_failures": failures})


async def delete_device(session: Session, device_id: UUID) -> None:
    await session.execute(_DELETE, {"device_id": device_id})


async def delete_devices_of(session: Session, user_id: UUID) -> None:
    await session.execute(_DELETE_OF_USER, {"of_user": user_id})


async def keep_newest_devices(session: Session, user_id: UUID, how_many: int) -> None:
    """Forget all of the user's devices but the newest."""
    await session.execute(_DELETE_OLDEST, {"of_user": user_id, "how_many": how_many})


async def delete_devices_expired_before(session: Session, before: datetime) -> int:
    return await session.execute(_DELETE_EXPIRED, {"before": before})
