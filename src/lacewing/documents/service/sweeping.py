"""Keeping files and records together: what nobody refers to goes, what is missing is told."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, Final

import structlog

from lacewing.documents.files import Storage, StoredFile
from lacewing.documents.store import files as store
from lacewing.kernel.db import Database
from lacewing.kernel.jobs import Lease
from lacewing.kernel.pagination import PageRequest
from lacewing.kernel.work import Work

STRAY_AFTER: Final = timedelta(hours=1)
"""An upload that puts its file now and writes its record soon is none."""
DRAFT_AFTER: Final = timedelta(days=1)
"""A draft that nobody has written to for so long is what a crash left."""
LOOKED_AT_ONCE: Final = 1_000

OpenWork = Callable[[], AbstractAsyncContextManager[Work]]
"""Opens a transaction, which is committed when its block ends well."""

_log = structlog.get_logger(__name__)


async def remove_file(storage: Storage, open_work: OpenWork, sha256: str) -> bool:
    """Remove a file that no document refers to; whether it was removed.

    Whoever uploads the same bytes at this moment waits, and stores them anew. No transaction is
    open while the storage is asked.
    """
    async with open_work() as work:
        if not await store.begin_removal(work.session, sha256, work.now):
            return False
    await storage.delete(sha256)
    async with open_work() as work:
        await store.end_removal(work.session, sha256)
    return True


async def sweep(storage: Storage, lease: Lease) -> int:
    """Remove what nobody refers to: files with and without a row, and old drafts; how many."""
    now = lease.clock()
    removed = await asyncio.to_thread(remove_old_drafts, storage.drafts_dir, now - DRAFT_AFTER)
    for key in await store.list_unused(lease.database.session(), now, LOOKED_AT_ONCE):
        removed += await remove_file(storage, lease.work, key)
    before = now - STRAY_AFTER
    async for stored in _in_batches(storage):
        old = [each.key for each in stored if each.modified_at < before]
        known = await store.known_keys(lease.database.session(), old)
        for key in old:
            if key not in known:
                removed += await remove_file(storage, lease.work, key)
    if removed:
        _log.info("strays_removed", count=removed)
    return removed


def remove_old_drafts(folder: Path, before: datetime) -> int:
    """Remove what crashes have left in ``folder``; how many. Blocks."""
    removed = 0
    for draft in folder.iterdir() if folder.exists() else ():
        try:
            if draft.stat().st_mtime < before.timestamp():
                draft.unlink()
                removed += 1
        except FileNotFoundError:
            continue
    return removed


async def _in_batches(storage: Storage) -> AsyncIterator[list[StoredFile]]:
    batch: list[StoredFile] = []
    async for stored in storage.list():
        batch.append(stored)
        if len(batch) == LOOKED_AT_ONCE:
            yield batch
            batch = []
    if batch:
        yield batch


async def files_in_order(database: Database) -> AsyncIterator[store.FileRow]:
    """Every file that documents refer to, page by page, in the order of their keys."""
    after: list[Any] | None = None
    while True:
        page = PageRequest(LOOKED_AT_ONCE, after)
        found = await store.list_files(database.session(), page)
        for file in found.items:
            yield file
        if found.last_key is None:
            return
        after = found.last_key


async def find_missing(database: Database, storage: Storage) -> list[str]:
    """The keys of files that documents refer to and are not in the storage, or are cut off."""
    sizes = {stored.key: stored.size_bytes async for stored in storage.list()}
    return [
        file.sha256
        async for file in files_in_order(database)
        if sizes.get(file.sha256) != file.size_bytes and await _is_missing(database, storage, file)
    ]


async def _is_missing(database: Database, storage: Storage, file: store.FileRow) -> bool:
    """Asked in this order: a file is stored before the document's record, and after its own."""
    is_used = await store.is_used(database.session(), file.sha256)
    return is_used and await storage.size(file.sha256) != file.size_bytes
