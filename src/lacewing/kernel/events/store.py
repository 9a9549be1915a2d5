from typing import Any
from uuid import UUID

from sqlalchemy import bindparam, func, insert, select, update

from lacewing.kernel.db import Parameters, Session
from lacewing.kernel.events.tables import outbox

_INSERT = insert(outbox)
_WAITING = (
    select(outbox.c.id)
    .where(outbox.c.sequence.is_(None))
    .order_by(outbox.c.id)
    .limit(bindparam("batch"))
)
_COUNT_WAITING = select(func.count()).where(outbox.c.sequence.is_(None))
_LAST = select(func.coalesce(func.max(outbox.c.sequence), 0))
_NUMBER = (
    update(outbox)
    .where(outbox.c.id == bindparam("event_id"))
    .values(sequence=bindparam("next_sequence"))
)


async def insert_event(session: Session, row: dict[str, Any]) -> None:
    await session.execute(_INSERT, row)


async def insert_events(session: Session, rows: list[Parameters]) -> None:
    await session.execute_many(_INSERT, rows)


async def list_waiting(session: Session, batch: int) -> list[UUID]:
    """Committed events without a number, oldest first."""
    return await session.all(lambda event_id: event_id, _WAITING, {"batch": batch})


async def count_waiting(session: Session) -> int:
    count: int = await session.scalar(_COUNT_WAITING)
    return count


async def number(session: Session, event_ids: list[UUID]) -> None:
    """Give these events the next numbers, in this order."""
    last: int = await session.scalar(_LAST)
    rows = [
        {"event_id": event_id, "next_sequence": last + place}
        for place, event_id in enumerate(event_ids, start=1)
    ]
    await session.execute_many(_NUMBER, rows)
