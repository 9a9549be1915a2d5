"""``lacewing storage``: proving that a storage works, and moving all files to another one."""

import asyncio
import hashlib
import json
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import insert, select

from lacewing.accounts.tables import users
from lacewing.documents.files.local import LocalStorage
from lacewing.documents.store.files import claim_file
from lacewing.documents.tables import documents
from lacewing.kernel.clock import utc_now
from lacewing.kernel.db import open_database, transaction
from lacewing.kernel.ids import new_id
from lacewing.settings import load_settings
from tests.support.object_storage import new_bucket
from tests.support.processes import lacewing

pytestmark = [pytest.mark.system, pytest.mark.one_database]

CONTENTS = [b"one", b"two " * 100_000, b"three " * 1_000]


def key_of(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


@dataclass
class Files:
    """Where they are, and where they shall go."""

    old: Path
    new: Path
    keys: list[str]

    @property
    def target(self) -> str:
        return self.new.as_uri()

    def in_old(self, key: str) -> Path:
        return self.old / key[:2] / key

    def in_new(self, key: str) -> Path:
        return self.new / key[:2] / key

    def moved(self) -> dict[str, bytes]:
        return {
            path.name: path.read_bytes()
            for path in self.new.rglob("*")
            if path.is_file() and path.parent.name != "drafts"
        }


@pytest.fixture
async def files(environment: dict[str, str], tmp_path: Path) -> Files:
    """Three, each of a document, with what the database knows; in the storage of the settings."""
    command = ("admin", "create", "--username=ada", "--email=ada@example.com", "--password-stdin")
    made = lacewing(*command, environment=environment, given="Correct-Horse-7\n")
    assert made.returncode == 0, made.stderr
    settings = load_settings(environment)
    database = await open_database(settings.database, settings.general.data_dir)
    old = settings.general.data_dir / "files"
    storage = LocalStorage(old)
    for content in CONTENTS:
        draft = storage.drafts_dir / "draft"
        await asyncio.to_thread(draft.write_bytes, content)
        await storage.put(key_of(content), draft)
        await asyncio.to_thread(draft.unlink)
        async with transaction(database) as session:
            now = utc_now()
            await claim_file(session, key_of(content), len(content), now, now)
            owner = await session.scalar(select(users.c.id))
            await session.execute(insert(documents), _document_of(content, owner))
    await storage.close()
    await database.close()
    return Files(old, tmp_path / "new", [key_of(content) for content in CONTENTS])


def _document_of(content: bytes, owner_id: UUID) -> dict[str, Any]:
    return {
        "id": new_id(), "owner_id": owner_id, "project_id": None, "issue_id": None,
        "filename": "notes.pdf", "content_type": "application/pdf", "sha256": key_of(content),
        "created_at": utc_now(), "updated_at": utc_now(), "status": "UPLOADED", "progress": 0,
        "step": None, "failure": None, "message": "",
    }  # fmt: skip


def move(environment: dict[str, str], *options: str) -> tuple[int, dict[str, Any]]:
    done = lacewing("storage", "move", "--json", *options, environment=environment)
    assert "Traceback" not in done.stderr
    return done.returncode, json.loads(done.stdout) if done.stdout else {}


# Checking


def test_a_storage_proves_what_it_can(empty: dict[str, str], tmp_path: Path) -> None:
    """UX-1, DOC-7: that of the settings, or another one; nothing is left in it."""
    told = lacewing("storage", "check", environment=empty)
    other = (tmp_path / "other").as_uri()
    as_json = lacewing("storage", "check", "--url", other, "--json", environment=empty)

    files = Path(empty["LACEWING_DATA_DIR"]) / "files"
    assert (told.returncode, as_json.returncode) == (0, 0)
    assert told.stdout == f"{files.as_uri()} can write, read, list, delete.\n"
    assert json.loads(as_json.stdout) == {
        "storage": other,
        "can": ["write", "read", "list", "delete"],
    }
    assert [path for path in files.rglob("*") if path.is_file()] == []


def test_an_object_storage_proves_what_it_can(empty: dict[str, str], s3: dict[str, str]) -> None:
    """UX-1, DOC-7: a bucket that is there; of one that is not, exit code 4 and the reason."""
    url = f"{new_bucket(s3)}/documents"

    there = lacewing("storage", "check", "--url", url, "--json", environment=empty | s3)
    not_there = lacewing("storage", "check", "--url", "s3://no-such", environment=empty | s3)

    assert there.returncode == 0, there.stderr
    assert json.loads(there.stdout) == {"storage": url, "can": ["write", "read", "list", "delete"]}
    assert (not_there.returncode, not_there.stdout) == (4, "")
    assert "bucket" in not_there.stderr
    assert "Traceback" not in not_there.stderr


def test_a_command_ends_well_however_often_it_is_run(
    empty: dict[str, str], s3: dict[str, str]
) -> None:
    """UX-1: exit codes mean something; what is done is never told by a crash at the very end."""
    url = f"{new_bucket(s3)}/documents"

    def check(_time: int) -> int:
        return lacewing("storage", "check", "--url", url, environment=empty | s3).returncode

    with ThreadPoolExecutor(2) as threads:
        codes = list(threads.map(check, range(12)))

    assert codes == [0] * 12


def test_a_storage_that_can_nothing_is_told(empty: dict[str, str], tmp_path: Path) -> None:
    """UX-1: a folder that can't be one; a server that is not there. Exit code 4."""
    (tmp_path / "file").write_text("", encoding="utf-8")
    nobody = {"AWS_ENDPOINT_URL": "http://127.0.0.1:1", "AWS_ACCESS_KEY_ID": "lacewing"}
    nobody |= {"AWS_SECRET_ACCESS_KEY": "not-a-secret", "AWS_REGION": "us-east-1"}

    refused = [
        lacewing("storage", "check", "--url", url, environment=empty | nobody)
        for url in ((tmp_path / "file" / "files").as_uri(), "s3://documents")
    ]

    assert [done.returncode for done in refused] == [4, 4]
    assert "Not a directory" in refused[0].stderr
    assert "does not answer" in refused[1].stderr
    assert all("Traceback" not in done.stderr for done in refused)
    assert all("not-a-secret" not in done.stderr for done in refused)


WRONG = ["/just/a/path", "file://files", "ftp://host/files", "s3:/bucket", "s3://", "nonsense"]


@pytest.mark.parametrize("url", WRONG)
def test_what_names_no_storage_is_refused(empty: dict[str, str], url: str) -> None:
    """UX-1, NAME-3: exit code 3, with the URL and the two forms that there are."""
    checked = lacewing("storage", "check", "--url", url, environment=empty)
    moved = lacewing("storage", "move", "--to", url, environment=empty)

    for done in (checked, moved):
        assert (done.returncode, done.stdout) == (3, "")
        assert url in done.stderr
        assert "s3://bucket" in done.stderr
        assert "Traceback" not in done.stderr


# Moving


def test_all_files_are_copied_and_run_again_nothing_is(
    environment: dict[str, str], files: Files
) -> None:
    """UX-1, DOC-7: the old ones stay; what is there already is left alone."""
    first = move(environment, "--to", files.target)
    times = {key: files.in_new(key).stat().st_mtime_ns for key in files.keys}
    second = move(environment, "--to", files.target)

    total = sum(map(len, CONTENTS))
    done = {"copied": 3, "copied_bytes": total, "there_already": 0, "missing": []}
    nothing = {"copied": 0, "copied_bytes": 0, "there_already": 3, "missing": []}
    assert (first, second) == ((0, done), (0, nothing))
    assert files.moved() == {key_of(content): content for content in CONTENTS}
    assert {key: files.in_new(key).stat().st_mtime_ns for key in files.keys} == times
    assert all(files.in_old(key).exists() for key in files.keys)
    assert list((files.new / "drafts").iterdir()) == []


def test_what_is_missing_or_damaged_is_told_and_the_rest_is_copied(
    environment: dict[str, str], files: Files
) -> None:
    """UX-1, DOC-7: exit code 2; no damaged file is ever taken for a good one."""
    missing, damaged, good = files.keys
    files.in_old(missing).unlink()
    files.in_old(damaged).chmod(0o600)
    files.in_old(damaged).write_bytes(b"TWO " * 100_000)

    done = lacewing("storage", "move", "--to", files.target, environment=environment)
    code, found = move(environment, "--to", files.target)

    assert (done.returncode, code) == (2, 2)
    assert "1 files copied" in done.stdout
    assert missing in done.stdout
    assert damaged in done.stdout
    assert sorted(found["missing"]) == sorted([missing, damaged])
    assert (found["copied"], found["there_already"]) == (0, 1)
    assert files.moved().keys() == {good}


def test_a_file_that_is_cut_off_at_the_target_is_copied_again(
    environment: dict[str, str], files: Files
) -> None:
    """DOC-7: whatever wrote it there."""
    key = files.keys[1]
    files.in_new(key).parent.mkdir(parents=True)
    files.in_new(key).write_bytes(b"two")

    code, found = move(environment, "--to", files.target)

    assert (code, found["copied"], found["there_already"]) == (0, 3, 0)
    assert files.in_new(key).read_bytes() == CONTENTS[1]


def test_a_move_that_was_killed_goes_on(environment: dict[str, str], files: Files) -> None:
    """DOC-7, UX-1: at whatever moment; here with a copy half made, and one not yet named."""
    first, second, _ = files.keys
    drafts = files.new / "drafts"
    drafts.mkdir(parents=True)
    (drafts / f"{first}.moved").write_bytes(b"o")
    for ending in ("moved", "put"):  # two names of one file: the next step is a third, the last
        (drafts / f"{second}.{ending}").write_bytes(CONTENTS[1])

    code, found = move(environment, "--to", files.target)

    assert (code, found.get("copied"), found.get("missing")) == (0, 3, [])
    assert files.moved() == {key_of(content): content for content in CONTENTS}


def test_files_move_to_an_object_storage_and_back(
    environment: dict[str, str], files: Files, s3: dict[str, str]
) -> None:
    """DOC-7: from the one kind to the other, with the very bytes."""
    url = f"{new_bucket(s3)}/documents"

    there = move(environment | s3, "--to", url)
    back = move(environment | s3, "--from", url, "--to", files.target)

    assert (there[0], there[1]["copied"]) == (back[0], back[1]["copied"]) == (0, 3)
    assert files.moved() == {key_of(content): content for content in CONTENTS}


def test_the_place_where_the_files_are_is_refused(
    environment: dict[str, str], files: Files
) -> None:
    """UX-1: with a slash at its end or without; exit code 3."""
    wanted = [files.old.as_uri(), f"{files.old.as_uri()}/"]

    refused = [
        lacewing("storage", "move", "--to", each, environment=environment) for each in wanted
    ]

    assert [done.returncode for done in refused] == [3, 3]
    assert all("already" in done.stderr for done in refused)


# The doctor


def test_the_doctor_tells_of_missing_files(environment: dict[str, str], files: Files) -> None:
    """UX-1, DOC-7: a failure with how many, where and the cure; with all of them all is well."""

    def examined() -> tuple[int, dict[str, Any]]:
        done = lacewing("doctor", "--json", environment=environment)
        assert "Traceback" not in done.stderr
        found = {each["subject"]: each for each in json.loads(done.stdout)}
        return done.returncode, found["files"]

    well_code, well = examined()
    missing, cut_off, _ = files.keys
    files.in_old(missing).unlink()
    files.in_old(cut_off).chmod(0o600)
    files.in_old(cut_off).write_bytes(b"two")
    ill_code, ill = examined()

    assert (well_code, well["state"]) == (0, "ok")
    assert (ill_code, ill["state"]) == (1, "failed")
    assert ill["detail"].startswith("2 ")
    assert files.old.as_uri() in ill["detail"]
    assert min(missing, cut_off) in ill["detail"]
    assert "lacewing storage move" in ill["mend"]


def test_the_doctor_tells_of_a_storage_that_does_not_answer(
    environment: dict[str, str], s3: dict[str, str]
) -> None:
    """UX-1: a failure with the command that looks closer."""
    variables = {"LACEWING_STORAGE_URL": "s3://no-such", **s3}

    done = lacewing("doctor", "--json", environment=environment | variables)

    found = {each["subject"]: each for each in json.loads(done.stdout)}
    assert done.returncode == 1
    assert found["files"]["state"] == "failed"
    assert found["files"]["mend"] == "lacewing storage check"
