"""Real servers for tests: from Debian's packages, on free ports, in temporary folders.

Each is taken from the variable that names one that runs already, else started here. Where a
package is missing it is installed when this is root; otherwise that is said loudly.
"""

import os
import pwd
import shutil
import socket
import subprocess
import tempfile
import time
from collections.abc import Generator, Sequence
from contextlib import contextmanager
from pathlib import Path

from tests.support.locks import alone

POSTGRES_VARIABLE = "LACEWING_TEST_POSTGRES_URL"
REDIS_VARIABLE = "LACEWING_TEST_REDIS_URL"
START_SECONDS = 90
SERVER_USER = "postgres"


class CannotStart(RuntimeError):  # noqa: N818  it reads as what it says
    """A server can't be had on this machine; the message says what is missing."""


def free_port() -> int:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        port: int = listener.getsockname()[1]
        return port


def install_package(package: str) -> None:
    if os.geteuid() != 0 or shutil.which("apt-get") is None:
        raise CannotStart(f"install the Debian package {package}, or name a running server")
    environment = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
    for command in (
        ["apt-get", "update", "-qq"],
        ["apt-get", "install", "-y", "-qq", "--no-install-recommends", package],
    ):
        with alone("packages"):
            done = subprocess.run(
                command, env=environment, capture_output=True, text=True, check=False
            )
        if done.returncode != 0:
            raise CannotStart(f"{' '.join(command)} failed: {done.stderr[-500:]}")


def _postgres_binaries() -> Path | None:
    found = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"))
    if found:
        return found[-1].parent
    initdb = shutil.which("initdb")
    return Path(initdb).parent if initdb else None


def postgres_binary(name: str) -> str:
    """The path of one of PostgreSQL's own programs."""
    folder = _postgres_binaries()
    if folder is None:
        raise CannotStart("PostgreSQL is not installed")
    return str(folder / name)


def _as_server_user(command: Sequence[str]) -> list[str]:
    """PostgreSQL refuses to run as root."""
    if os.geteuid() != 0:
        return list(command)
    return [
        "setpriv",
        f"--reuid={SERVER_USER}",
        f"--regid={SERVER_USER}",
        "--clear-groups",
        *command,
    ]


FAST_AND_LOOSE = (
    "fsync=off",
    "full_page_writes=off",
    "max_connections=300",
    "shared_buffers=128MB",
)
"""For tests: what a crash of the machine would lose is made anew anyway."""


@contextmanager
def postgres(options: Sequence[str] = FAST_AND_LOOSE) -> Generator[str]:
    """The URL of a PostgreSQL server, without a database name at its end."""
    if url := os.environ.get(POSTGRES_VARIABLE):
        yield url
        return
    binaries = _postgres_binaries()
    if binaries is None:
        install_package("postgresql")
        binaries = _postgres_binaries()
        assert binaries is not None
    with tempfile.TemporaryDirectory(prefix="lacewing-postgres-") as name:
        folder = Path(name)
        if os.geteuid() == 0:
            owner = pwd.getpwnam(SERVER_USER)
            os.chown(folder, owner.pw_uid, owner.pw_gid)
        data = folder / "data"
        initdb = [str(binaries / "initdb"), "-D", str(data), "-U", "lacewing", "-A", "trust"]
        _run(_as_server_user([*initdb, "-E", "UTF8", "--locale=C.UTF-8", "--no-sync"]))
        port = free_port()
        command = [str(binaries / "postgres"), "-D", str(data), "-p", str(port), "-k", str(folder)]
        for option in ("listen_addresses=127.0.0.1", *options):
            command += ["-c", option]
        with running_server(_as_server_user(command), port, folder):
            _wait_until_ready(port)
            yield f"postgresql://lacewing@127.0.0.1:{port}"


def _wait_until_ready(port: int) -> None:
    """It listens before it takes connections."""
    command = [postgres_binary("pg_isready"), "-h", "127.0.0.1", "-p", str(port), "-q"]
    deadline = time.monotonic() + START_SECONDS
    while subprocess.run(command, check=False).returncode != 0:
        if time.monotonic() > deadline:
            raise CannotStart("PostgreSQL takes no connections")
        time.sleep(0.05)


@contextmanager
def redis() -> Generator[str, None, None]:
    """The URL of a Redis server."""
    if url := os.environ.get(REDIS_VARIABLE):
        yield url
        return
    with redis_process() as (url, _process):
        yield url


@contextmanager
def redis_process(
    port: int | None = None,
) -> Generator[tuple[str, "subprocess.Popen[bytes]"], None, None]:
    """A Redis server of one's own, to be stopped and started at will."""
    if shutil.which("redis-server") is None:
        install_package("redis-server")
    port = port or free_port()
    with tempfile.TemporaryDirectory(prefix="lacewing-redis-") as name:
        command = [
            "redis-server", "--port", str(port), "--bind", "127.0.0.1", "--save", "",
            "--appendonly", "no", "--dir", name,
        ]  # fmt: skip
        with running_server(command, port, Path(name)) as process:
            yield f"redis://127.0.0.1:{port}/0", process


@contextmanager
def running_server(
    command: Sequence[str], port: int, folder: Path, address: str = "127.0.0.1"
) -> Generator["subprocess.Popen[bytes]", None, None]:
    log = folder / "server.log"
    with log.open("wb") as output:
        process = subprocess.Popen(command, stdout=output, stderr=output)
    try:
        wait_for_port(port, process, log, address)
        yield process
    finally:
        process.terminate()
        try:
            process.wait(timeout=START_SECONDS)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def wait_for_port(
    port: int, process: "subprocess.Popen[bytes]", log: Path, address: str = "127.0.0.1"
) -> None:
    """Return when something listens on ``port``; raise with the log when its process ends."""
    deadline = time.monotonic() + START_SECONDS
    while time.monotonic() < deadline:
        if process.poll() is not None:
            raise CannotStart(f"{process.args!r} ended: {end_of(log)}")
        try:
            socket.create_connection((address, port), timeout=1).close()
        except OSError:
            time.sleep(0.02)
        else:
            return
    raise CannotStart(f"{process.args!r} does not listen: {end_of(log)}")


def end_of(log: Path) -> str:
    return log.read_text(encoding="utf-8", errors="replace")[-1000:]


def _run(command: Sequence[str]) -> None:
    done = subprocess.run(command, capture_output=True, text=True, check=False, cwd="/")
    if done.returncode != 0:
        raise CannotStart(f"{command[0]} failed: {done.stderr[-1000:]}")
