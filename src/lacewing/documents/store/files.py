from datetime import datetime
from typing import Final

import msgspec
from sqlalchemy import bindparam, delete, exists, select

from lacewing.documents.tables import documents, files
from lacewing.kernel.db import Session
from lacewing.kernel.db.expressions import any_of, insert_new
from lacewing.kernel.db.paging import Order, keyset_page
from lacewing.kernel.pagination import PageRequest, Slice


class FileRow(msgspec.Struct, frozen=True):
    """A file that documents refer to."""

    sha256: str
    size_bytes: int


_INSERT = insert_new(files)
_LOCK = select(files.c.sha256).where(files.c.sha256 == bindparam("sha256")).with_for_update()
_DELETE = delete(files).where(files.c.sha256 == bindparam("key"))
_IS_USED = select(exists().where(documents.c.sha256 == bindparam("sha256")))
_KNOWN = select(files.c.sha256).where(any_of(files.c.sha256, "keys"))
_ALL = select(files.c.sha256, files.c.size_bytes)
_IN_ORDER: Final = Order(files.c.sha256)


async def lock_file(session: Session, sha256: str, size_bytes: int, now: datetime) -> bool:
    """Hold the file's row until the transaction ends; whether it is new.

    Whoever holds it is the only one who adds the file to the storage, or removes it.
    """
    row = {"sha256": sha256, "size_bytes": size_bytes, "created_at": now}
    is_new = await session.execute(_INSERT, row) == 1
    if not is_new:
        await session.scalar(_LOCK, {"sha256": sha256})
    return is_new


async def is_used(session: Session, sha256: str) -> bool:
    """Whether any document refers to the file."""
    return bool(await session.scalar(_IS_USED, {"sha256": sha256}))


async def delete_file(session: Session, sha256: str) -> None:
    await session.execute(_DELETE, {"key": sha256})


async def known_keys(session: Session, keys: list[str]) -> set[str]:
    """Those of ``keys`` that stand here."""
    return set(await session.all(str, _KNOWN, {"keys": keys}))


async def list_files(session: Session, page: PageRequest) -> Slice[FileRow]:
    """A page of all, in the order of their keys."""
    return await keyset_page(session, FileRow, _ALL, _IN_ORDER, page, {})
