"""Files in an S3-compatible object storage, through obstore."""

import asyncio
from collections.abc import AsyncGenerator, Generator, Iterator, Mapping
from contextlib import asynccontextmanager, contextmanager
from datetime import timedelta
from pathlib import Path
from typing import Any, Final

import obstore
from obstore.exceptions import BaseError, PermissionDeniedError, UnauthenticatedError
from obstore.store import S3Store
from pydantic import SecretStr

from lacewing.documents.errors import FileMissing, StorageUnavailable
from lacewing.documents.files.local import told_in_our_words as told_of_disk
from lacewing.documents.files.storage import StoredFile
from lacewing.kernel.ids import new_id

PIECE_BYTES: Final = 1024 * 1024
"""What a download asks for at a time: each piece has a time limit and is tried again."""
PART_BYTES: Final = 5 * 1024 * 1024
"""Of a multipart upload; smaller ones S3 refuses."""
PARTS_AT_ONCE: Final = 2
PUTS_AT_ONCE: Final = 6
"""So that a burst of uploads holds at most sixty megabytes."""
LISTED_AT_ONCE: Final = 1_000
CONNECT_SECONDS: Final = 3
REQUEST_SECONDS: Final = 30
REST_SECONDS: Final = 0.05
RETRIES: Final = 2
RETRY_SECONDS: Final = 10
_KEY_LENGTH: Final = 64
_REFUSED: Final = "The object storage does not take our keys."
_SILENT: Final = "The object storage does not answer."
_OPTIONS: Final = frozenset(
    {
        "AWS_ACCESS_KEY_ID",
        "AWS_SECRET_ACCESS_KEY",
        "AWS_SESSION_TOKEN",
        "AWS_REGION",
        "AWS_DEFAULT_REGION",
        "AWS_ENDPOINT_URL",
        "AWS_SKIP_SIGNATURE",
        "AWS_VIRTUAL_HOSTED_STYLE_REQUEST",
    }
)
"""What may stand in ``.env`` too; whatever else obstore knows it reads from the environment."""


@contextmanager
def _told_in_our_words() -> Generator[None, None, None]:
    try:
        yield
    except FileNotFoundError as error:
        raise FileMissing from error
    except (UnauthenticatedError, PermissionDeniedError) as error:
        raise StorageUnavailable(_REFUSED) from error
    except BaseError as error:
        # Of a refused list obstore has no error of its own.
        detail = _REFUSED if "403 Forbidden" in str(error) else _SILENT
        raise StorageUnavailable(detail) from error


class ObjectStorage:
    """See ``Storage``."""

    def __init__(
        self, bucket: str, prefix: str, drafts_dir: Path, options: Mapping[str, SecretStr]
    ) -> None:
        config: Any = {
            name.lower(): value.get_secret_value()
            for name, value in options.items()
            if name in _OPTIONS
        }
        endpoint = config.get("aws_endpoint_url", "")
        self._store = S3Store(
            bucket,
            prefix=prefix or None,
            config=config,
            client_options={
                "allow_http": endpoint.startswith("http://"),
                "connect_timeout": timedelta(seconds=CONNECT_SECONDS),
                "timeout": timedelta(seconds=REQUEST_SECONDS),
            },
            retry_config={
                "max_retries": RETRIES,
                "retry_timeout": timedelta(seconds=RETRY_SECONDS),
            },
        )
        self.url: Final = f"s3://{bucket}/{prefix}".rstrip("/")
        self.drafts_dir: Final = drafts_dir
        self._puts = asyncio.Semaphore(PUTS_AT_ONCE)
        with told_of_disk():
            drafts_dir.mkdir(mode=0o700, parents=True, exist_ok=True)

    async def put(self, key: str, draft: Path) -> None:
        try:
            async with self._puts:
                with _told_in_our_words():
                    await obstore.put_async(
                        self._store,
                        _path(key),
                        _content(draft),
                        attributes={"Content-Disposition": "attachment"},
                        chunk_size=PART_BYTES,
                        max_concurrency=PARTS_AT_ONCE,
                    )
        except FileMissing as error:
            raise StorageUnavailable("The object storage has no such bucket.") from error

    async def size(self, key: str) -> int | None:
        try:
            with _told_in_our_words():
                found = await obstore.head_async(self._store, _path(key))
        except FileMissing:
            return None
        return found["size"]

    async def read(self, key: str, start: int, end: int) -> AsyncGenerator[bytes, None]:
        while start < end:
            piece_end = min(end, start + PIECE_BYTES)
            with _told_in_our_words():
                piece = await obstore.get_range_async(
                    self._store, _path(key), start=start, end=piece_end
                )
            if len(piece) != piece_end - start:
                raise FileMissing("The file is shorter than it was.")
            start = piece_end
            yield bytes(piece)

    @asynccontextmanager
    async def fetched(self, key: str) -> AsyncGenerator[Path, None]:
        size = await self.size(key)
        if size is None:
            raise FileMissing
        path = self.drafts_dir / str(new_id())
        try:
            with told_of_disk(), path.open("xb") as file:
                async for piece in self.read(key, 0, size):
                    file.write(piece)
            yield path
        finally:
            path.unlink(missing_ok=True)

    async def delete(self, key: str) -> None:
        try:
            with _told_in_our_words():
                await obstore.delete_async(self._store, _path(key))
        except FileMissing:
            pass

    async def list(self) -> AsyncGenerator[StoredFile, None]:
        batches = aiter(obstore.list(self._store, chunk_size=LISTED_AT_ONCE))
        while True:
            with _told_in_our_words():
                batch = await anext(batches, None)
            if batch is None:
                return
            for found in batch:
                key = found["path"].rpartition("/")[2]
                if len(key) == _KEY_LENGTH:
                    yield StoredFile(key, found["size"], found["last_modified"])

    async def presigned(self, key: str, seconds: int) -> str | None:
        with _told_in_our_words():
            return await obstore.sign_async(
                self._store, "GET", _path(key), timedelta(seconds=seconds)
            )

    async def close(self) -> None:
        """Let obstore's threads come to rest: one that is at work when Python ends aborts it."""
        await asyncio.sleep(REST_SECONDS)


def _content(draft: Path) -> Path | Iterator[bytes]:
    """A large file piece by piece: given as a path, three times as much of it is in memory."""
    return _pieces(draft) if draft.stat().st_size > PART_BYTES else draft


def _pieces(draft: Path) -> Iterator[bytes]:
    with draft.open("rb") as file:
        while piece := file.read(PIECE_BYTES):
            yield piece


def _path(key: str) -> str:
    return f"{key[:2]}/{key}"
