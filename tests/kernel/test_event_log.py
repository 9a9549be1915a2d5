"""The event log: numbered after commit in one unbroken line, and read by consumers exactly once."""

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from itertools import count
from uuid import UUID

import pytest

from lacewing.kernel.db import Database, Session, open_database, transaction
from lacewing.kernel.events import Event, RecordedEvent, emit, store
from lacewing.kernel.events.bells import Bell
from lacewing.kernel.events.consumer import (
    CONSUMED_AT_ONCE,
    Consumer,
    consume_next,
    start_consumer,
)
from lacewing.kernel.events.relay import BATCH, number_events
from lacewing.kernel.events.retention import EVENTS_KEPT, delete_old_events
from lacewing.kernel.ids import new_id
from lacewing.kernel.work import Origin, Work
from lacewing.settings import Settings
from tests.support.house import TestClock

WRITERS = 8
EVENTS_OF_EACH = 25
FOREVER_SECONDS = 600.0


class Happened(Event, frozen=True, tag="test.happened"):
    """Something in a test."""

    thing_id: UUID
    step: int


@dataclass
class Log:
    database: Database
    clock: TestClock = field(default_factory=TestClock)

    async def write(self, *events: Event) -> None:
        async with transaction(self.database) as session:
            work = Work(session, self.clock(), Origin(request_id="asked-by-this"))
            for event in events:
                await emit(work, event)

    async def number(self) -> int:
        async with transaction(self.database) as session:
            return await number_events(session)

    async def consume(self, consumer: Consumer) -> int:
        async with transaction(self.database) as session:
            return await consume_next(session, consumer, self.clock())

    async def start(self, consumer: Consumer) -> None:
        async with transaction(self.database) as session:
            await start_consumer(session, consumer)

    async def read(self, after: int = 0) -> list[RecordedEvent]:
        return await store.list_events(self.database.session(), after, 10_000)


@pytest.fixture
async def log(make_settings: Callable[..., Settings]) -> AsyncIterator[Log]:
    settings = make_settings()
    database = await open_database(settings.database, settings.general.data_dir)
    yield Log(database)
    await database.close()


def happened(step: int, thing_id: UUID | None = None) -> Happened:
    return Happened(thing_id or new_id(), step)


async def nothing(_session: Session, events: Sequence[RecordedEvent], _now: datetime) -> int:
    """What a consumer does that only moves on."""
    return len(events)


async def test_events_are_numbered_from_one_in_the_order_of_writing(log: Log) -> None:
    """DESIGN 1: and carry what they told, whose and when."""
    await log.write(happened(1), happened(2))
    await log.write(happened(3))

    numbered = await log.number()

    events = await log.read()
    assert numbered == 3
    assert [event.sequence for event in events] == [1, 2, 3]
    assert [event.data["step"] for event in events] == [1, 2, 3]
    assert {(event.name, event.version, event.at) for event in events} == {
        ("test.happened", 1, log.clock())
    }


async def test_an_event_of_a_transaction_that_fails_was_never_there(log: Log) -> None:
    """DESIGN 1: no event without its change."""
    session = log.database.session()

    await emit(Work(session, log.clock(), Origin()), happened(1))
    await session.rollback()

    assert await log.number() == 0
    assert await log.read() == []


@pytest.mark.parametrize(("written", "numbered"), [(BATCH, [BATCH, 0]), (BATCH + 1, [BATCH, 1])])
async def test_a_long_queue_is_numbered_in_batches(
    log: Log, written: int, numbered: list[int]
) -> None:
    """DESIGN 1: at the bound of one transaction, and one beyond."""
    await log.write(*map(happened, range(written)))

    found = [await log.number(), await log.number()]

    assert found == numbered
    assert [event.sequence for event in await log.read()] == list(range(1, written + 1))


async def test_readers_see_no_gap_while_many_write_and_several_relays_number(log: Log) -> None:
    """DESIGN 1: whoever reads after the last number it saw, misses nothing and sees each once."""
    seen: list[RecordedEvent] = []
    writing = asyncio.Event()
    total = WRITERS * EVENTS_OF_EACH

    async def write_all(thing_id: UUID) -> None:
        for step in range(EVENTS_OF_EACH):
            await log.write(happened(step, thing_id))

    async def relay() -> None:
        while not writing.is_set() or await store.is_any_waiting(log.database.session()):
            await log.number()
            await asyncio.sleep(0)

    async def read_all() -> None:
        while len(seen) < total:
            seen.extend(await log.read(seen[-1].sequence if seen else 0))
            await asyncio.sleep(0)

    things = [new_id() for _ in range(WRITERS)]
    async with asyncio.timeout(60), asyncio.TaskGroup() as tasks:
        tasks.create_task(read_all())
        relays = [tasks.create_task(relay()) for _ in range(3)]
        await asyncio.gather(*map(write_all, things))
        writing.set()
        await asyncio.gather(*relays)

    assert [event.sequence for event in seen] == list(range(1, total + 1))
    for thing in things:
        steps = [event.data["step"] for event in seen if event.data["thing_id"] == str(thing)]
        assert steps == list(range(EVENTS_OF_EACH))


async def test_a_new_consumer_begins_after_what_was(log: Log) -> None:
    """DESIGN 1: an update of the program tells nobody of last year."""
    consumer = Consumer("new", nothing)
    await log.write(happened(1), happened(2))
    await log.number()

    await log.start(consumer)
    before = await log.consume(consumer)
    await log.write(happened(3))
    await log.number()
    await log.start(consumer)

    assert (before, await log.consume(consumer), await log.consume(consumer)) == (0, 1, 0)


async def test_what_a_consumer_writes_is_kept_with_its_cursor_or_not_at_all(log: Log) -> None:
    """DESIGN 1: exactly once, though it fails half-way and is asked again."""
    attempts = count(1)

    async def tell_on(session: Session, events: Sequence[RecordedEvent], now: datetime) -> int:
        for event in events:
            told = happened(event.data["step"] + 100)
            await emit(Work(session, now, Origin()), told)
        if next(attempts) == 1:
            raise RuntimeError
        return len(events)

    consumer = Consumer("failing", tell_on)
    await log.start(consumer)
    await log.write(happened(1), happened(2))
    await log.number()

    with pytest.raises(RuntimeError):
        await log.consume(consumer)
    consumed = await log.consume(consumer)
    await log.number()

    assert consumed == 2
    assert [event.data["step"] for event in await log.read()] == [1, 2, 101, 102]


async def test_a_consumer_may_deal_with_fewer_events_than_it_is_given(log: Log) -> None:
    """DESIGN 1: the others come again, each once and in order."""
    dealt_with: list[int] = []

    async def note_two(_session: Session, events: Sequence[RecordedEvent], _now: datetime) -> int:
        dealt_with.extend(event.sequence for event in events[:2])
        return len(events[:2])

    consumer = Consumer("slowly", note_two)
    await log.start(consumer)
    await log.write(*map(happened, range(5)))
    await log.number()

    counts = [await log.consume(consumer) for _ in range(4)]

    assert counts == [2, 2, 1, 0]
    assert dealt_with == [1, 2, 3, 4, 5]


async def test_two_workers_deal_with_each_event_once(log: Log) -> None:
    """DESIGN 1: while one works for a consumer, another passes by."""
    dealt_with: list[int] = []

    async def note(_session: Session, events: Sequence[RecordedEvent], _now: datetime) -> int:
        dealt_with.extend(event.sequence for event in events)
        await asyncio.sleep(0)
        return len(events)

    consumer = Consumer("shared", note)
    await log.start(consumer)
    written = 3 * CONSUMED_AT_ONCE + 1
    await log.write(*map(happened, range(written)))
    while await log.number():
        pass

    async def work() -> None:
        while dealt_with[-1:] != [written]:
            await log.consume(consumer)

    async with asyncio.timeout(60):
        await asyncio.gather(work(), work())

    assert dealt_with == list(range(1, written + 1))


async def test_old_events_go_when_all_have_dealt_with_them_and_the_last_one_stays(log: Log) -> None:
    """LIVE-2: kept for the time that is promised; numbers go on as if nothing had gone."""
    consumer = Consumer("slow", nothing)
    await log.start(consumer)
    await log.write(happened(1), happened(2), happened(3))
    await log.number()

    async def sweep(after: timedelta) -> list[int]:
        async with transaction(log.database) as session:
            await delete_old_events(session, log.clock() + after)
        return [event.sequence for event in await log.read()]

    not_dealt_with = await sweep(2 * EVENTS_KEPT)
    await log.consume(consumer)
    in_time = await sweep(EVENTS_KEPT)
    beyond = await sweep(EVENTS_KEPT + timedelta(microseconds=1))
    await log.write(happened(4))
    await log.number()

    assert (not_dealt_with, in_time, beyond) == ([1, 2, 3], [1, 2, 3], [3])
    assert [event.sequence for event in await log.read()] == [3, 4]
    assert await store.first_sequence(log.database.session()) == 3


async def test_a_ring_ends_the_wait_and_is_not_lost_between_two_waits() -> None:
    """LIVE-4: an event is told at once, not at the next look."""
    bell = Bell()
    ear = bell.listen()
    deaf = bell.listen()
    deaf.close()

    bell.ring()
    bell.ring()

    async with asyncio.timeout(10):
        await ear.wait(FOREVER_SECONDS)
        waiting = asyncio.create_task(ear.wait(FOREVER_SECONDS))
        await asyncio.sleep(0)
        assert not waiting.done()
        bell.ring()
        await waiting
        await deaf.wait(0)
