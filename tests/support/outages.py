"""Servers that can be lost and had again: stopped, frozen, or behind a network that is cut."""

import os
import shutil
import subprocess
from collections.abc import Generator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

from tests.support.proxy import make_certificate
from tests.support.servers import (
    SERVER_USER,
    CannotStart,
    free_port,
    install_package,
    postgres_binary,
    running_server,
)

STOP_SECONDS = 30


@dataclass
class PostgresServer:
    """One of one's own; started, it has what it had before."""

    url: str
    folder: Path
    port: int
    address: str = "127.0.0.1"
    namespace: str | None = None

    @contextmanager
    def running(self) -> Generator["subprocess.Popen[bytes]"]:
        command = [
            *self._inside(), *_as_server_user(), postgres_binary("postgres"),
            "-D", str(self.folder / "data"), "-p", str(self.port), "-k", str(self.folder),
            "-c", f"listen_addresses={self.address}", "-c", "max_connections=100",
        ]  # fmt: skip
        with running_server(command, self.port, self.folder, self.address) as process:
            self.wait()
            yield process

    def speak_tls(self) -> None:
        """From its next start on, with a certificate of an authority of its own."""
        certificates = self.folder / "certificates"
        make_certificate(certificates)
        data = self.folder / "data"
        for name in ("server.pem", "server.key"):
            shutil.copy(certificates / name, data / name)
            if os.geteuid() == 0:
                shutil.chown(data / name, SERVER_USER, SERVER_USER)
        (data / "server.key").chmod(0o600)
        with (data / "postgresql.conf").open("a") as file:
            file.write("ssl = on\nssl_cert_file = 'server.pem'\nssl_key_file = 'server.key'\n")

    def other_authority(self) -> Path:
        """Of one that has not signed for this server."""
        make_certificate(self.folder / "other")
        return self.folder / "other" / "authority.pem"

    def wait(self) -> None:
        """Until it takes connections."""
        ready = [postgres_binary("pg_isready"), "-h", self.address, "-p", str(self.port), "-q"]
        for _ in range(STOP_SECONDS * 20):
            if subprocess.run(ready, check=False).returncode == 0:
                return
        raise CannotStart("PostgreSQL takes no connections")

    def _inside(self) -> list[str]:
        return [] if self.namespace is None else ["ip", "netns", "exec", self.namespace]


def _as_server_user() -> list[str]:
    if os.geteuid() != 0:
        return []
    user = ["--reuid=" + SERVER_USER, "--regid=" + SERVER_USER]
    return ["setpriv", *user, "--clear-groups"]


@contextmanager
def postgres_cluster(
    address: str = "127.0.0.1", namespace: str | None = None
) -> Generator[PostgresServer]:
    """A PostgreSQL that does not run yet."""
    if not Path("/usr/lib/postgresql").exists():
        install_package("postgresql")
    with TemporaryDirectory(prefix="lacewing-outage-") as name:
        folder = Path(name)
        if os.geteuid() == 0:
            shutil.chown(folder, SERVER_USER, SERVER_USER)
        _run([*_as_server_user(), postgres_binary("initdb"), "-D", str(folder / "data"),
              "-U", "lacewing", "-A", "trust", "-E", "UTF8", "--locale=C.UTF-8"])  # fmt: skip
        with (folder / "data" / "pg_hba.conf").open("a") as file:
            file.write("host all all samenet trust\n")
        port = free_port()
        url = f"postgresql://lacewing@{address}:{port}/postgres"
        yield PostgresServer(url, folder, port, address, namespace)


@dataclass
class Network:
    """A network namespace with one link to it, which can be cut and mended.

    Cut, it loses every packet without a word, as a switch does that is gone; nobody is told.
    """

    name: str
    address: str

    def cut(self) -> None:
        self._filter("--insert")

    def mend(self) -> None:
        self._filter("--delete")

    def _filter(self, verb: str) -> None:
        for chain in ("INPUT", "OUTPUT"):
            _run(["ip", "netns", "exec", self.name, "iptables", verb, chain, "--jump", "DROP"])


@contextmanager
def network() -> Generator[Network]:
    """Raises ``CannotStart`` where there can be none: only root may make one."""
    if os.geteuid() != 0:
        raise CannotStart("only root can make a network namespace")
    for program, package in (("ip", "iproute2"), ("iptables", "iptables")):
        if shutil.which(program) is None:
            install_package(package)
    name, number = f"lacewing{os.getpid()}", os.getpid() % 250
    outside, inside = f"lw{os.getpid()}o", f"lw{os.getpid()}i"
    # Of the range for benchmarks (RFC 2544), which no other network uses.
    made = Network(name, f"198.18.{number}.2")
    _run(["ip", "netns", "add", name])
    try:
        _run(["ip", "link", "add", outside, "type", "veth", "peer", "name", inside, "netns", name])
        _run(["ip", "addr", "add", f"198.18.{number}.1/30", "dev", outside])
        _run(["ip", "link", "set", outside, "up"])
        _in(name, ["ip", "addr", "add", f"{made.address}/30", "dev", inside])
        _in(name, ["ip", "link", "set", inside, "up"])
        _in(name, ["ip", "link", "set", "lo", "up"])
        yield made
    finally:
        with suppress(CannotStart):
            _run(["ip", "link", "delete", outside])
        _run(["ip", "netns", "delete", name])


def _in(namespace: str, command: Sequence[str]) -> None:
    _run(["ip", "netns", "exec", namespace, *command])


def _run(command: Sequence[str]) -> None:
    done = subprocess.run(command, capture_output=True, text=True, check=False, cwd="/")
    if done.returncode != 0:
        raise CannotStart(f"{' '.join(command)} failed: {done.stderr[-500:]}")
