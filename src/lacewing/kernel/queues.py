"""How much waits, and how old the last backup is: read every so often, for the metrics (OPS-4)."""

from datetime import datetime

from lacewing.kernel.backup.store import find_last_end
from lacewing.kernel.db import Session
from lacewing.kernel.events import store as events
from lacewing.kernel.jobs import store as jobs
from lacewing.kernel.metrics import (
    EVENTS_BEHIND,
    JOBS_DEAD,
    JOBS_WAITING,
    LAST_BACKUP,
    OUTBOX_WAITING,
)


async def measure_queues(session: Session, _now: datetime) -> int:
    """Set the gauges of the outbox, its consumers, the jobs and the backups."""
    OUTBOX_WAITING.set(await events.count_waiting(session))
    last = await events.last_sequence(session)
    for consumer, sequence in await events.list_cursors(session):
        EVENTS_BEHIND.labels(consumer).set(last - sequence)
    JOBS_WAITING.set(await jobs.count_jobs(session))
    JOBS_DEAD.set(await jobs.count_dead(session))
    last_backup = await find_last_end(session)
    LAST_BACKUP.set(0 if last_backup is None else last_backup.timestamp())
    return 0
