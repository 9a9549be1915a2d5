"""Logging in through providers, in one line each, and what must hold of every refusal."""

import time
from collections.abc import AsyncGenerator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol
from uuid import UUID

import httpx
from sqlalchemy import select

from lacewing.accounts.store import users as users_store
from lacewing.accounts.tables import identities
from lacewing.kernel.db import transaction
from lacewing.settings import load_settings
from tests.accounts.acts import nothing_changes
from tests.accounts.social.flaws import Flaw
from tests.support.house import House, Member, open_house, password_hash
from tests.support.rogue_provider import RogueProvider, rogue_provider

PATIENCE_SECONDS = 6.0
"""A provider may keep somebody waiting for 5 seconds."""
PROBLEM_JSON = "application/problem+json"


class Known(Protocol):
    """What the settings say of a provider."""

    @property
    def client_id(self) -> str: ...
    @property
    def client_secret(self) -> str: ...
    @property
    def discovery_url(self) -> str: ...


def variables(providers: Mapping[str, Known]) -> dict[str, str]:
    """The settings of these providers."""
    found: dict[str, str] = {}
    for name, provider in providers.items():
        prefix = f"LACEWING_OIDC_{name.upper().replace('-', '_')}"
        found |= {
            f"{prefix}_CLIENT_ID": provider.client_id,
            f"{prefix}_CLIENT_SECRET": provider.client_secret,
            f"{prefix}_DISCOVERY_URL": provider.discovery_url,
        }
    return found


async def begin(browser: httpx.AsyncClient, provider: str = "acme") -> str:
    """Where the browser is sent to log in."""
    answer = await browser.get(f"/api/auth/{provider}")
    assert answer.status_code == 302, answer.text
    url: str = answer.headers["location"]
    return url


async def enter(
    house: House,
    rogue: RogueProvider,
    account: str = "kim",
    *,
    at: str = "acme",
    browser: httpx.AsyncClient | None = None,
    **person: Any,
) -> httpx.Response:
    """A whole login through ``rogue``, from a browser of one's own; what the callback answers."""
    browser = browser or house.client()
    url = await begin(browser, at)
    return await browser.get(rogue.authorize(url, account, **person))


async def begin_to_link(member: Member, provider: str = "acme") -> str:
    """Where the member's browser is sent to link an identity to their account."""
    answer = await member.api.post(f"/api/auth/{provider}/link")
    assert answer.status_code == 200, answer.text
    url: str = answer.json()["authorization_url"]
    return url


async def link(
    member: Member, rogue: RogueProvider, account: str = "kim", *, at: str = "acme", **person: Any
) -> httpx.Response:
    """Link an identity to the member's account; what the callback answers."""
    url = await begin_to_link(member, at)
    return await member.api.get(rogue.authorize(url, account, **person))


async def profile(house: House, answer: httpx.Response) -> dict[str, Any]:
    """Who somebody is who has just got in."""
    assert answer.status_code == 200, answer.text
    pair = answer.json()
    assert set(pair) == {"access_token", "refresh_token", "token_type", "expires_in"}
    headers = {"Authorization": f"Bearer {pair['access_token']}"}
    found: dict[str, Any] = (await house.anonymous.get("/api/auth/me", headers=headers)).json()
    return found


async def linked(house: House) -> list[tuple[UUID, str, str, str]]:
    """User, provider, issuer and subject of all identities, oldest first."""
    columns = (
        identities.c.user_id,
        identities.c.provider,
        identities.c.issuer,
        identities.c.subject,
    )
    statement = select(*columns).order_by(identities.c.created_at, identities.c.id)
    return [tuple(row) for row in await house.rows(statement)]


async def set_password(house: House, user_id: UUID | str) -> None:
    """Give an account that came by a provider a password too: ``PASSWORD``."""
    async with transaction(house.database) as session:
        hashed = password_hash()
        await users_store.update_user(session, UUID(str(user_id)), password_hash=hashed)


@asynccontextmanager
async def nobody_enters(house: House) -> AsyncGenerator[None, None]:
    """What happens in the block makes no user, identity or session, and takes no longer."""
    before, started = await linked(house), time.monotonic()
    async with nothing_changes(house):
        yield  # ruff: ignore[fallible-context-manager]  a test that failed already compares nothing
        took = time.monotonic() - started
    assert await linked(house) == before
    assert took < PATIENCE_SECONDS


def cookie_of(answer: httpx.Response) -> tuple[str, str]:
    """Name and value of the only cookie that an answer sets."""
    [header] = answer.headers.get_list("set-cookie")
    name, _, value = header.partition(";")[0].partition("=")
    return name, value


def kind_of(answer: httpx.Response) -> tuple[int, str]:
    """Status and type of a refusal, which must be a problem document that holds no token."""
    assert answer.headers["content-type"] == PROBLEM_JSON, answer.text
    assert answer.status_code < 500 or answer.status_code == 503, answer.text
    assert (answer.status_code == 503) is ("retry-after" in answer.headers)
    assert "access_token" not in answer.text
    problem = answer.json()
    assert problem["status"] == answer.status_code
    return answer.status_code, problem["type"]


@dataclass(frozen=True)
class Gallery:
    """A house with one provider for each flaw."""

    house: House
    rogues: dict[str, RogueProvider]
    slugs: dict[str, str]

    async def begin(self, name: str, browser: httpx.AsyncClient) -> httpx.Response:
        return await browser.get(f"/api/auth/{self.slugs[name]}")

    async def enter(self, name: str, account: str = "kim") -> httpx.Response:
        """A login through the provider with that flaw; where it ends early, what refused it."""
        browser = self.house.client()
        started = await self.begin(name, browser)
        if started.status_code != 302:
            return started
        url = self.rogues[name].authorize(started.headers["location"], account)
        return await browser.get(url)


@asynccontextmanager
async def open_gallery(
    flaws: Mapping[str, Flaw], database_url: str, data_dir: Path
) -> AsyncGenerator[Gallery, None]:
    async with AsyncExitStack() as stack:
        rogues = {name: await stack.enter_async_context(rogue_provider()) for name in flaws}
        slugs = {name: f"flaw-{number}" for number, name in enumerate(flaws)}
        environ = {
            "LACEWING_ENVIRONMENT": "test",
            "LACEWING_DATA_DIR": str(data_dir),
            "LACEWING_DATABASE_URL": database_url,
            "LACEWING_DATABASE_POOL_SIZE": "5",
            "LACEWING_RATE_LIMIT_PER_MINUTE": "0",
            "LACEWING_LOGIN_LIMIT_PER_MINUTE": "0",
            **variables({slugs[name]: rogue for name, rogue in rogues.items()}),
        }
        house = await stack.enter_async_context(open_house(load_settings(environ)))
        for name, rogue in rogues.items():
            rogue.clock = house.clock
            flaws[name](rogue)
        yield Gallery(house, rogues, slugs)
