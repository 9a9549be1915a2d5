"""Webhooks are sent to a receiver on this machine, which the settings allow; nobody sends but the
test: its jobs wait until it runs them."""

from collections.abc import AsyncIterator, Callable
from typing import Any

import pytest

from lacewing.settings import Settings
from tests.support.house import House, Member, open_house
from tests.tracker.acts import Json, new_project
from tests.webhooks.acts import until_listening
from tests.webhooks.receiver import LOOPBACK, Receiver, receiving

TIMEOUT_SECONDS = 0.3


@pytest.fixture
def make_settings(make_settings: Callable[..., Settings]) -> Callable[..., Settings]:
    """As everywhere, but that one address of this machine may be called."""

    def make(**variables: Any) -> Settings:
        ours = {
            "LACEWING_WORKER_IN_SERVER": "false",
            "LACEWING_WEBHOOK_PRIVATE_NETWORKS": f"{LOOPBACK}/32",
            "LACEWING_PUBLIC_URL": "https://tracker.example.com",
        }
        return make_settings(**{**ours, **variables})

    return make


@pytest.fixture
async def house(house: House) -> House:
    """As everywhere, and listening."""
    await until_listening(house)
    return house


@pytest.fixture
async def hasty_house(make_settings: Callable[..., Settings]) -> AsyncIterator[House]:
    """One that does not wait long for receivers."""
    settings = make_settings(LACEWING_WEBHOOK_TIMEOUT_SECONDS=TIMEOUT_SECONDS)
    async with open_house(settings) as opened:
        await until_listening(opened)
        yield opened


@pytest.fixture
async def mona(mona: Member) -> Member:
    """A manager, who is still known when the clock has moved for days."""
    wanted = {"name": "Webhooks", "scopes": ["write"]}
    answer = await mona.api.post("/api/auth/personal-access-tokens", json=wanted)
    mona.api.headers["Authorization"] = f"Bearer {answer.json()['token']}"
    return mona


@pytest.fixture
async def receiver() -> AsyncIterator[Receiver]:
    async with receiving() as listening:
        yield listening


@pytest.fixture
async def project(mona: Member) -> Json:
    """A project that Mona, a manager, has created."""
    return await new_project(mona, "Web shop", key="WEB")
