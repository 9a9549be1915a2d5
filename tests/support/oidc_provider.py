"""A certified OpenID Connect provider (``oidc/provider.mjs``), and a browser that logs in there."""

import fcntl
import json
import re
import secrets
import shutil
import subprocess
import tempfile
from collections.abc import Generator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from html import unescape
from pathlib import Path
from urllib.parse import urljoin

import httpx

from tests.support.servers import CannotStart, free_port, install_package, running_server

FOLDER = Path(__file__).parent / "oidc"
INSTALL_SECONDS = 300
REDIRECTS_MAX = 20
DEBIAN_PACKAGE_OF = {"node": "nodejs", "npm": "npm"}


@dataclass(frozen=True)
class EnforcingProvider:
    """One that runs, and the client that it knows."""

    issuer: str
    client_id: str
    client_secret: str

    @property
    def discovery_url(self) -> str:
        return f"{self.issuer}/.well-known/openid-configuration"

    async def sign_in(self, authorization_url: str, account: str) -> str:
        """Act as a browser that logs in as ``account`` and consents; where it ends up."""
        return await self._walk(authorization_url, {"login": account, "password": "any"})

    async def turn_back(self, authorization_url: str) -> str:
        """Act as a browser whose user does not want to log in; where it ends up."""
        return await self._walk(authorization_url, None)

    async def _walk(self, url: str, fields: dict[str, str] | None) -> str:
        """Follow redirects, and each form with ``fields``, as long as they stay here."""
        async with httpx.AsyncClient() as browser:
            answer = await browser.get(url)
            for _ in range(REDIRECTS_MAX):
                if answer.is_redirect:
                    target = urljoin(str(answer.url), answer.headers["location"])
                    if not target.startswith(f"{self.issuer}/"):
                        return target
                    answer = await browser.get(target)
                    continue
                assert answer.is_success, answer.text
                if fields is None:
                    answer = await browser.get(_find(r'href="([^"]+/abort)"', answer.text))
                    continue
                prompt = _find(r'name="prompt" value="(\w+)"', answer.text)
                form = {"prompt": prompt, **(fields if prompt == "login" else {})}
                answer = await browser.post(_find(r'action="([^"]+)"', answer.text), data=form)
        raise AssertionError(f"the provider keeps the browser, at last at {answer.url}")


def _find(pattern: str, page: str) -> str:
    found = re.search(pattern, page)
    assert found is not None, page
    return unescape(found[1])


@contextmanager
def enforcing_provider(
    redirect_uris: Sequence[str], *, email_in_id_token: bool = False
) -> Generator[EnforcingProvider]:
    """A provider that sends people back to ``redirect_uris`` alone.

    Without ``email_in_id_token`` the email is only to be had at the user info endpoint.

    Raises:
        CannotStart: Node.js or npm is missing and can't be installed.
    """
    _install_packages()
    port = free_port()
    # They hold what HTTP Basic must encode (RFC 6749, section 2.3.1).
    client_id, client_secret = "lacewing:tests", f"{secrets.token_urlsafe(32)}:+/%&= ~"
    arguments = {
        "port": port,
        "clientId": client_id,
        "clientSecret": client_secret,
        "redirectUris": list(redirect_uris),
        "emailInIdToken": email_in_id_token,
    }
    with tempfile.TemporaryDirectory(prefix="lacewing-provider-") as name:
        command = ["node", str(FOLDER / "provider.mjs"), json.dumps(arguments)]
        with running_server(command, port, Path(name)):
            yield EnforcingProvider(f"http://127.0.0.1:{port}", client_id, client_secret)


def _install_packages() -> None:
    """``npm ci``, unless what is installed is of the lock file; one process at a time."""
    _install_node()
    lock, modules = FOLDER / "package-lock.json", FOLDER / "node_modules"
    stamp = modules / ".installed-of"
    with (FOLDER / "package.json").open("rb") as alone:
        fcntl.flock(alone, fcntl.LOCK_EX)
        if stamp.is_file() and stamp.read_bytes() == lock.read_bytes():
            return
        done = subprocess.run(
            ["npm", "ci", "--no-audit", "--no-fund", "--ignore-scripts"],
            cwd=FOLDER,
            capture_output=True,
            text=True,
            timeout=INSTALL_SECONDS,
            check=False,
        )
        if done.returncode != 0:
            raise CannotStart(f"npm ci failed: {done.stderr[-1000:]}")
        stamp.write_bytes(lock.read_bytes())


def _install_node() -> None:
    for program, package in DEBIAN_PACKAGE_OF.items():
        if shutil.which(program) is None:
            try:
                install_package(package)
            except CannotStart as error:
                raise CannotStart(f"install the Debian packages nodejs and npm ({error})") from None
