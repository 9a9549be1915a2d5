"""How much waits: read every so often, for the metrics (OPS-4)."""

from datetime import datetime

from lacewing.kernel.db import Session
from lacewing.kernel.events import store as events
from lacewing.kernel.jobs import store as jobs
from lacewing.kernel.metrics import EVENTS_BEHIND, JOBS_DEAD, JOBS_WAITING, OUTBOX_WAITING


async def measure_queues(session: Session, _now: datetime) -> int:
    """Set the gauges of the outbox, its consumers and the jobs."""
    OUTBOX_WAITING.set(await events.count_waiting(session))
    last = await events.last_sequence(session)
    for consumer, sequence in await events.list_cursors(session):
        EVENTS_BEHIND.labels(consumer).set(last - sequence)
    JOBS_WAITING.set(await jobs.count_jobs(session))
    JOBS_DEAD.set(await jobs.count_dead(session))
    return 0
