from collections.abc import Sequence
from datetime import datetime
from functools import cache
from typing import Any, Final
from uuid import UUID

import msgspec
from sqlalchemy import Select, bindparam, delete, not_, or_, select, update

from lacewing.kernel.db import Parameters, Session
from lacewing.kernel.db.expressions import any_of, insert_new
from lacewing.kernel.db.paging import Order, keyset_page, merged_page
from lacewing.kernel.db.types import Timestamp
from lacewing.kernel.pagination import PageRequest, Slice
from lacewing.webhooks.rules import TEST_EVENT, Status
from lacewing.webhooks.schemas import DeliveryView, TryView
from lacewing.webhooks.tables import webhook_deliveries as table, webhooks


class Message(msgspec.Struct, frozen=True):
    """A delivery as whoever sends it sees it."""

    id: UUID
    webhook_id: UUID
    message_id: UUID
    event_type: str
    occurred_at: datetime
    data: dict[str, Any]
    status: str
    round: int
    project_id: UUID
    url: str
    is_active: bool


class Progress(msgspec.Struct, frozen=True):
    """How far a delivery is, locked."""

    id: UUID
    webhook_id: UUID
    status: str
    round: int
    attempts: int
    tries: list[dict[str, Any]]


_BY_ID: Final = table.c.id == bindparam("delivery_id")
_IS_PENDING: Final = table.c.status == Status.PENDING.value
_INSERT = insert_new(table)
_MESSAGE = (
    select(
        table.c.id,
        table.c.webhook_id,
        table.c.message_id,
        table.c.event_type,
        table.c.occurred_at,
        table.c.data,
        table.c.status,
        table.c.round,
        webhooks.c.project_id,
        webhooks.c.url,
        webhooks.c.is_active,
    )
    .join_from(table, webhooks, webhooks.c.id == table.c.webhook_id)
    .where(_BY_ID)
)
_PROGRESS: Final = select(
    table.c.id,
    table.c.webhook_id,
    table.c.status,
    table.c.round,
    table.c.attempts,
    table.c.tries,
)
_WEBHOOK_OF = select(table.c.webhook_id).where(_BY_ID)
_LOCKED = _PROGRESS.where(_BY_ID).with_for_update()
_ENDED_WITHIN = (
    _PROGRESS.where(
        table.c.webhook_id == bindparam("webhook_id"),
        table.c.occurred_at >= bindparam("since", type_=Timestamp()),
        table.c.occurred_at < bindparam("until", type_=Timestamp()),
        table.c.status != Status.PENDING.value,
        table.c.event_type != TEST_EVENT,
    )
    .order_by(table.c.occurred_at, table.c.id)
    .limit(bindparam("how_many"))
    .with_for_update()
)
_UPDATE = update(table).where(_BY_ID)
_BEGIN_AGAIN = (
    update(table)
    .where(any_of(table.c.id, "delivery_ids"))
    .values(
        status=Status.PENDING.value,
        round=table.c.round + 1,
        next_attempt_at=bindparam("now", type_=Timestamp()),
        finished_at=None,
    )
)
_FAIL_PENDING = (
    update(table)
    .where(
        table.c.id.in_(
            select(table.c.id)
            .where(table.c.webhook_id == bindparam("of_webhook"), _IS_PENDING)
            .limit(bindparam("batch"))
        )
    )
    .values(
        status=Status.FAILED.value,
        error=bindparam("why"),
        next_attempt_at=None,
        finished_at=bindparam("now", type_=Timestamp()),
    )
)
_DELETE_OF_WEBHOOK = delete(table).where(
    table.c.id.in_(
        select(table.c.id)
        .where(table.c.webhook_id == bindparam("of_webhook"))
        .limit(bindparam("batch"))
    )
)
_DELETE_OLD = delete(table).where(
    table.c.id.in_(
        select(table.c.id)
        .where(table.c.occurred_at < bindparam("before", type_=Timestamp()), not_(_IS_PENDING))
        .order_by(table.c.occurred_at)
        .limit(bindparam("batch"))
    )
)
_VIEW: Final = select(
    table.c.id,
    table.c.message_id,
    table.c.event_type,
    table.c.occurred_at,
    table.c.status,
    table.c.attempts,
    table.c.last_status_code,
    table.c.response_excerpt,
    table.c.error,
    table.c.next_attempt_at,
    table.c.finished_at,
    table.c.tries,
)
_ONE = _VIEW.where(_BY_ID)
_NEWEST_FIRST: Final = Order(table.c.occurred_at, table.c.id, descending=True)


def _delivery(
    delivery_id: UUID,
    message_id: UUID,
    event_type: str,
    occurred_at: datetime,
    status: str,
    attempts: int,
    last_status_code: int | None,
    response_excerpt: str | None,
    error: str | None,
    next_attempt_at: datetime | None,
    finished_at: datetime | None,
    tries: list[dict[str, Any]],
) -> DeliveryView:
    return DeliveryView(
        delivery_id,
        message_id,
        event_type,
        occurred_at,
        Status(status),
        attempts,
        last_status_code,
        response_excerpt,
        error,
        next_attempt_at,
        finished_at,
        msgspec.convert(tries, list[TryView]),
    )


async def insert_deliveries(session: Session, rows: Sequence[Parameters]) -> None:
    """Add those that are not there: of one message there is one for each webhook."""
    await session.execute_many(_INSERT, rows)


async def find_message(session: Session, delivery_id: UUID) -> Message | None:
    return await session.one(Message, _MESSAGE, {"delivery_id": delivery_id})


async def find_webhook_of(session: Session, delivery_id: UUID) -> UUID | None:
    found: UUID | None = await session.scalar(_WEBHOOK_OF, {"delivery_id": delivery_id})
    return found


async def find_delivery(session: Session, delivery_id: UUID) -> DeliveryView | None:
    return await session.one(_delivery, _ONE, {"delivery_id": delivery_id})


async def lock_delivery(session: Session, delivery_id: UUID) -> Progress | None:
    """How far it is, which nobody else changes until the transaction ends."""
    return await session.one(Progress, _LOCKED, {"delivery_id": delivery_id})


async def lock_ended_within(
    session: Session, webhook_id: UUID, since: datetime, until: datetime, how_many: int
) -> list[Progress]:
    """Those of events of that time that are not under way, the oldest first."""
    values = {"webhook_id": webhook_id, "since": since, "until": until, "how_many": how_many}
    return await session.all(Progress, _ENDED_WITHIN, values)


async def begin_again(session: Session, delivery_ids: Sequence[UUID], now: datetime) -> None:
    """Let them be pending once more, in a new round."""
    await session.execute(_BEGIN_AGAIN, {"delivery_ids": list(delivery_ids), "now": now})


async def update_delivery(session: Session, delivery_id: UUID, **changes: Any) -> None:
    await session.execute(_UPDATE, {**changes, "delivery_id": delivery_id})


async def fail_pending(
    session: Session, webhook_id: UUID, why: str, now: datetime, batch: int
) -> int:
    """Give up so many of a webhook that are under way; how many there were."""
    values = {"of_webhook": webhook_id, "why": why, "now": now, "batch": batch}
    return await session.execute(_FAIL_PENDING, values)


async def delete_of_webhook(session: Session, webhook_id: UUID, batch: int) -> int:
    """Delete so many of a webhook; how many there were."""
    return await session.execute(_DELETE_OF_WEBHOOK, {"of_webhook": webhook_id, "batch": batch})


async def delete_deliveries(session: Session, before: datetime, batch: int) -> int:
    """Delete the oldest of those that are older; how many."""
    return await session.execute(_DELETE_OLD, {"before": before, "batch": batch})


_OF_WEBHOOK = _VIEW.where(table.c.webhook_id == bindparam("webhook_id"))
_OF_TYPE = _OF_WEBHOOK.where(table.c.event_type == bindparam("event_type"))


@cache
def _ranges(statuses: frozenset[Status], *, of_type: bool) -> tuple[Select[Any], ...]:
    """A list as ranges of an index, one a status: none is walked past what is not in the list."""
    listed = _OF_TYPE if of_type else _OF_WEBHOOK
    return tuple(listed.where(table.c.status == status.value) for status in sorted(statuses))


@cache
def _list_statement(statuses: frozenset[Status], *, of_type: bool) -> Select[Any]:
    """The same as one statement, for pages by number: they count what they pass."""
    listed = _OF_TYPE if of_type else _OF_WEBHOOK
    return listed.where(or_(*(table.c.status == status.value for status in sorted(statuses))))


async def list_deliveries(
    session: Session, filters: dict[str, Any], page: PageRequest
) -> Slice[DeliveryView]:
    """One page of those of the webhook that ``filters`` names, the newest first."""
    values = dict(filters)
    wanted = values.pop("status", None)
    of_type = "event_type" in values
    if wanted is None and not of_type:
        return await keyset_page(session, _delivery, _OF_WEBHOOK, _NEWEST_FIRST, page, values)
    statuses = frozenset(wanted or Status)
    if page.page is not None:
        statement = _list_statement(statuses, of_type=of_type)
        return await keyset_page(session, _delivery, statement, _NEWEST_FIRST, page, values)
    ranges = _ranges(statuses, of_type=of_type)
    return await merged_page(session, _delivery, ranges, _NEWEST_FIRST, page, values)
