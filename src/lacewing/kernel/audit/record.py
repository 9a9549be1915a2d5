from collections.abc import Mapping
from enum import StrEnum
from uuid import UUID

from lacewing.kernel.audit import store
from lacewing.kernel.ids import new_id
from lacewing.kernel.metrics import AUDIT_ENTRIES
from lacewing.kernel.work import Work


class Outcome(StrEnum):
    SUCCESS = "success"
    DENIED = "denied"
    FAILURE = "failure"


def expect(action: str, *outcomes: Outcome) -> None:
    """Count such entries from 0 on, not from the first one: alerts ask by how much they grow."""
    for outcome in outcomes:
        AUDIT_ENTRIES.labels(action, outcome.value)


async def record(
    work: Work,
    action: str,
    resource: str | None = None,
    outcome: Outcome = Outcome.SUCCESS,
    *,
    user_id: UUID | None = None,
    details: Mapping[str, str | int | bool | None] | None = None,
) -> None:
    """Write one entry; it stands if and only if the transaction of ``work`` commits.

    ``user_id`` is who acted, where ``work`` cannot know it yet (a login). ``details`` never hold
    a secret or personal data.
    """
    row = {
        "id": new_id(),
        "at": work.now,
        "user_id": user_id or work.actor_id,
        "ip": work.origin.ip,
        "request_id": work.origin.request_id,
        "action": action,
        "resource": resource,
        "outcome": outcome.value,
        "details": dict(details or {}),
    }
    await store.insert_entry(work.session, row)
    AUDIT_ENTRIES.labels(action, outcome.value).inc()
