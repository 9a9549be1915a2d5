"""The consumer of the event log that tells users: one row for each who hears of an event."""

import asyncio
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from operator import itemgetter
from typing import Final
from uuid import UUID

from lacewing.accounts.public import find_active_among, list_active_ids
from lacewing.kernel.db import Session
from lacewing.kernel.events import RecordedEvent
from lacewing.kernel.events.consumer import Consumer
from lacewing.notifications.rules import (
    Reason,
    about,
    audience,
    is_for_everyone,
    reasons,
    watched_issue,
)
from lacewing.notifications.store import notifications as store, preferences
from lacewing.tracker.public import find_watchers

ROWS_MAX: Final = 10_000
"""Of one transaction, unless a single event has more: a post has one for each user."""
ROWS_AT_ONCE: Final = 500
"""Written before others have their turn on the event loop: SQLite's statements run on it."""


async def tell(session: Session, events: Sequence[RecordedEvent], now: datetime) -> int:
    """Write down who hears of the first of these events; how many events that were.

    Who watches when it is told, hears of it: that is a moment after it has happened.
    """
    told = [event for event in events if about(event) is not None]
    issue_ids = {issue_id for event in told if (issue_id := watched_issue(event)) is not None}
    watchers = await find_watchers(session, sorted(issue_ids)) if issue_ids else {}
    everyone: frozenset[UUID] = frozenset()
    if any(map(is_for_everyone, told)):
        everyone = frozenset(await list_active_ids(session))
    count, heard = _bounded(events, watchers, everyone)
    await _write(session, heard, everyone, now)
    return count


_Heard = list[tuple[RecordedEvent, Mapping[UUID, tuple[Reason, ...]]]]


def _bounded(
    events: Sequence[RecordedEvent],
    watchers: Mapping[UUID, Iterable[UUID]],
    everyone: frozenset[UUID],
) -> tuple[int, _Heard]:
    """So many of the events, with who could hear of each, as make no more rows than may be."""
    heard: _Heard = []
    rows = 0
    for count, event in enumerate(events):
        found = reasons(event, watchers, everyone)
        rows += len(found)
        if rows > ROWS_MAX and heard:
            return count, heard
        heard.append((event, found))
    return len(events), heard


async def _write(session: Session, heard: _Heard, everyone: frozenset[UUID], now: datetime) -> None:
    user_ids = {user_id for _, found in heard for user_id in found}
    active = everyone
    if others := user_ids - everyone:
        active |= await find_active_among(session, sorted(others))
    unwanted = await preferences.find_unwanted(session, sorted(user_ids))
    rows = [
        store.row_of(event.sequence, user_id, reason, now)
        for event, found in heard
        for user_id, reason in audience(found, unwanted).items()
        if user_id in active
    ]
    # Each holds its user's row until the end: in one order, so that no two wait for each other.
    rows.sort(key=itemgetter("user_id", "sequence"))
    for first in range(0, len(rows), ROWS_AT_ONCE):
        await store.insert_notifications(session, rows[first : first + ROWS_AT_ONCE])
        await asyncio.sleep(0)


TELLING: Final = Consumer("notifications", tell)
