import asyncio
from collections.abc import Callable, Collection, Sequence
from datetime import datetime
from typing import Any, Final
from uuid import UUID

import msgspec
from sqlalchemy import (
    Select,
    Text,
    bindparam,
    delete,
    insert,
    literal_column,
    select,
    tuple_,
    update,
)

from lacewing.accounts.public import Person, person_columns, person_of, users_as
from lacewing.kernel.db import Session
from lacewing.kernel.db.expressions import also_any_of
from lacewing.kernel.db.paging import Order, keyset_page
from lacewing.kernel.db.types import Timestamp
from lacewing.kernel.events import RecordedEvent
from lacewing.kernel.events.tables import outbox
from lacewing.kernel.pagination import PageRequest, Slice
from lacewing.notifications.rules import Reason
from lacewing.notifications.tables import notifications

MARKED_AT_ONCE: Final = 1_000
"""By one statement: a bound for how long it takes, and holds up the event loop in SQLite."""


class Told(msgspec.Struct, frozen=True):
    """What one user is told of one event."""

    event: RecordedEvent
    reason: Reason
    read_at: datetime | None
    actor: Person | None


class Recipient(msgspec.Struct, frozen=True):
    sequence: int
    user_id: UUID
    reason: Reason


_actors: Final = users_as("actors")
_OF_USER: Final = notifications.c.user_id == bindparam("user_id")

_INSERT = insert(notifications)
_TOLD: Final[Select[Any]] = (
    select(
        outbox.c.sequence,
        outbox.c.id,
        outbox.c.name,
        outbox.c.version,
        outbox.c.at,
        outbox.c.actor_id,
        outbox.c.data,
        notifications.c.reason,
        notifications.c.read_at,
        *person_columns(_actors),
    )
    .join_from(notifications, outbox, outbox.c.sequence == notifications.c.sequence)
    .outerjoin(_actors, _actors.c.id == outbox.c.actor_id)
    .where(_OF_USER)
)
# As it stands in the partial index, which a bound value would keep from being used.
_INBOX: Final = _TOLD.where(notifications.c.reason != literal_column("'own'", Text()))
_UNREAD: Final = _INBOX.where(notifications.c.read_at.is_(None))
_READ: Final = _INBOX.where(notifications.c.read_at.is_not(None))
_ONE: Final = _INBOX.where(notifications.c.sequence == bindparam("sequence"))
_SINCE: Final = (
    _TOLD.where(
        notifications.c.sequence > bindparam("after"),
        notifications.c.sequence <= bindparam("until"),
    )
    .order_by(notifications.c.sequence)
    .limit(bindparam("how_many"))
)
_RECIPIENTS = (
    select(notifications.c.sequence, notifications.c.user_id, notifications.c.reason)
    .where(
        notifications.c.sequence > bindparam("after"),
        notifications.c.sequence <= bindparam("until"),
        also_any_of(notifications.c.user_id, "user_ids"),
    )
    .order_by(notifications.c.sequence)
)
_NEWEST_FIRST: Final = Order(notifications.c.sequence, descending=True)
_IS_UNREAD = (
    notifications.c.user_id == bindparam("of_user"),
    notifications.c.read_at.is_(None),
)
_MARK = update(notifications).where(*_IS_UNREAD).values(read_at=bindparam("at", type_=Timestamp))
_MARK_ONE = _MARK.where(notifications.c.sequence == bindparam("of_sequence"))
_MARK_NEXT = _MARK.where(
    notifications.c.sequence.in_(
        select(notifications.c.sequence)
        .where(*_IS_UNREAD)
        .order_by(notifications.c.sequence)
        .limit(bindparam("batch"))
    )
)
_KEY = tuple_(notifications.c.sequence, notifications.c.user_id)
_DELETE_BEFORE = delete(notifications).where(
    _KEY.in_(
        select(notifications.c.sequence, notifications.c.user_id)
        .where(notifications.c.sequence < bindparam("before"))
        .order_by(notifications.c.sequence)
        .limit(bindparam("batch"))
    )
)


def _told(
    sequence: int,
    event_id: UUID,
    name: str,
    version: int,
    at: datetime,
    actor_id: UUID | None,
    data: dict[str, Any],
    reason: str,
    read_at: datetime | None,
    *actor: Any,
) -> Told:
    event = RecordedEvent(sequence, event_id, name, version, at, actor_id, data)
    return Told(event, Reason(reason), read_at, person_of(*actor))


def row_of(sequence: int, user_id: UUID, reason: Reason, now: datetime) -> dict[str, Any]:
    """Own acts need no reading."""
    return {
        "sequence": sequence,
        "user_id": user_id,
        "reason": reason.value,
        "read_at": now if reason is Reason.OWN else None,
    }


async def insert_notifications(session: Session, rows: Sequence[dict[str, Any]]) -> None:
    await session.execute_many(_INSERT, rows)


async def list_inbox(
    session: Session, user_id: UUID, page: PageRequest, *, is_unread: bool | None
) -> Slice[Told]:
    """One page of what the user was told of others' acts, newest first."""
    statement = _INBOX if is_unread is None else _UNREAD if is_unread else _READ
    return await keyset_page(session, _told, statement, _NEWEST_FIRST, page, {"user_id": user_id})


async def find_notification(session: Session, user_id: UUID, sequence: int) -> Told | None:
    return await session.one(_told, _ONE, {"user_id": user_id, "sequence": sequence})


async def list_since(
    session: Session, user_id: UUID, after: int, until: int, how_many: int
) -> list[Told]:
    """What the user was told after one number and up to another, own acts too, in order."""
    return await session.all(
        _told,
        _SINCE,
        {"user_id": user_id, "after": after, "until": until, "how_many": how_many},
    )


async def list_recipients(
    session: Session, after: int, until: int, user_ids: Collection[UUID]
) -> list[Recipient]:
    """Who of these users is told of the events between, in order of the events."""
    make: Callable[..., Recipient] = lambda sequence, user_id, reason: Recipient(  # noqa: E731  one expression
        sequence, user_id, Reason(reason)
    )
    parameters = {"after": after, "until": until, "user_ids": list(user_ids)}
    return await session.all(make, _RECIPIENTS, parameters)


async def mark_read(session: Session, user_id: UUID, sequence: int, now: datetime) -> None:
    await session.execute(_MARK_ONE, {"of_user": user_id, "of_sequence": sequence, "at": now})


async def mark_all_read(session: Session, user_id: UUID, now: datetime) -> int:
    """Mark what is unread; how many that were."""
    marked = 0
    values = {"of_user": user_id, "at": now, "batch": MARKED_AT_ONCE}
    while batch := await session.execute(_MARK_NEXT, values):
        marked += batch
        await asyncio.sleep(0)
    return marked


async def delete_before(session: Session, before: int, batch: int) -> int:
    """Delete what tells of events with lower numbers, at most so many; how many."""
    return await session.execute(_DELETE_BEFORE, {"before": before, "batch": batch})
