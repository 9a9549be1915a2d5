from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from typing import Final
from uuid import UUID

from lacewing.content.store import posts, search
from lacewing.kernel.db import Session

BATCH: Final = 200


async def index_all_posts(
    transaction: Callable[[], AbstractAsyncContextManager[Session]],
) -> int:
    """Make anew what is searched, in batches of a transaction each; how many posts there are."""
    after: UUID | None = None
    count = 0
    while True:
        async with transaction() as session:
            batch = await posts.posts_after(session, after, BATCH)
            for post_id, title, body in batch:
                await search.index_post(session, post_id, title, body)
        if not batch:
            return count
        count += len(batch)
        after = batch[-1][0]
