"""A real S3 server for tests: moto's, as a process of its own, on a free port.

It keeps what it is given in memory, and takes whatever key it is shown unless told to refuse.
"""

import os
import signal
import subprocess
import sys
import tempfile
from collections.abc import Generator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from uuid import uuid4

import httpx

from tests.support.servers import CannotStart, free_port, wait_for_port

REGION = "us-east-1"
STOP_SECONDS = 10
REQUEST_SECONDS = 10


@contextmanager
def s3_server() -> Generator[dict[str, str]]:
    """The environment variables of a client of a fresh S3 server."""
    with s3_process() as server:
        yield server.environment


@contextmanager
def s3_process(*, checks_keys: bool = False) -> Generator["S3Server"]:
    """An S3 server of one's own, to be stopped, frozen and started empty at will.

    With ``checks_keys`` every key is refused, as a real server refuses one it doesn't know; then
    nobody can make a bucket either.
    """
    with tempfile.TemporaryDirectory(prefix="lacewing-s3-") as name:
        server = S3Server(Path(name), checks_keys=checks_keys)
        try:
            server.start()
            yield server
        finally:
            server.kill()


@dataclass
class S3Server:
    folder: Path
    checks_keys: bool = False
    port: int = field(default_factory=free_port)
    _process: "subprocess.Popen[bytes] | None" = field(default=None, init=False, repr=False)

    @property
    def environment(self) -> dict[str, str]:
        return {
            "AWS_ENDPOINT_URL": f"http://127.0.0.1:{self.port}",
            "AWS_ACCESS_KEY_ID": "lacewing",
            "AWS_SECRET_ACCESS_KEY": "not-a-secret",
            "AWS_REGION": REGION,
            "AWS_ALLOW_HTTP": "true",
        }

    def start(self) -> None:
        """Start it, with nothing in it; return when it listens."""
        if self._process is not None:
            raise CannotStart("this S3 server runs already")
        log = self.folder / "server.log"
        # how many requests moto takes unchecked; without it, all
        checks = {"INITIAL_NO_AUTH_ACTION_COUNT": "0"} if self.checks_keys else {}
        with log.open("wb") as output:
            self._process = subprocess.Popen(
                [sys.executable, "-m", "moto.server", "-H", "127.0.0.1", "-p", str(self.port)],
                env=os.environ | checks,
                cwd=self.folder,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                start_new_session=True,
            )
        wait_for_port(self.port, self._process, log)

    def kill(self) -> None:
        """End it at once; it has nothing to save."""
        process, self._process = self._process, None
        if process is None:
            return
        with suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait(timeout=STOP_SECONDS)

    def freeze(self) -> None:
        """Let it take connections and answer nothing."""
        self._signal(signal.SIGSTOP)

    def thaw(self) -> None:
        self._signal(signal.SIGCONT)

    def _signal(self, which: signal.Signals) -> None:
        assert self._process is not None
        self._process.send_signal(which)


def new_bucket(environment: Mapping[str, str]) -> str:
    """The URL of a bucket of one's own."""
    name = f"lacewing-{uuid4().hex}"
    make_bucket(environment, name)
    return f"s3://{name}"


def make_bucket(environment: Mapping[str, str], name: str) -> None:
    """Make it by plain HTTP: the server takes requests that nobody signed."""
    response = httpx.put(f"{environment['AWS_ENDPOINT_URL']}/{name}", timeout=REQUEST_SECONDS)
    if not response.is_success:  # as for a name of fewer than three letters
        raise CannotStart(f"no bucket {name}: {response.text}")
