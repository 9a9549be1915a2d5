"""How much waits, and how old the last backup is: read every so often, for the metrics (OPS-4)."""

from collections.abc import Iterable
from datetime import datetime
from typing import Final

from lacewing.kernel import metrics
from lacewing.kernel.audit import store as audit
from lacewing.kernel.backup.store import find_last_end
from lacewing.kernel.db import Session
from lacewing.kernel.events import store as events
from lacewing.kernel.jobs import store as jobs
from lacewing.kernel.jobs.store import Depth

AUDIT_COUNTED_MAX: Final = 1_000
"""More entries than that are not chained: the bound of what is counted."""


class Queues:
    """Sets the gauges of the outbox, its consumers, the jobs, the audit log and the backups."""

    def __init__(self, job_kinds: Iterable[str]) -> None:
        self._job_kinds = set(job_kinds)
        """Those of which none wait are told of too: nothing to see is not nothing there."""

    async def measure(self, session: Session, now: datetime) -> int:
        """One look at everything."""
        await self._measure_events(session, now)
        await self._measure_jobs(session, now)
        metrics.AUDIT_WAITING.set(await audit.count_waiting(session, AUDIT_COUNTED_MAX))
        last_backup = await find_last_end(session)
        metrics.LAST_BACKUP.set(0 if last_backup is None else last_backup.timestamp())
        return 0

    @staticmethod
    async def _measure_events(session: Session, now: datetime) -> None:
        metrics.OUTBOX_WAITING.set(await events.count_waiting(session))
        oldest = await events.oldest_waiting_at(session)
        metrics.OUTBOX_OLDEST_SECONDS.set(_age(oldest, now))
        last = await events.last_sequence(session)
        for consumer, sequence in await events.list_cursors(session):
            metrics.EVENTS_BEHIND.labels(consumer).set(last - sequence)
            behind = await events.oldest_after_at(session, sequence)
            metrics.EVENTS_BEHIND_SECONDS.labels(consumer).set(_age(behind, now))

    async def _measure_jobs(self, session: Session, now: datetime) -> None:
        depths = {depth.kind: depth for depth in await jobs.list_depths(session, now)}
        self._job_kinds |= depths.keys()
        for kind in self._job_kinds:
            depth = depths.get(kind) or Depth(kind, 0, 0, 0, None)
            for state in ("waiting", "running", "scheduled"):
                metrics.JOBS.labels(kind, state).set(getattr(depth, state))
            metrics.JOBS_OLDEST_SECONDS.labels(kind).set(_age(depth.oldest_due_at, now))
        due = sum(depth.waiting + depth.running for depth in depths.values())
        metrics.JOBS_WAITING.set(due)
        metrics.JOBS_DEAD.set(await jobs.count_dead(session))


def _age(at: datetime | None, now: datetime) -> float:
    return 0 if at is None else max(0.0, (now - at).total_seconds())
