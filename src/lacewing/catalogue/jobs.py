from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from datetime import datetime
from typing import Final
from uuid import UUID

from lacewing.catalogue.store import search, tallies
from lacewing.kernel.db import Session

BATCH: Final = 500
FOLDED_AT_ONCE: Final = 1_000
"""Rows of tallies that one transaction makes one of."""


async def fold_tallies(session: Session, _now: datetime) -> int:
    """Make one row of what changes of products have noted; how many there were."""
    return await tallies.fold(session, FOLDED_AT_ONCE)


async def count_wrong_sums(session: Session) -> int:
    """Count all products anew, and compare; how many of the sums differ."""
    return tallies.count_wrong(await tallies.find_missing(session))


async def mend_tallies(transaction: Callable[[], AbstractAsyncContextManager[Session]]) -> int:
    """Count all products anew, and make the tallies equal; how many were wrong."""
    async with transaction() as session:
        return await tallies.mend(session)


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
