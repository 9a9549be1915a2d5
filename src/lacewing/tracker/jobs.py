from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from typing import Final
from uuid import UUID

from lacewing.kernel.db import Session
from lacewing.tracker.store import search

BATCH: Final = 200


async def index_all_issues(
    transaction: Callable[[], AbstractAsyncContextManager[Session]],
) -> int:
    """Make anew what is searched, in batches of a transaction each; how many issues there are."""
    after: UUID | None = None
    count = 0
    while True:
        async with transaction() as session:
            batch = await search.issues_after(session, after, BATCH)
            for issue_id in batch:
                await search.index_attached(session, issue_id)
        if not batch:
            return count
        count += len(batch)
        after = batch[-1]
