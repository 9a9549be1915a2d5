"""How a backup is put into an empty Lacewing: keys, files, then all rows in one transaction.

The whole archive is read and compared with its manifest before anything is written. From then until
what is searched is made anew, a mark in the database keeps every program away. A server that runs
all the same may be written to meanwhile: whether the Lacewing is empty is asked again whenever
something is about to be written, and for the rows while nobody else can write any.
"""

import asyncio
import hashlib
import os
import secrets
from collections.abc import Callable
from pathlib import Path
from typing import Final, TypeVar

import msgspec

from lacewing.accounts.keys import SECRET_FILE
from lacewing.catalogue.jobs import index_all_products
from lacewing.cli.backing_up import own_secret, secret_id
from lacewing.cli.context import migrations_of, work_in
from lacewing.cli.verifying import verify
from lacewing.content.jobs import index_all_posts
from lacewing.documents.files import Storage
from lacewing.documents.files.opening import open_storage
from lacewing.documents.jobs import index_all_documents
from lacewing.kernel import audit
from lacewing.kernel.audit.chain import Witness
from lacewing.kernel.backup.archive import Archive, Header, Manifest, Piece, TableSum
from lacewing.kernel.backup.errors import BackupTooNew, NotABackup, NotRestorable
from lacewing.kernel.db import open_database, transaction
from lacewing.kernel.db.dump import (
    begin_restore,
    dump_rows,
    dumped_tables,
    end_restore,
    give_up_restore,
    is_restore_unfinished,
    is_taken,
    load_rows,
    lock_all,
    note_restored_rows,
    replace_all,
)
from lacewing.kernel.db.offline import Connection, use_connection
from lacewing.kernel.db.rebuilding import Rebuilding
from lacewing.kernel.ids import new_id
from lacewing.settings import Settings
from lacewing.tracker.jobs import index_all_issues

Tell = Callable[[str, int], None]
Result = TypeVar("Result")

_REFUSED_SECRET: Final = (
    "This Lacewing has another secret: set LACEWING_SECRET_KEY to what it was when "  # noqa: S105  no secret
)


class Restored(msgspec.Struct):
    """What was put in."""

    file: str
    manifest: Manifest
    schema: str


async def restore(settings: Settings, archive: Archive, tell: Tell) -> Restored:
    """Put all of ``archive`` into this Lacewing, which must be empty.

    Raises:
        NotRestorable, BackupTooNew: with the reason; nothing was written.
        NotABackup, WrongPassphrase: nothing was written either.
    """
    header = archive.header()
    _check_schema(settings, header)
    _check_settings(settings, header)
    await _schema_of(settings).check_known()
    try:
        manifest = await _put_in(settings, archive, header, tell)
    finally:
        # Only what was begun is written to: SQLite makes a database of an empty file for that.
        if await _with_connection(settings, is_restore_unfinished, changes=False):
            await _with_connection(settings, give_up_restore)
    await _finish(settings, header, tell)
    return Restored(str(archive.path), manifest, migrations_of(settings).head())


async def _put_in(settings: Settings, archive: Archive, header: Header, tell: Tell) -> Manifest:
    """All but what is made anew."""
    await _with_connection(settings, _check_empty, changes=False)
    keys = _keys_of(archive)
    _check_keys(settings, header, keys)
    manifest = verify(archive, tell)
    await _with_connection(settings, _begin)
    _check_keys(settings, header, keys)  # again: a server that began meanwhile has made its own
    _write_keys(settings.keys_dir, keys)
    await _restore_files(settings, archive, manifest, tell)
    await _restore_rows(settings, archive, header, manifest, tell)
    return manifest


def _check_schema(settings: Settings, header: Header) -> None:
    if not migrations_of(settings).knows(header.schema):
        raise BackupTooNew(
            f"Lacewing {header.version} wrote this backup, at schema {header.schema}, which this "
            "program does not know: restore it with that version, or a newer one."
        )


def _check_settings(settings: Settings, header: Header) -> None:
    """What the environment must bring, since it is in no backup."""
    cipher = settings.database.cipher
    for variable, wanted, given in (
        ("LACEWING_PII_ENCRYPTION_KEY", header.personal_data_keys, cipher.key_ids),
        ("LACEWING_PII_HASH_KEY", header.personal_data_index_keys, cipher.index_key_ids),
    ):
        if missing := set(wanted) - set(given):
            raise NotRestorable(
                "Personal data in it is sealed, and found, by keys that this Lacewing has not "
                f"({', '.join(sorted(missing))}): set {variable} to what it was when it was made."
            )
    if settings.general.secret_key is not None:
        own_id = secret_id(own_secret(settings))
        if own_id != header.secret_id:
            was = "it was made." if header.is_secret_in_settings else "it was made: to nothing."
            raise NotRestorable(_REFUSED_SECRET + was)
    elif header.is_secret_in_settings:
        raise NotRestorable(f"{_REFUSED_SECRET}it was made.")


def _check_empty(connection: Connection) -> None:
    if is_taken(connection):
        raise NotRestorable(
            "Only an empty Lacewing takes a backup: there is something in this one."
        )


def _begin(connection: Connection) -> None:
    """Keep programs away, if nobody was quicker while the archive was read."""
    lock_all(connection)
    _check_empty(connection)
    begin_restore(connection)


def _keys_of(archive: Archive) -> dict[str, bytes]:
    """They stand before the files, so this reads the rows and no further."""
    keys: dict[str, bytes] = {}
    for piece in archive.pieces():
        if piece.kind == "keys":
            keys[piece.key] = piece.read()
        elif piece.kind != "tables":
            break
    return keys


def _check_keys(settings: Settings, header: Header, keys: dict[str, bytes]) -> None:
    own = settings.keys_dir / SECRET_FILE
    if header.is_secret_in_settings or settings.general.secret_key is not None:
        return
    if SECRET_FILE not in keys or secret_id(keys[SECRET_FILE]) != header.secret_id:
        raise NotABackup("It lacks the secret that it was made with.")
    if own.exists() and own.read_bytes() != keys[SECRET_FILE]:
        raise NotRestorable(
            f"{settings.keys_dir} holds the keys of another Lacewing: move it away first."
        )


def _write_keys(folder: Path, keys: dict[str, bytes]) -> None:
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    for name, content in keys.items():
        path = folder / name
        if path.exists() and path.read_bytes() == content:
            continue
        draft = folder / f".{name}.{os.getpid()}.{secrets.token_hex(4)}"
        descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(descriptor, "wb") as output:
            output.write(content)
            output.flush()
            os.fsync(output.fileno())
        if os.geteuid() == 0:
            # Whom the folder belongs to runs the server, and must read it.
            owner = folder.stat()
            os.chown(draft, owner.st_uid, owner.st_gid)
        draft.replace(path)


async def _restore_files(
    settings: Settings, archive: Archive, manifest: Manifest, tell: Tell
) -> None:
    """Put them in before the rows: without those, the sweep removes them again."""
    storage = open_storage(
        settings.documents.storage_url, settings.general.data_dir, settings.object_storage
    )
    damaged = set(manifest.damaged)
    try:
        done = 0
        for piece in archive.pieces():
            if piece.kind == "files" and piece.key not in damaged:
                await _restore_file(storage, piece)
                done += 1
                tell("files", done)
    finally:
        await storage.close()


async def _restore_file(storage: Storage, piece: Piece) -> None:
    if await _is_there(storage, piece):
        return
    draft = storage.drafts_dir / str(new_id())
    try:
        sha256 = hashlib.sha256()
        with draft.open("xb") as output:
            for chunk in piece.chunks():
                sha256.update(chunk)
                output.write(chunk)
        found = sha256.hexdigest()
        if found != piece.key:
            raise NotABackup(f"The file {piece.key} was changed while it was read.")
        await storage.put(piece.key, draft)
    finally:
        draft.unlink(missing_ok=True)


async def _is_there(storage: Storage, piece: Piece) -> bool:
    """Whether the storage has it already, byte for byte: what is damaged there is put anew."""
    if await storage.size(piece.key) != piece.size:
        return False
    async with storage.fetched(piece.key) as path:
        return await asyncio.to_thread(_sha256_of, path) == piece.key


def _sha256_of(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


async def _restore_rows(
    settings: Settings, archive: Archive, header: Header, manifest: Manifest, tell: Tell
) -> None:
    """Emptiness, schema and rows by one transaction, in which nobody else writes."""
    schema = _schema_of(settings)

    def fill(connection: Connection) -> None:
        lock_all(connection)
        if is_taken(connection):
            raise NotRestorable("Somebody has written to this Lacewing meanwhile: it stays as is.")
        schema.rebuild(connection, header.schema)
        replace_all(connection, lambda: _load(connection, archive, tell))
        _compare(connection, manifest)
        note_restored_rows(connection)

    await _with_connection(settings, fill)
    await schema.upgrade()


def _schema_of(settings: Settings) -> Rebuilding:
    return Rebuilding(settings.database, settings.general.data_dir)


def _load(connection: Connection, archive: Archive, tell: Tell) -> None:
    tables = {table.name: table for table in dumped_tables()}
    done = 0
    for piece in archive.pieces():
        if piece.kind != "tables":
            return
        if piece.table not in tables:
            raise NotABackup(f"There is no table {piece.table}.")
        lines = piece.lines()
        load_rows(connection, tables[piece.table], lines)
        done += len(lines)
        tell("rows", done)


def _compare(connection: Connection, manifest: Manifest) -> None:
    """What stands there now must be what was there when the backup was made."""
    for table in dumped_tables():
        if table.name not in manifest.tables:
            continue
        total = TableSum()
        for line in dump_rows(connection, table):
            total.add(line)
        if total != manifest.tables[table.name]:
            raise NotABackup(f"The rows of {table.name} came out otherwise than they were.")


async def _finish(settings: Settings, header: Header, tell: Tell) -> None:
    """Make anew what is searched, note the restore, and let programs in."""
    Witness(settings.audit_witness).forget()
    database = await open_database(settings.database, settings.general.data_dir)
    try:
        indexes = (index_all_issues, index_all_posts, index_all_products, index_all_documents)
        for number, index in enumerate(indexes):
            tell("indexes", number)
            await index(lambda: transaction(database))
        async with transaction(database) as session:
            details = {"made_at": header.created_at, "version": header.version}
            await audit.record(work_in(session), "backup.restored", details=details)
    finally:
        await database.close()
    await _with_connection(settings, end_restore)


async def _with_connection(
    settings: Settings, use: Callable[[Connection], Result], *, changes: bool = True
) -> Result:
    return await use_connection(
        settings.database, settings.general.data_dir, use, "READ COMMITTED", changes=changes
    )
