"""Writing to the outbox."""

from typing import Any

import msgspec

from lacewing.kernel import tracing
from lacewing.kernel.events import store
from lacewing.kernel.events.event import Event, name_of
from lacewing.kernel.ids import new_id
from lacewing.kernel.work import Work


async def emit(work: Work, event: Event) -> None:
    """Tell ``event`` to all who care, if and only if the transaction of ``work`` commits."""
    data: dict[str, Any] = msgspec.to_builtins(event)
    data.pop("type", None)
    row = {
        "id": new_id(),
        "name": name_of(event),
        "version": event.version,
        "at": work.now,
        "actor_id": work.actor_id,
        "request_id": work.origin.request_id,
        "traceparent": tracing.traceparent(),
        "data": data,
    }
    tracing.note(name_of(event))
    await store.insert_event(work.session, row)
    work.has_told = True
