"""What waits at a webhook that is off or gone, in batches: there may be a million of them."""

from uuid import UUID

from lacewing.kernel.jobs import Lease, enqueue
from lacewing.kernel.work import Work
from lacewing.webhooks.rules import CLEAR, CLEARED_AT_ONCE_MAX
from lacewing.webhooks.store import deliveries, webhooks

SWITCHED_OFF = "The webhook was switched off."


async def clear_webhook(work: Work, webhook_id: UUID) -> None:
    """Give up what waits at a webhook that was switched off, forget all of one that was deleted.

    A first batch here, the rest by a job.
    """
    if await _clear_some(work, webhook_id) == CLEARED_AT_ONCE_MAX:
        await enqueue(work, CLEAR, {"webhook_id": str(webhook_id)}, key=f"{CLEAR}:{webhook_id}")


async def clear_rest(lease: Lease) -> None:
    """Batch after batch, as the kind of job that does so."""
    webhook_id = UUID(lease.payload["webhook_id"])
    cleared = CLEARED_AT_ONCE_MAX
    while cleared == CLEARED_AT_ONCE_MAX:
        async with lease.work() as work:
            cleared = await _clear_some(work, webhook_id)


async def _clear_some(work: Work, webhook_id: UUID) -> int:
    # The webhook before its deliveries, as everybody does.
    webhook = await webhooks.lock_webhook(work.session, webhook_id)
    if webhook is None:
        return await deliveries.delete_of_webhook(work.session, webhook_id, CLEARED_AT_ONCE_MAX)
    if webhook.is_active:
        return 0  # on again: what still waits is sent
    return await deliveries.fail_pending(
        work.session, webhook_id, SWITCHED_OFF, work.now, CLEARED_AT_ONCE_MAX
    )
