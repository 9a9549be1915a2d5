"""The log of deliveries, test messages, and sending once more what was sent before."""

from typing import Any
from uuid import UUID

from lacewing.kernel import audit
from lacewing.kernel.errors import invalid_field
from lacewing.kernel.events import emit
from lacewing.kernel.ids import new_id
from lacewing.kernel.jobs import enqueue, enqueue_all
from lacewing.kernel.pagination import PageRequest, Slice
from lacewing.kernel.work import Work
from lacewing.webhooks import errors, events
from lacewing.webhooks.rules import DELIVER, REPLAYED_AT_ONCE_MAX, TEST_EVENT, Status, lane_of
from lacewing.webhooks.schemas import (
    DeliveryQuery,
    DeliveryView,
    Replayed,
    ReplayWindow,
    WebhookView,
)
from lacewing.webhooks.service.webhooks import get_webhook, lock_webhook
from lacewing.webhooks.store import deliveries as store
from lacewing.webhooks.store.deliveries import Progress


async def list_deliveries(
    work: Work, webhook_id: UUID, query: DeliveryQuery, page: PageRequest
) -> Slice[DeliveryView]:
    """One page of what was sent to the webhook or will be, the newest first.

    Raises:
        WebhookNotFound, NotYourProject: it is not the actor's.
    """
    await get_webhook(work, webhook_id)
    filters = query.model_dump(exclude={"cursor", "page", "limit"}, exclude_none=True)
    return await store.list_deliveries(work.session, {**filters, "webhook_id": webhook_id}, page)


async def send_test(work: Work, webhook_id: UUID) -> DeliveryView:
    """Let a test message be sent, once.

    Raises:
        WebhookNotFound, NotYourProject: it is not the actor's.
        WebhookOff: it is switched off.
    """
    webhook = await _lock_active(work, webhook_id)
    delivery_id = new_id()
    data = {"webhook_id": str(webhook_id), "project_id": str(webhook.project.id)}
    row = new_delivery(webhook_id, TEST_EVENT, data) | {
        "id": delivery_id,
        "message_id": new_id(),
        "occurred_at": work.now,
        "next_attempt_at": work.now,
    }
    await store.insert_deliveries(work.session, [row])
    await enqueue(work, DELIVER, job_payload(delivery_id, 0), lane=_lane_of(webhook))
    await emit(work, events.WebhookTested(webhook_id=webhook_id, delivery_id=delivery_id))
    await audit.record(work, "webhook.test", f"webhook:{webhook_id}")
    return await _get_delivery(work, delivery_id)


async def replay_delivery(work: Work, delivery_id: UUID) -> DeliveryView:
    """Send it once more, with the same ``webhook-id``, on the whole schedule.

    Raises:
        DeliveryNotFound: there is none, or it is not the actor's.
        NotYourProject: its project is not the actor's to edit.
        WebhookOff: its webhook is switched off.
        DeliveryPending: it is under way already.
    """
    webhook_id = await store.find_webhook_of(work.session, delivery_id)
    if webhook_id is None:
        raise errors.DeliveryNotFound
    try:
        webhook = await _lock_active(work, webhook_id)
    except errors.WebhookNotFound:
        raise errors.DeliveryNotFound from None
    delivery = await store.lock_delivery(work.session, delivery_id)
    if delivery is None:
        raise errors.DeliveryNotFound
    if delivery.status == Status.PENDING:
        raise errors.DeliveryPending
    await _replay(work, webhook, [delivery])
    return await _get_delivery(work, delivery_id)


async def replay_window(work: Work, webhook_id: UUID, window: ReplayWindow) -> Replayed:
    """Send once more whatever happened in that time and is not under way.

    Raises:
        WebhookNotFound, NotYourProject: it is not the actor's.
        WebhookOff: it is switched off.
        Invalid: the time ends before it begins.
        TooManyToReplay: it holds too many; nothing is sent.
    """
    if window.since >= window.until:
        raise invalid_field("body", "until", "must be later than `since`", "window")
    webhook = await _lock_active(work, webhook_id)
    found = await store.lock_ended_within(
        work.session, webhook_id, window.since, window.until, REPLAYED_AT_ONCE_MAX + 1
    )
    if len(found) > REPLAYED_AT_ONCE_MAX:
        raise errors.TooManyToReplay(
            detail=f"More than {REPLAYED_AT_ONCE_MAX} deliveries: ask for a shorter time."
        )
    if found:
        await _replay(work, webhook, found)
    return Replayed(len(found))


async def _lock_active(work: Work, webhook_id: UUID) -> WebhookView:
    webhook = await lock_webhook(work, webhook_id)
    if not webhook.is_active:
        raise errors.WebhookOff
    return webhook


async def _replay(work: Work, webhook: WebhookView, found: list[Progress]) -> None:
    await store.begin_again(work.session, [each.id for each in found], work.now)
    lane = _lane_of(webhook)
    payloads = ((job_payload(each.id, each.round + 1), lane) for each in found)
    await enqueue_all(work, DELIVER, payloads)
    await emit(work, events.WebhookReplayed(webhook_id=webhook.id, count=len(found)))
    await audit.record(
        work, "webhook.replay", f"webhook:{webhook.id}", details={"count": len(found)}
    )


def _lane_of(webhook: WebhookView) -> str:
    return lane_of(webhook.project.id, webhook.url, is_retry=False)


async def _get_delivery(work: Work, delivery_id: UUID) -> DeliveryView:
    found = await store.find_delivery(work.session, delivery_id)
    if found is None:
        raise errors.DeliveryNotFound
    return found


def new_delivery(webhook_id: UUID, event_type: str, data: dict[str, Any]) -> dict[str, Any]:
    """The row of one that nobody has tried yet, but for its ids and times."""
    return {
        "webhook_id": webhook_id,
        "event_type": event_type,
        "data": data,
        "status": Status.PENDING.value,
        "round": 0,
        "attempts": 0,
        "tries": [],
    }


def job_payload(delivery_id: UUID, round_number: int) -> dict[str, Any]:
    """What the job of one round is told."""
    return {"delivery_id": str(delivery_id), "round": round_number}
