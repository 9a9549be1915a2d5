"""The relay: gives committed events their sequence numbers, in one unbroken line."""

from typing import Final

from lacewing.kernel.db import Session
from lacewing.kernel.db.locks import lock_for_transaction
from lacewing.kernel.events import store

BATCH: Final = 500
"""Events numbered in one transaction: a bound for its length."""

RELAY_LOCK: Final = 4_710_001
"""The advisory lock that only one relay holds (any number of its own would do)."""


async def number_events(session: Session) -> int:
    """Number what is committed and has no number yet; how many that were.

    Readers see numbers grow without a gap, since only one relay numbers at a time and whatever
    commits later gets a later number.
    """
    if not await store.list_waiting(session, 1):
        return 0
    await lock_for_transaction(session, RELAY_LOCK)
    waiting = await store.list_waiting(session, BATCH)
    await store.number(session, waiting)
    return len(waiting)
