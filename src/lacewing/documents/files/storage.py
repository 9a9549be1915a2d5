"""The interface of a storage of files."""

from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager
from datetime import datetime
from pathlib import Path
from typing import Final, Protocol

import msgspec

CHUNK_BYTES: Final = 256 * 1024
"""What a download holds in memory at a time."""


class StoredFile(msgspec.Struct, frozen=True):
    """A file that lies there."""

    key: str
    size_bytes: int
    modified_at: datetime


class Storage(Protocol):
    """Files by key: the SHA-256 of their bytes in hexadecimal, so that no two differ.

    Every method may raise ``StorageUnavailable``.
    """

    @property
    def url(self) -> str: ...

    @property
    def drafts_dir(self) -> Path:
        """A local folder in which a file is made before ``put``."""

    async def put(self, key: str, draft: Path) -> None:
        """Take the file, durably; ``draft`` stays. A file that is there already is replaced.

        Raises:
            StorageFull: there is no room for it.
        """

    async def size(self, key: str) -> int | None:
        """How long the file is; ``None`` when it is not there."""

    def read(self, key: str, start: int, end: int) -> AsyncIterator[bytes]:
        """The bytes from ``start`` to before ``end``.

        Raises:
            FileMissing: it is not there.
        """

    def fetched(self, key: str) -> AbstractAsyncContextManager[Path]:
        """The file as a local one, which nobody may change, while the block lasts.

        Raises:
            FileMissing: it is not there.
        """

    async def delete(self, key: str) -> None:
        """Remove the file; none is no error."""

    def list(self) -> AsyncIterator[StoredFile]:
        """Every file, in no order."""

    async def presigned(self, key: str, seconds: int) -> str | None:
        """An address that serves the file for so long; ``None`` where there are none."""

    async def close(self) -> None: ...
