from datetime import datetime
from uuid import UUID

from sqlalchemy import bindparam, delete, exists, func, insert, select, update

from lacewing.kernel.backup.tables import backups
from lacewing.kernel.db import Session
from lacewing.kernel.db.types import Timestamp

_INSERT = insert(backups)
_UPDATE = update(backups).where(backups.c.id == bindparam("key"))
_DELETE = delete(backups).where(backups.c.id == bindparam("key"))
_IS_HOLDING = select(
    exists().where(backups.c.holds_files_until > bindparam("now", type_=Timestamp()))
)
_LAST = select(func.max(backups.c.finished_at))


async def begin_backup(
    session: Session, backup_id: UUID, now: datetime, until: datetime, *, is_sealed: bool
) -> None:
    """From the commit on, until ``until``, no file is removed from the storage."""
    row = {
        "id": backup_id, "started_at": now, "holds_files_until": until, "is_sealed": is_sealed,
    }  # fmt: skip
    await session.execute(_INSERT, row)


async def hold_files(session: Session, backup_id: UUID, until: datetime) -> None:
    await session.execute(_UPDATE, {"key": backup_id, "holds_files_until": until})


async def finish_backup(session: Session, backup_id: UUID, now: datetime, size_bytes: int) -> None:
    row = {"holds_files_until": now, "finished_at": now, "size_bytes": size_bytes}
    await session.execute(_UPDATE, {"key": backup_id, **row})


async def forget_backup(session: Session, backup_id: UUID) -> None:
    await session.execute(_DELETE, {"key": backup_id})


async def is_holding_files(session: Session, now: datetime) -> bool:
    """Whether a backup is under way that may still want files that nobody refers to any more."""
    return bool(await session.scalar(_IS_HOLDING, {"now": now}))


async def find_last_end(session: Session) -> datetime | None:
    """When the last backup ended that did."""
    found: datetime | None = await session.scalar(_LAST)
    return found
