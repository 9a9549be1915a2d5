"""Five times the limit at the same moment: the limit is exact, wherever it is counted.

All of a burst lies within one window, so nothing here depends on how fast the machine is.
"""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Callable, Iterable
from contextlib import AsyncExitStack
from ipaddress import IPv4Address, IPv6Address
from pathlib import Path
from uuid import uuid4

import pytest

from lacewing.settings import Settings, load_settings
from tests.support import servers
from tests.support.databases import SqliteTemplate
from tests.support.house import House, open_house

LIMIT = 100
BURST = 500
PROXY = "10.0.0.1"
PATH = "/api/auth/me"
EXACT = Counter({401: LIMIT, 429: BURST - LIMIT})
"""Nobody here has logged in: what passes the limit is refused behind it, without a database."""

Ask = tuple[House, str, str | None]
"""Which process is asked, by which peer, with which ``X-Forwarded-For``."""


@pytest.fixture(scope="module")
async def sqlite_url(tmp_path_factory: pytest.TempPathFactory) -> str:
    """One database for all: limits are counted before any is asked."""
    template = SqliteTemplate(tmp_path_factory.mktemp("bursts"))
    await template.prepare()
    async with template.copied(tmp_path_factory.mktemp("copy")) as url:
        return url


@pytest.fixture
def limited_settings(sqlite_url: str, keys_dir: Path) -> Callable[..., Settings]:
    def make(**variables: str) -> Settings:
        return load_settings(
            {
                "LACEWING_ENVIRONMENT": "test",
                "LACEWING_DATA_DIR": str(keys_dir),
                "LACEWING_DATABASE_URL": sqlite_url,
                "LACEWING_TRUSTED_PROXIES": f"{PROXY}/32",
                **variables,
            }
        )

    return make


@pytest.fixture
async def limited(limited_settings: Callable[..., Settings]) -> AsyncIterator[House]:
    """A house with the limit that is the default, counted in its own process."""
    async with open_house(limited_settings()) as opened:
        yield opened


def _nobody_yet() -> str:
    """An address that asked nothing before, also not of a Redis that others use too."""
    return str(IPv6Address(uuid4().int))


async def _burst(asks: Iterable[Ask]) -> Counter[int]:
    """All of them at once; the statuses."""
    asked = list(asks)
    clients = {(house, peer): house.client(ip=peer) for house, peer, _ in asked}
    answers = await asyncio.gather(
        *(
            clients[house, peer].get(
                PATH, headers={} if forwarded is None else {"X-Forwarded-For": forwarded}
            )
            for house, peer, forwarded in asked
        )
    )
    for client in clients.values():
        await client.aclose()
    return Counter(answer.status_code for answer in answers)


async def test_of_500_at_once_exactly_the_default_of_100_passes(limited: House) -> None:
    """SEC-2: 100 a minute by default, exact under concurrency."""
    statuses = await _burst([(limited, "192.0.2.1", None)] * BURST)

    assert statuses == EXACT


async def test_of_500_to_two_processes_exactly_100_pass_together(
    limited_settings: Callable[..., Settings], redis_url: str
) -> None:
    """SEC-2: shared over all processes through Redis."""
    settings, peer = limited_settings(LACEWING_REDIS_URL=redis_url), _nobody_yet()
    async with open_house(settings) as one, open_house(settings) as other:
        statuses = await _burst([(one, peer, None), (other, peer, None)] * (BURST // 2))

    assert statuses == EXACT


async def test_while_redis_does_not_run_each_process_holds_the_limit(
    limited_settings: Callable[..., Settings],
) -> None:
    """SEC-2: losing Redis costs time, never security."""
    settings = limited_settings(LACEWING_REDIS_URL=f"redis://127.0.0.1:{servers.free_port()}/0")
    async with AsyncExitStack() as stack:
        processes = [await stack.enter_async_context(open_house(settings)) for _ in range(2)]
        statuses = [await _burst([(each, "192.0.2.1", None)] * BURST) for each in processes]

    assert statuses == [EXACT, EXACT]


async def test_when_redis_stops_each_process_counts_on_by_itself(
    limited_settings: Callable[..., Settings],
) -> None:
    """SEC-2: what comes after the loss is held to the limit too, however little came before."""
    async with AsyncExitStack() as stack:
        with servers.redis_process() as (url, _):
            settings = limited_settings(LACEWING_REDIS_URL=url)
            processes = [await stack.enter_async_context(open_house(settings)) for _ in range(2)]
            before = await _burst([(each, "192.0.2.1", None) for each in processes] * 10)
        after = [await _burst([(each, "192.0.2.1", None)] * BURST) for each in processes]

    assert before == {401: 20}
    assert after == [EXACT, EXACT]


async def test_the_addresses_of_one_ipv6_network_share_one_limit(limited: House) -> None:
    """SEC-2: whoever owns a /64 could take a new address for each request."""
    network = int(IPv6Address("2001:db8:1:2::"))

    statuses = await _burst(
        (limited, str(IPv6Address(network + number * 2**50)), None) for number in range(BURST)
    )

    assert statuses == EXACT


async def test_two_ipv6_networks_have_two_limits(limited: House) -> None:
    """SEC-2: neighbours do not shut each other out."""
    networks = ("2001:db8:1:2::1", "2001:db8:1:3::1")

    statuses = await _burst((limited, peer, None) for peer in networks * (BURST // 2))

    assert statuses == {401: 2 * LIMIT, 429: BURST - 2 * LIMIT}


async def test_an_ipv4_address_that_is_written_as_ipv6_is_the_same_client(limited: House) -> None:
    """SEC-2: a second spelling is no second limit."""
    spellings = ("192.0.2.1", "::ffff:192.0.2.1")

    statuses = await _burst((limited, peer, None) for peer in spellings * (BURST // 2))

    assert statuses == EXACT


async def test_invented_addresses_do_not_help_a_client_of_ours(limited: House) -> None:
    """SEC-2: only proxies that the settings trust may say whom they speak for."""
    statuses = await _burst(
        (limited, "192.0.2.1", f"{IPv4Address(number + 1)}, {PROXY}") for number in range(BURST)
    )

    assert statuses == EXACT


async def test_invented_addresses_do_not_help_a_client_of_the_proxy(limited: House) -> None:
    """SEC-2: what stands left of the proxy's own word may be invented."""
    statuses = await _burst(
        (limited, PROXY, f"{IPv4Address(number + 1)}, 192.0.2.1") for number in range(BURST)
    )

    assert statuses == EXACT


async def test_each_client_of_a_trusted_proxy_has_its_own_limit(limited: House) -> None:
    """SEC-2: who floods shuts out nobody else who comes the same way, nor the proxy itself."""
    flood = await _burst([(limited, PROXY, "192.0.2.1")] * BURST)
    others = await _burst(
        (limited, PROXY, forwarded)
        for forwarded in ("192.0.2.2", "2001:db8::1", None)
        for _ in range(LIMIT)
    )

    assert flood == EXACT
    assert others == {401: 3 * LIMIT}
