"""What happens later: sending, and forgetting what was sent."""

from collections.abc import Sequence
from datetime import datetime
from typing import Final

from lacewing.kernel.db import Session
from lacewing.kernel.jobs import JobKind, Lease
from lacewing.webhooks.component import Webhooks
from lacewing.webhooks.rules import (
    ATTEMPTS_MAX,
    CLEAR,
    DELIVER,
    DELIVERIES_KEPT,
    PAUSES,
    lane_limits,
)
from lacewing.webhooks.service import clearing, delivering
from lacewing.webhooks.store import deliveries

DELETED_AT_ONCE: Final = 1_000


def job_kinds(webhooks: Webhooks) -> Sequence[JobKind]:
    """The kinds of jobs of this domain: most of them wait for other servers."""

    async def deliver(lease: Lease) -> None:
        await delivering.deliver(webhooks, lease)

    limits = lane_limits(webhooks.settings.webhook_concurrency)
    return (
        JobKind(
            DELIVER,
            deliver,
            delivering.give_up,
            ATTEMPTS_MAX,
            PAUSES,
            "The delivery has failed. Send it once more: "
            "POST /api/webhooks/deliveries/{delivery_id}/replay",
            limits,
        ),
        JobKind(CLEAR, clearing.clear_rest),
    )


async def delete_old_deliveries(session: Session, now: datetime) -> int:
    """Forget deliveries of events that are too old, and not under way; how many."""
    return await deliveries.delete_deliveries(session, now - DELIVERIES_KEPT, DELETED_AT_ONCE)
