"""The wall before the servers' own limits: what one client may take, and who one client is."""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator

import httpx
import pytest

from tests.delivery.sites import Site, running
from tests.support.members import tokens_of_new_users

AUTH_BURST = 30
BURST = AUTH_BURST + 10
"""So many that who is refused a login is refused for that."""
TIGHT = {
    "LACEWING_PROXY_REQUESTS_PER_SECOND": "1",
    "LACEWING_PROXY_REQUESTS_BURST": str(BURST),
    "LACEWING_PROXY_AUTH_PER_MINUTE": "1",
    "LACEWING_PROXY_CONNECTIONS": "5",
    # As if a load balancer stood in front, which tells who asks.
    "LACEWING_PROXY_TRUSTED": "127.0.0.1",
}


@pytest.fixture(scope="module")
async def a_tight_site(
    a_database: str, redis_url: str, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[Site]:
    with running(tmp_path_factory.mktemp("tight"), a_database, redis_url, TIGHT) as (
        proxy,
        environment,
    ):
        [token] = await tokens_of_new_users(environment, ["tight"])
        yield Site(proxy, environment, token)


async def ask(site: Site, address: str, count: int, path: str = "/health/live") -> list[int]:
    """The statuses of as many requests at once from this address."""
    async with site.proxy.client(headers={"X-Forwarded-For": address}) as client:
        answers = await asyncio.gather(*(client.get(path) for _ in range(count)))
    return [answer.status_code for answer in answers]


async def test_who_asks_too_often_is_told_to_wait_and_others_are_not(a_tight_site: Site) -> None:
    """SEC-2: a burst, then the rate; 429 as a problem document with `Retry-After`."""
    headers = {"X-Forwarded-For": "203.0.113.1"}
    async with a_tight_site.proxy.client(headers=headers) as client:
        answers = [await client.get("/health/live") for _ in range(BURST + 10)]

    statuses = Counter(answer.status_code for answer in answers)
    assert set(statuses) == {200, 429}
    assert statuses[200] >= BURST
    refused = answers[-1]
    assert refused.json()["type"] == "rate-limit-exceeded"
    assert refused.headers["retry-after"] == "1"
    assert await ask(a_tight_site, "203.0.113.2", 1) == [200]


async def test_the_addresses_of_one_ipv6_network_are_one_client(a_tight_site: Site) -> None:
    """SEC-2: whoever has a /64 has 2^64 addresses; their neighbour is somebody else."""
    statuses = []
    for number in range(BURST + 5):
        statuses += await ask(a_tight_site, f"2001:db8:1:2::{number:x}", 1)

    assert 429 in statuses
    assert await ask(a_tight_site, "2001:db8:1:3::1", 1) == [200]


async def test_only_the_last_stranger_is_believed(a_tight_site: Site) -> None:
    """SEC-2: what stands left of the address that our load balancer wrote may be invented."""
    statuses = []
    for number in range(BURST + 5):
        statuses += await ask(a_tight_site, f"198.51.100.{number}, 203.0.113.9", 1)

    assert 429 in statuses


@pytest.mark.parametrize("key", [{}, {"Idempotency-Key": "of-a-guesser"}])
async def test_logins_are_counted_apart(a_tight_site: Site, key: dict[str, str]) -> None:
    """SEC-2: guessing passwords is slowed down before it costs a server 20 ms each."""
    body = {"username": "nobody", "password": "wrong"}
    headers = {"X-Forwarded-For": f"203.0.113.{20 + len(key)}", **key}
    async with a_tight_site.proxy.client(headers=headers) as client:
        answers = [await client.post("/api/auth/login", json=body) for _ in range(AUTH_BURST + 5)]
        other = await client.get("/api/auth/me")

    assert {answer.status_code for answer in answers} == {401, 429}
    assert other.status_code == 401


async def test_a_key_leads_no_secret_past_its_limit(a_tight_site: Site) -> None:
    """SEC-2: what may be repeated goes another way through nginx, and is counted there too."""
    headers = {"X-Forwarded-For": "203.0.113.29"}
    async with a_tight_site.proxy.client(a_tight_site.token, headers=headers) as client:
        answers = [
            await client.post(
                "/api/notifications/ticket", headers={"Idempotency-Key": f"ticket-{number}"}
            )
            for number in range(AUTH_BURST + 5)
        ]

    assert {answer.status_code for answer in answers} == {200, 429}


async def test_one_client_has_so_many_requests_under_way_at_most(a_tight_site: Site) -> None:
    """SEC-2: streams count for as long as they last; another client gets one."""
    tokens = await tokens_of_new_users(a_tight_site.environment, ["many", "other"])
    async with (
        a_tight_site.proxy.client(tokens[0], headers={"X-Forwarded-For": "203.0.113.30"}) as many,
        a_tight_site.proxy.client(tokens[1], headers={"X-Forwarded-For": "203.0.113.31"}) as other,
    ):
        opened = [await _open_stream(many) for _ in range(6)]
        another = await _open_stream(other)
        for answer in (*opened, another):
            await answer.aclose()

    assert [answer.status_code for answer in opened] == [200] * 5 + [429]
    assert another.status_code == 200


async def _open_stream(client: httpx.AsyncClient) -> httpx.Response:
    request = client.build_request("GET", "/api/notifications/stream")
    return await client.send(request, stream=True)
