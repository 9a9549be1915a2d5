import os
import subprocess
import sys
from collections.abc import Generator, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from lacewing.kernel.actor import Role
from tests.kernel.logs import Log, captured_log
from tests.support.commands import run_command
from tests.support.house import House, Member
from tests.support.servers import free_port, wait_for_port

LACEWING = Path(sys.executable).parent / "lacewing"


@dataclass(frozen=True)
class StartedServer:
    """``lacewing serve`` as a process of its own."""

    port: int
    environ: dict[str, str]
    log: Path

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def command(self, *arguments: str, stdin: str = "") -> str:
        """What a command of the same installation prints."""
        done = run_command(arguments, self.environ, stdin, str(self.log.parent))
        assert done.returncode == 0, done.stderr
        return done.stdout


@contextmanager
def started_server(folder: Path, **variables: str) -> Generator[StartedServer, None, None]:
    """A real server over a database of its own, stopped when the block ends."""
    port = free_port()
    environ = {
        "PATH": os.environ["PATH"],
        "LACEWING_ENVIRONMENT": "test",
        "LACEWING_DATA_DIR": str(folder / "data"),
        "LACEWING_RATE_LIMIT_PER_MINUTE": "0",
        "LACEWING_LOGIN_LIMIT_PER_MINUTE": "0",
        **variables,
    }
    log = folder / "server.log"
    with log.open("wb") as output:
        process = subprocess.Popen(
            [LACEWING, "serve", "--port", str(port)],
            env=environ,
            stdout=output,
            stderr=output,
            cwd=folder,
        )
    try:
        wait_for_port(port, process, log)
        yield StartedServer(port, environ, log)
    finally:
        process.terminate()
        process.wait(timeout=40)


@pytest.fixture
def server(database_url: str, tmp_path: Path) -> Iterator[StartedServer]:
    """A started server, on each of the databases."""
    with started_server(tmp_path, LACEWING_DATABASE_URL=database_url) as started:
        yield started


@pytest.fixture(scope="module")
async def a_manager(shared_house: House) -> Member:
    """A manager in the shared house, where there is no project and none is ever made."""
    return await shared_house.member("boss", Role.MANAGER)


@pytest.fixture
async def project(mona: Member) -> dict[str, Any]:
    """A project that Mona, a manager, has created."""
    answer = await mona.api.post("/api/projects", json={"name": "Web shop", "key": "WEB"})
    assert answer.status_code == 201, answer.text
    created: dict[str, Any] = answer.json()
    return created


@pytest.fixture
async def issues_path(project: dict[str, Any]) -> str:
    """Where the issues of that project are."""
    return f"/api/projects/{project['id']}/issues"


@pytest.fixture
def log() -> Iterator[Log]:
    """The logs of the test, one JSON object a line."""
    with captured_log() as written:
        yield written
