"""Traffic that goes on while servers come and go, and what came of each request."""

import asyncio
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from itertools import count

import httpx

from tests.support.waiting import until

CLIENTS = 8
REQUESTS_MAX = 20_000
"""So that it ends, whatever happens."""
PAUSE_SECONDS = 0.02
"""Between two requests of one client: these are people, and this is no load test."""
FIRST_SERVER_ERROR = 500


@dataclass
class Traffic:
    """What was asked, and what failed of it."""

    answered: int = 0
    written: list[str] = field(default_factory=list)
    """The titles of issues whose making was answered with 201."""
    failed: list[str] = field(default_factory=list)

    async def goes_on(self, requests: int) -> None:
        """Return when so many more were answered."""
        wanted = self.answered + requests

        async def is_answered() -> bool:
            return self.answered >= wanted or bool(self.failed)

        await until(is_answered)


@asynccontextmanager
async def flowing(client: httpx.AsyncClient, project_id: str) -> AsyncGenerator[Traffic]:
    """While the block lasts people read and write issues: each writes, then reads, and again.

    No request is sent twice by its client, and none has an ``Idempotency-Key``: one that fails,
    fails for good.
    """
    traffic, stopping, numbers = Traffic(), asyncio.Event(), count()
    people = [
        asyncio.create_task(_act(client, project_id, traffic, stopping, numbers))
        for _ in range(CLIENTS)
    ]
    try:
        yield traffic
    finally:
        stopping.set()
        await asyncio.gather(*people)


async def _act(
    client: httpx.AsyncClient,
    project_id: str,
    traffic: Traffic,
    stopping: asyncio.Event,
    numbers: "count[int]",
) -> None:
    path = f"/api/projects/{project_id}/issues"
    while not stopping.is_set() and (number := next(numbers)) < REQUESTS_MAX:
        title = f"Issue {number}"
        is_written = number % 2 == 0
        try:
            if is_written:
                answer = await client.post(path, json={"title": title})
            else:
                answer = await client.get(path, params={"limit": 5})
        except httpx.TransportError as error:
            traffic.failed.append(f"{title}: {error!r}")
            continue
        if answer.is_success:
            traffic.answered += 1
            traffic.written += [title] if is_written else []
        else:
            traffic.failed.append(f"{title}: {answer.status_code} {answer.text[:200]}")
        await asyncio.sleep(PAUSE_SECONDS)


async def titles_of(client: httpx.AsyncClient, project_id: str) -> list[str]:
    """The titles of all issues of a project."""
    titles: list[str] = []
    cursor: str | None = None
    while True:
        given = {"limit": "100"} | ({"cursor": cursor} if cursor else {})
        page = (await client.get(f"/api/projects/{project_id}/issues", params=given)).json()
        titles += [issue["title"] for issue in page["data"]]
        cursor = page["next_cursor"]
        if cursor is None:
            return titles
