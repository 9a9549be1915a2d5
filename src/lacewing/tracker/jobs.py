from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from datetime import datetime
from typing import Final
from uuid import UUID

import msgspec

from lacewing.kernel.db import Session
from lacewing.tracker.store import search, tally_upkeep

BATCH: Final = 200
FOLDED_AT_ONCE: Final = 500
"""Entries of the journal of one transaction."""


class TallyHealth(msgspec.Struct, frozen=True):
    """How many counts differ from the issues, and how many changes wait to be folded."""

    wrong: int
    waiting: int


async def examine_tallies(session: Session) -> TallyHealth:
    """Count all issues anew, and compare."""
    wrong = 0
    for scope in await tally_upkeep.find_scopes(session):
        wrong += len(await tally_upkeep.find_differences(session, scope))
    return TallyHealth(wrong, await tally_upkeep.count_waiting(session))


async def mend_tallies(transaction: Callable[[], AbstractAsyncContextManager[Session]]) -> int:
    """Make the tallies equal what is counted from the issues, in a transaction a project.

    How many were wrong; who writes meanwhile waits for one project at the most.
    """
    async with transaction() as session:
        scopes = await tally_upkeep.find_scopes(session)
    mended = 0
    for scope in scopes:
        async with transaction() as session:
            mended += await tally_upkeep.mend_differences(session, scope)
    return mended


async def fold_tallies(session: Session, _now: datetime) -> int:
    """Move what changes of issues have noted into the tallies; how many notes there were."""
    return await tally_upkeep.fold_journal(session, FOLDED_AT_ONCE)


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
