from datetime import datetime
from typing import Any

from sqlalchemy import bindparam, delete, func, insert, literal, select, update

from lacewing.kernel.db import Parameters, Session
from lacewing.kernel.db.expressions import also_any_of, insert_new
from lacewing.kernel.events.event import RecordedEvent
from lacewing.kernel.events.tables import event_cursors, outbox

_IS_WAITING = outbox.c.sequence.is_(None)
_INSERT = insert(outbox).inline()
_IS_ANY_WAITING = select(literal(1)).where(_IS_WAITING).limit(1)
_COUNT_WAITING = select(func.count()).where(_IS_WAITING)
_LAST = select(func.coalesce(func.max(outbox.c.sequence), 0))
_FIRST = select(func.coalesce(func.min(outbox.c.sequence), 1))
_NEXT = (
    select(outbox.c.position, func.row_number().over(order_by=outbox.c.position).label("place"))
    .where(_IS_WAITING)
    .order_by(outbox.c.position)
    .limit(bindparam("batch"))
    .subquery()
)
_NUMBER = (
    update(outbox)
    .values(sequence=bindparam("last") + _NEXT.c.place)
    .where(outbox.c.position == _NEXT.c.position)
)
_EVENTS = (
    select(
        outbox.c.sequence,
        outbox.c.id,
        outbox.c.name,
        outbox.c.version,
        outbox.c.at,
        outbox.c.actor_id,
        outbox.c.data,
        outbox.c.request_id,
        outbox.c.traceparent,
    )
    .where(outbox.c.sequence > bindparam("after"))
    .order_by(outbox.c.sequence)
    .limit(bindparam("how_many"))
)
_NAMED_EVENTS = _EVENTS.where(also_any_of(outbox.c.name, "names"))
# The lowest first, and only then by age: where nothing is old enough, no more than these are read.
_DELETE_BEFORE = delete(outbox).where(
    outbox.c.at < bindparam("older_than"),
    outbox.c.sequence.in_(
        select(outbox.c.sequence)
        .where(outbox.c.sequence < bindparam("before"))
        .order_by(outbox.c.sequence)
        .limit(bindparam("batch"))
    ),
)
_START_CURSOR = insert_new(event_cursors)
_LOCK_CURSOR = (
    select(event_cursors.c.sequence)
    .where(event_cursors.c.consumer == bindparam("consumer"))
    .with_for_update(skip_locked=True)
)
_CURSOR = select(event_cursors.c.sequence).where(event_cursors.c.consumer == bindparam("consumer"))
_OLDEST_WAITING = select(outbox.c.at).where(_IS_WAITING).order_by(outbox.c.position).limit(1)
_OLDEST_AFTER = (
    select(outbox.c.at)
    .where(outbox.c.sequence > bindparam("after"))
    .order_by(outbox.c.sequence)
    .limit(1)
)
_CURSORS = select(event_cursors.c.consumer, event_cursors.c.sequence).order_by(
    event_cursors.c.consumer
)
_LOWEST_CURSOR = select(func.min(event_cursors.c.sequence))
_MOVE_CURSOR = (
    update(event_cursors)
    .where(event_cursors.c.consumer == bindparam("of_consumer"))
    .values(sequence=bindparam("reached"))
)


async def insert_event(session: Session, row: dict[str, Any]) -> None:
    await session.execute(_INSERT, row)


async def insert_events(session: Session, rows: list[Parameters]) -> None:
    await session.execute_many(_INSERT, rows)


async def is_any_waiting(session: Session) -> bool:
    """Whether some committed event has no number."""
    return await session.scalar(_IS_ANY_WAITING) is not None


async def count_waiting(session: Session) -> int:
    count: int = await session.scalar(_COUNT_WAITING)
    return count


async def oldest_waiting_at(session: Session) -> datetime | None:
    """When the event was told that has waited for its number for the longest."""
    at: datetime | None = await session.scalar(_OLDEST_WAITING)
    return at


async def oldest_after_at(session: Session, sequence: int) -> datetime | None:
    """When the first event after that number was told."""
    at: datetime | None = await session.scalar(_OLDEST_AFTER, {"after": sequence})
    return at


async def number_waiting(session: Session, batch: int) -> int:
    """Give the next numbers to committed events, in the order they were written; how many."""
    last: int = await session.scalar(_LAST)
    return await session.execute(_NUMBER, {"last": last, "batch": batch})


async def last_sequence(session: Session) -> int:
    """The highest number given; 0 when there is none."""
    last: int = await session.scalar(_LAST)
    return last


async def first_sequence(session: Session) -> int:
    """The lowest number that is still kept."""
    first: int = await session.scalar(_FIRST)
    return first


async def list_events(
    session: Session, after: int, how_many: int, names: list[str] | None = None
) -> list[RecordedEvent]:
    """What comes after that number, in order; of these names only, if any are given."""
    parameters: dict[str, Any] = {"after": after, "how_many": how_many}
    if names is None:
        return await session.all(RecordedEvent, _EVENTS, parameters)
    return await session.all(RecordedEvent, _NAMED_EVENTS, parameters | {"names": names})


async def delete_events(session: Session, before: int, older_than: datetime, batch: int) -> int:
    """Delete what has a lower number and is older; how many."""
    return await session.execute(
        _DELETE_BEFORE, {"before": before, "older_than": older_than, "batch": batch}
    )


async def start_cursor(session: Session, consumer: str) -> None:
    """Let a consumer that is new begin after all events so far."""
    last = await last_sequence(session)
    await session.execute(_START_CURSOR, {"consumer": consumer, "sequence": last})


async def lock_cursor(session: Session, consumer: str) -> int | None:
    """Where the consumer stands; ``None`` while another worker works for it."""
    found: int | None = await session.scalar(_LOCK_CURSOR, {"consumer": consumer})
    return found


async def find_cursor(session: Session, consumer: str) -> int | None:
    """Where the consumer stands."""
    found: int | None = await session.scalar(_CURSOR, {"consumer": consumer})
    return found


async def list_cursors(session: Session) -> list[tuple[str, int]]:
    """Where each consumer stands."""
    return await session.all(lambda *row: row, _CURSORS)


async def lowest_cursor(session: Session) -> int | None:
    """What the slowest consumer has dealt with."""
    lowest: int | None = await session.scalar(_LOWEST_CURSOR)
    return lowest


async def move_cursor(session: Session, consumer: str, sequence: int) -> None:
    await session.execute(_MOVE_CURSOR, {"of_consumer": consumer, "reached": sequence})
