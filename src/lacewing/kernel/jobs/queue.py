"""Asking for a job to be done, again, or not at all."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from lacewing.kernel import tracing
from lacewing.kernel.ids import new_id
from lacewing.kernel.jobs import store
from lacewing.kernel.jobs.kind import JobEnded, JobKind
from lacewing.kernel.work import Work


async def enqueue(
    work: Work,
    kind: str,
    payload: Mapping[str, Any],
    *,
    key: str | None = None,
    due_at: datetime | None = None,
    lane: str | None = None,
) -> bool:
    """Let a worker do it, if and only if the transaction of ``work`` commits.

    ``payload`` holds JSON values. Of jobs with the same ``key`` only one waits or runs at a time:
    ``False`` when there is one already. Of those with the same ``lane`` a worker runs only some at
    a time, so that what they all wait for holds up nobody else. A lane may have several parts,
    separated by blanks (``project:7 host:example.com``), of each of which only some run.
    """
    row = _row(work, kind, payload) | {"key": key, "lane": lane, "due_at": due_at or work.now}
    return await store.insert_job(work.session, row)


async def enqueue_all(
    work: Work, kind: str, payloads: Iterable[tuple[Mapping[str, Any], str]]
) -> None:
    """As ``enqueue``, for many at once, each with its lane."""
    rows = [_row(work, kind, payload) | {"lane": lane} for payload, lane in payloads]
    await store.insert_jobs(work.session, rows)


def _row(work: Work, kind: str, payload: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "id": new_id(),
        "kind": kind,
        "payload": dict(payload),
        "created_at": work.now,
        "request_id": work.origin.request_id,
        "traceparent": work.origin.traceparent or tracing.traceparent(),
        "due_at": work.now,
        "attempts": 0,
    }


async def retry_job(work: Work, kinds: Sequence[JobKind], job_id: UUID) -> bool:
    """Let a dead job begin anew, or a waiting one run now; whether there was one.

    Raises:
        JobEnded: it would do nothing, and what to do instead.
    """
    dead = await store.lock_dead(work.session, job_id)
    if dead is None:
        return await store.hurry(work.session, job_id, work.now)
    for kind in kinds:
        if kind.name == dead.kind and kind.instead_of_retry is not None:
            raise JobEnded(kind.instead_of_retry)
    await store.drop(work.session, job_id)
    row = {
        "id": dead.id,
        "kind": dead.kind,
        "payload": dead.payload,
        "created_at": dead.created_at,
        "request_id": dead.request_id,
        "due_at": work.now,
        "attempts": 0,
        "last_error": dead.reason,
    }
    return await store.insert_job(work.session, row)


async def drop_job(work: Work, kinds: Sequence[JobKind], job_id: UUID) -> bool:
    """Forget a job, alive or dead; whether there was one. One that runs finishes nothing.

    The domain of one that is alive is told that nobody will do it.
    """
    alive = await store.find_job(work.session, job_id)
    if not await store.drop(work.session, job_id):
        return False
    for kind in kinds:
        if alive is not None and kind.name == alive.kind and kind.give_up is not None:
            await kind.give_up(work, alive.payload, "dropped by hand")
    return True
