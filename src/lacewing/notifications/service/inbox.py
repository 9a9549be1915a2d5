"""What happened while the user was away."""

from datetime import datetime
from typing import Final

from lacewing.kernel.db import Session
from lacewing.kernel.events import store as events_store
from lacewing.kernel.pagination import PageRequest, Slice
from lacewing.kernel.work import Work
from lacewing.notifications.errors import NotificationNotFound
from lacewing.notifications.rules import About, about
from lacewing.notifications.schemas import Marked, NotificationView
from lacewing.notifications.service.subjects import Describers, find_subjects, may_hear
from lacewing.notifications.store import notifications as store
from lacewing.notifications.store.notifications import Told

DELETED_AT_ONCE: Final = 1_000


async def list_notifications(
    work: Work, describers: Describers, page: PageRequest, *, is_unread: bool | None
) -> Slice[NotificationView]:
    """One page of what the actor was told, newest first (LIVE-5)."""
    found = await store.list_inbox(work.session, work.actor.id, page, is_unread=is_unread)
    return Slice(await _shown(work, describers, found.items), found.last_key, found.total)


async def get_notification(
    work: Work, describers: Describers, notification_id: int
) -> NotificationView:
    """One of them.

    Raises:
        NotificationNotFound: there is none of the actor's.
    """
    found = await store.find_notification(work.session, work.actor.id, notification_id)
    if found is None or not (shown := await _shown(work, describers, [found])):
        raise NotificationNotFound
    return shown[0]


async def mark_read(work: Work, describers: Describers, notification_id: int) -> NotificationView:
    """Mark it as read; the first time counts.

    Raises:
        NotificationNotFound: there is none of the actor's.
    """
    await get_notification(work, describers, notification_id)
    await store.mark_read(work.session, work.actor.id, notification_id, work.now)
    return await get_notification(work, describers, notification_id)


async def mark_all_read(work: Work) -> Marked:
    """Mark all of them as read."""
    return Marked(await store.mark_all_read(work.session, work.actor.id, work.now))


async def delete_forgotten(session: Session, _now: datetime) -> int:
    """Delete what tells of events that are no longer kept; how many."""
    first = await events_store.first_sequence(session)
    return await store.delete_before(session, first, DELETED_AT_ONCE)


async def _shown(work: Work, describers: Describers, told: list[Told]) -> list[NotificationView]:
    events = [each.event for each in told]
    subjects = await find_subjects(work.session, describers, events)
    shown = []
    for each in told:
        found = about(each.event)
        assert isinstance(found, About)
        subject = subjects.get(found)
        if may_hear(subject, work.actor.id):
            shown.append(
                NotificationView(
                    id=each.event.sequence,
                    type=each.event.name,
                    at=each.event.at,
                    reason=each.reason,
                    actor=each.actor,
                    title=None if subject is None else subject.title,
                    link=None if subject is None else subject.link,
                    data=each.event.data,
                    read_at=each.read_at,
                )
            )
    return shown
