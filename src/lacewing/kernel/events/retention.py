"""How long events are kept."""

from datetime import datetime, timedelta
from typing import Final

from lacewing.kernel.db import Session
from lacewing.kernel.events import store

EVENTS_KEPT: Final = timedelta(days=30)
"""Whoever was away for no longer misses nothing (LIVE-2 asks for 7 days)."""
DELETED_AT_ONCE: Final = 1_000


async def delete_old_events(session: Session, now: datetime) -> int:
    """Delete events that are too old and that all consumers have dealt with; how many.

    The last one always stays: the next number is counted from it.
    """
    reached = await store.lowest_cursor(session)
    last = await store.last_sequence(session)
    before = last if reached is None else min(last, reached + 1)
    return await store.delete_events(session, before, now - EVENTS_KEPT, DELETED_AT_ONCE)
