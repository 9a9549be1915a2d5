import os
import subprocess
import sys
from pathlib import Path

import httpx
import pytest

from tests.kernel.conftest import StartedServer
from tests.support.house import PASSWORD

SCHEMATHESIS = Path(sys.executable).parent / "schemathesis"
CHECKS = (
    "not_a_server_error",
    "status_code_conformance",
    "content_type_conformance",
    "response_schema_conformance",
    "response_headers_conformance",
    "allow_header_conformance",
    "unsupported_method",
    "missing_required_header",
    "ignored_auth",
)
EXCLUDED = 4
ARGUMENTS = (
    "--phases=examples,coverage,fuzzing",
    f"--checks={','.join(CHECKS)}",
    "--max-examples=8",
    "--continue-on-failure",
    "--generation-deterministic",
    # Three end the session that the run itself speaks with; the last one has no end.
    "--exclude-path-regex=(/api/auth/(logout|logout-all|password)|/stream)$",
    "--suppress-health-check=all",
    "--warnings=off",
    "--no-color",
)


UNMEASURED = {name: value for name, value in os.environ.items() if "COVERAGE" not in name}
"""Of what it does itself, nobody asks how much of it was tried."""


@pytest.mark.system
def test_no_answer_is_a_server_error_or_is_missing_in_the_document(
    server: StartedServer, tmp_path: Path
) -> None:
    """API-4, API-11: whatever a client sends, the answer is one that the document tells of."""
    server.command(
        "admin", "create", "--username", "adam", "--email", "adam@example.com",
        "--password-stdin", stdin=PASSWORD,
    )  # fmt: skip
    login = httpx.post(
        f"{server.url}/api/auth/login", json={"username": "adam", "password": PASSWORD}
    )
    token = login.json()["access_token"]

    done = subprocess.run(
        [
            SCHEMATHESIS, "run", f"{server.url}/api/openapi.json",
            "--header", f"Authorization: Bearer {token}", *ARGUMENTS,
        ],
        cwd=tmp_path,
        env=UNMEASURED,
        capture_output=True,
        text=True,
        check=False,
    )  # fmt: skip

    assert done.returncode == 0, done.stdout[-20_000:] + done.stderr
    document = httpx.get(f"{server.url}/api/openapi.json").json()
    total = sum(map(len, document["paths"].values()))
    assert f"{total - EXCLUDED} selected / {total} total" in done.stdout
