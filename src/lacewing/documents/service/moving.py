"""Copying all files into another storage, while the server runs; what is there is left alone."""

import asyncio
import hashlib
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Final

import msgspec

from lacewing.documents.errors import FileMissing
from lacewing.documents.files import Storage
from lacewing.documents.service.sweeping import files_in_order
from lacewing.documents.store.files import FileRow
from lacewing.kernel.db import Database
from lacewing.kernel.ids import new_id

READ_BYTES: Final = 1024 * 1024


class Moved(msgspec.Struct):
    """What a move has done so far."""

    copied: int = 0
    copied_bytes: int = 0
    there_already: int = 0
    missing: list[str] = []
    """Keys of files that are not in the old storage, or are not what they should be."""


async def move_files(database: Database, source: Storage, target: Storage) -> AsyncIterator[Moved]:
    """Copy each file that ``target`` has not, and tell after each how far it is.

    Run again it goes on where it stopped.
    """
    moved = Moved()
    async for file in files_in_order(database):
        if await target.size(file.sha256) == file.size_bytes:
            moved.there_already += 1
        elif await _copy(file, source, target):
            moved.copied += 1
            moved.copied_bytes += file.size_bytes
        else:
            moved.missing.append(file.sha256)
        yield moved


async def _copy(file: FileRow, source: Storage, target: Storage) -> bool:
    draft = target.drafts_dir / str(new_id())
    try:
        async with source.fetched(file.sha256) as path:
            if await asyncio.to_thread(_hash, path) != file.sha256:
                return False
            await asyncio.to_thread(_copy_file, path, draft)
            await target.put(file.sha256, draft)
    except FileMissing:
        return False
    finally:
        draft.unlink(missing_ok=True)
    return True


def _hash(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _copy_file(path: Path, draft: Path) -> None:
    with path.open("rb") as source, draft.open("xb") as target:
        while chunk := source.read(READ_BYTES):
            target.write(chunk)
