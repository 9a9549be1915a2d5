from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from typing import Final
from uuid import UUID

from lacewing.catalogue.store import search
from lacewing.kernel.db import Session

BATCH: Final = 500


async def index_all_products(
    transaction: Callable[[], AbstractAsyncContextManager[Session]],
) -> int:
    """Make anew what is searched, in batches of a transaction each; how many products there are."""
    after: UUID | None = None
    count = 0
    while True:
        async with transaction() as session:
            batch = await search.products_after(session, after, BATCH)
            if batch:
                await search.index_products(session, batch)
        if not batch:
            return count
        count += len(batch)
        after = batch[-1][0]
