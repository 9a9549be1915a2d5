"""Real message brokers for tests: RabbitMQ from Debian's package, on free ports.

It is taken from the variable that names one that runs already, else started here. Everything it
writes goes into a temporary folder, and its name server (epmd) is its own, so nothing of it is
left when it has been stopped.
"""

import os
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Generator, Sequence
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from uuid import uuid4

from amqp import Connection
from amqp.exceptions import AMQPError

from tests.support.servers import CannotStart, end_of, free_port, install_package, wait_for_port

RABBITMQ_VARIABLE = "LACEWING_TEST_RABBITMQ_URL"
START_SECONDS = 60
STOP_SECONDS = 30
POLICY = Path("/usr/sbin/policy-rc.d")

FEW_THREADS = "+S 2:2 +A 4 +sbwt none +sbwtdcpu none +sbwtdio none +Q 4096"
"""For tests: many of these start beside one another, each with little to do."""

SMALL = "disk_free_limit.absolute = 1MB\nlog.console.level = warning\n"


@contextmanager
def rabbitmq() -> Generator[str]:
    """The URL of a RabbitMQ server."""
    if url := os.environ.get(RABBITMQ_VARIABLE):
        yield url
        return
    with rabbitmq_process() as server:
        yield server.url


@contextmanager
def rabbitmq_process() -> Generator["RabbitMQ"]:
    """A RabbitMQ server of one's own, to be stopped and started at will."""
    program = _program()
    with (
        tempfile.TemporaryDirectory(
            prefix="lacewing-rabbitmq-", ignore_cleanup_errors=True
        ) as name,
        ExitStack() as running,
    ):
        server = RabbitMQ(program, Path(name))
        running.callback(server.close)
        server.start()
        yield server


@dataclass
class RabbitMQ:
    """One server, its ports and its data, through as many lives as a test gives it."""

    program: str
    folder: Path
    port: int = field(default_factory=free_port)
    _environment: dict[str, str] = field(init=False, repr=False)
    _epmd: "subprocess.Popen[bytes] | None" = field(default=None, init=False, repr=False)
    _process: "subprocess.Popen[bytes] | None" = field(default=None, init=False, repr=False)

    def __post_init__(self) -> None:
        (self.folder / "rabbitmq.conf").write_text(SMALL, encoding="utf-8")
        (self.folder / "enabled_plugins").write_text("[].\n", encoding="utf-8")
        (self.folder / "environment").touch()
        inherited = {
            name: value
            for name, value in os.environ.items()
            if not name.startswith(("RABBITMQ_", "ERL_")) and name != "NOTIFY_SOCKET"
        }
        self._environment = inherited | {
            "HOME": str(self.folder),  # the secret of Erlang's nodes is made there
            "ERL_EPMD_ADDRESS": "127.0.0.1",
            "ERL_EPMD_PORT": str(free_port()),
            "ERL_CRASH_DUMP_SECONDS": "0",
            "RABBITMQ_NODENAME": f"lacewing-{uuid4().hex}@localhost",
            "RABBITMQ_NODE_IP_ADDRESS": "127.0.0.1",
            "RABBITMQ_NODE_PORT": str(self.port),
            "RABBITMQ_DIST_PORT": str(free_port()),
            "RABBITMQ_CONF_ENV_FILE": str(self.folder / "environment"),
            "RABBITMQ_CONFIG_FILE": str(self.folder / "rabbitmq.conf"),
            "RABBITMQ_ENABLED_PLUGINS_FILE": str(self.folder / "enabled_plugins"),
            "RABBITMQ_GENERATED_CONFIG_DIR": str(self.folder / "config"),
            "RABBITMQ_SCHEMA_DIR": str(self.folder / "schema"),
            "RABBITMQ_MNESIA_BASE": str(self.folder / "mnesia"),
            "RABBITMQ_LOG_BASE": str(self.folder / "log"),
            "RABBITMQ_LOGS": "-",
            # Erlang takes the place of the shell that starts it, so signals reach it at once
            "RABBITMQ_ALLOW_INPUT": "true",
            "RABBITMQ_SERVER_ADDITIONAL_ERL_ARGS": (
                f"-noinput -kernel inet_dist_use_interface {{127,0,0,1}} {FEW_THREADS}"
            ),
        }

    @property
    def url(self) -> str:
        return f"amqp://guest:guest@127.0.0.1:{self.port}//"

    def start(self) -> None:
        """Start, or start again with the data that is there; return when clients are taken."""
        if self._process is not None:
            raise CannotStart("this RabbitMQ runs already")
        if self._epmd is None:
            port = self._environment["ERL_EPMD_PORT"]
            self._epmd = self._begin([_epmd(), "-port", port], "epmd.log")
            wait_for_port(int(port), self._epmd, self.folder / "epmd.log")
        self._process = self._begin([self.program], "server.log")
        self._wait_until_ready(self._process)

    def stop(self) -> None:
        """As its keeper would: clients are told, what is durable is kept."""
        process, self._process = self._process, None
        _end(process, signal.SIGTERM)

    def kill(self) -> None:
        """As a power cut would: no handler runs."""
        process, self._process = self._process, None
        _end(process, signal.SIGKILL)

    def close(self) -> None:
        """Stop it for good, with its name server."""
        try:
            self.stop()
        finally:
            _end(self._epmd, signal.SIGTERM)
            self._epmd = None

    def _begin(self, command: Sequence[str], log: str) -> "subprocess.Popen[bytes]":
        with (self.folder / log).open("wb") as output:
            return subprocess.Popen(
                command,
                env=self._environment,
                cwd=self.folder,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                start_new_session=True,
            )

    def _wait_until_ready(self, process: "subprocess.Popen[bytes]") -> None:
        log = self.folder / "server.log"
        deadline = time.monotonic() + START_SECONDS
        while not self._takes_clients():
            if process.poll() is not None:
                raise CannotStart(f"RabbitMQ ended: {end_of(log)}")
            if time.monotonic() > deadline:
                raise CannotStart(f"RabbitMQ takes no connections: {end_of(log)}")
            time.sleep(0.05)

    def _takes_clients(self) -> bool:
        try:
            with Connection(
                f"127.0.0.1:{self.port}", connect_timeout=2, read_timeout=5, write_timeout=5
            ) as connection:
                connection.channel().close()
        except (OSError, AMQPError):
            return False
        return True


def _program() -> str:
    """The script beside the package's own, which refuses users other than its two."""
    script = Path("/usr/lib/rabbitmq/bin/rabbitmq-server")
    if not script.exists() and shutil.which("rabbitmq-server") is None:
        with _no_services():
            install_package("rabbitmq-server")
    found = str(script) if script.exists() else shutil.which("rabbitmq-server")
    if found is None:
        raise CannotStart("RabbitMQ is not installed")
    return found


def _epmd() -> str:
    found = shutil.which("epmd")
    if found is None:
        raise CannotStart("epmd, Erlang's name server, is not installed")
    return found


@contextmanager
def _no_services() -> Generator[None]:
    """Keep Debian's packages from starting what they install."""
    try:
        with POLICY.open("x", encoding="ascii") as file:
            file.write("#!/bin/sh\nexit 101\n")
    except OSError:  # there is one, and it is the machine's; or nothing can be installed at all
        yield
        return
    try:
        POLICY.chmod(0o755)
        yield
    finally:
        POLICY.unlink(missing_ok=True)


def _end(process: "subprocess.Popen[bytes] | None", by: signal.Signals) -> None:
    """End it and, at last, whatever is left of its group."""
    if process is None:
        return
    process.send_signal(by)
    with suppress(subprocess.TimeoutExpired):
        process.wait(timeout=STOP_SECONDS)
    with suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)
    process.wait()
