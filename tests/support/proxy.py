"""Debian's nginx with our configuration, in front of real servers."""

import json
import ssl
import subprocess
from collections.abc import Generator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx

from tests.support.processes import Server, environment_of, serving
from tests.support.servers import free_port, running_server
from tests.support.tools import ROOT, debian_tool

WIDE_OPEN = {
    "LACEWING_PROXY_REQUESTS_PER_SECOND": "100000",
    "LACEWING_PROXY_REQUESTS_BURST": "100000",
    "LACEWING_PROXY_AUTH_PER_MINUTE": "100000",
    "LACEWING_PROXY_CONNECTIONS": "10000",
}
"""Limits that no test meets which does not mean to."""
TRUSTING = {"LACEWING_TRUSTED_PROXIES": "127.0.0.1/32"}


@dataclass
class Proxy:
    """An nginx that runs."""

    url: str
    plain_url: str
    folder: Path
    process: "subprocess.Popen[bytes]"
    servers: list[Server] = field(default_factory=list)

    @property
    def authority(self) -> Path:
        return self.folder / "certificates" / "authority.pem"

    @property
    def host(self) -> str:
        """Its name and port, as TLS scanners want them."""
        return self.url.removeprefix("https://")

    @property
    def tls(self) -> ssl.SSLContext:
        return ssl.create_default_context(cafile=self.authority)

    def client(self, token: str | None = None, **options: Any) -> httpx.AsyncClient:
        """Speaks to it as whoever has ``token``."""
        headers = {"Authorization": f"Bearer {token}"} if token else {}
        return httpx.AsyncClient(
            base_url=self.url,
            verify=self.tls,
            headers=headers | options.pop("headers", {}),
            timeout=60,
            **options,
        )

    def logged(self) -> list[dict[str, Any]]:
        """The lines of its access log."""
        text = (self.folder / "access.log").read_text(encoding="utf-8")
        return [json.loads(line) for line in text.splitlines()]

    def errors(self) -> str:
        return (self.folder / "server.log").read_text(encoding="utf-8", errors="replace")


def make_certificate(folder: Path) -> None:
    """A certificate of an authority of its own, by the script that developers use."""
    debian_tool("openssl", "openssl")
    script = str(ROOT / "scripts" / "dev_certificate.sh")
    subprocess.run([script, str(folder)], check=True, capture_output=True)


def rendered(
    folder: Path, addresses: Sequence[str], variables: Mapping[str, str]
) -> tuple[list[str], dict[str, str]]:
    """The command of an nginx whose configuration is made in ``folder``, and its variables."""
    nginx = str(debian_tool("nginx", "nginx"))
    envsubst = debian_tool("envsubst", "gettext-base")
    make_certificate(folder / "certificates")
    (folder / "temp").mkdir(exist_ok=True)
    environment = {
        "PATH": f"{Path(nginx).parent}:{envsubst.parent}:/usr/bin:/bin",
        "LACEWING_PROXY_SERVERS": " ".join(addresses),
        "LACEWING_PROXY_CERTIFICATE": str(folder / "certificates" / "server.pem"),
        "LACEWING_PROXY_CERTIFICATE_KEY": str(folder / "certificates" / "server.key"),
        "LACEWING_PROXY_HTTP_PORT": str(free_port()),
        "LACEWING_PROXY_HTTPS_PORT": str(free_port()),
        "LACEWING_PROXY_STATUS_PORT": str(free_port()),
        "LACEWING_PROXY_LOG": str(folder / "access.log"),
        "LACEWING_PROXY_TEMP": str(folder / "temp"),
        **variables,
    }
    environment.setdefault("LACEWING_PROXY_PUBLIC_PORT", environment["LACEWING_PROXY_HTTPS_PORT"])
    render = [str(ROOT / "deploy" / "nginx" / "render.sh"), str(folder)]
    subprocess.run(render, env=environment, check=True)
    # Its workers may not enter the test's folder as anybody else.
    main = f"daemon off; pid {folder}/nginx.pid; user root;"
    return [nginx, "-c", str(folder / "nginx.conf"), "-g", main], environment


@contextmanager
def proxying(
    folder: Path, addresses: Sequence[str], variables: Mapping[str, str] = WIDE_OPEN
) -> Generator[Proxy]:
    """An nginx in front of whatever listens at ``addresses``."""
    command, environment = rendered(folder, addresses, variables)
    port = int(environment["LACEWING_PROXY_HTTPS_PORT"])
    with running_server(command, port, folder) as process:
        yield Proxy(
            f"https://localhost:{port}",
            f"http://localhost:{environment['LACEWING_PROXY_HTTP_PORT']}",
            folder,
            process,
        )


@contextmanager
def site(
    folder: Path,
    database_url: str,
    redis_url: str,
    variables: Mapping[str, str] = WIDE_OPEN,
    **settings: str,
) -> Generator[tuple[Proxy, dict[str, str]]]:
    """Two servers behind an nginx, and the settings of the servers."""
    given = {"LACEWING_REDIS_URL": redis_url, **TRUSTING, **settings}
    environment = environment_of(database_url, folder, **given)
    with ExitStack() as stack:
        servers = [stack.enter_context(serving(environment)) for _ in range(2)]
        addresses = [server.url.removeprefix("http://") for server in servers]
        proxy = stack.enter_context(proxying(folder, addresses, variables))
        proxy.servers = servers
        yield proxy, environment
