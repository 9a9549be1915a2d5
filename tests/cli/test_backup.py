"""``lacewing backup`` and ``lacewing restore``: everything, in one file, and back."""

import asyncio
import base64
import gzip
import hashlib
import io
import json
import os
import secrets
import shutil
import signal
import sqlite3
import stat
import subprocess
import tarfile
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit
from uuid import uuid4

import asyncpg
import httpx
import msgspec
import pytest

from lacewing.cli.restoring import restore
from lacewing.documents.store.files import claim_file
from lacewing.kernel.backup.archive import Archive, TableSum
from lacewing.kernel.backup.errors import NotRestorable
from lacewing.kernel.clock import utc_now
from lacewing.kernel.db import open_database, transaction
from lacewing.settings import load_settings
from tests.documents.papers import pdf
from tests.support.forking import forking
from tests.support.object_storage import new_bucket
from tests.support.processes import PROGRAM, Server, admin_token, lacewing, serving
from tests.support.waiting import until

pytestmark = pytest.mark.system

PASSPHRASE = "correct horse battery staple"
CREDENTIALS = {"username": "root", "password": "Correct-Horse-7"}
CONTENTS = (pdf("Lacewings eat aphids. " * 20), pdf("short"))
NOT_KEPT = {"alembic_version", "schema_promise", "backups", "unfinished_restore"}
SEARCHED = ("_search", "_words", "issue_texts", "issue_attached_texts")
"""In the names of tables that are made anew, in each database's own way."""


def new_key() -> str:
    return base64.urlsafe_b64encode(secrets.token_bytes(32)).decode()


@pytest.fixture
def sealed(environment: dict[str, str]) -> dict[str, str]:
    """Settings with keys for personal data and a passphrase for backups."""
    return environment | {
        "LACEWING_PII_ENCRYPTION_KEY": new_key(),
        "LACEWING_PII_HASH_KEY": new_key(),
        "LACEWING_BACKUP_PASSPHRASE": PASSPHRASE,
    }


@dataclass
class Place:
    """Where another Lacewing may stand: nothing is there yet."""

    url: str
    folder: Path

    def settings(self, settings: dict[str, str]) -> dict[str, str]:
        place = {"LACEWING_DATABASE_URL": self.url, "LACEWING_DATA_DIR": str(self.folder)}
        return settings | place


MakePlace = Callable[[str], Any]


@pytest.fixture
async def new_place(tmp_path: Path, request: pytest.FixtureRequest) -> AsyncIterator[MakePlace]:
    """Makes such places, on the kind of database that is asked for."""
    made: list[tuple[str, str]] = []

    async def make(kind: str) -> Place:
        folder = tmp_path / uuid4().hex
        folder.mkdir()
        if kind == "sqlite":
            return Place(f"sqlite:///{folder}/lacewing.sqlite3", folder)
        server: str = request.getfixturevalue("postgres_server")
        name = f"place_{uuid4().hex}"
        await _execute(server, f'CREATE DATABASE "{name}"')
        made.append((server, name))
        return Place(f"{server}/{name}", folder)

    yield make
    for server, name in made:
        await _execute(server, f'DROP DATABASE "{name}" WITH (FORCE)')


async def _execute(server: str, statement: str) -> None:
    connection = await asyncpg.connect(f"{server}/postgres")
    try:
        await connection.execute(statement)
    finally:
        await connection.close()


async def _rows(url: str) -> dict[str, list[str]]:
    """Every row of every table, as its own database tells it; not by our code."""
    if url.startswith("sqlite"):
        return _rows_of_sqlite(urlsplit(url).path)
    connection = await asyncpg.connect(url)
    try:
        names = await connection.fetch(
            "SELECT relname FROM pg_class JOIN pg_namespace n ON n.oid = relnamespace "
            "WHERE relkind = 'r' AND nspname = 'public'"
        )
        return {
            name: sorted(
                str(tuple(row)) for row in await connection.fetch(f'SELECT * FROM "{name}"')
            )
            for (name,) in names
            if _is_kept(name)
        }
    finally:
        await connection.close()


def _rows_of_sqlite(path: str) -> dict[str, list[str]]:
    connection = sqlite3.connect(path)
    names = connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'").fetchall()
    rows = {
        name: sorted(str(row) for row in connection.execute(f'SELECT * FROM "{name}"'))
        for (name,) in names
        if _is_kept(name)
    }
    connection.close()
    return rows


def _is_kept(name: str) -> bool:
    return name not in NOT_KEPT and not any(word in name for word in SEARCHED)


def _sums(rows: dict[str, list[str]]) -> dict[str, str]:
    return {
        name: hashlib.sha256("\n".join(lines).encode()).hexdigest() for name, lines in rows.items()
    }


def _without_the_note(rows: dict[str, list[str]]) -> dict[str, list[str]]:
    """The audit log has one entry more: that of the restore, which waits for the chain."""
    noted = [row for row in rows["audit_log"] if "backup.restored" in row]
    assert len(noted) == 1
    rows["audit_log"].remove(noted[0])
    rows["audit_pending"] = [row for row in rows["audit_pending"] if _first(row) not in noted[0]]
    return rows


def _first(row: str) -> str:
    """The id that a row begins with."""
    return row.partition(",")[0].strip("(")


def _files(folder: Path) -> dict[str, bytes]:
    return {
        path.name: path.read_bytes() for path in (folder / "files").rglob("*") if path.is_file()
    }


def _damage(folder: Path, into: Path) -> None:
    """Copy the files, with the last byte of each another one."""
    shutil.copytree(folder, into)
    for path in into.rglob("*"):
        if path.is_file():
            path.chmod(0o600)
            path.write_bytes(path.read_bytes()[:-1] + b"!")


def _fill(server: Server, settings: dict[str, str]) -> dict[str, str]:
    """Something of each kind; the headers of who has made it."""
    headers = {"Authorization": f"Bearer {admin_token(server, settings)}"}
    with httpx.Client(base_url=server.url, headers=headers, timeout=30) as api:
        project = api.post("/api/projects", json={"key": "WEB", "name": "Web"}).json()
        path = f"/api/projects/{project['id']}/issues"
        issue = api.post(path, json={"title": "The aphids are back"}).json()
        api.post(
            f"/api/issues/{issue['id']}/comments", json={"content": "Again"}
        ).raise_for_status()
        for number, content in enumerate(CONTENTS):
            sent = api.post(
                "/api/documents/upload",
                files={"file": (f"{number}.pdf", content, "application/pdf")},
            )
            sent.raise_for_status()
        token = {"name": "ci", "scopes": ["read"]}
        api.post("/api/auth/personal-access-tokens", json=token).raise_for_status()
    return headers


def _backed_up(settings: dict[str, str], file: Path, *more: str) -> dict[str, Any]:
    done = lacewing("backup", str(file), "--json", *more, environment=settings)
    assert done.returncode == 0, done.stderr
    found: dict[str, Any] = json.loads(done.stdout)
    return found


def _use(settings: dict[str, str], headers: dict[str, str]) -> None:
    """Log in, and read what was there, with the token of then; on a server of these settings."""
    with serving(settings) as server, httpx.Client(base_url=server.url) as api:
        assert api.post("/api/auth/login", json=CREDENTIALS).status_code == 200
        me = api.get("/api/auth/me", headers=headers).json()
        found = api.get("/api/issues", params={"search": "aphids"}, headers=headers).json()
        server.stop()
    assert me["email"] == "root@example.com"
    assert [issue["title"] for issue in found["data"]] == ["The aphids are back"]


async def test_what_was_backed_up_and_dropped_is_restored(
    database_kind: str, sealed: dict[str, str], new_place: MakePlace, tmp_path: Path
) -> None:
    """OPS-13: the same checksums by table, equal files, logins, personal data, the audit chain.

    Files that lay there already, as a disk that fails leaves them, are mended.
    """
    file = tmp_path / "all.backup"
    data = Path(sealed["LACEWING_DATA_DIR"])
    with serving(sealed) as server:
        headers = _fill(server, sealed)
        server.stop()
    before, files = await _rows(sealed["LACEWING_DATABASE_URL"]), _files(data)
    made = _backed_up(sealed, file)
    place = await new_place(database_kind)
    _damage(data / "files", place.folder / "files")
    shutil.rmtree(data)

    settings = place.settings(sealed)
    restored = lacewing("restore", str(file), "--json", environment=settings)
    after = _without_the_note(await _rows(place.url))

    assert restored.returncode == 0, restored.stderr
    assert json.loads(restored.stdout)["manifest"] == made["manifest"]
    assert _sums(after) == _sums(before)
    assert len(before["documents"]) == len(files) == 2
    assert _files(place.folder) == files
    assert b"root@example.com" not in json.dumps(before).encode()
    _use(settings, headers)
    assert lacewing("audit", "verify", environment=settings).returncode == 0
    findings = json.loads(lacewing("doctor", "--json", environment=settings).stdout)
    assert not [finding for finding in findings if finding["state"] == "failed"]


@pytest.mark.parametrize("other", ["sqlite", "postgresql"])
async def test_a_backup_of_one_database_is_restored_on_either(
    sealed: dict[str, str], new_place: MakePlace, other: str, tmp_path: Path
) -> None:
    """OPS-13: what a restored Lacewing backs up again has the same sums by table."""
    first, second = tmp_path / "first.backup", tmp_path / "second.backup"
    assert lacewing("seed", environment=sealed).returncode == 0
    made = _backed_up(sealed, first)
    place = await new_place(other)
    settings = place.settings(sealed)

    restored = lacewing("restore", str(first), environment=settings)
    again = _backed_up(settings, second)

    assert restored.returncode == 0, restored.stderr
    expected, found = made["manifest"]["tables"], again["manifest"]["tables"]
    differing = {name for name in expected if expected[name] != found[name]}
    assert differing == {
        name for name in expected if name.startswith("audit") and "chain" not in name
    }
    assert found["audit_log"]["rows"] == expected["audit_log"]["rows"] + 1
    assert made["manifest"]["keys"] == again["manifest"]["keys"]


async def test_a_backup_is_of_one_moment_while_others_write(
    database_kind: str, sealed: dict[str, str], new_place: MakePlace, tmp_path: Path
) -> None:
    """OPS-13: each row that one refers to is there, and the file of each document."""
    file = tmp_path / "all.backup"
    place = await new_place(database_kind)
    with serving(sealed) as server:
        headers = _fill(server, sealed)
        is_over = asyncio.Event()
        async with httpx.AsyncClient(base_url=server.url, headers=headers, timeout=60) as api:
            writing = asyncio.create_task(_come_and_go(api, is_over))
            made = await asyncio.to_thread(_backed_up, sealed, file)
            is_over.set()
            count = await writing
        server.stop()

    restored = await asyncio.to_thread(
        lambda: lacewing("restore", str(file), environment=place.settings(sealed))
    )

    assert count > 0
    assert made["manifest"]["missing"] == made["manifest"]["damaged"] == []
    assert restored.returncode == 0, restored.stderr
    rows = await _rows(place.url)
    numbers = made["manifest"]["tables"]
    assert len(rows["documents"]) == numbers["documents"]["rows"]
    findings = json.loads(lacewing("doctor", "--json", environment=place.settings(sealed)).stdout)
    assert next(each for each in findings if each["subject"] == "files")["state"] == "ok"


async def _come_and_go(api: httpx.AsyncClient, is_over: asyncio.Event) -> int:
    """Upload and delete documents; how many there were."""
    count = 0
    while not is_over.is_set():
        content = pdf(secrets.token_hex(100))
        sent = await api.post(
            "/api/documents/upload", files={"file": ("x.pdf", content, "application/pdf")}
        )
        sent.raise_for_status()
        gone = await api.delete(f"/api/documents/{sent.json()['document_id']}")
        gone.raise_for_status()
        count += 1
    return count


@pytest.mark.one_database
async def test_files_of_an_object_storage_are_backed_up_and_restored(
    sealed: dict[str, str], s3: dict[str, str], new_place: MakePlace, tmp_path: Path
) -> None:
    """OPS-13: out of one bucket, into another."""
    file = tmp_path / "all.backup"
    old = sealed | s3 | {"LACEWING_STORAGE_URL": new_bucket(s3)}
    with serving(old) as server:
        headers = _fill(server, old)
        server.stop()
    made = _backed_up(old, file)
    place = await new_place("sqlite")
    new = place.settings(old) | {"LACEWING_STORAGE_URL": new_bucket(s3)}

    restored = lacewing("restore", str(file), environment=new)

    assert restored.returncode == 0, restored.stderr
    assert made["manifest"]["files"] == 2
    assert _downloaded(new, headers) == sorted(CONTENTS)


def _downloaded(settings: dict[str, str], headers: dict[str, str]) -> list[bytes]:
    """Every document, of a server of these settings."""
    with serving(settings) as server, httpx.Client(base_url=server.url, headers=headers) as api:
        documents = api.get("/api/documents").json()["data"]
        return sorted(
            api.get(f"/api/documents/{each['document_id']}/download").content for each in documents
        )


@dataclass
class Backup:
    """One that was made, with the settings of what it was made of."""

    file: Path
    settings: dict[str, str]


@pytest.fixture
def backup(sealed: dict[str, str], tmp_path: Path) -> Backup:
    lacewing("seed", environment=sealed)
    _backed_up(sealed, tmp_path / "all.backup")
    return Backup(tmp_path / "all.backup", sealed)


async def _refused(
    backup: Backup, place: Place, reason: str, code: int = 1, **variables: str
) -> None:
    """The restore is refused for that reason, and there is nothing in the place afterwards."""
    settings = place.settings(backup.settings) | variables
    done = lacewing("restore", str(backup.file), environment=settings)
    assert (done.returncode, "Traceback" in done.stderr) == (code, False), done.stderr
    assert reason in done.stderr
    left = [path for path in place.folder.rglob("*") if path.is_file()]
    assert not [path for path in left if path.suffix != ".sqlite3"]
    assert all(not path.stat().st_size for path in left)


@pytest.mark.one_database
async def test_a_wrong_passphrase_is_told_and_nothing_is_written(
    backup: Backup, new_place: MakePlace
) -> None:
    """OPS-13: nor without one."""
    place = await new_place("sqlite")

    await _refused(backup, place, "passphrase", LACEWING_BACKUP_PASSPHRASE="wrong horse battery")
    await _refused(backup, place, "passphrase", LACEWING_BACKUP_PASSPHRASE="")


@pytest.mark.one_database
async def test_a_backup_that_is_cut_off_or_changed_is_refused_whole(
    backup: Backup, new_place: MakePlace
) -> None:
    """OPS-13: wherever it is; ``verify`` says so too."""
    whole = backup.file.read_bytes()
    place = await new_place("sqlite")
    size = len(whole)
    spoiled = [whole[:cut] for cut in (0, 10, 100, size // 2, size - 16, size - 1)]
    spoiled += [
        whole[:at] + bytes([whole[at] ^ 1]) + whole[at + 1 :]
        for at in (30, 150, 190, 300, size // 2, size - 1)
    ]
    spoiled.append(whole + b"x")

    for content in spoiled:
        backup.file.write_bytes(content)
        await _refused(backup, place, "")
        verified = lacewing("backup", "verify", str(backup.file), environment=backup.settings)
        assert verified.returncode == 1, verified.stderr


@pytest.mark.one_database
async def test_a_backup_in_the_clear_is_compared_with_its_manifest(
    environment: dict[str, str], new_place: MakePlace, tmp_path: Path
) -> None:
    """OPS-13: a changed row, a left out piece, a later format, a schema of the future."""
    file = tmp_path / "clear.backup"
    lacewing("seed", environment=environment)
    made = lacewing("backup", str(file), environment=environment)
    whole = file.read_bytes()
    place = await new_place("sqlite")
    clear = Backup(file, environment)

    for spoil, reason in (
        (_change_a_row, "rows of users"),
        (_leave_out_comments, "rows of comments"),
        (_leave_out_manifest, "no manifest"),
        (_header(lacewing_backup=2), "newer program"),
        (_header(schema="9999_next_year"), "9999_next_year"),
    ):
        file.write_bytes(_spoiled(whole, spoil))
        await _refused(clear, place, reason)

    assert "not sealed" in made.stderr
    assert stat.S_IMODE(file.stat().st_mode) == 0o600


Spoil = Callable[[str, bytes], bytes | None]


def _spoiled(whole: bytes, spoil: Spoil) -> bytes:
    """The archive with every piece as ``spoil`` gives it back."""
    output = io.BytesIO()
    with (
        tarfile.open(fileobj=io.BytesIO(whole)) as old,
        tarfile.open(fileobj=output, mode="w") as new,
    ):
        for entry in old:
            read = old.extractfile(entry)
            assert read is not None
            content = spoil(entry.name, read.read())
            if content is not None:
                entry.size = len(content)
                new.addfile(entry, io.BytesIO(content))
    return output.getvalue()


def _change_a_row(name: str, content: bytes) -> bytes:
    if not name.startswith("tables/users/"):
        return content
    return gzip.compress(gzip.decompress(content).replace(b'"developer"', b'"admin"', 1))


def _leave_out_comments(name: str, content: bytes) -> bytes | None:
    return None if name.startswith("tables/comments/") else content


def _leave_out_manifest(name: str, content: bytes) -> bytes | None:
    return None if name == "manifest.json" else content


def _header(**changed: Any) -> Spoil:
    def spoil(name: str, content: bytes) -> bytes:
        if name not in {"header.json", "manifest.json"}:
            return content
        return json.dumps(json.loads(content) | changed).encode()

    return spoil


def _without_traces(schema: str) -> Spoil:
    """As it was made when nothing knew of the span that it comes from."""
    sums = {"outbox": TableSum(), "jobs": TableSum()}
    with_schema = _header(schema=schema)

    def spoil(name: str, content: bytes) -> bytes | None:
        table = name.split("/")[1] if name.startswith("tables/") else ""
        if table in sums:
            rows = [json.loads(line) for line in gzip.decompress(content).splitlines()]
            lines = [
                json.dumps({name: row[name] for name in row if name != "traceparent"}).encode()
                for row in rows
            ]
            for line in lines:
                sums[table].add(line)
            return gzip.compress(b"\n".join(lines))
        content = with_schema(name, content) or b""
        if name == "manifest.json":
            manifest = json.loads(content)
            manifest["tables"] |= msgspec.to_builtins(sums)
            return json.dumps(manifest).encode()
        return content

    return spoil


async def test_a_backup_of_an_older_schema_is_restored_and_brought_up(
    database_kind: str, environment: dict[str, str], new_place: MakePlace, tmp_path: Path
) -> None:
    """OPS-13, OPS-2: rows are put in as they were, then the migrations run; here over a new one."""
    file = tmp_path / "older.backup"
    lacewing("seed", environment=environment)
    lacewing("backup", str(file), environment=environment)
    # That schema had the same tables, but for that of backups, which no backup holds.
    file.write_bytes(_spoiled(file.read_bytes(), _without_traces(schema="0011_webhooks")))
    place = await new_place(database_kind)
    lacewing("db", "upgrade", environment=place.settings(environment))

    restored = lacewing("restore", str(file), environment=place.settings(environment))

    assert restored.returncode == 0, restored.stderr
    assert lacewing("db", "check", environment=place.settings(environment)).returncode == 0
    before = await _rows(environment["LACEWING_DATABASE_URL"])
    assert _sums(_without_the_note(await _rows(place.url))) == _sums(before)


async def test_only_an_empty_lacewing_takes_a_backup(
    backup: Backup, database_kind: str, new_place: MakePlace
) -> None:
    """OPS-13: one that was only served is empty; one with a user, or other keys, is not."""
    place = await new_place(database_kind)
    settings = place.settings(backup.settings)
    before = await _rows(backup.settings["LACEWING_DATABASE_URL"])

    onto_itself = lacewing("restore", str(backup.file), environment=backup.settings)
    with serving(settings) as server:
        server.stop()
    other_keys = lacewing("restore", str(backup.file), environment=settings)
    shutil.rmtree(place.folder / "keys")
    served_only = lacewing("restore", str(backup.file), environment=settings)

    assert (onto_itself.returncode, other_keys.returncode) == (1, 1)
    assert "empty" in onto_itself.stderr
    assert "keys of another" in other_keys.stderr
    assert await _rows(backup.settings["LACEWING_DATABASE_URL"]) == before
    assert served_only.returncode == 0, served_only.stderr


@pytest.mark.one_database
async def test_what_the_environment_must_bring_is_named(
    backup: Backup, new_place: MakePlace
) -> None:
    """OPS-13: keys of personal data and the secret of the settings are in no backup."""
    place = await new_place("sqlite")

    await _refused(
        backup, place, "LACEWING_PII_ENCRYPTION_KEY",
        LACEWING_PII_ENCRYPTION_KEY=new_key(), LACEWING_PII_HASH_KEY=new_key(),
    )  # fmt: skip
    # With it alone all could be read, and nobody be found by email: nobody could log in.
    await _refused(backup, place, "LACEWING_PII_HASH_KEY", LACEWING_PII_HASH_KEY=new_key())
    await _refused(backup, place, "LACEWING_SECRET_KEY", LACEWING_SECRET_KEY="x" * 40)


async def test_a_restore_that_died_is_not_served_and_can_be_done_again(
    database_kind: str, sealed: dict[str, str], new_place: MakePlace, tmp_path: Path
) -> None:
    """OPS-13: between its files, between its rows, and with all of them but what is searched."""
    file = tmp_path / "all.backup"
    with serving(sealed) as server:
        headers = _fill(server, sealed)
        server.stop()
    _backed_up(sealed, file)
    before = await _rows(sealed["LACEWING_DATABASE_URL"])
    place = await new_place(database_kind)
    settings = place.settings(sealed)

    for phase in ("files", "rows", "indexes"):
        assert _restore_that_dies(settings, file, phase) == -signal.SIGKILL
        served = lacewing("serve", "--port", "0", environment=settings)
        checked = lacewing("db", "check", environment=settings)
        assert (served.returncode, checked.returncode) == (4, 4), phase
        assert "lacewing restore" in served.stderr
    again = lacewing("restore", str(file), environment=settings)

    assert again.returncode == 0, again.stderr
    assert _sums(_without_the_note(await _rows(place.url))) == _sums(before)
    _use(settings, headers)


def _log_in(api: httpx.Client, user: dict[str, str]) -> int:
    """The status that the server answers with."""
    login = {name: user[name] for name in ("username", "password")}
    return api.post("/api/auth/login", json=login).status_code


def _restore_that_dies(settings: dict[str, str], file: Path, phase: str) -> int | None:
    """A restore in a process that is killed once it tells of ``phase``; how it ended."""
    process = forking().Process(target=_restore_and_die, args=(settings, file, phase))
    process.start()
    process.join()
    return process.exitcode


def _restore_and_die(environ: dict[str, str], file: Path, phase: str) -> None:
    def tell(what: str, _count: int) -> None:
        if what == phase:
            os.kill(os.getpid(), signal.SIGKILL)

    asyncio.run(restore(load_settings(environ), Archive(file, PASSPHRASE), tell))


@pytest.mark.parametrize(
    ("phase", "schema"),
    [("pieces", None), ("files", None), ("files", "0011_webhooks")],
    ids=["while it is read", "while files are copied", "into another schema"],
)
async def test_what_somebody_writes_while_a_backup_is_restored_stays(
    database_kind: str,
    environment: dict[str, str],
    new_place: MakePlace,
    tmp_path: Path,
    phase: str,
    schema: str | None,
) -> None:
    """OPS-13: what a server has said is done is not wiped, however long the restore takes."""
    file = tmp_path / "all.backup"
    shared = environment | {"LACEWING_SECRET_KEY": secrets.token_hex(20)}
    with serving(shared) as server:
        _fill(server, shared)
        server.stop()
    _backed_up(shared, file)
    if schema is not None:
        file.write_bytes(_spoiled(file.read_bytes(), _without_traces(schema)))
    settings = (await new_place(database_kind)).settings(shared)
    nina = {"username": "nina", "email": "nina@example.com", "password": "Correct-Horse-7"}
    registered: list[int] = []

    with serving(settings) as server, httpx.Client(base_url=server.url, timeout=30) as api:

        def tell(what: str, _count: int) -> None:
            if what == phase and not registered:
                registered.append(api.post("/api/auth/register", json=nina).status_code)

        with pytest.raises(NotRestorable):
            await restore(load_settings(settings), Archive(file, None), tell)
        logged_in = _log_in(api, nina)
        server.stop()

    assert (registered, logged_in) == ([201], 200)
    assert lacewing("db", "check", environment=settings).returncode == 0


@pytest.mark.one_database
def test_a_backup_appears_whole_or_not_at_all(sealed: dict[str, str], tmp_path: Path) -> None:
    """OPS-13: never over another one, and without a trace where it can't be written."""
    lacewing("seed", environment=sealed)
    file = tmp_path / "all.backup"
    _backed_up(sealed, file)
    whole = file.read_bytes()

    again = lacewing("backup", str(file), environment=sealed)
    nowhere = lacewing("backup", str(tmp_path / "no" / "x.backup"), environment=sealed)
    weak = lacewing(
        "backup",
        str(tmp_path / "weak"),
        "--passphrase-file",
        "-",
        environment=sealed,
        given="short\n",
    )

    assert (again.returncode, nowhere.returncode, weak.returncode) == (1, 1, 3)
    assert file.read_bytes() == whole
    assert "Traceback" not in again.stderr + nowhere.stderr + weak.stderr
    assert not [path for path in tmp_path.iterdir() if path.name.startswith(".")]
    assert not (tmp_path / "weak").exists()


@pytest.mark.one_database
@pytest.mark.parametrize("lost", ["secret.key", "*.json", "*"])
def test_a_backup_without_the_keys_is_refused_and_makes_none(
    sealed: dict[str, str], tmp_path: Path, lost: str
) -> None:
    """OPS-13: with a secret that it made itself, what it holds could never be opened again."""
    assert lacewing("seed", environment=sealed).returncode == 0
    folder = Path(sealed["LACEWING_DATA_DIR"]) / "keys"
    for path in folder.glob(lost):
        path.unlink()
    left = sorted(folder.iterdir())

    done = lacewing("backup", str(tmp_path / "x.backup"), environment=sealed)

    assert (done.returncode, "Traceback" in done.stderr) == (1, False)
    assert "LACEWING_KEYS_DIR" in done.stderr
    assert sorted(folder.iterdir()) == left
    assert not list(tmp_path.glob("*x.backup*"))


@pytest.mark.one_database
def test_the_passphrase_comes_from_a_file_standard_input_or_the_settings(
    environment: dict[str, str], tmp_path: Path
) -> None:
    """OPS-13: never from the command line, which everybody on the machine can read."""
    lacewing("keys", "list", environment=environment)
    secret = tmp_path / "passphrase"
    secret.write_text(f"{PASSPHRASE}\nanother line\n", encoding="utf-8")
    mounted = tmp_path / "mounted"
    mounted.write_text(f"{PASSPHRASE}\n", encoding="utf-8")
    file = tmp_path / "all.backup"
    _backed_up(environment, file, "--passphrase-file", str(secret))

    verified = [
        lacewing("backup", "verify", str(file), environment=environment | settings).returncode
        for settings in (
            {"LACEWING_BACKUP_PASSPHRASE": PASSPHRASE},
            {"LACEWING_BACKUP_PASSPHRASE_FILE": str(mounted)},
            {},
        )
    ]
    typed = lacewing(
        "backup", "verify", str(file), "--passphrase-file", "-",
        environment=environment, given=f"{PASSPHRASE}\n",
    )  # fmt: skip

    unnamed = lacewing(
        "backup", str(tmp_path / "clear"), "--passphrase-file", "", environment=environment
    )

    assert verified == [0, 0, 1]
    assert typed.returncode == 0, typed.stderr
    assert (unnamed.returncode, (tmp_path / "clear").exists()) == (3, False)


@pytest.mark.one_database
def test_a_folder_keeps_the_newest_backups(sealed: dict[str, str], tmp_path: Path) -> None:
    """OPS-13: named by their time; what else lies there is left alone, but for old drafts."""
    lacewing("keys", "list", environment=sealed)
    folder = tmp_path / "backups"
    folder.mkdir()
    older = [folder / f"lacewing-2026010{day}T000000Z.backup" for day in (1, 2, 3)]
    other = folder / "precious.txt"
    left, under_way = (folder / f".lacewing-20260104T000000Z.backup.{pid}" for pid in (7, 8))
    for path in (*older, other, left, under_way):
        path.write_text("x", encoding="utf-8")
    os.utime(left, (0, 0))

    made = _backed_up(sealed, folder, "--keep", "2")
    pruned = lacewing("backup", "prune", str(folder), "--keep", "1", environment=sealed)

    assert made["removed"] == [str(path) for path in (*older[:2], left)]
    assert sorted(folder.iterdir()) == sorted([Path(made["file"]), other, under_way])
    assert str(older[2]) in pruned.stdout


async def test_a_backup_that_is_ended_leaves_no_draft(
    sealed: dict[str, str], tmp_path: Path
) -> None:
    """OPS-13: as init systems and clusters end it, by SIGTERM."""
    folder = tmp_path / "backups"
    folder.mkdir()
    lacewing("seed", environment=sealed)
    process = _backing_up(sealed, folder)

    async def has_draft() -> bool:
        return any(folder.iterdir())

    await until(has_draft)
    process.terminate()
    _, said = process.communicate(timeout=60)

    assert (process.returncode, b"Traceback" in said) == (130, False)
    assert not list(folder.iterdir())


def _backing_up(settings: dict[str, str], folder: Path) -> "subprocess.Popen[bytes]":
    return subprocess.Popen(
        [PROGRAM, "backup", str(folder)],
        env={**os.environ, **settings},
        cwd=folder,
        stderr=subprocess.PIPE,
    )


@pytest.mark.one_database
def test_a_backup_that_lacks_files_removes_no_older_one(
    sealed: dict[str, str], tmp_path: Path
) -> None:
    """OPS-13: once a folder of files is lost, each night would cost one that still has them."""
    folder = tmp_path / "backups"
    folder.mkdir()
    with serving(sealed) as server:
        _fill(server, sealed)
        server.stop()
    older = [folder / f"lacewing-2026010{day}T000000Z.backup" for day in (1, 2)]
    for path in older:
        path.write_text("x", encoding="utf-8")
    shutil.rmtree(Path(sealed["LACEWING_DATA_DIR"]) / "files")

    done = lacewing("backup", str(folder), "--keep", "1", "--json", environment=sealed)

    assert (done.returncode, json.loads(done.stdout)["removed"]) == (2, [])
    assert all(path.exists() for path in older)
    assert "No older one is removed" in done.stderr


async def test_a_file_that_is_missing_is_told_and_left_out(
    sealed: dict[str, str], tmp_path: Path
) -> None:
    """OPS-13: exit code 2, the rest is there; one that was changed is told too."""
    data = Path(sealed["LACEWING_DATA_DIR"])
    with serving(sealed) as server:
        _fill(server, sealed)
        server.stop()
    long, short = sorted(
        (path for path in (data / "files").rglob("*") if path.is_file()),
        key=lambda path: -path.stat().st_size,
    )
    long.unlink()
    short.chmod(0o600)
    short.write_bytes(short.read_bytes()[:-1] + b"!")

    done = lacewing("backup", str(tmp_path / "x.backup"), "--json", environment=sealed)
    verified = lacewing("backup", "verify", str(tmp_path / "x.backup"), environment=sealed)

    assert (done.returncode, verified.returncode) == (2, 2)
    manifest = json.loads(done.stdout)["manifest"]
    assert (manifest["missing"], manifest["damaged"]) == ([long.name], [short.name])
    assert long.name in done.stderr


async def test_a_file_on_its_way_in_is_not_called_missing(
    sealed: dict[str, str], tmp_path: Path
) -> None:
    """OPS-13, DOC-7: its row is there before its bytes, and before any document has it."""
    lacewing("keys", "list", environment=sealed)
    settings = load_settings(sealed)
    database = await open_database(settings.database, settings.general.data_dir)
    async with transaction(database) as session:
        now = utc_now()
        await claim_file(session, "0" * 64, 10, now, now + timedelta(hours=1))
    await database.close()

    made = _backed_up(sealed, tmp_path / "x.backup")

    assert (made["manifest"]["missing"], made["manifest"]["files"]) == ([], 0)
    assert made["manifest"]["tables"]["files"]["rows"] == 1


async def test_the_age_of_the_last_backup_is_measured(
    sealed: dict[str, str], tmp_path: Path
) -> None:
    """OPS-13: ``lacewing doctor`` warns when there is none; the metric tells its end."""

    def finding() -> str:
        found = json.loads(lacewing("doctor", "--json", environment=sealed).stdout)
        return str(next(each for each in found if each["subject"] == "backups")["state"])

    lacewing("keys", "list", environment=sealed)
    before = finding()
    _backed_up(sealed, tmp_path / "all.backup")
    after = finding()

    assert (before, after) == ("warning", "ok")
    with serving(sealed) as server:
        async with httpx.AsyncClient(base_url=server.url) as api:

            async def is_measured() -> bool:
                measured = (await api.get("/metrics")).text
                return "lacewing_last_backup_timestamp_seconds 1." in measured

            await until(is_measured)
