"""Asking for a job to be done."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from lacewing.kernel.ids import new_id
from lacewing.kernel.jobs import store
from lacewing.kernel.work import Work


async def enqueue(
    work: Work,
    kind: str,
    payload: Mapping[str, Any],
    *,
    key: str | None = None,
    due_at: datetime | None = None,
) -> bool:
    """Let a worker do it, if and only if the transaction of ``work`` commits.

    ``payload`` holds JSON values. Of jobs with the same ``key`` only one waits or runs at a time:
    ``False`` when there is one already.
    """
    row = {
        "id": new_id(),
        "kind": kind,
        "payload": dict(payload),
        "key": key,
        "created_at": work.now,
        "request_id": work.origin.request_id,
        "due_at": due_at or work.now,
        "attempts": 0,
    }
    return await store.insert_job(work.session, row)
