"""Lacewing as Compose runs it, with its secrets and certificate in a temporary folder."""

import random
import shlex
import socket
import ssl
import subprocess
from collections.abc import Generator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx

from tests.delivery.images import DEVELOPMENT_IMAGE
from tests.support.docker import Engine
from tests.support.tools import ROOT, go_tool

UP_SECONDS = 300
PASSWORD = "Correct-Horse-7"
EPHEMERAL_FROM = 32_768
WITHOUT_LIMITS = {
    "LACEWING_RATE_LIMIT_PER_MINUTE": "0",
    "LACEWING_LOGIN_LIMIT_PER_MINUTE": "0",
    "LACEWING_REGISTER_LIMIT_PER_MINUTE": "0",
    "LACEWING_UPLOAD_LIMIT_PER_MINUTE": "0",
}


@dataclass(frozen=True)
class Composed:
    """What runs, or will."""

    engine: Engine
    folder: Path
    """Of its secrets."""
    variables: Mapping[str, str]
    checkout: Path = ROOT

    @property
    def url(self) -> str:
        return f"https://localhost:{self.variables['LACEWING_HTTPS_PORT']}"

    @property
    def tls(self) -> ssl.SSLContext:
        return ssl.create_default_context(cafile=self.folder / "authority.pem")

    def compose(self, *arguments: str, given: str = "", override: bool = False) -> str:
        """What ``docker compose …`` says, of the one file, or of the override too."""
        files = ["--file", str(self.checkout / "docker-compose.yml")]
        if override:
            files += ["--file", str(self.checkout / "docker-compose.override.yml")]
        command = [str(go_tool("docker-compose")), *files, *arguments]
        return self.engine.run(command, self.variables, given)

    def up(self) -> None:
        """As ``make up`` does."""
        self._script("up.sh", "--wait-timeout", str(UP_SECONDS))

    def restart_servers(self) -> None:
        """One after the other."""
        self._script("rolling_restart.sh", "--file", str(self.checkout / "docker-compose.yml"))

    def _script(self, name: str, *arguments: str) -> None:
        program = {"DOCKER_COMPOSE": shlex.quote(str(go_tool("docker-compose")))}
        self.engine.run(
            [str(self.checkout / "scripts" / name), *arguments], {**self.variables, **program}
        )

    def client(self, token: str | None = None, **options: Any) -> httpx.AsyncClient:
        """Speaks to nginx as whoever has ``token``."""
        headers = {"Authorization": f"Bearer {token}"} if token else {}
        return httpx.AsyncClient(
            base_url=self.url,
            verify=self.tls,
            headers=headers | options.pop("headers", {}),
            timeout=60,
            **options,
        )

    def make_admin(self, username: str) -> None:
        """By the command line, in the container of a server."""
        self.compose(
            "exec", "-T", "server-1", "lacewing", "admin", "create", "--username", username,
            "--email", f"{username}@example.com", "--password-stdin", given=f"{PASSWORD}\n",
        )  # fmt: skip

    def health(self, service: str) -> str:
        """As Docker sees it: ``healthy``, or not."""
        container = self.compose("ps", "--all", "--quiet", service).strip()
        return self.engine.docker("inspect", "--format={{.State.Health.Status}}", container).strip()


async def token_of(composed: Composed, username: str) -> str:
    async with composed.client() as client:
        body = {"username": username, "password": PASSWORD}
        answer = await client.post("/api/auth/login", json=body)
        answer.raise_for_status()
        token: str = answer.json()["access_token"]
        return token


def make_secrets(folder: Path) -> None:
    """As ``make up`` does on a fresh clone."""
    subprocess.run([str(ROOT / "scripts/up.sh"), "--secrets-only", str(folder)], check=True)


def _lasting_ports(wanted: int) -> list[int]:
    """Free ones that no client's connection takes before the containers start, a minute later."""
    ports: list[int] = []
    while len(ports) < wanted:
        port = random.randrange(20_000, EPHEMERAL_FROM)
        with socket.socket() as listener:
            try:
                listener.bind(("127.0.0.1", port))
            except OSError:
                continue
        ports.append(port)
    return ports


@contextmanager
def composed_by(
    engine: Engine,
    folder: Path,
    checkout: Path = ROOT,
    name: str = "lacewing-test",
    image: str = "",
) -> Generator[Composed]:
    """Nothing of it runs yet; all is removed at the end. Without an image it is built, as of a
    fresh clone."""
    make_secrets(folder)
    settings = folder / "settings.env"
    settings.write_text(
        "".join(f"{name}={value}\n" for name, value in WITHOUT_LIMITS.items()), encoding="utf-8"
    )
    ports = [str(port) for port in _lasting_ports(5)]
    composed = Composed(
        engine,
        folder,
        {
            "COMPOSE_PROJECT_NAME": name,
            "LACEWING_IMAGE": image,
            "LACEWING_DEVELOPMENT_IMAGE": DEVELOPMENT_IMAGE,
            "LACEWING_SECRETS": str(folder),
            "LACEWING_SETTINGS": str(settings),
            "LACEWING_BIND": "127.0.0.1",
            "LACEWING_HTTP_PORT": ports[0],
            "LACEWING_HTTPS_PORT": ports[1],
            "LACEWING_PUBLIC_URL": f"https://localhost:{ports[1]}",
            "LACEWING_DEV_PORT": ports[2],
            "LACEWING_DEBUG_PORT": ports[3],
            "LACEWING_MAIL_PORT": ports[4],
            "LACEWING_SUBNET": "10.213.92",
            "LACEWING_PROXY_REQUESTS_PER_SECOND": "100000",
            "LACEWING_PROXY_AUTH_PER_MINUTE": "100000",
        },
        checkout,
    )
    try:
        yield composed
    finally:
        composed.compose("down", "--volumes", "--timeout", "5", "--remove-orphans")
