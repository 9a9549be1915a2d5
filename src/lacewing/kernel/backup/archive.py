"""The archive: a tar file of a header, rows, keys, files and a manifest, in one go front to back.

``header.json`` comes first and ``manifest.json`` last, so that one that is cut off has none.
Between them stand ``tables/NAME/NUMBER.jsonl.gz`` (rows as JSON), ``keys/NAME`` and
``files/ab/SHA256``. Whatever is in it, a piece of bounded size is in memory at a time.
"""

import hashlib
import tarfile
import zlib
from collections.abc import Callable, Generator, Iterator
from contextlib import contextmanager
from io import BytesIO
from pathlib import Path
from typing import IO, Any, BinaryIO, Final, TypeVar

import msgspec

from lacewing.kernel.backup.age import MAGIC, OpeningReader, SealingWriter
from lacewing.kernel.backup.errors import BackupTooNew, NotABackup, WrongPassphrase

FORMAT: Final = 1
HEADER: Final = "header.json"
MANIFEST: Final = "manifest.json"
ROWS_BYTES: Final = 1024 * 1024
"""Of rows that make one piece, before they are packed."""
PIECE_BYTES_MAX: Final = 256 * 1024 * 1024
"""No honest piece is nearly as large: one row more than ``ROWS_BYTES``."""
READ_BYTES: Final = 1024 * 1024
_GZIP: Final = 31
"""zlib's window bits for a gzip header."""

Kind = TypeVar("Kind")

_in_order = msgspec.json.Encoder(order="sorted").encode


class Header(msgspec.Struct, frozen=True):
    """What must be known before anything is read."""

    lacewing_backup: int
    schema: str
    version: str
    created_at: str
    secret_id: str
    is_secret_in_settings: bool
    personal_data_keys: list[str]
    personal_data_index_keys: list[str] = []


class TableSum(msgspec.Struct):
    """How many rows a table has, and the sum of their SHA-256.

    In whatever order rows, and the names in them, come: the two databases differ in both.
    """

    rows: int = 0
    checksum: str = "0" * 64

    def add(self, line: bytes) -> None:
        self.add_name(_in_order(msgspec.json.decode(line)))

    def add_name(self, name: bytes) -> None:
        total = int(self.checksum, 16) + int.from_bytes(hashlib.sha256(name).digest(), "big")
        self.rows += 1
        self.checksum = f"{total % 2**256:064x}"


class Manifest(msgspec.Struct):
    """What the archive holds; its last piece."""

    format: int
    schema: str
    version: str
    created_at: str
    tables: dict[str, TableSum]
    keys: dict[str, str]
    """The SHA-256 of each key's file."""
    files: int
    files_bytes: int
    files_checksum: str
    """The sum of the names of all files, which are their SHA-256."""
    missing: list[str] = []
    """Files that have a record and were not in the storage, or cut off there: not in here."""
    damaged: list[str] = []
    """Files whose bytes are not what their name says: in here as they were found."""

    @property
    def is_whole(self) -> bool:
        """Whether every file that was to be in it is, as it was uploaded."""
        return not self.missing and not self.damaged


class ArchiveWriter:
    """Writes the pieces in the order in which it is called."""

    def __init__(self, output: BinaryIO, passphrase: str | None) -> None:
        self._sealing = None if passphrase is None else SealingWriter(output, passphrase)
        target: Any = self._sealing or output
        self._tar = tarfile.open(fileobj=target, mode="w|", bufsize=READ_BYTES)  # noqa: SIM115  until `close`

    def add(self, name: str, content: bytes) -> None:
        self._tar.addfile(_entry(name, len(content)), BytesIO(content))

    def add_rows(self, table: str, number: int, lines: list[bytes]) -> None:
        pack = zlib.compressobj(wbits=_GZIP)
        packed = pack.compress(b"\n".join(lines)) + pack.flush()
        self.add(f"tables/{table}/{number:08}.jsonl.gz", packed)

    def add_file(self, key: str, path: Path, size: int) -> str:
        """The SHA-256 of what was read, of which there must be ``size`` bytes."""
        with path.open("rb") as file:
            hashing = _Hashing(file)
            self._tar.addfile(_entry(f"files/{key[:2]}/{key}", size), hashing)  # type: ignore[arg-type]  # it only reads
        return hashing.sha256.hexdigest()

    def close(self) -> None:
        self._tar.close()
        if self._sealing is not None:
            self._sealing.close()


class _Hashing:
    def __init__(self, file: BinaryIO) -> None:
        self._file = file
        self.sha256 = hashlib.sha256()

    def read(self, size: int) -> bytes:
        chunk = self._file.read(size)
        self.sha256.update(chunk)
        return chunk


def _entry(name: str, size: int) -> tarfile.TarInfo:
    entry = tarfile.TarInfo(name)
    entry.size = size
    entry.mode = 0o600
    return entry


class Piece:
    """One piece of an archive that is read; only until the next one."""

    def __init__(self, name: str, size: int, content: IO[bytes]) -> None:
        self.name = name
        self.size = size
        self._content = content

    @property
    def kind(self) -> str:
        """``tables``, ``keys`` or ``files``; the name of a piece that stands alone."""
        return self.name.partition("/")[0]

    @property
    def table(self) -> str:
        return self.name.split("/")[1]

    @property
    def key(self) -> str:
        return self.name.rpartition("/")[2]

    def read(self) -> bytes:
        if self.size > PIECE_BYTES_MAX:
            raise NotABackup(f"{self.name} is larger than any piece that we write.")
        return self._content.read()

    def lines(self) -> list[bytes]:
        """Rows as JSON."""
        unpack = zlib.decompressobj(wbits=_GZIP)
        try:
            content = unpack.decompress(self.read(), PIECE_BYTES_MAX)
        except zlib.error as error:
            raise NotABackup(f"{self.name} can't be unpacked.") from error
        if not unpack.eof:
            raise NotABackup(f"{self.name} is cut off.")
        return content.split(b"\n")

    def chunks(self) -> Iterator[bytes]:
        while chunk := self._content.read(READ_BYTES):
            yield chunk


class Archive:
    """A backup's file, of which any number of readings can be made."""

    def __init__(self, path: Path, passphrase: str | None) -> None:
        self.path = path
        self._passphrase = passphrase

    def header(self) -> Header:
        """What stands first.

        Raises:
            NotABackup: nothing of ours does.
            WrongPassphrase: it is sealed by another one, or by one and none was given.
            BackupTooNew: it is in a format of later times.
        """
        return next(self._pieces(_header_of))

    def pieces(self) -> Iterator[Piece]:
        """All that follow the header, the manifest last."""
        return self._pieces(_every_piece)

    def _pieces(self, use: "Callable[[tarfile.TarFile], Iterator[Kind]]") -> Iterator[Kind]:
        with self.path.open("rb") as source, _told_in_our_words():
            # As one stream, front to back: the file may be larger than memory.
            content: Any = self._opened(source)
            with tarfile.open(fileobj=content, mode="r|", bufsize=READ_BYTES) as tar:
                yield from use(tar)
            # To the very end, so that every chunk of a sealed one was looked at.
            while rest := content.read(READ_BYTES):
                if rest.strip(b"\0"):
                    raise NotABackup("There is something after its end.")

    def _opened(self, source: BinaryIO) -> "OpeningReader | BinaryIO":
        is_sealed = source.read(len(MAGIC)) == MAGIC
        source.seek(0)
        if not is_sealed:
            return source
        if self._passphrase is None:
            raise WrongPassphrase("This backup is sealed by a passphrase, and none was given.")
        return OpeningReader(source, self._passphrase)


@contextmanager
def _told_in_our_words() -> Generator[None]:
    try:
        yield
    except tarfile.TarError as error:
        raise NotABackup(
            f"It is cut off, or was changed, or is no backup at all: {error}."
        ) from error
    except OSError as error:
        if error.errno is not None:
            raise
        raise NotABackup("It is cut off.") from error  # tarfile's own word for that


def _header_of(tar: tarfile.TarFile) -> Iterator[Header]:
    first = tar.next()
    if first is None or first.name != HEADER:
        raise NotABackup
    content = tar.extractfile(first)
    assert content is not None
    raw = content.read(READ_BYTES)
    try:
        is_newer = msgspec.json.decode(raw, type=dict[str, Any])["lacewing_backup"] > FORMAT
        if is_newer:
            raise BackupTooNew
        yield msgspec.json.decode(raw, type=Header)
    except (msgspec.MsgspecError, KeyError, TypeError) as error:
        raise NotABackup from error


def _every_piece(tar: tarfile.TarFile) -> Iterator[Piece]:
    for entry in tar:
        content = tar.extractfile(entry) if entry.isreg() else None
        if content is None:
            raise NotABackup(f"{entry.name} is no plain piece.")
        if entry.name != HEADER:
            yield Piece(entry.name, entry.size, content)
