import json
import stat
from pathlib import Path

import pytest

from tests.support.processes import lacewing

pytestmark = pytest.mark.system


def test_an_export_taken_into_an_empty_lacewing_exports_the_same(
    environment: dict[str, str], empty: dict[str, str], tmp_path: Path
) -> None:
    """UX-3: byte for byte, also from one database to the other; found by search afterwards."""
    first, second = tmp_path / "first.jsonl", tmp_path / "second.jsonl"
    assert lacewing("seed", environment=environment).returncode == 0

    for arguments, settings in (
        (("export", str(first)), environment),
        (("import", "lacewing", str(first)), empty),
        (("export", str(second)), empty),
    ):
        done = lacewing(*arguments, environment=settings)
        assert done.returncode == 0, done.stderr

    assert first.read_bytes() == second.read_bytes()
    assert stat.S_IMODE(first.stat().st_mode) == 0o600
    tables = {json.loads(line)["table"] for line in first.read_bytes().splitlines()[1:]}
    assert {
        "users",
        "projects",
        "issues",
        "comments",
        "products",
        "issue_history",
        "audit_log",
    } <= tables
    assert not tables & {"sessions", "refresh_tokens", "idempotency_keys"}


def test_only_an_empty_lacewing_takes_an_export(
    environment: dict[str, str], tmp_path: Path
) -> None:
    """UX-3: nothing is mixed, nothing doubled."""
    file = tmp_path / "all.jsonl"
    lacewing("seed", environment=environment)
    lacewing("export", str(file), environment=environment)

    again = lacewing("import", "lacewing", str(file), environment=environment)

    assert again.returncode == 1
    assert "empty" in again.stderr
    assert "Traceback" not in again.stderr


def test_an_export_that_can_not_be_written_leaves_nothing(
    environment: dict[str, str], tmp_path: Path
) -> None:
    """UX-3: the file appears whole or not at all; an older one is replaced, not mixed."""
    lacewing("seed", environment=environment)
    taken = tmp_path / "taken"
    taken.mkdir()
    older = tmp_path / "older.jsonl"
    older.write_text("what was here\n" * 100_000, encoding="utf-8")
    older.chmod(0o644)

    nowhere = lacewing("export", str(tmp_path / "no" / "x.jsonl"), environment=environment)
    refused = lacewing("export", str(taken), environment=environment)
    replaced = lacewing("export", str(older), environment=environment)

    assert nowhere.returncode == refused.returncode == 1
    assert "Traceback" not in nowhere.stderr + refused.stderr
    assert replaced.returncode == 0
    assert b"what was here" not in older.read_bytes()
    assert stat.S_IMODE(older.stat().st_mode) == 0o600
    assert {path.name for path in tmp_path.iterdir() if path.suffix != ".sqlite3"} >= {
        "taken", "older.jsonl",
    }  # fmt: skip
    assert not [path for path in tmp_path.iterdir() if path.name.startswith(".")]


def test_an_export_into_a_device_leaves_it_one(environment: dict[str, str]) -> None:
    """UX-3: put in its place, a file would be the end of ``/dev/null``."""
    before = Path("/dev/null").stat()

    done = lacewing("export", "/dev/null", environment=environment)

    after = Path("/dev/null").stat()
    assert done.returncode == 0, done.stderr
    assert (after.st_mode, after.st_rdev) == (before.st_mode, before.st_rdev)
