"""How a backup is made while the server runs: one state of the database, its files, the keys."""

import asyncio
import hashlib
import hmac
import os
from collections.abc import AsyncGenerator, Callable, Iterator
from contextlib import asynccontextmanager
from datetime import timedelta
from pathlib import Path
from tempfile import TemporaryFile
from typing import BinaryIO, Final
from uuid import UUID

import msgspec
import structlog

from lacewing import __version__
from lacewing.accounts.keys import SECRET_FILE
from lacewing.cli.context import migrations_of
from lacewing.documents.errors import FileMissing
from lacewing.documents.files import Storage
from lacewing.documents.files.opening import open_storage
from lacewing.documents.store.files import find_unreferenced
from lacewing.documents.tables import SHA256_LENGTH
from lacewing.kernel.backup import store
from lacewing.kernel.backup.archive import (
    FORMAT,
    HEADER,
    MANIFEST,
    ROWS_BYTES,
    ArchiveWriter,
    Header,
    Manifest,
    TableSum,
)
from lacewing.kernel.backup.errors import KeysMissing
from lacewing.kernel.clock import utc_now
from lacewing.kernel.db import Database, open_database, transaction
from lacewing.kernel.db.dump import dump_rows, dumped_tables
from lacewing.kernel.db.offline import Connection, use_connection
from lacewing.kernel.durable import sync_folder
from lacewing.kernel.errors import Unavailable
from lacewing.kernel.ids import new_id
from lacewing.settings import Settings

HOLD: Final = timedelta(minutes=15)
"""How long a backup that died keeps files from being removed."""
HELD_EVERY_SECONDS: Final = 60.0
_SECRET_CONTEXT: Final = b"lacewing backup: which secret"
_KEY_LINE_BYTES: Final = SHA256_LENGTH + 21

Tell = Callable[[str, int], None]
"""Told what is written now, and how much of it there is so far."""

_log = structlog.get_logger(__name__)


class Made(msgspec.Struct):
    """A backup that was made."""

    file: str
    size_bytes: int
    is_sealed: bool
    manifest: Manifest


async def back_up(settings: Settings, target: Path, passphrase: str | None, tell: Tell) -> Made:
    """Write the backup to ``target``, which appears whole or not at all.

    Raises:
        KeysMissing: they lie elsewhere than the settings say.
    """
    check_keys(settings)
    await migrations_of(settings).check_same()
    database = await open_database(settings.database, settings.general.data_dir)
    try:
        async with _kept_files(database, is_sealed=passphrase is not None) as finish:
            draft = target.with_name(f".{target.name}.{os.getpid()}")
            try:
                manifest = await _write(settings, draft, passphrase, tell)
                size = draft.stat().st_size
                draft.replace(target)
                sync_folder(target.parent)
            finally:
                draft.unlink(missing_ok=True)
            await finish(size)
    finally:
        await database.close()
    return Made(str(target), size, passphrase is not None, manifest)


@asynccontextmanager
async def _kept_files(
    database: Database, *, is_sealed: bool
) -> "AsyncGenerator[Callable[[int], asyncio.Future[None]], None]":
    """While the block lasts no file is removed from the storage; gives what ends it well."""
    backup_id = new_id()
    async with transaction(database) as session:
        now = utc_now()
        await store.begin_backup(session, backup_id, now, now + HOLD, is_sealed=is_sealed)
    is_finished = False

    async def finish(size: int) -> None:
        nonlocal is_finished
        async with transaction(database) as session:
            await store.finish_backup(session, backup_id, utc_now(), size)
        is_finished = True

    holding = asyncio.create_task(_hold(database, backup_id))
    try:
        yield lambda size: asyncio.ensure_future(finish(size))
    finally:
        holding.cancel()
        if not is_finished:
            async with transaction(database) as session:
                await store.forget_backup(session, backup_id)


async def _hold(database: Database, backup_id: UUID) -> None:
    while True:
        await asyncio.sleep(HELD_EVERY_SECONDS)
        try:
            async with transaction(database) as session:
                await store.hold_files(session, backup_id, utc_now() + HOLD)
        except Unavailable as error:
            _log.warning("files_not_held", reason=error.detail)


async def _write(settings: Settings, draft: Path, passphrase: str | None, tell: Tell) -> Manifest:
    storage = open_storage(
        settings.documents.storage_url, settings.general.data_dir, settings.object_storage
    )
    descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    try:
        with os.fdopen(descriptor, "wb") as output, TemporaryFile(dir=draft.parent) as wanted:
            archive = ArchiveWriter(output, passphrase)
            header = header_of(settings)
            archive.add(HEADER, msgspec.json.encode(header))
            manifest = Manifest(
                format=FORMAT, schema=header.schema, version=header.version,
                created_at=header.created_at, tables={}, keys={}, files=0, files_bytes=0,
                files_checksum=TableSum().checksum,
            )  # fmt: skip
            await use_connection(
                settings.database,
                settings.general.data_dir,
                lambda connection: _write_rows(connection, archive, manifest, wanted, tell),
                changes=False,
            )
            _write_keys(settings.keys_dir, archive, manifest)
            await _write_files(storage, archive, manifest, wanted, tell)
            archive.add(MANIFEST, msgspec.json.encode(manifest))
            archive.close()
            output.flush()
            os.fsync(output.fileno())
    finally:
        await storage.close()
    return manifest


def header_of(settings: Settings) -> Header:
    """What whoever restores a backup of this installation must know first."""
    return Header(
        lacewing_backup=FORMAT,
        schema=migrations_of(settings).head(),
        version=__version__,
        created_at=utc_now().isoformat(timespec="seconds"),
        secret_id=secret_id(own_secret(settings)),
        is_secret_in_settings=settings.general.secret_key is not None,
        personal_data_keys=settings.database.cipher.key_ids,
        personal_data_index_keys=settings.database.cipher.index_key_ids,
    )


def check_keys(settings: Settings) -> None:
    """Go on only if the keys are here: a server would make new ones, a backup never may.

    Raises:
        KeysMissing: the folder is empty, not mounted, or another one than the server's.
    """
    lacks_secret = settings.general.secret_key is None and not settings.secret_file.is_file()
    if lacks_secret or not any(settings.keys_dir.glob("[!.]*.json")):
        raise KeysMissing(
            f"{settings.keys_dir.resolve()} does not hold the keys of this Lacewing: set "
            "LACEWING_KEYS_DIR or LACEWING_DATA_DIR to what the server has."
        )


def own_secret(settings: Settings) -> bytes:
    """The secret as it stands, in the settings or in its file; none is made."""
    given = settings.general.secret_key
    if given is None:
        return settings.secret_file.read_bytes()
    return hashlib.sha256(given.get_secret_value().encode()).digest()


def secret_id(secret: bytes) -> str:
    """Tells secrets apart, and nothing else about them."""
    return hmac.digest(secret, _SECRET_CONTEXT, "sha256").hex()[:16]


def _write_rows(
    connection: Connection,
    archive: ArchiveWriter,
    manifest: Manifest,
    wanted: BinaryIO,
    tell: Tell,
) -> None:
    """Every table of this one state; notes which files it refers to in ``wanted``."""
    written = 0
    unreferenced = find_unreferenced(connection)
    for table in dumped_tables():
        total = manifest.tables[table.name] = TableSum()
        for number, lines in enumerate(_pieces(dump_rows(connection, table))):
            archive.add_rows(table.name, number, lines)
            for line in lines:
                total.add(line)
                if table.name == "files":
                    wanted.write(_wanted_line(line, unreferenced))
            written += len(lines)
            tell("rows", written)


def _pieces(lines: Iterator[bytes]) -> Iterator[list[bytes]]:
    piece: list[bytes] = []
    size = 0
    for line in lines:
        piece.append(line)
        size += len(line)
        if size >= ROWS_BYTES:
            yield piece
            piece, size = [], 0
    if piece:
        yield piece


def _wanted_line(line: bytes, unreferenced: set[str]) -> bytes:
    """Nothing of a file that no document has: it is on its way in, or out."""
    row = msgspec.json.decode(line)
    if row["sha256"] in unreferenced:
        return b""
    return f"{row['sha256']} {row['size_bytes']:>19}\n".encode()


def key_files(folder: Path) -> list[Path]:
    """The secret and the keys; no drafts, and nothing that is about the database of this place."""
    return sorted([*folder.glob("[!.]*.json"), *folder.glob(SECRET_FILE)])


def _write_keys(folder: Path, archive: ArchiveWriter, manifest: Manifest) -> None:
    for path in key_files(folder):
        content = path.read_bytes()
        manifest.keys[path.name] = hashlib.sha256(content).hexdigest()
        archive.add(f"keys/{path.name}", content)


async def _write_files(
    storage: Storage, archive: ArchiveWriter, manifest: Manifest, wanted: BinaryIO, tell: Tell
) -> None:
    wanted.seek(0)
    names = TableSum()
    for line in wanted:
        key, _, size = line.decode().partition(" ")
        found = await _write_file(storage, archive, key, int(size))
        if found is None:
            manifest.missing.append(key)
            continue
        if found != key:
            manifest.damaged.append(key)
        names.add_name(key.encode())
        manifest.files_bytes += int(size)
        tell("files", names.rows)
    manifest.files, manifest.files_checksum = names.rows, names.checksum


async def _write_file(storage: Storage, archive: ArchiveWriter, key: str, size: int) -> str | None:
    """The SHA-256 of what was written; ``None`` where there is no such file of that size."""
    try:
        async with storage.fetched(key) as path:
            if path.stat().st_size != size:
                return None
            return await asyncio.to_thread(archive.add_file, key, path, size)
    except FileMissing:
        return None
