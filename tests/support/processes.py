"""The program as a user runs it: whole processes, started, asked and stopped."""

import os
import signal
import subprocess
import sys
from collections.abc import Generator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import httpx

from tests.support.commands import run_command
from tests.support.servers import free_port, wait_for_port

PROGRAM = str(Path(sys.executable).parent / "lacewing")
STOP_SECONDS = 40


def environment_of(database_url: str, data_dir: Path, **variables: str) -> dict[str, str]:
    """The settings of a program on this database, with the limits per address off."""
    return {
        "LACEWING_ENVIRONMENT": "test",
        "LACEWING_DATABASE_URL": database_url,
        "LACEWING_DATA_DIR": str(data_dir),
        "LACEWING_RATE_LIMIT_PER_MINUTE": "0",
        "LACEWING_LOGIN_LIMIT_PER_MINUTE": "0",
        **variables,
    }


def lacewing(
    *arguments: str, environment: Mapping[str, str], given: str = ""
) -> "subprocess.CompletedProcess[str]":
    """Run one command to its end, in a folder without a ``.env``."""
    return run_command(
        arguments, {**os.environ, **environment}, given, environment["LACEWING_DATA_DIR"]
    )


@dataclass
class Server:
    """A server that runs."""

    url: str
    process: "subprocess.Popen[bytes]"
    log: Path

    def kill(self) -> None:
        """As a power cut would: no handler runs."""
        os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait()

    def stop(self) -> int:
        """As an init system does; the exit code."""
        self.process.send_signal(signal.SIGTERM)
        return self.process.wait(timeout=STOP_SECONDS)


@contextmanager
def serving(
    environment: Mapping[str, str], workers: int = 1, port: int | None = None
) -> Generator[Server]:
    """``lacewing serve``, on a free port by default; killed at the end of the block if it runs."""
    port = port or free_port()
    folder = Path(environment["LACEWING_DATA_DIR"])
    log = folder / f"server-{port}.log"
    command = [PROGRAM, "serve", "--port", str(port), "--workers", str(workers)]
    with log.open("ab") as output:
        process = subprocess.Popen(
            command,
            env={**os.environ, **environment},
            stdout=output,
            stderr=output,
            cwd=folder,
            start_new_session=True,
        )
    server = Server(f"http://127.0.0.1:{port}", process, log)
    try:
        wait_for_port(port, process, log)
        httpx.get(f"{server.url}/health/live", timeout=30).raise_for_status()
        yield server
    finally:
        if process.poll() is None:
            server.kill()


@contextmanager
def working(
    environment: Mapping[str, str], *arguments: str
) -> Generator["subprocess.Popen[bytes]"]:
    """``lacewing worker``; killed at the end of the block if it still runs."""
    folder = Path(environment["LACEWING_DATA_DIR"])
    with (folder / "worker.log").open("ab") as output:
        process = subprocess.Popen(
            [PROGRAM, "worker", *arguments],
            env={**os.environ, **environment},
            stdout=output,
            stderr=output,
            cwd=folder,
            start_new_session=True,
        )
    try:
        yield process
    finally:
        if process.poll() is None:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()


def admin_token(server: Server, environment: Mapping[str, str]) -> str:
    """The access token of an administrator who is made on the way."""
    password = "Correct-Horse-7"
    made = lacewing(
        "admin", "create", "--username", "root", "--email", "root@example.com",
        "--password-stdin", environment=environment, given=f"{password}\n",
    )  # fmt: skip
    assert made.returncode == 0, made.stderr
    answer = httpx.post(
        f"{server.url}/api/auth/login", json={"username": "root", "password": password}
    )
    answer.raise_for_status()
    token: str = answer.json()["access_token"]
    return token
