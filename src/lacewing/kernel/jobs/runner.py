"""Running jobs: leased, kept while they last, tried again with growing pauses, given up."""

import asyncio
import time
from collections import Counter
from collections.abc import AsyncGenerator, Iterable, Sequence, Set as AbstractSet
from contextlib import asynccontextmanager
from datetime import datetime, timedelta
from random import SystemRandom
from typing import Final
from uuid import UUID

import msgspec
import structlog
from structlog.contextvars import bound_contextvars

from lacewing.kernel import tracing
from lacewing.kernel.clock import Clock
from lacewing.kernel.db import Database, Session, transaction
from lacewing.kernel.errors import Refusal, Unavailable
from lacewing.kernel.events.bells import Bell
from lacewing.kernel.ids import new_id
from lacewing.kernel.jobs import store
from lacewing.kernel.jobs.kind import JobKind, LaneChanged, Lease, LeaseLost
from lacewing.kernel.jobs.store import LeasedJob
from lacewing.kernel.metrics import JOB_SECONDS, JOBS_ENDED

LEASE: Final = timedelta(seconds=15)
"""A worker that is silent for so long is taken for dead, and its jobs are due again."""
KEPT_EVERY_SECONDS: Final = 5.0
PAUSE_FIRST_SECONDS: Final = 5.0
PAUSE_MAX_SECONDS: Final = 1_800.0
RUNNING_IN_LANE_MAX: Final = 4
"""Jobs of one lane, or of one part of lanes, that one worker runs at a time."""
_LATER_AT_MOST: Final = 0.1
"""By which part of itself a pause of a schedule is lengthened at the most."""

_random = SystemRandom()
_log = structlog.get_logger(__name__)


def pause_before(attempt: int, pauses: tuple[timedelta, ...] | None = None) -> timedelta:
    """How long to wait after this attempt failed: longer each time, and never at one time for all.

    Doubled, with full jitter over the upper half (AWS Architecture Blog, "Exponential Backoff And
    Jitter"), or as ``pauses`` has it and a little longer.
    """
    if pauses is not None:
        return pauses[attempt - 1] * _random.uniform(1, 1 + _LATER_AT_MOST)
    longest = min(PAUSE_MAX_SECONDS, PAUSE_FIRST_SECONDS * 2 ** (attempt - 1))
    return timedelta(seconds=_random.uniform(longest / 2, longest))


class Runner:
    """Runs jobs one by one, for any carrier that says when."""

    def __init__(
        self,
        database: Database,
        kinds: Iterable[JobKind],
        clock: Clock,
        bell: Bell | None = None,
    ) -> None:
        self.database: Final = database
        self._bell = bell or Bell()
        self.clock: Final = clock
        self._kinds = {kind.name: kind for kind in kinds}
        self.kind_names: Final = tuple(self._kinds)
        self._limits = {
            name: most for kind in self._kinds.values() for name, most in kind.lane_limits.items()
        }
        self._running: Counter[str] = Counter()
        """How many jobs of each part of lanes run here."""

    async def run_next(self) -> bool:
        """Run the job that has waited for the longest; ``False`` when none is due.

        Raises:
            Unavailable: the database does not answer.
        """
        lease = await self.take_next()
        if lease is None:
            return False
        await self.run(lease)
        return True

    async def take_next(self) -> Lease | None:
        """The job that has waited for the longest and whose lane is not full, to be run now.

        One at a time asks, so that no lane takes more than it may.

        Raises:
            Unavailable: the database does not answer.
        """
        now = self.clock()
        looking = self.database.session()
        kinds = await store.list_due_kinds(looking, self.kind_names, now)
        if not kinds:
            return None
        full = {part for part, count in self._running.items() if count >= self._limit_of(part)}
        # Only where a lane is full must others be looked for behind what waits in it.
        places = await _open_places(looking, kinds, full, now) if full else []
        lease_id = new_id()
        async with transaction(self.database) as session:
            if full:
                job = await store.lease_in_lanes(session, places, lease_id, now, now + LEASE)
            else:
                job = await store.lease_next(session, kinds, lease_id, now, now + LEASE)
        return None if job is None else self._lease(job, lease_id)

    async def run_this(self, job_id: UUID) -> bool:
        """Run this job, unless it is done, waits, or is somebody's; whether it was run.

        Raises:
            Unavailable: the database does not answer.
        """
        now = self.clock()
        lease_id = new_id()
        async with transaction(self.database) as session:
            job = await store.lease_this(
                session, job_id, self.kind_names, lease_id, now, now + LEASE
            )
        if job is None:
            return False
        await self.run(self._lease(job, lease_id))
        return True

    def _lease(self, job: LeasedJob, lease_id: UUID) -> Lease:
        kind = self._kinds[job.kind]
        is_last = job.attempt >= kind.attempts_max
        pause = None if is_last else pause_before(job.attempt, kind.pauses)
        self._running.update(_parts_of(job.lane))
        return Lease(self.database, self.clock, job, lease_id, self._bell, pause)

    async def run(self, lease: Lease) -> None:
        """Run what was taken, to its end whatever that is.

        Whatever it logs, carries the ids of the request that asked for it.
        """
        job, parts = lease.job, _parts_of(lease.job.lane)
        about: dict[str, str | int] = {"job_id": str(job.id), "attempt": job.attempt}
        began = time.perf_counter()
        try:
            with tracing.job(job.kind, job.traceparent, about) as trace_id:
                ids = {"request_id": job.request_id, "trace_id": trace_id, **about}
                known = {name: value for name, value in ids.items() if value is not None}
                with bound_contextvars(**known, job=job.kind):
                    await self._run(lease)
        finally:
            JOB_SECONDS.labels(job.kind).observe(time.perf_counter() - began)
            self._running.subtract(parts)
            self._running += Counter()  # forgets those that are empty

    def _limit_of(self, part: str) -> int:
        return self._limits.get(part.partition(":")[0], RUNNING_IN_LANE_MAX)

    async def _run(self, lease: Lease) -> None:
        job = lease.job
        kind = self._kinds[job.kind]
        if job.attempt > kind.attempts_max:
            # Begun once more than it may be: this attempt is none.
            lease.job = msgspec.structs.replace(job, attempt=job.attempt - 1)
            tracing.fail("worker-died")
            await self._give_up(lease, kind, job.last_error or "its workers died at it")
            return
        try:
            await self._carry_out(kind, lease)
        except LaneChanged:
            await self._put_back(lease)
        except LeaseLost:
            _log.warning("job_lost")
            JOBS_ENDED.labels(job.kind, "lost").inc()
        except asyncio.CancelledError:
            if lease.is_lost:
                _log.warning("job_lost")
                JOBS_ENDED.labels(job.kind, "lost").inc()
                return
            # The worker stops: the job goes back as it was, for another one to take at once.
            await asyncio.shield(self._put_back(lease))
            JOBS_ENDED.labels(job.kind, "put-back").inc()
            raise
        except Exception as error:  # noqa: BLE001  whatever a job fails with: it is told, and tried again
            expected = isinstance(error, Refusal)
            tracing.fail(_kind_of(error))
            _log.warning("job_failed", reason=_told(error), exc_info=not expected)
            await self._try_again(lease, kind, _told(error))
        else:
            JOBS_ENDED.labels(job.kind, "done").inc()

    async def _carry_out(self, kind: JobKind, lease: Lease) -> None:
        running = asyncio.ensure_future(kind.run(lease))
        async with self._kept(lease, running):
            await running
            if not lease.is_finished:
                async with lease.finishing():
                    pass

    async def _try_again(self, lease: Lease, kind: JobKind, reason: str) -> None:
        job = lease.job
        if lease.pause is None:
            await self._give_up(lease, kind, reason)
            return
        JOBS_ENDED.labels(job.kind, "failed").inc()
        async with transaction(self.database) as session:
            due_at = self.clock() + lease.pause
            await store.put_back(session, job, lease.id, due_at, reason, lease.lane)

    async def _give_up(self, lease: Lease, kind: JobKind, reason: str) -> None:
        """The dead letter and what it means to its domain are written together."""
        try:
            async with lease.finishing() as work:
                await store.bury(work.session, lease.job, work.now, reason)
                if kind.give_up is not None:
                    await kind.give_up(work, lease.payload, reason)
        except LeaseLost:
            return
        JOBS_ENDED.labels(kind.name, "dead").inc()
        _log.error("job_dead", reason=reason)

    async def _put_back(self, lease: Lease) -> None:
        try:
            async with transaction(self.database) as session:
                job, due_at = lease.job, self.clock()
                await store.put_back(session, job, lease.id, due_at, None, lease.lane)
        except Unavailable as error:
            _log.warning("job_not_put_back", reason=error.detail)

    @asynccontextmanager
    async def _kept(
        self, lease: Lease, running: "asyncio.Future[None]"
    ) -> AsyncGenerator[None, None]:
        """While the block lasts the lease is renewed; when it is gone, ``running`` is cancelled."""
        keeping = asyncio.create_task(self._keep(lease, running))
        try:
            yield
        finally:
            keeping.cancel()

    async def _keep(self, lease: Lease, running: "asyncio.Future[None]") -> None:
        while not lease.is_finished:
            await asyncio.sleep(KEPT_EVERY_SECONDS)
            try:
                async with transaction(self.database) as session:
                    until = self.clock() + LEASE
                    is_held = await store.extend_lease(session, lease.job.id, lease.id, until)
            except Unavailable as error:
                _log.warning("lease_not_kept", reason=error.detail)
            except Exception:  # ruff: ignore[blind-except]  it is tried again, in time
                _log.exception("lease_not_kept")
            else:
                if not is_held and not lease.is_finished:
                    lease.is_lost = True
                    running.cancel()
                    return


async def _open_places(
    session: Session, kinds: Sequence[str], full: AbstractSet[str], now: datetime
) -> list[tuple[str, str | None]]:
    """Kind and lane of what is due in lanes of which no part is full."""
    return [
        (kind, lane)
        for kind in kinds
        for lane in await store.list_due_lanes(session, kind, now)
        if full.isdisjoint(_parts_of(lane))
    ]


def _parts_of(lane: str | None) -> list[str]:
    return [] if lane is None else lane.split()


def _kind_of(error: Exception) -> str:
    return error.code if isinstance(error, Refusal) else type(error).__name__


def _told(error: Exception) -> str:
    if isinstance(error, Refusal):
        return f"{error.code}: {error.detail}"
    return f"{type(error).__name__}: {error}"[:1_000]
