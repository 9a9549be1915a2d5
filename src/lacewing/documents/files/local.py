"""Files on the local disk: ``ab/abcd…`` below one folder, whole or not there at all."""

import asyncio
import errno
import os
from collections.abc import AsyncGenerator, Callable, Generator
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager, contextmanager
from datetime import UTC, datetime
from functools import partial
from itertools import islice
from pathlib import Path
from typing import BinaryIO, Final, TypeVar

from lacewing.documents.errors import FileMissing, StorageFull, StorageUnavailable
from lacewing.documents.files.storage import CHUNK_BYTES, StoredFile
from lacewing.kernel.durable import sync_folder

THREADS: Final = 8
"""Files that are made durable at a time: disks write many syncs at once, one after another none."""
LISTED_AT_ONCE: Final = 1_000
_FULL: Final = frozenset({errno.ENOSPC, errno.EDQUOT})
_KEY_LENGTH: Final = 64

Result = TypeVar("Result")


@contextmanager
def told_in_our_words() -> Generator[None, None, None]:
    """What the disk refuses, as refusals of ours."""
    try:
        yield
    except FileNotFoundError as error:
        raise FileMissing from error
    except OSError as error:
        if error.errno in _FULL:
            raise StorageFull from error
        raise StorageUnavailable(f"The disk of the files fails: {error.strerror}.") from error


class LocalStorage:
    """See ``Storage``."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self.drafts_dir: Final = folder / "drafts"
        self._threads = ThreadPoolExecutor(THREADS, thread_name_prefix="files")
        with told_in_our_words():
            self.drafts_dir.mkdir(mode=0o700, parents=True, exist_ok=True)

    @property
    def url(self) -> str:
        return self._folder.absolute().as_uri()

    async def put(self, key: str, draft: Path) -> None:
        await self._in_thread(lambda: self._put(self._path(key), draft))

    async def size(self, key: str) -> int | None:
        with told_in_our_words():
            return self._size(self._path(key))  # a look into the kernel's memory, hardly a wait

    async def read(self, key: str, start: int, end: int) -> AsyncGenerator[bytes, None]:
        file = await self._in_thread(lambda: self._path(key).open("rb"))
        try:
            while start < end:
                length = min(CHUNK_BYTES, end - start)
                chunk = await self._in_thread(partial(_read_at, file, start, length))
                start += len(chunk)
                yield chunk
        finally:
            file.close()

    @asynccontextmanager
    async def fetched(self, key: str) -> AsyncGenerator[Path, None]:
        if await self.size(key) is None:
            raise FileMissing
        yield self._path(key)

    async def delete(self, key: str) -> None:
        await self._in_thread(lambda: self._path(key).unlink(missing_ok=True))

    async def list(self) -> AsyncGenerator[StoredFile, None]:
        walk = self._walk()
        while some := await self._in_thread(lambda: [*islice(walk, LISTED_AT_ONCE)]):
            for file in some:
                yield file

    async def presigned(self, key: str, seconds: int) -> str | None:  # noqa: ARG002  a disk has no addresses
        return None

    async def close(self) -> None:
        self._threads.shutdown(wait=False)

    async def _in_thread(self, act: Callable[[], Result]) -> Result:
        with told_in_our_words():
            return await asyncio.get_running_loop().run_in_executor(self._threads, act)

    def _path(self, key: str) -> Path:
        return self._folder / key[:2] / key

    @staticmethod
    def _size(path: Path) -> int | None:
        try:
            return path.stat().st_size
        except FileNotFoundError:
            return None

    @staticmethod
    def _put(path: Path, draft: Path) -> None:
        """Sync, then name: after a crash the name stands for all bytes, or is not there."""
        if not path.parent.exists():
            path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            sync_folder(path.parent.parent)
        with draft.open("rb") as file:
            os.fsync(file.fileno())
        draft.chmod(0o400)
        second_name = draft.with_suffix(".put")
        second_name.unlink(missing_ok=True)
        second_name.hardlink_to(draft)
        second_name.replace(path)
        sync_folder(path.parent)

    def _walk(self) -> Generator[StoredFile, None, None]:
        for folder, _, names in os.walk(self._folder):
            for name in names:
                if len(name) != _KEY_LENGTH or Path(folder) == self.drafts_dir:
                    continue
                try:
                    found = (Path(folder) / name).stat()
                except FileNotFoundError:
                    continue
                modified_at = datetime.fromtimestamp(found.st_mtime, UTC)
                yield StoredFile(name, found.st_size, modified_at)


def _read_at(file: BinaryIO, start: int, length: int) -> bytes:
    chunk = os.pread(file.fileno(), length, start)
    if not chunk:
        raise FileMissing("The file is shorter than it was.")
    return chunk
