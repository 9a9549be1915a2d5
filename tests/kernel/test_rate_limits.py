import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Callable
from functools import partial
from uuid import uuid4

import pytest

from lacewing.kernel.web.middleware.rate_limit import client_key
from lacewing.kernel.web.rate_limits import RateLimiter
from lacewing.settings import Settings
from tests.support import servers
from tests.support.house import House, open_house
from tests.support.waiting import until

LIMIT = 10


@pytest.fixture
async def limited(make_settings: Callable[..., Settings]) -> AsyncIterator[House]:
    """A house with a small limit for each address."""
    settings = make_settings(
        LACEWING_RATE_LIMIT_PER_MINUTE=LIMIT,
        LACEWING_LOGIN_LIMIT_PER_MINUTE=3,
        LACEWING_REGISTER_LIMIT_PER_MINUTE=2,
        LACEWING_REFRESH_LIMIT_PER_MINUTE=4,
    )
    async with open_house(settings) as opened:
        yield opened


async def _statuses(house: House, count: int, path: str, ip: str = "10.0.0.1") -> Counter[int]:
    client = house.client(ip=ip)
    answers = await asyncio.gather(*(client.get(path) for _ in range(count)))
    await client.aclose()
    return Counter(answer.status_code for answer in answers)


async def test_of_five_times_the_limit_at_once_exactly_the_limit_passes(limited: House) -> None:
    """SEC-2: exact under concurrency."""
    statuses = await _statuses(limited, 5 * LIMIT, "/api/auth/me")

    assert statuses == {401: LIMIT, 429: 4 * LIMIT}


async def test_each_address_has_its_own_limit(limited: House) -> None:
    """SEC-2: per IP; who floods shuts out nobody else."""
    await _statuses(limited, 2 * LIMIT, "/api/auth/me")

    other = await _statuses(limited, LIMIT, "/api/auth/me", ip="10.0.0.2")

    assert other == {401: LIMIT}


async def test_answers_tell_how_much_is_left_and_when_to_come_again(limited: House) -> None:
    """SEC-2, API-4: ``RateLimit-*`` on every answer, ``Retry-After`` on a 429."""
    client = limited.client(ip="10.0.0.3")

    answers = [await client.get("/api/auth/me") for _ in range(LIMIT + 1)]

    left = [int(answer.headers["ratelimit-remaining"]) for answer in answers]
    assert left == [*range(LIMIT - 1, -1, -1), 0]
    assert {answer.headers["ratelimit-limit"] for answer in answers} == {str(LIMIT)}
    assert all(1 <= int(answer.headers["ratelimit-reset"]) <= 60 for answer in answers)
    refused = answers[-1]
    assert refused.status_code == 429
    assert 1 <= int(refused.headers["retry-after"]) <= 60
    assert refused.json()["type"] == "rate-limit-exceeded"


@pytest.mark.parametrize(
    ("paths", "body", "limit"),
    [
        (("/api/auth/login", "/api/auth/login/"), {"username": "nobody", "password": "x"}, 3),
        (("/api/auth/register", "/api/auth/signup"), {"email": "x"}, 2),
        (("/api/auth/refresh",), {"refresh_token": "x"}, 4),
    ],
)
async def test_some_operations_have_tighter_limits(
    limited: House, paths: tuple[str, ...], body: dict[str, str], limit: int
) -> None:
    """SEC-2: login, registration and refresh; two spellings or names share one limit."""
    client = limited.client(ip="10.0.0.4")

    answers = [
        await client.post(paths[number % len(paths)], json=body) for number in range(limit + 2)
    ]

    refused = [answer.status_code == 429 for answer in answers]
    assert refused == [False] * limit + [True] * 2


async def test_probes_are_not_limited(limited: House) -> None:
    """SEC-2, OPS-4: the machine's own keepers ask often."""
    statuses = await _statuses(limited, 3 * LIMIT, "/health/live")

    assert statuses == {200: 3 * LIMIT}


async def test_a_refused_request_does_nothing(limited: House) -> None:
    """SEC-2: a 429 comes before any work."""
    mona = await limited.member("mona")
    await _statuses(limited, LIMIT, "/api/auth/me", ip="127.0.0.1")

    refused = await mona.api.patch("/api/auth/me", json={"full_name": "X"})

    assert refused.status_code == 429
    other = limited.client(dict(mona.api.headers), ip="10.9.9.9")
    assert (await other.get("/api/auth/me")).json()["full_name"] is None


async def test_zero_turns_the_limits_off(house: House) -> None:
    """NAME-3: 0 turns all limits per address off."""
    statuses = await _statuses(house, 150, "/api/auth/me")

    assert statuses == {401: 150}


def test_one_ipv6_client_is_its_network() -> None:
    """SEC-2: a client owns a /64 and could take a new address for each request."""
    same = {client_key(f"2001:db8:1:2::{number:x}") for number in range(1, 50)}

    assert len(same) == 1
    assert client_key("2001:db8:1:3::1") not in same
    assert client_key("::ffff:10.0.0.1") == client_key("10.0.0.1")
    assert client_key(None) != client_key("10.0.0.1")


async def _allowed(limiters: list[RateLimiter], key: str, count: int) -> int:
    verdicts = await asyncio.gather(
        *(limiters[number % len(limiters)].hit("test", LIMIT, key) for number in range(count))
    )
    return sum(verdict.is_allowed for verdict in verdicts)


async def test_processes_share_their_limits_through_redis(redis_url: str) -> None:
    """SEC-2, LIVE-4: exactly the limit passes, over all processes together."""
    limiters = [RateLimiter(redis_url) for _ in range(3)]

    allowed = await _allowed(limiters, uuid4().hex, 5 * LIMIT)

    for limiter in limiters:
        await limiter.close()
    assert allowed == LIMIT


async def test_a_burst_beyond_the_connections_to_redis_is_still_counted(redis_url: str) -> None:
    """SEC-2: 300 at once wait for one of 50 connections; none is waved through."""
    limiter = RateLimiter(redis_url)

    allowed = await _allowed([limiter], uuid4().hex, 300)

    await limiter.close()
    assert allowed == LIMIT


async def test_without_redis_limits_hold_in_process() -> None:
    """SEC-2: losing Redis costs time, never security; and it is used again once it is back."""
    port = servers.free_port()
    with servers.redis_process(port) as (url, _):
        limiter = RateLimiter(url)
        before = await _allowed([limiter], "a", 5 * LIMIT)
    during = await _allowed([limiter], "b", 5 * LIMIT)
    with servers.redis_process(port):
        await until(partial(_is_shared, limiter))
        after = await _allowed([limiter], "c", 5 * LIMIT)
        other_process = RateLimiter(url)
        shared = await _allowed([other_process], "c", 1)
        await other_process.close()
        await limiter.close()

    assert (before, during, after, shared) == (LIMIT, LIMIT, LIMIT, 0)


async def _is_shared(limiter: RateLimiter) -> bool:
    return limiter.is_shared


async def test_a_limit_counts_by_name_and_key(redis_url: str) -> None:
    """SEC-2: limits of different operations and clients do not mix."""
    for limiter in (RateLimiter(), RateLimiter(redis_url)):
        key, other = uuid4().hex, uuid4().hex
        first = [await limiter.hit("one", 1, key) for _ in range(2)]
        others = [await limiter.hit("two", 1, key), await limiter.hit("one", 1, other)]
        await limiter.close()

        assert [verdict.is_allowed for verdict in first] == [True, False]
        assert all(verdict.is_allowed for verdict in others)
