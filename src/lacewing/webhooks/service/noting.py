"""An event of a project becomes a delivery to each webhook that is for it."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

import structlog

from lacewing.kernel.db import Session
from lacewing.kernel.events import RecordedEvent
from lacewing.kernel.ids import new_id
from lacewing.kernel.jobs import enqueue_all
from lacewing.kernel.work import Origin, Work
from lacewing.webhooks.rules import DELIVER, is_wanted, lane_of
from lacewing.webhooks.service.deliveries import job_payload, new_delivery
from lacewing.webhooks.store import deliveries, webhooks
from lacewing.webhooks.store.webhooks import Listener

_log = structlog.get_logger(__name__)


async def note_events(session: Session, events: Sequence[RecordedEvent], now: datetime) -> int:
    """Write down who is to be told of all these events, in the transaction that moves past them."""
    of_projects = [(event, project) for event in events if (project := _project_of(event))]
    if not of_projects:
        return len(events)
    project_ids = sorted({project_id for _, project_id in of_projects})
    listeners = await webhooks.list_listeners(session, project_ids)
    rows: list[dict[str, Any]] = []
    asked: list[tuple[RecordedEvent, list[tuple[dict[str, Any], str]]]] = []
    for event, project_id in of_projects:
        jobs: list[tuple[dict[str, Any], str]] = []
        for listener in listeners:
            if listener.project_id == project_id and is_wanted(event.name, listener.event_types):
                try:
                    lane = lane_of(project_id, listener.url, is_retry=False)
                except ValueError as error:
                    # Kept by an older version, say: no reason to stop for all others.
                    _log.warning("webhook_skipped", webhook_id=str(listener.id), reason=str(error))
                    continue
                row = _row(event, listener, now)
                rows.append(row)
                jobs.append((job_payload(row["id"], 0), lane))
        if jobs:
            asked.append((event, jobs))
    if rows:
        await deliveries.insert_deliveries(session, rows)
    for event, jobs in asked:
        # Each belongs to the request that made its event.
        origin = Origin(request_id=event.request_id, traceparent=event.traceparent)
        await enqueue_all(Work(session, now, origin), DELIVER, jobs)
    return len(events)


def _project_of(event: RecordedEvent) -> UUID | None:
    project_id = event.data.get("project_id")
    return None if project_id is None else UUID(project_id)


def _row(event: RecordedEvent, listener: Listener, now: datetime) -> dict[str, Any]:
    actor_id = None if event.actor_id is None else str(event.actor_id)
    data = {**event.data, "actor_id": actor_id}
    return new_delivery(listener.id, event.name, data) | {
        "id": new_id(),
        "message_id": event.id,
        "occurred_at": event.at,
        "next_attempt_at": now,
    }
