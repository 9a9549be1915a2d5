"""Servers that ours needs are lost in the middle of traffic, and come back."""

import asyncio
import signal
import time
from collections.abc import AsyncGenerator, Callable, Iterator
from contextlib import ExitStack, asynccontextmanager
from functools import partial
from pathlib import Path

import httpx
import pytest

from tests.support.cannot import cannot_test
from tests.support.listeners import hear, opened_socket, write_post
from tests.support.outages import Network, PostgresServer, network, postgres_cluster
from tests.support.processes import Server, admin_token, environment_of, serving
from tests.support.servers import CannotStart, free_port, redis_process
from tests.support.waiting import until

pytestmark = pytest.mark.system

CLIENTS = 16
"""More than there are connections to the database: some wait for one when it is lost."""
RECOVERS_SECONDS = 10
NOTICES_SECONDS = 12
"""How long a request may hang that was under way when the network was cut."""
TOLD_AT_ONCE_SECONDS = 2
"""And one that comes later; on machines that do much else."""
LOST_SECONDS = 8


class Traffic:
    """Clients that create issues, one after another, and remember what they were told."""

    def __init__(self, api: httpx.AsyncClient, path: str) -> None:
        self.api = api
        self._path = path
        self.acknowledged: set[str] = set()
        self.refused: list[httpx.Response] = []
        self.others: list[str] = []
        self.last_acknowledged = 0.0
        self.longest = 0.0
        self._is_over = False

    async def create(self, client: int) -> None:
        number = 0
        while not self._is_over:
            number += 1
            title = f"Issue {client}.{number}"
            begun = time.monotonic()
            answer = await self.api.post(self._path, json={"title": title})
            self.longest = max(self.longest, time.monotonic() - begun)
            if answer.status_code == httpx.codes.CREATED:
                self.acknowledged.add(title)
                self.last_acknowledged = time.monotonic()
            elif answer.status_code == httpx.codes.SERVICE_UNAVAILABLE:
                self.refused.append(answer)
                await asyncio.sleep(0.1)  # sooner than it is asked to
            else:
                self.others.append(f"{answer.status_code}: {answer.text}")

    def end(self) -> None:
        self._is_over = True

    async def is_refused(self) -> bool:
        return bool(self.refused)

    async def kept(self) -> set[str]:
        """The titles of all issues that are there."""
        titles: set[str] = set()
        parameters: dict[str, str | int] = {"limit": 100}
        while True:
            page = (await self.api.get(self._path, params=parameters)).json()
            titles |= {issue["title"] for issue in page["data"]}
            if page["next_cursor"] is None:
                return titles
            parameters["cursor"] = page["next_cursor"]


@asynccontextmanager
async def traffic(server: Server, token: str) -> AsyncGenerator[Traffic]:
    """While the block lasts, clients create issues."""
    headers = {"Authorization": f"Bearer {token}"}
    async with httpx.AsyncClient(base_url=server.url, headers=headers, timeout=60) as api:
        project = await api.post("/api/projects", json={"key": "WEB", "name": "Web"})
        going = Traffic(api, f"/api/projects/{project.json()['id']}/issues")
        async with asyncio.TaskGroup() as clients:
            for number in range(CLIENTS):
                clients.create_task(going.create(number))
            await until(lambda: _is_true(len(going.acknowledged) > CLIENTS))
            try:
                yield going
            finally:
                going.end()


async def _is_true(value: object) -> bool:
    return bool(value)


async def _assert_lost(going: Traffic) -> None:
    """Alive, not ready, and each request is told so at once."""
    begun = time.monotonic()
    live = await going.api.get("/health/live")
    ready = await going.api.get("/health/ready")
    asked = await going.api.get("/api/projects")
    assert time.monotonic() - begun < 3 * TOLD_AT_ONCE_SECONDS
    assert live.status_code == 200
    assert (ready.status_code, ready.json()["checks"]["database"]["status"]) == (503, "failed")
    assert asked.status_code == 503
    assert asked.headers["content-type"] == "application/problem+json"
    for answer in (ready, asked, *going.refused):
        assert int(answer.headers["retry-after"]) > 0


async def _recovers(going: Traffic) -> float:
    """How many seconds it takes until an issue is created again."""
    begun = time.monotonic()
    await until(lambda: _is_true(going.last_acknowledged > begun))
    return going.last_acknowledged - begun


async def _assert_nothing_is_lost(going: Traffic) -> None:
    assert going.others == []
    acknowledged = frozenset(going.acknowledged)  # clients may still be writing
    assert acknowledged <= await going.kept()
    ready = await going.api.get("/health/ready")
    assert ready.status_code == 200


@pytest.fixture
def environment(tmp_path: Path) -> dict[str, str]:
    return environment_of("", tmp_path)


@pytest.fixture
def postgres() -> Iterator[PostgresServer]:
    try:
        with postgres_cluster() as cluster:
            yield cluster
    except CannotStart as error:
        cannot_test(error)


@pytest.fixture
def net() -> Iterator[Network]:
    try:
        with network() as made:
            yield made
    except CannotStart as error:
        cannot_test(error)


@pytest.fixture
def far_postgres(net: Network) -> Iterator[PostgresServer]:
    """One that is reached through a network that can be cut."""
    with postgres_cluster(net.address, net.name) as cluster:
        yield cluster


@pytest.mark.parametrize("how", [signal.SIGINT, signal.SIGQUIT])
async def test_postgresql_is_stopped_and_started(
    environment: dict[str, str],
    postgres: PostgresServer,
    how: signal.Signals,
    record_property: Callable[[str, object], None],
) -> None:
    """OPS-6: in order, or as by a crash; whoever listens, goes on listening."""
    environment["LACEWING_DATABASE_URL"] = postgres.url
    with ExitStack() as first, ExitStack() as serves:
        process = first.enter_context(postgres.running())
        server = serves.enter_context(serving(environment))
        token = admin_token(server, environment)
        async with opened_socket(server.url, token) as listening, traffic(server, token) as going:
            process.send_signal(how)
            process.wait(timeout=30)
            await until(going.is_refused)
            await _assert_lost(going)
            with postgres.running() as again:
                seconds = await _recovers(going)
                going.end()
                await write_post(going.api)
                heard = await hear(listening, 1)
                await _assert_nothing_is_lost(going)
                serves.close()
                again.send_signal(signal.SIGINT)

    record_property("outage", _told(f"PostgreSQL stopped by {how.name}", going, seconds))
    assert seconds < RECOVERS_SECONDS
    assert heard.ids


async def test_the_network_to_postgresql_is_cut_and_mended(
    environment: dict[str, str],
    net: Network,
    far_postgres: PostgresServer,
    record_property: Callable[[str, object], None],
) -> None:
    """OPS-6: packets are lost without a word; nobody hangs, and all goes on afterwards."""
    environment["LACEWING_DATABASE_URL"] = far_postgres.url
    with far_postgres.running() as process, serving(environment) as server:
        token = admin_token(server, environment)
        async with opened_socket(server.url, token) as listening, traffic(server, token) as going:
            net.cut()
            await until(going.is_refused)
            await _assert_lost(going)
            await asyncio.sleep(LOST_SECONDS)  # the length of the outage
            await _assert_lost(going)
            net.mend()
            seconds = await _recovers(going)
            going.end()
            await write_post(going.api)
            heard = await hear(listening, 1)
            await _assert_nothing_is_lost(going)
        server.stop()
        process.send_signal(signal.SIGINT)

    told = _told("Network to PostgreSQL cut", going, seconds)
    record_property("outage", f"{told}; a request hung for {going.longest:.1f} s at the most")
    assert seconds < RECOVERS_SECONDS
    assert going.longest < NOTICES_SECONDS
    assert heard.ids


async def test_redis_is_stopped_and_started(
    database_url: str, tmp_path: Path, record_property: Callable[[str, object], None]
) -> None:
    """OPS-6, SEC-2: requests are served, limits hold in each process, messages come later."""
    port = free_port()
    with ExitStack() as redis:
        url, _ = redis.enter_context(redis_process(port))
        limit = {"LACEWING_REDIS_URL": url, "LACEWING_RATE_LIMIT_PER_MINUTE": "1000000"}
        environment = environment_of(database_url, tmp_path) | limit
        with serving(environment, workers=2) as server:
            token = admin_token(server, environment)
            async with (
                opened_socket(server.url, token) as listening,
                traffic(server, token) as going,
            ):
                redis.close()
                before = len(going.acknowledged)
                await until(lambda: _is_true(len(going.acknowledged) > before + CLIENTS))
                lost = await going.api.get("/health/ready")
                live = await going.api.get("/health/live")
                await write_post(going.api)
                without = await hear(listening, 1)
                with redis_process(port):
                    begun = time.monotonic()
                    await until(partial(_is_ready, going))
                    seconds = time.monotonic() - begun
                    going.end()
                    await write_post(going.api)
                    heard = await hear(listening, 1)
                    await _assert_nothing_is_lost(going)
            server.stop()

    record_property("outage", _told("Redis stopped", going, seconds))
    assert (lost.status_code, live.status_code) == (503, 200)
    assert int(lost.headers["retry-after"]) > 0
    assert seconds < RECOVERS_SECONDS
    assert without.ids
    assert heard.ids
    assert going.refused == []


async def _is_ready(going: Traffic) -> bool:
    return (await going.api.get("/health/ready")).status_code == httpx.codes.OK


def _told(what: str, going: Traffic, seconds: float) -> str:
    """For the report of the run."""
    return (
        f"{what}: {len(going.acknowledged)} acknowledged and found again, "
        f"{len(going.refused)} answered 503, recovered in {seconds:.2f} s"
    )
