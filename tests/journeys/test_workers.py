import asyncio
import subprocess
from collections import Counter
from collections.abc import AsyncIterator, Iterator
from contextlib import AsyncExitStack
from pathlib import Path

import httpx
import pytest
from redis import Redis

from tests.support.processes import Server, admin_token, environment_of, serving
from tests.support.servers import redis_process

pytestmark = pytest.mark.system

WORKERS = 4
SEVERAL = 2
"""As good as four for what is true of any two, and started in half the time."""
CONNECTIONS = 16
"""Opened at once, so that the processes share them."""
ROUNDS = 100
LOGIN = {"username": "root", "password": "Correct-Horse-7"}


RunningRedis = tuple[str, "subprocess.Popen[bytes]"]


@pytest.fixture
def redis_of_server() -> Iterator[RunningRedis]:
    """A Redis of the test's own: counts of one must not weigh on the next."""
    with redis_process() as (redis_url, process):
        yield redis_url, process


@pytest.fixture
def environment(database_url: str, tmp_path: Path, redis_of_server: RunningRedis) -> dict[str, str]:
    return environment_of(database_url, tmp_path, LACEWING_REDIS_URL=redis_of_server[0])


@pytest.fixture
def server(environment: dict[str, str]) -> Iterator[Server]:
    """A server of several processes, with an administrator."""
    with serving(environment, workers=WORKERS) as running:
        admin_token(running, environment)
        yield running


@pytest.fixture
async def connections(server: Server) -> AsyncIterator[list[httpx.AsyncClient]]:
    """Clients of one kept connection each, so that each speaks to one process."""
    async with AsyncExitStack() as stack:
        yield await _opened(stack, server)


async def _opened(stack: AsyncExitStack, server: Server) -> list[httpx.AsyncClient]:
    one = httpx.Limits(max_connections=1)
    clients = [
        await stack.enter_async_context(
            httpx.AsyncClient(base_url=server.url, limits=one, timeout=30)
        )
        for _ in range(CONNECTIONS)
    ]
    await asyncio.gather(*(client.get("/health/live") for client in clients))
    return clients


async def test_a_logout_is_heard_by_all_processes_at_once(
    redis_of_server: RunningRedis, connections: list[httpx.AsyncClient]
) -> None:
    """AUTH-5: the token is refused on each of the processes, straight after the answer.

    With Redis flushed under way, and then stopped, too: it is no part of this truth.
    """
    url, process = redis_of_server
    for turn in range(ROUNDS):
        leaver = connections[turn % CONNECTIONS]
        token = (await leaver.post("/api/auth/login", json=LOGIN)).json()["access_token"]
        headers = {"Authorization": f"Bearer {token}"}
        before = await _statuses(connections, headers)

        left = await leaver.post("/api/auth/logout", headers=headers)
        if ROUNDS // 3 < turn < 2 * ROUNDS // 3:
            Redis.from_url(url).flushall()
        if turn == 2 * ROUNDS // 3:
            process.terminate()
            process.wait()
        after = await _statuses(connections, headers)

        assert left.status_code == 204
        assert before == Counter({200: CONNECTIONS})
        assert after == Counter({401: CONNECTIONS})


async def _statuses(connections: list[httpx.AsyncClient], headers: dict[str, str]) -> Counter[int]:
    answers = await asyncio.gather(
        *(each.get("/api/auth/me", headers=headers) for each in connections)
    )
    return Counter(answer.status_code for answer in answers)


async def test_the_processes_count_one_rate_limit_together(
    environment: dict[str, str],
) -> None:
    """SEC-2: of many at once over both processes exactly as many pass as are allowed."""
    limited = {**environment, "LACEWING_RATE_LIMIT_PER_MINUTE": "50"}
    with serving(limited, workers=SEVERAL) as server:
        async with AsyncExitStack() as stack:
            clients = await _opened(stack, server)
            answers = await asyncio.gather(
                *(client.get("/api/auth/me") for client in clients for _ in range(5))
            )

    statuses = Counter(answer.status_code for answer in answers)
    assert statuses == Counter({401: 50, 429: 30})
    assert all("Retry-After" in each.headers for each in answers if each.status_code == 429)


async def test_numbers_are_taken_once_over_all_processes(environment: dict[str, str]) -> None:
    """ISS numbering: without gap or double, also when several processes hand them out."""
    with serving(environment, workers=SEVERAL) as server:
        admin_token(server, environment)
        async with AsyncExitStack() as stack:
            keys = await _created_at_once(await _opened(stack, server))

    numbers = sorted(int(key.removeprefix("WEB-")) for key in keys)
    assert numbers == list(range(1, CONNECTIONS * 5 + 1))


async def _created_at_once(connections: list[httpx.AsyncClient]) -> list[str]:
    """The keys of five issues that each client has made."""
    token = (await connections[0].post("/api/auth/login", json=LOGIN)).json()["access_token"]
    headers = {"Authorization": f"Bearer {token}"}
    project = await connections[0].post(
        "/api/projects", json={"key": "WEB", "name": "Web"}, headers=headers
    )
    path = f"/api/projects/{project.json()['id']}/issues"

    async def create(client: httpx.AsyncClient) -> list[str]:
        return [
            (await client.post(path, json={"title": "T"}, headers=headers)).json()["key"]
            for _ in range(5)
        ]

    made = await asyncio.gather(*(create(client) for client in connections))
    return [key for each in made for key in each]
