from collections.abc import AsyncIterator, Callable
from pathlib import Path

import httpx
import pytest

from lacewing.settings import Settings
from tests.accounts.social.acts import variables
from tests.support.house import House, open_house
from tests.support.rogue_provider import RogueProvider, rogue_provider


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Providers on real sockets are slower than the inner loop wants."""
    for item in items:
        if item.path.parent == Path(__file__).parent:
            item.add_marker(pytest.mark.system)


@pytest.fixture
async def acme() -> AsyncIterator[RogueProvider]:
    """A provider of the settings."""
    async with rogue_provider() as provider:
        yield provider


@pytest.fixture
async def globex() -> AsyncIterator[RogueProvider]:
    """Another one."""
    async with rogue_provider() as provider:
        yield provider


@pytest.fixture
async def house(
    make_settings: Callable[..., Settings], acme: RogueProvider, globex: RogueProvider
) -> AsyncIterator[House]:
    """A house that both providers lead to."""
    settings = make_settings(**variables({"acme": acme, "globex": globex}))
    async with open_house(settings) as opened:
        acme.clock = globex.clock = opened.clock
        yield opened


@pytest.fixture
def browser(house: House) -> httpx.AsyncClient:
    """Somebody's, with cookies of its own."""
    return house.client()
