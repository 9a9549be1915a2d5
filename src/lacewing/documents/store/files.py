from datetime import datetime
from typing import Final

import msgspec
from sqlalchemy import bindparam, delete, exists, select, update

from lacewing.documents.tables import documents, files
from lacewing.kernel.backup.store import is_holding_files
from lacewing.kernel.db import Session
from lacewing.kernel.db.expressions import any_of, insert_new
from lacewing.kernel.db.offline import Connection
from lacewing.kernel.db.paging import Order, keyset_page
from lacewing.kernel.db.types import Timestamp
from lacewing.kernel.pagination import PageRequest, Slice


class FileRow(msgspec.Struct, frozen=True):
    """A file that documents refer to."""

    sha256: str
    size_bytes: int


_INSERT = insert_new(files)
_LOCK = (
    select(files.c.is_leaving, files.c.claimed_until)
    .where(files.c.sha256 == bindparam("sha256"))
    .with_for_update()
)
_UPDATE = update(files).where(files.c.sha256 == bindparam("key"))
_DELETE_LEAVING = delete(files).where(files.c.sha256 == bindparam("key"), files.c.is_leaving)
_IS_USED = select(exists().where(documents.c.sha256 == bindparam("sha256")))
_KNOWN = select(files.c.sha256).where(any_of(files.c.sha256, "keys"))
_ALL = select(files.c.sha256, files.c.size_bytes).where(~files.c.is_leaving)
_UNUSED = (
    select(files.c.sha256)
    .where(
        ~exists().where(documents.c.sha256 == files.c.sha256),
        files.c.claimed_until < bindparam("now", type_=Timestamp()),
    )
    .limit(bindparam("at_most"))
)
_UNREFERENCED = select(files.c.sha256).where(~exists().where(documents.c.sha256 == files.c.sha256))
_IN_ORDER: Final = Order(files.c.sha256)


class _State(msgspec.Struct, frozen=True):
    is_leaving: bool
    claimed_until: datetime


async def claim_file(
    session: Session, sha256: str, size_bytes: int, now: datetime, until: datetime
) -> bool:
    """Keep the file from being removed before ``until``; ``False`` while it is being removed."""
    state = await _lock(session, sha256, size_bytes, now, until, is_leaving=False)
    if state.is_leaving:
        return False
    await session.execute(_UPDATE, {"key": sha256, "claimed_until": until})
    return True


async def settle_claim(session: Session, sha256: str, now: datetime) -> bool:
    """End the claim: a record of this transaction keeps the file from now on.

    ``False`` when it was removed after all: another upload of the same bytes has settled its own
    claim meanwhile, and its record was removed.
    """
    state = await session.one(_State, _LOCK, {"sha256": sha256})
    if state is None or state.is_leaving:
        return False
    await session.execute(_UPDATE, {"key": sha256, "claimed_until": now})
    return True


async def begin_removal(session: Session, sha256: str, now: datetime) -> bool:
    """Whether the file may be removed now: no document refers to it, nobody has claimed it.

    Nor while a backup is under way; the sweep removes it later. From here on until ``end_removal``
    nobody can claim it.
    """
    state = await _lock(session, sha256, 0, now, now, is_leaving=True)
    if not state.is_leaving:
        if state.claimed_until > now or await is_used(session, sha256):
            return False
        # Asked last: a backup that begins later sees that no document refers to the file.
        if await is_holding_files(session, now):
            return False
        await session.execute(_UPDATE, {"key": sha256, "is_leaving": True})
    return True


async def end_removal(session: Session, sha256: str) -> None:
    """The file is gone: whoever has the same bytes may store them anew."""
    await session.execute(_DELETE_LEAVING, {"key": sha256})


async def _lock(
    session: Session,
    sha256: str,
    size_bytes: int,
    now: datetime,
    until: datetime,
    *,
    is_leaving: bool,
) -> _State:
    """Hold the file's row, which is made where there is none; how it stands."""
    row = {
        "sha256": sha256,
        "size_bytes": size_bytes,
        "created_at": now,
        "claimed_until": until,
        "is_leaving": is_leaving,
    }
    while True:
        if await session.execute(_INSERT, row) == 1:
            return _State(is_leaving, until)
        found = await session.one(_State, _LOCK, {"sha256": sha256})
        if found is not None:  # else it was removed between the two
            return found


async def list_unused(session: Session, now: datetime, at_most: int) -> list[str]:
    """Files that no document refers to and nobody has claimed."""
    return await session.all(str, _UNUSED, {"now": now, "at_most": at_most})


async def is_used(session: Session, sha256: str) -> bool:
    """Whether any document refers to the file."""
    return bool(await session.scalar(_IS_USED, {"sha256": sha256}))


def find_unreferenced(connection: Connection) -> set[str]:
    """Files that no document refers to, in the state that ``connection`` sees.

    Their bytes may be there or not: an upload is at them, or they are being removed.
    """
    return set(connection.scalars(_UNREFERENCED))


async def known_keys(session: Session, keys: list[str]) -> set[str]:
    """Those of ``keys`` that stand here."""
    return set(await session.all(str, _KNOWN, {"keys": keys}))


async def list_files(session: Session, page: PageRequest) -> Slice[FileRow]:
    """A page of all, in the order of their keys."""
    return await keyset_page(session, FileRow, _ALL, _IN_ORDER, page, {})
