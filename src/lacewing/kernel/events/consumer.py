"""Consumers: each reads all events in order, and deals with each exactly once."""

from collections.abc import Awaitable, Callable, Sequence
from datetime import datetime
from typing import Final

import msgspec

from lacewing.kernel import tracing
from lacewing.kernel.db import Session
from lacewing.kernel.events import store
from lacewing.kernel.events.event import RecordedEvent
from lacewing.kernel.metrics import EVENTS_CONSUMED

CONSUMED_AT_ONCE: Final = 100
"""Events dealt with in one transaction: a bound for its length."""


class Consumer(msgspec.Struct, frozen=True):
    """Something that cares about events: what it writes is kept together with its cursor."""

    name: str
    consume: Callable[[Session, Sequence[RecordedEvent], datetime], Awaitable[int]]
    """Deals with the first of these events, one at least; returns how many they were."""


async def start_consumer(session: Session, consumer: Consumer) -> None:
    """Make its cursor, unless it has one; what happened before it came is not for it."""
    await store.start_cursor(session, consumer.name)


async def consume_next(session: Session, consumer: Consumer, now: datetime) -> int:
    """Deal with the next events, unless another worker does; how many they were."""
    seen = await store.find_cursor(session, consumer.name)
    if seen is None or not await store.list_events(session, seen, 1):
        return 0
    locked = await store.lock_cursor(session, consumer.name)
    if locked is None:
        return 0
    events = await store.list_events(session, locked, CONSUMED_AT_ONCE)
    if not events:
        return 0
    with tracing.batch(f"consume {consumer.name}", (event.traceparent for event in events)):
        count = await consumer.consume(session, events, now)
        await store.move_cursor(session, consumer.name, events[count - 1].sequence)
    EVENTS_CONSUMED.labels(consumer.name).inc(count)
    return count
