"""Two servers, one of which goes away: stopped, killed, started anew; and nobody notices."""

import asyncio
import itertools
from collections import Counter
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from uuid import uuid4

import httpx
import pytest

from tests.delivery.sites import Site, running
from tests.support.members import tokens_of_new_users
from tests.support.processes import Server, serving
from tests.support.waiting import until

CLIENTS = 8
REQUESTS_MIN = 30
"""By each client before something happens, and again after it."""
IN_FLIGHT = "idempotency-key-in-flight"
"""The key is held by a server that was killed; it is free again after a minute."""


@dataclass
class Traffic:
    """What clients that read and write all the time have been answered."""

    statuses: Counter[int] = field(default_factory=Counter)
    failures: list[str] = field(default_factory=list)
    titles: list[str] = field(default_factory=list)
    ends: asyncio.Event = field(default_factory=asyncio.Event)

    @property
    def count(self) -> int:
        return self.statuses.total() + len(self.failures)

    async def more(self) -> None:
        """Return when there has been some more of it."""
        wanted = self.count + CLIENTS * REQUESTS_MIN

        async def is_there() -> bool:
            return self.count >= wanted

        await until(is_there)


async def _ask(client: httpx.AsyncClient, traffic: Traffic, *, with_keys: bool) -> None:
    """Write once for two times of reading, until the traffic ends."""
    for number in itertools.count():
        if traffic.ends.is_set():
            return
        try:
            if number % 3:
                answer = await client.get("/api/posts?limit=5")
            else:
                answer = await _write(client, traffic, with_keys=with_keys)
        except httpx.HTTPError as error:
            traffic.failures.append(repr(error))
            continue
        traffic.statuses[answer.status_code] += 1
        if answer.is_error:
            traffic.failures.append(answer.text)


async def _write(client: httpx.AsyncClient, traffic: Traffic, *, with_keys: bool) -> httpx.Response:
    title = uuid4().hex
    headers = {"Idempotency-Key": title} if with_keys else {}
    body = {"title": title, "body": "x"}
    answer = await client.post("/api/posts", json=body, headers=headers)
    while answer.is_error and answer.json()["type"] == IN_FLIGHT:
        answer = await client.post("/api/posts", json=body, headers=headers)
    if answer.is_success:
        traffic.titles.append(title)
    return answer


class Running:
    """Traffic while the block runs."""

    def __init__(self, site: Site, *, with_keys: bool) -> None:
        self._site = site
        self._with_keys = with_keys
        self.traffic = Traffic()

    async def __aenter__(self) -> Traffic:
        self._clients = [self._site.proxy.client(self._site.token) for _ in range(CLIENTS)]
        self._tasks = [
            asyncio.create_task(_ask(client, self.traffic, with_keys=self._with_keys))
            for client in self._clients
        ]
        await self.traffic.more()
        return self.traffic

    async def __aexit__(self, *_: object) -> None:
        self.traffic.ends.set()
        await asyncio.gather(*self._tasks)
        for client in self._clients:
            await client.aclose()


async def written_titles(site: Site) -> Counter[str]:
    """The titles of all posts, and how often each stands there."""
    titles = Counter[str]()
    cursor = ""
    async with site.proxy.client(site.token) as client:
        while True:
            page = (await client.get(f"/api/posts?limit=100{cursor}")).json()
            titles.update(each["title"] for each in page["data"])
            if not page["has_more"]:
                return titles
            cursor = f"&cursor={page['next_cursor']}"


@pytest.fixture
async def a_fresh_site(
    a_database: str, redis_url: str, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[Site]:
    """Its servers may be stopped."""
    folder = tmp_path_factory.mktemp("fresh")
    with running(folder, a_database, redis_url) as (proxy, environment):
        [token] = await tokens_of_new_users(environment, [f"dev-{folder.name}"])
        yield Site(proxy, environment, token)


async def test_requests_go_to_both_servers(a_fresh_site: Site) -> None:
    """OPS-8."""
    async with Running(a_fresh_site, with_keys=False) as traffic:
        await traffic.more()

    servers = Counter(line["server"] for line in a_fresh_site.proxy.logged())
    assert len(servers) == 2
    assert min(servers.values()) > traffic.count / 5


async def test_a_server_is_stopped_in_the_middle_of_traffic(a_fresh_site: Site) -> None:
    """OPS-6, OPS-8: no request fails, and nothing is written twice; no client helps with keys."""
    async with Running(a_fresh_site, with_keys=False) as traffic:
        await asyncio.to_thread(a_fresh_site.proxy.servers[0].stop)
        await traffic.more()

    assert traffic.failures == []
    assert set(traffic.statuses) == {200, 201}
    written = await written_titles(a_fresh_site)
    assert [title for title in traffic.titles if written[title] != 1] == []


async def test_a_server_is_killed_in_the_middle_of_traffic(a_fresh_site: Site) -> None:
    """OPS-8: what was under way there is asked of the other one: what reads, and what may be
    repeated since its client gave it an `Idempotency-Key`. It is done once, though a client may
    have to wait until the dead server's hold on a key has run out."""
    async with Running(a_fresh_site, with_keys=True) as traffic:
        a_fresh_site.proxy.servers[0].kill()
        await traffic.more()

    assert traffic.failures == []
    written = await written_titles(a_fresh_site)
    assert [title for title in traffic.titles if written[title] != 1] == []


async def test_both_servers_are_started_anew_one_after_the_other(a_fresh_site: Site) -> None:
    """OPS-6: a rolling restart of both; no request fails."""
    first, second = a_fresh_site.proxy.servers
    async with Running(a_fresh_site, with_keys=False) as traffic:
        await asyncio.to_thread(first.stop)
        with serving(a_fresh_site.environment, port=port_of(first)):
            await _is_asked_again(a_fresh_site, first, traffic)
            await asyncio.to_thread(second.stop)
            with serving(a_fresh_site.environment, port=port_of(second)):
                await _is_asked_again(a_fresh_site, second, traffic)

                assert traffic.failures == []
                traffic.ends.set()


async def _is_asked_again(site: Site, server: Server, traffic: Traffic) -> None:
    address = server.url.removeprefix("http://")
    before = len(site.proxy.logged())

    async def is_asked() -> bool:
        lines = site.proxy.logged()[before:]
        return any(line["server"] == address and line["status"] < 300 for line in lines)

    await until(is_asked)
    await traffic.more()


def port_of(server: Server) -> int:
    return int(server.url.rpartition(":")[2])


async def test_without_any_server_it_says_so_and_recovers(a_fresh_site: Site) -> None:
    """OPS-8, API-3: a problem document that says when to come again."""
    for server in a_fresh_site.proxy.servers:
        server.kill()

    async with a_fresh_site.proxy.client(a_fresh_site.token) as client:
        refused = await client.get("/api/posts")
        with serving(a_fresh_site.environment, port=port_of(a_fresh_site.proxy.servers[0])):

            async def is_back() -> bool:
                return (await client.get("/api/posts")).status_code == 200

            await until(is_back)

    assert refused.status_code == 502
    assert refused.json()["type"] == "server-failed"
    assert refused.headers["retry-after"] == "1"
