"""Delivering: one try at a time, noted in the log, on the schedule of the job."""

from datetime import datetime
from typing import Any
from uuid import UUID

import msgspec
import structlog

from lacewing.kernel import audit
from lacewing.kernel.db import Session
from lacewing.kernel.errors import Unavailable
from lacewing.kernel.events import emit
from lacewing.kernel.jobs import Lease
from lacewing.kernel.work import Work
from lacewing.webhooks import events, metrics
from lacewing.webhooks.component import Webhooks
from lacewing.webhooks.rules import (
    FAILING_MAX,
    TEST_EVENT,
    TRIES_KEPT,
    OffReason,
    Status,
    lane_of,
    parse_url,
    read_retry_after,
)
from lacewing.webhooks.schemas import TryView
from lacewing.webhooks.sending.outcome import Outcome
from lacewing.webhooks.service.clearing import SWITCHED_OFF, clear_webhook
from lacewing.webhooks.service.messages import body_of
from lacewing.webhooks.service.secrets import list_signing_secrets
from lacewing.webhooks.signing import sign
from lacewing.webhooks.store import deliveries as store, webhooks as webhooks_store
from lacewing.webhooks.store.deliveries import Message

_log = structlog.get_logger(__name__)


class NotDelivered(Unavailable):
    code = "webhook-not-delivered"
    title = "The receiver did not take the message; it is tried again."


async def deliver(webhooks: Webhooks, lease: Lease) -> None:
    """Carry one try out, as the kind of job that each delivery asks for.

    Raises:
        NotDelivered: it failed, and shall be tried again.
    """
    session = lease.database.session()
    message = await store.find_message(session, UUID(lease.payload["delivery_id"]))
    if message is None or not _is_wanted(message.status, message.round, lease.payload):
        return
    if not message.is_active:
        async with lease.finishing() as work:
            await _give_up(work, message.id, message.round, SWITCHED_OFF)
        return
    if (lane := _lane_of(message, is_retry=lease.job.last_error is not None)) is not None:
        lease.require_lane(lane)
    began = lease.clock()
    outcome = await _try(webhooks, message, lease, began)
    metrics.TRY_SECONDS.observe(outcome.duration_ms / 1_000)
    if outcome.is_success:
        async with lease.finishing() as work:
            await _note_success(work, message, outcome, began)
        metrics.TRIES.labels(metrics.DELIVERED).inc()
    elif (
        lease.pause is None
        or message.event_type == TEST_EVENT
        or (outcome.is_gone and await _is_still_there(session, message))
    ):
        async with lease.finishing() as work:
            await _fail(work, message, outcome, began)
        metrics.TRIES.labels(metrics.FAILED).inc()
    else:
        lease.pause = max(lease.pause, read_retry_after(outcome.retry_after, lease.clock()))
        async with lease.work() as work:
            due_at = work.now + lease.pause
            await _note_failure(work, message, outcome, began, next_attempt_at=due_at)
        lease.lane = _lane_of(message, is_retry=True) or lease.lane
        metrics.TRIES.labels(metrics.FAILED_AGAIN).inc()
        raise NotDelivered(outcome.error)


async def give_up(work: Work, payload: dict[str, Any], reason: str) -> None:
    """The job went to the dead letters by a fault of ours, or was dropped by hand."""
    await _give_up(work, UUID(payload["delivery_id"]), payload["round"], f"Gave up: {reason}")


async def _try(webhooks: Webhooks, message: Message, lease: Lease, now: datetime) -> Outcome:
    """Send it, with no transaction open."""
    secrets = await list_signing_secrets(
        lease.database.session(), webhooks.cipher, message.webhook_id, now
    )
    if not secrets:
        return Outcome(failure="This server has no secret to sign with: rotate it.")
    try:
        return await _send(webhooks, message, secrets, now)
    except Exception:  # ruff: ignore[blind-except]  a bug must not hide from the log of deliveries
        _log.exception("webhook_not_tried", delivery_id=str(message.id))
        return Outcome(failure="This server failed at it; its own log says why.")


async def _send(webhooks: Webhooks, message: Message, secrets: list[str], now: datetime) -> Outcome:
    body = body_of(message, webhooks.public_url)
    timestamp = int(now.timestamp())
    headers = {
        "Content-Type": "application/json",
        "User-Agent": "Lacewing",
        "webhook-id": str(message.message_id),
        "webhook-timestamp": str(timestamp),
        "webhook-signature": sign(message.message_id, timestamp, body, secrets),
    }
    return await webhooks.sender.send(parse_url(message.url), headers, body)


async def _note_success(work: Work, message: Message, outcome: Outcome, began: datetime) -> None:
    # The webhook before its deliveries, as everybody does.
    await webhooks_store.note_success(work.session, message.webhook_id, message.url)
    await _note_try(
        work,
        message,
        outcome,
        began,
        status=Status.DELIVERED.value,
        next_attempt_at=None,
        finished_at=work.now,
    )


async def _fail(work: Work, message: Message, outcome: Outcome, began: datetime) -> None:
    """This was the last try; perhaps there shall be no others either."""
    # The webhook before its deliveries, as everybody does.
    webhook = await webhooks_store.lock_webhook(work.session, message.webhook_id)
    await _note_failure(work, message, outcome, began, next_attempt_at=None)
    if webhook is None or not webhook.is_active or webhook.url != message.url:
        return
    since = webhook.failing_since
    if outcome.is_gone:
        await _switch_off(work, webhook.id, OffReason.GONE)
    elif (
        message.event_type != TEST_EVENT  # has one try alone
        and since is not None
        and work.now - since > FAILING_MAX
    ):
        await _switch_off(work, webhook.id, OffReason.FAILING)


async def _is_still_there(session: Session, message: Message) -> bool:
    """Whether the webhook still leads to where the message was sent: another URL is not gone."""
    webhook = await webhooks_store.find_webhook(session, message.webhook_id)
    return webhook is not None and webhook.url == message.url


async def _note_failure(
    work: Work,
    message: Message,
    outcome: Outcome,
    began: datetime,
    *,
    next_attempt_at: datetime | None,
) -> None:
    """Write the try down; without a next one the delivery has failed."""
    if message.event_type != TEST_EVENT:
        await webhooks_store.note_failure(work.session, message.webhook_id, message.url, began)
    is_last = next_attempt_at is None
    await _note_try(
        work,
        message,
        outcome,
        began,
        status=Status.FAILED.value if is_last else Status.PENDING.value,
        next_attempt_at=next_attempt_at,
        finished_at=work.now if is_last else None,
    )


async def _note_try(
    work: Work, message: Message, outcome: Outcome, began: datetime, **state: Any
) -> None:
    """Every try is told of; what it means to a delivery that has ended meanwhile, is not."""
    progress = await store.lock_delivery(work.session, message.id)
    if progress is None:
        return
    made = TryView(began, outcome.duration_ms, outcome.status_code, outcome.error)
    columns = {
        "attempts": progress.attempts + 1,
        "tries": [*progress.tries, msgspec.to_builtins(made)][-TRIES_KEPT:],
        "last_status_code": outcome.status_code,
        "response_excerpt": outcome.excerpt,
    }
    if progress.status == Status.PENDING and progress.round == message.round:
        columns |= {"error": outcome.error, **state}
    await store.update_delivery(work.session, message.id, **columns)
    _log.info(
        "webhook_tried",
        delivery_id=str(message.id),
        webhook_id=str(message.webhook_id),
        status_code=outcome.status_code,
        duration_ms=outcome.duration_ms,
    )


async def _give_up(work: Work, delivery_id: UUID, round_number: int, why: str) -> None:
    progress = await store.lock_delivery(work.session, delivery_id)
    if progress is None or progress.status != Status.PENDING or progress.round != round_number:
        return
    await store.update_delivery(
        work.session,
        delivery_id,
        status=Status.FAILED.value,
        error=why,
        next_attempt_at=None,
        finished_at=work.now,
    )


async def _switch_off(work: Work, webhook_id: UUID, reason: OffReason) -> None:
    """Send nothing more to it, until somebody switches it on again."""
    columns = {"is_active": False, "off_reason": reason.value, "updated_at": work.now}
    await webhooks_store.update_webhook(work.session, webhook_id, **columns)
    await clear_webhook(work, webhook_id)
    await emit(work, events.WebhookSwitchedOff(webhook_id=webhook_id, reason=reason.value))
    await audit.record(
        work, "webhook.switch_off", f"webhook:{webhook_id}", details={"reason": reason.value}
    )
    metrics.SWITCHED_OFF.labels(reason.value).inc()
    _log.warning("webhook_switched_off", webhook_id=str(webhook_id), reason=reason.value)


def _lane_of(message: Message, *, is_retry: bool) -> str | None:
    """``None`` for a URL that could be kept and can't be called: the try says so."""
    try:
        return lane_of(message.project_id, message.url, is_retry=is_retry)
    except ValueError:
        return None


def _is_wanted(status: str, round_number: int, payload: dict[str, Any]) -> bool:
    """Whether the job's round is still under way."""
    return status == Status.PENDING and bool(payload["round"] == round_number)
