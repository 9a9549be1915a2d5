"""A file while it comes in: hashed as it is written, gone unless it is put into the storage."""

import asyncio
import hashlib
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import BinaryIO

from lacewing.documents.files.local import told_in_our_words
from lacewing.kernel.errors import PayloadTooLarge
from lacewing.kernel.ids import new_id


class Draft:
    """See the module."""

    def __init__(self, path: Path, file: BinaryIO, limit_bytes: int) -> None:
        self.path = path
        self.size_bytes = 0
        self._file = file
        self._limit = limit_bytes
        self._hash = hashlib.sha256()

    @property
    def sha256(self) -> str:
        return self._hash.hexdigest()

    def write(self, chunk: bytes) -> None:
        """Add these bytes; into the kernel's memory only, so that it need not leave the loop.

        Raises:
            PayloadTooLarge: the file has more bytes than the limit.
            StorageFull: there is no room.
        """
        self.size_bytes += len(chunk)
        if self.size_bytes > self._limit:
            raise PayloadTooLarge(f"A file may have {self._limit} bytes at most.")
        self._hash.update(chunk)
        rest = memoryview(chunk)
        with told_in_our_words():
            while rest:
                rest = rest[self._file.write(rest) :]


@asynccontextmanager
async def open_draft(folder: Path, limit_bytes: int) -> AsyncGenerator[Draft, None]:
    """A new draft in ``folder``, which is removed at the end of the block if it is still there.

    Names are made and removed in threads: they wait for whoever syncs at that moment.
    """
    path = folder / str(new_id())
    with told_in_our_words():
        file = await asyncio.to_thread(path.open, "xb", buffering=0)
    try:
        yield Draft(path, file, limit_bytes)
    finally:
        await asyncio.shield(asyncio.to_thread(_discard, path, file))


def _discard(path: Path, file: BinaryIO) -> None:
    file.close()
    path.unlink(missing_ok=True)
