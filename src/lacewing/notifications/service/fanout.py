"""The consumer of the event log that tells users: one row for each who hears of an event."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from operator import itemgetter
from typing import Any, Final
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
    watched_issue,
)
from lacewing.notifications.store import notifications as store, preferences
from lacewing.tracker.public import find_watchers


async def tell(session: Session, events: Sequence[RecordedEvent], now: datetime) -> None:
    """Write down who hears of these events, but for what they do not want to hear of.

    Who watches when it is told, hears of it: that is a moment after it has happened.
    """
    told = [event for event in events if about(event) is not None]
    if not told:
        return
    issue_ids = {issue_id for event in told if (issue_id := watched_issue(event)) is not None}
    watchers = await find_watchers(session, sorted(issue_ids)) if issue_ids else {}
    everyone: frozenset[UUID] = frozenset()
    if any(map(is_for_everyone, told)):
        everyone = frozenset(await list_active_ids(session))
    audiences = [(event, audience(event, watchers, everyone)) for event in told]
    reached = await _reached(session, [heard for _, heard in audiences], everyone)
    rows: list[dict[str, Any]] = []
    for event, heard in audiences:
        rows += [
            store.row_of(event.sequence, user_id, reason, now)
            for user_id, reason in heard.items()
            if (user_id, reason) in reached
        ]
    # Each holds its user's row until the end: in one order, so that no two wait for each other.
    rows.sort(key=itemgetter("user_id", "sequence"))
    await store.insert_notifications(session, rows)


async def _reached(
    session: Session, audiences: Sequence[Mapping[UUID, Reason]], everyone: frozenset[UUID]
) -> frozenset[tuple[UUID, Reason]]:
    """Of all users and reasons those who are here, and want to hear of it."""
    pairs = {pair for heard in audiences for pair in heard.items()}
    user_ids = {user_id for user_id, _ in pairs}
    active = everyone
    if not user_ids <= everyone:
        active |= await find_active_among(session, sorted(user_ids - everyone))
    unwanted = await preferences.find_unwanted(session, sorted(user_ids))
    return frozenset(pair for pair in pairs - unwanted if pair[0] in active)


TELLING: Final = Consumer("notifications", tell)
