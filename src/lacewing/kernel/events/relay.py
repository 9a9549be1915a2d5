"""The relay: gives committed events their sequence numbers, in one unbroken line."""

from typing import Final

from lacewing.kernel.db import Session
from lacewing.kernel.db.locks import try_lock_for_transaction
from lacewing.kernel.events import store
from lacewing.kernel.metrics import EVENTS_NUMBERED

BATCH: Final = 500
"""Events numbered in one transaction: a bound for its length."""

RELAY_LOCK: Final = 4_710_001
"""The advisory lock that only one relay holds (any number of its own would do)."""


async def number_events(session: Session) -> int:
    """Number what is committed and has no number yet; how many that were.

    Readers see numbers grow without a gap, since only one relay numbers at a time and whatever
    commits later gets a later number. A relay that dies lets go of its lock, and the next one that
    looks has it: there is none to elect.
    """
    if not await store.is_any_waiting(session):
        return 0
    if not await try_lock_for_transaction(session, RELAY_LOCK):
        return 0
    count = await store.number_waiting(session, BATCH)
    EVENTS_NUMBERED.inc(count)
    return count
