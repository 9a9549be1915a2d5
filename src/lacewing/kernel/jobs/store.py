from collections.abc import Sequence
from datetime import datetime
from typing import Any, Final
from uuid import UUID

import msgspec
from sqlalchemy import Select, bindparam, delete, func, insert, or_, select, update

from lacewing.kernel.db import Parameters, Session
from lacewing.kernel.db.expressions import any_of, insert_new
from lacewing.kernel.db.paging import Order, keyset_page
from lacewing.kernel.db.types import Timestamp
from lacewing.kernel.jobs.tables import dead_jobs, jobs
from lacewing.kernel.pagination import PageRequest, Slice


class LeasedJob(msgspec.Struct, frozen=True):
    """A job as whoever runs it sees it."""

    id: UUID
    kind: str
    payload: dict[str, Any]
    created_at: datetime
    request_id: str | None
    traceparent: str | None
    """The span that asked for it."""
    lane: str | None
    attempt: int
    """From 1; those of workers that died are counted too."""
    last_error: str | None


class JobLine(msgspec.Struct, frozen=True):
    """A job as it is told of."""

    id: UUID
    kind: str
    payload: dict[str, Any]
    created_at: datetime
    attempts: int
    due_at: datetime
    is_leased: bool
    last_error: str | None


class DeadJob(msgspec.Struct, frozen=True):
    id: UUID
    kind: str
    payload: dict[str, Any]
    created_at: datetime
    request_id: str | None
    attempts: int
    died_at: datetime
    reason: str


class Depth(msgspec.Struct, frozen=True):
    """How many jobs of one kind there are."""

    kind: str
    waiting: int
    """Due, and begun by nobody."""
    scheduled: int
    """Due later."""
    running: int
    """Held by a worker, which may have died."""
    oldest_due_at: datetime | None
    """Since when the longest waiting one has been due."""


_now = bindparam("now", type_=Timestamp())
_job: Any = bindparam("job_id")
_lease: Any = bindparam("held_by")
_INSERT = insert_new(jobs)
_INSERT_MANY = insert(jobs)
_IS_DUE = jobs.c.due_at <= _now
_OF_KIND = jobs.c.kind == bindparam("kind")
_FIRST: Final = (
    select(jobs.c.id)
    .where(_OF_KIND, _IS_DUE)
    .order_by(jobs.c.due_at, jobs.c.id)
    .limit(1)
    .with_for_update(skip_locked=True)
)
_FIRST_OF_LANE = _FIRST.where(jobs.c.lane == bindparam("lane"))
_FIRST_OF_NO_LANE = _FIRST.where(jobs.c.lane.is_(None))
_FIRST_DUE: Final = select(jobs.c.due_at).where(_OF_KIND, _IS_DUE).order_by(jobs.c.due_at).limit(1)
_FIRST_DUE_OF_NO_LANE = _FIRST_DUE.where(jobs.c.lane.is_(None))


def _due_lanes() -> Select[Any]:
    """From lane to lane along the index: two steps each, however many jobs wait in one."""
    lanes = select(func.min(jobs.c.lane).label("lane")).where(_OF_KIND).cte("lanes", recursive=True)
    following = select(func.min(jobs.c.lane)).where(_OF_KIND, jobs.c.lane > lanes.c.lane)
    lanes = lanes.union_all(
        select(following.correlate(lanes).scalar_subquery()).where(lanes.c.lane.is_not(None))
    )
    first_due = select(func.min(jobs.c.due_at)).where(_OF_KIND, jobs.c.lane == lanes.c.lane)
    first_due_at = first_due.correlate(lanes).scalar_subquery().label("due_at")
    found = select(lanes.c.lane, first_due_at).where(lanes.c.lane.is_not(None)).subquery("found")
    return (
        select(found.c.lane, found.c.due_at)
        .where(found.c.due_at <= _now)
        .order_by(found.c.due_at, found.c.lane)
    )


_DUE_LANES: Final = _due_lanes()
_THIS = (
    select(jobs.c.id)
    .where(jobs.c.id == _job, _IS_DUE, any_of(jobs.c.kind, "kinds"))
    # Not skipping who is locked: its sender may just be noting that it was sent.
    .with_for_update()
)
_LEASED = (
    jobs.c.id,
    jobs.c.kind,
    jobs.c.payload,
    jobs.c.created_at,
    jobs.c.request_id,
    jobs.c.traceparent,
    jobs.c.lane,
    jobs.c.attempts,
    jobs.c.last_error,
)
_LEASE = (
    update(jobs)
    .where(jobs.c.id == _job)
    .values(
        lease_id=_lease,
        due_at=bindparam("until", type_=Timestamp()),
        attempts=jobs.c.attempts + 1,
    )
    .returning(*_LEASED)
)
_MINE = (jobs.c.id == _job, jobs.c.lease_id == _lease)
_EXTEND = update(jobs).where(*_MINE).values(due_at=bindparam("until", type_=Timestamp()))
_FINISH = delete(jobs).where(*_MINE)
_PUT_BACK = (
    update(jobs)
    .where(*_MINE)
    .values(
        lease_id=None,
        due_at=bindparam("until", type_=Timestamp()),
        attempts=bindparam("attempts_made"),
        last_error=bindparam("error"),
        lane=bindparam("new_lane"),
    )
)
_UNSENT = (
    select(jobs.c.id)
    .where(
        _OF_KIND,
        _IS_DUE,
        # Never sent since it became due, or so long ago that the message must be lost.
        or_(
            jobs.c.sent_at.is_(None),
            jobs.c.sent_at < jobs.c.due_at,
            jobs.c.sent_at <= bindparam("sent_before", type_=Timestamp()),
        ),
    )
    .order_by(jobs.c.due_at, jobs.c.id)
    .limit(bindparam("batch"))
)
_MARK_SENT = update(jobs).where(any_of(jobs.c.id, "job_ids")).values(sent_at=_now)
_LINES = select(
    jobs.c.id,
    jobs.c.kind,
    jobs.c.payload,
    jobs.c.created_at,
    jobs.c.attempts,
    jobs.c.due_at,
    jobs.c.lease_id.is_not(None),
    jobs.c.last_error,
)
_ONE_LINE = _LINES.where(jobs.c.id == _job)
_OLDEST_FIRST: Final = Order(jobs.c.created_at, jobs.c.id)
_COUNT = select(func.count()).select_from(jobs)
_IS_WAITING = jobs.c.lease_id.is_(None) & _IS_DUE
_DEPTHS = select(
    jobs.c.kind,
    func.count().filter(_IS_WAITING),
    func.count().filter(jobs.c.lease_id.is_(None) & (jobs.c.due_at > _now)),
    func.count().filter(jobs.c.lease_id.is_not(None)),
    func.min(jobs.c.due_at).filter(_IS_WAITING),
).group_by(jobs.c.kind)
_DROP = delete(jobs).where(jobs.c.id == _job)
_HURRY = update(jobs).where(jobs.c.id == _job, jobs.c.lease_id.is_(None)).values(due_at=_now)

_BURY = insert(dead_jobs)
_COUNT_DEAD = select(func.count()).select_from(dead_jobs)
# The members of ``DeadJob`` stand in the order of the columns.
_DEAD_LINES = select(dead_jobs)
_DEAD_OLDEST_FIRST: Final = Order(dead_jobs.c.died_at, dead_jobs.c.id)
_DEAD_ONE = _DEAD_LINES.where(dead_jobs.c.id == _job).with_for_update()
_DROP_DEAD = delete(dead_jobs).where(dead_jobs.c.id == _job)


async def insert_job(session: Session, row: dict[str, Any]) -> bool:
    """Whether it is new: of one ``key`` there is only one."""
    return await session.execute(_INSERT, row) == 1


async def insert_jobs(session: Session, rows: Sequence[Parameters]) -> None:
    """Add jobs that have no key."""
    await session.execute_many(_INSERT_MANY, rows)


async def list_due_kinds(session: Session, kinds: Sequence[str], now: datetime) -> list[str]:
    """Those of ``kinds`` of which a job is due, the one that has waited for the longest first.

    A look that locks nothing, for those who ask again and again.
    """
    due = {
        kind: due_at
        for kind in kinds
        if (due_at := await session.scalar(_FIRST_DUE, {"kind": kind, "now": now})) is not None
    }
    return sorted(due, key=due.__getitem__)


async def list_due_lanes(session: Session, kind: str, now: datetime) -> list[str | None]:
    """The lanes in which a job of ``kind`` is due, the one that has waited for the longest first.

    ``None`` stands for the jobs that have no lane.
    """
    values = {"kind": kind, "now": now}
    due: dict[str | None, datetime] = dict(
        await session.all(lambda lane, due_at: (lane, due_at), _DUE_LANES, values)
    )
    without_lane = await session.scalar(_FIRST_DUE_OF_NO_LANE, values)
    if without_lane is not None:
        due[None] = without_lane
    return sorted(due, key=due.__getitem__)


async def lease_next(
    session: Session, kinds: Sequence[str], lease_id: UUID, now: datetime, until: datetime
) -> LeasedJob | None:
    """The job that has been due for the longest of the first kind that has one, leased.

    Other workers take others.
    """
    for kind in kinds:
        job_id = await session.scalar(_FIRST, {"kind": kind, "now": now})
        if job_id is not None:
            return await _lease_it(session, job_id, lease_id, until)
    return None


async def lease_in_lanes(
    session: Session,
    places: Sequence[tuple[str, str | None]],
    lease_id: UUID,
    now: datetime,
    until: datetime,
) -> LeasedJob | None:
    """As ``lease_next``, of the first kind and lane that has one."""
    for kind, lane in places:
        values: dict[str, Any] = {"kind": kind, "now": now}
        if lane is None:
            job_id = await session.scalar(_FIRST_OF_NO_LANE, values)
        else:
            job_id = await session.scalar(_FIRST_OF_LANE, values | {"lane": lane})
        if job_id is not None:
            return await _lease_it(session, job_id, lease_id, until)
    return None


async def lease_this(
    session: Session,
    job_id: UUID,
    kinds: Sequence[str],
    lease_id: UUID,
    now: datetime,
    until: datetime,
) -> LeasedJob | None:
    """The job, leased; ``None`` when it is done, of another kind, or somebody is at it."""
    values = {"job_id": job_id, "kinds": list(kinds), "now": now}
    found = await session.scalar(_THIS, values)
    return await _lease_it(session, found, lease_id, until)


async def _lease_it(
    session: Session, job_id: UUID | None, lease_id: UUID, until: datetime
) -> LeasedJob | None:
    if job_id is None:
        return None
    values = {"job_id": job_id, "held_by": lease_id, "until": until}
    return await session.one(LeasedJob, _LEASE, values)


async def extend_lease(session: Session, job_id: UUID, lease_id: UUID, until: datetime) -> bool:
    """Whether the lease was still held."""
    values = {"job_id": job_id, "held_by": lease_id, "until": until}
    return await session.execute(_EXTEND, values) == 1


async def finish(session: Session, job_id: UUID, lease_id: UUID) -> bool:
    """Whether the lease was still held; then the job is gone with this transaction."""
    return await session.execute(_FINISH, {"job_id": job_id, "held_by": lease_id}) == 1


async def put_back(
    session: Session,
    job: LeasedJob,
    lease_id: UUID,
    due_at: datetime,
    error: str | None,
    lane: str | None,
) -> None:
    """Let it run again at ``due_at``, from that lane.

    Without an ``error`` this attempt does not count.
    """
    values = {
        "job_id": job.id,
        "held_by": lease_id,
        "until": due_at,
        "attempts_made": job.attempt if error else job.attempt - 1,
        "error": error or job.last_error,
        "new_lane": lane,
    }
    await session.execute(_PUT_BACK, values)


async def bury(session: Session, job: LeasedJob, now: datetime, reason: str) -> None:
    """Write a job that is given up into the dead-letter table."""
    row = {
        "id": job.id,
        "kind": job.kind,
        "payload": job.payload,
        "created_at": job.created_at,
        "request_id": job.request_id,
        "attempts": job.attempt,
        "died_at": now,
        "reason": reason,
    }
    await session.execute(_BURY, row)


async def list_unsent(
    session: Session, kinds: Sequence[str], now: datetime, sent_before: datetime, batch: int
) -> list[UUID]:
    """Due jobs that a broker was not told of since they became so, or since ``sent_before``."""
    unsent: list[UUID] = []
    for kind in kinds:
        values = {"kind": kind, "now": now, "sent_before": sent_before, "batch": batch}
        unsent += await session.all(lambda job_id: job_id, _UNSENT, values)
    return unsent[:batch]


async def mark_sent(session: Session, job_ids: Sequence[UUID], now: datetime) -> None:
    await session.execute(_MARK_SENT, {"job_ids": list(job_ids), "now": now})


async def list_jobs(session: Session, page: PageRequest) -> Slice[JobLine]:
    return await keyset_page(session, JobLine, _LINES, _OLDEST_FIRST, page, {})


async def find_job(session: Session, job_id: UUID) -> JobLine | None:
    return await session.one(JobLine, _ONE_LINE, {"job_id": job_id})


async def count_jobs(session: Session) -> int:
    count: int = await session.scalar(_COUNT)
    return count


async def list_depths(session: Session, now: datetime) -> list[Depth]:
    """How many there are of each kind of which there are any."""
    return await session.all(Depth, _DEPTHS, {"now": now})


async def count_dead(session: Session) -> int:
    count: int = await session.scalar(_COUNT_DEAD)
    return count


async def hurry(session: Session, job_id: UUID, now: datetime) -> bool:
    """Make a job that waits for its next attempt due now; whether there was one."""
    return await session.execute(_HURRY, {"job_id": job_id, "now": now}) == 1


async def drop(session: Session, job_id: UUID) -> bool:
    """Forget a job, alive or dead; whether there was one."""
    values = {"job_id": job_id}
    alive = await session.execute(_DROP, values)
    return await session.execute(_DROP_DEAD, values) + alive > 0


async def list_dead(session: Session, page: PageRequest) -> Slice[DeadJob]:
    return await keyset_page(session, DeadJob, _DEAD_LINES, _DEAD_OLDEST_FIRST, page, {})


async def lock_dead(session: Session, job_id: UUID) -> DeadJob | None:
    return await session.one(DeadJob, _DEAD_ONE, {"job_id": job_id})
