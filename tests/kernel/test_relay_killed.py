"""Workers that are killed again and again, while events are written and read."""

import asyncio
import random
import statistics
import time
from collections import Counter, defaultdict
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from itertools import cycle
from pathlib import Path
from uuid import UUID

import pytest
from sqlalchemy import select

from lacewing.accounts.store import users
from lacewing.kernel.actor import Role
from lacewing.kernel.db import Database, open_database, transaction
from lacewing.kernel.events import RecordedEvent, emit, store
from lacewing.kernel.ids import new_id
from lacewing.kernel.work import Origin, Work
from lacewing.notifications.service.fanout import TELLING
from lacewing.notifications.tables import notifications
from lacewing.settings import load_settings
from lacewing.tracker.events import IssueAssigned
from tests.support.house import password_hash
from tests.support.processes import environment_of
from tests.support.relaying import started_relay
from tests.support.waiting import LOOK_SECONDS, until

pytestmark = pytest.mark.system

KILLS = 50
ISSUES = 4
PEOPLE = 3
TAKEN_OVER_SECONDS = 10.0
LIFE_SECONDS_MAX = 0.05
"""A relay is killed some time within this after it is seen at work: at any step, that is."""


@dataclass
class Log:
    """The log of one database, with people who hear of what is written into it."""

    database: Database
    people: list[UUID] = field(default_factory=list)
    written: dict[UUID, list[UUID]] = field(default_factory=lambda: defaultdict(list))
    """What has happened to each issue: to whom it was given, in order."""
    seen: list[RecordedEvent] = field(default_factory=list)
    """What a reader has seen who has followed the log from its beginning."""
    is_over: asyncio.Event = field(default_factory=asyncio.Event)

    async def write_on(self, issue_id: UUID) -> None:
        """Give the issue to one after the other, until it is enough."""
        project_id = new_id()
        people = cycle(self.people)
        while not self.is_over.is_set():
            assignee_id = next(people)
            async with transaction(self.database) as session:
                work = Work(session, datetime.now(UTC), Origin())
                await emit(work, IssueAssigned(issue_id, project_id, assignee_id))
            self.written[issue_id].append(assignee_id)
            await asyncio.sleep(LOOK_SECONDS)

    async def read_on(self) -> None:
        while True:
            last = self.seen[-1].sequence if self.seen else 0
            self.seen += await store.list_events(self.database.session(), last, 1_000)
            await asyncio.sleep(LOOK_SECONDS)

    async def more_told(self) -> float:
        """Return when another event has been told; how long that took."""
        begun = time.monotonic()
        before = await self._told_until()

        async def is_more_told() -> bool:
            return await self._told_until() != before

        await until(is_more_told)
        return time.monotonic() - begun

    async def all_told(self) -> None:
        count = sum(map(len, self.written.values()))

        async def is_all_told() -> bool:
            return len(self.seen) == count and await self._told_until() == count

        await until(is_all_told)

    async def _told_until(self) -> int | None:
        return await store.find_cursor(self.database.session(), TELLING.name)


@pytest.fixture
def environment(database_url: str, tmp_path: Path) -> dict[str, str]:
    return environment_of(database_url, tmp_path, LACEWING_DATABASE_POOL_SIZE="5")


@pytest.fixture
async def log(environment: dict[str, str]) -> AsyncIterator[Log]:
    settings = load_settings(environment)
    database = await open_database(settings.database, settings.general.data_dir)
    log = Log(database)
    async with transaction(database) as session:
        for number in range(PEOPLE):
            log.people.append(new_id())
            await users.insert_user(
                session,
                user_id=log.people[-1],
                username=f"person-{number}",
                email=f"person-{number}@example.com",
                full_name=None,
                password_hash=password_hash(),
                role=Role.DEVELOPER,
                is_active=True,
                now=datetime.now(UTC),
            )
    yield log
    await database.close()


async def test_fifty_killed_workers_lose_nothing_and_tell_nothing_twice(
    log: Log, environment: dict[str, str]
) -> None:
    """DESIGN 1, LIVE-2: two work side by side; one dies, the other goes on, and the next one comes.

    Readers see numbers without a gap, each issue's events in order, and whom each was told to.
    """
    dice = random.Random(4_710_001)
    relays = [started_relay(environment), started_relay(environment)]
    taken_over = []
    reading = asyncio.create_task(log.read_on())
    writing = [asyncio.create_task(log.write_on(new_id())) for _ in range(ISSUES)]
    try:
        await log.more_told()
        for _ in range(KILLS):
            await asyncio.sleep(dice.uniform(0, LIFE_SECONDS_MAX))
            relays[0].kill()
            relays.append(started_relay(environment))
            taken_over.append(await log.more_told())
            relays.pop(0).join()
        log.is_over.set()
        await asyncio.gather(*writing)
        await log.all_told()
    finally:
        for task in (reading, *writing):
            task.cancel()
        for relay in relays:
            relay.kill()
            relay.join()

    assert [event.sequence for event in log.seen] == list(range(1, len(log.seen) + 1))
    assert _history(log.seen) == log.written
    assert await _told(log.database) == Counter(
        (event.sequence, UUID(event.data["assignee_id"])) for event in log.seen
    )
    assert statistics.median(taken_over) < TAKEN_OVER_SECONDS


def _history(events: list[RecordedEvent]) -> dict[UUID, list[UUID]]:
    """Of each issue, to whom it was given, in the order of the log."""
    found: dict[UUID, list[UUID]] = defaultdict(list)
    for event in events:
        found[UUID(event.data["issue_id"])].append(UUID(event.data["assignee_id"]))
    return found


async def _told(database: Database) -> Counter[tuple[int, UUID]]:
    rows = await database.session().all(
        lambda *row: row, select(notifications.c.sequence, notifications.c.user_id)
    )
    return Counter(rows)
