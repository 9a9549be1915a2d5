import json
import stat
from pathlib import Path

from tests.support.processes import lacewing


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
    assert {"users", "projects", "issues", "comments", "issue_history", "audit_log"} <= tables
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


def test_a_broken_line_is_named_and_nothing_comes_in(
    environment: dict[str, str], empty: dict[str, str], tmp_path: Path
) -> None:
    """UX-3: whole or not at all."""
    file = tmp_path / "all.jsonl"
    lacewing("seed", environment=environment)
    lacewing("export", str(file), environment=environment)
    lines = file.read_bytes().splitlines()
    lines[5] = b'{"table": "users", "row": {"id": "no id"}}'
    file.write_bytes(b"\n".join(lines))

    broken = lacewing("import", "lacewing", str(file), environment=empty)
    nothing = lacewing("export", "-", environment=empty)

    assert broken.returncode == 1
    assert "Line 6" in broken.stderr
    assert len(nothing.stdout.splitlines()) == 1
