"""What the doctor finds, without a server: each trouble with its state, cure and exit code."""

import json
import os
import subprocess
from pathlib import Path
from typing import Any

import pytest

from tests.support.processes import PROGRAM, lacewing

pytestmark = pytest.mark.system

Findings = dict[str, dict[str, Any]]


def examined(environment: dict[str, str]) -> tuple[int, Findings]:
    done = lacewing("doctor", "--json", environment=environment)
    assert "Traceback" not in done.stderr
    return done.returncode, {each["subject"]: each for each in json.loads(done.stdout)}


def test_an_empty_database_is_told_and_not_filled(empty: dict[str, str]) -> None:
    """UX-1: a warning with the cure; to look changes nothing."""
    first_code, first = examined(empty)
    again_code, again = examined(empty)

    assert (first_code, again_code) == (0, 0)
    assert first["schema"]["state"] == again["schema"]["state"] == "warning"
    assert first["schema"]["mend"] == "lacewing db upgrade"
    assert lacewing("db", "check", environment=empty).returncode == 4


def test_an_outdated_schema_is_a_failure(empty: dict[str, str]) -> None:
    """UX-1, OPS-2: with the revisions and the cure."""
    lacewing("db", "upgrade", "--revision", "0001_kernel", environment=empty)

    code, found = examined(empty)

    assert code == 1
    assert found["schema"]["state"] == "failed"
    assert "0001_kernel" in found["schema"]["detail"]
    assert found["schema"]["mend"] == "lacewing db upgrade"


@pytest.mark.parametrize(
    ("variables", "named"),
    [
        ({"LACEWING_RATE_LIMIT_PER_MINUTE": "many"}, ["LACEWING_RATE_LIMIT_PER_MINUTE"]),
        (
            {"LACEWING_ENVIRONMENT": "production", "LACEWING_DEBUG": "true"},
            ["LACEWING_DEBUG", "LACEWING_PUBLIC_URL"],
        ),
    ],
    ids=["unreadable", "unsafe"],
)
def test_wrong_settings_are_all_named(
    empty: dict[str, str], variables: dict[str, str], named: list[str]
) -> None:
    """UX-1, SEC-11: exit code 3, a finding for each reason."""
    done = lacewing("doctor", "--json", environment={**empty, **variables})

    findings = json.loads(done.stdout)
    assert done.returncode == 3
    assert {each["state"] for each in findings} == {"failed"}
    assert [each["detail"].partition(":")[0] for each in findings] == named


def test_a_redis_that_does_not_answer_is_a_failure(empty: dict[str, str]) -> None:
    """UX-1: what is configured must answer; the rest is examined all the same."""
    code, found = examined({**empty, "LACEWING_REDIS_URL": "redis://127.0.0.1:1/0"})

    assert code == 1
    assert found["redis"]["state"] == "failed"
    assert found["database"]["state"] == "ok"


def test_keys_that_others_may_read_are_a_failure(empty: dict[str, str]) -> None:
    """UX-1: the cure is told, and works."""
    keys = Path(empty["LACEWING_DATA_DIR"]) / "keys"
    keys.mkdir(mode=0o755)

    code, found = examined(empty)
    keys.chmod(0o700)
    cured, _ = examined(empty)

    assert (code, found["keys"]["state"]) == (1, "failed")
    assert "chmod" in found["keys"]["mend"]
    assert cured == 0


def test_a_database_in_an_impossible_place_is_told(empty: dict[str, str], tmp_path: Path) -> None:
    """UX-1: in words, never with a stack trace, by the doctor and by the server."""
    (tmp_path / "file").write_text("", encoding="utf-8")
    url = f"sqlite:///{tmp_path}/file/lacewing.sqlite3"
    impossible = {**empty, "LACEWING_DATABASE_URL": url}

    code, found = examined(impossible)
    refused = lacewing("serve", "--port", "0", environment=impossible)

    assert code == 1
    assert found["database"]["state"] == "failed"
    assert refused.returncode == 4
    assert "Traceback" not in refused.stderr


def test_a_data_folder_in_an_impossible_place_is_told(
    empty: dict[str, str], tmp_path: Path
) -> None:
    """UX-1: its path and the reason, never a stack trace."""
    (tmp_path / "file").write_text("", encoding="utf-8")
    folder = tmp_path / "file" / "data"

    refused = subprocess.run(
        [PROGRAM, "seed"],
        env={**os.environ, **empty, "LACEWING_DATA_DIR": str(folder)},
        cwd=tmp_path,
        check=False,
        capture_output=True,
        text=True,
    )

    assert refused.returncode == 1
    assert str(tmp_path / "file") in refused.stderr
    assert "Traceback" not in refused.stderr
