"""Who hears of an event, and why: pure functions of the event and of who watches."""

from collections.abc import Container, Iterable, Mapping
from datetime import timedelta
from enum import StrEnum
from typing import Final
from uuid import UUID

import msgspec

from lacewing.kernel.events import RecordedEvent

TICKET_LIFETIME: Final = timedelta(seconds=30)
SOCKETS_OF_USER_MAX: Final = 20
"""Sockets and streams of one user: more tabs than anybody looks at."""


class Reason(StrEnum):
    """Why somebody hears of an event, from the most to the least personal."""

    MENTIONED = "mentioned"
    ASSIGNED = "assigned"
    OWNER = "owner"
    WATCHING = "watching"
    POST = "post"
    OWN = "own"
    """They did it themselves."""


class SubjectKind(StrEnum):
    """What an event is about."""

    ISSUE = "issue"
    DOCUMENT = "document"
    POST = "post"
    COLLECTION = "collection"


class About(msgspec.Struct, frozen=True):
    kind: SubjectKind
    id: UUID


_SUBJECTS: Final = {
    "issue": (SubjectKind.ISSUE, "issue_id"),
    "comment": (SubjectKind.ISSUE, "issue_id"),
    "document": (SubjectKind.DOCUMENT, "document_id"),
    "post": (SubjectKind.POST, "post_id"),
    "collection": (SubjectKind.COLLECTION, "collection_id"),
}
"""By the first part of an event's name; nobody hears of other events (an import, say)."""


def about(event: RecordedEvent) -> About | None:
    """What the event is about, or ``None`` where nobody is told of such events."""
    found = _SUBJECTS.get(event.name.partition(".")[0])
    if found is None:
        return None
    kind, member = found
    return About(kind, UUID(event.data[member]))


def watched_issue(event: RecordedEvent) -> UUID | None:
    """The issue whose watchers hear of the event."""
    issue_id = event.data.get("issue_id")
    return None if about(event) is None or issue_id is None else UUID(issue_id)


def is_for_everyone(event: RecordedEvent) -> bool:
    """Whether all users hear of it."""
    found = about(event)
    return found is not None and found.kind is SubjectKind.POST


def reasons(
    event: RecordedEvent,
    watchers: Mapping[UUID, Iterable[UUID]],
    everyone: Iterable[UUID],
) -> dict[UUID, tuple[Reason, ...]]:
    """Why each could hear of the event, the most personal reason first (LIVE-1).

    ``watchers`` are those of each issue, ``everyone`` all who may hear of anything. Who has done it
    hears of it for that reason alone.
    """
    if about(event) is None:
        return {}
    found: dict[UUID, tuple[Reason, ...]] = {}

    def add(user_ids: Iterable[UUID], reason: Reason) -> None:
        found.update({user_id: (reason, *found.get(user_id, ())) for user_id in user_ids})

    if is_for_everyone(event):
        found.update(dict.fromkeys(everyone, (Reason.POST,)))
    if (issue_id := watched_issue(event)) is not None:
        before = _people(event, "assigned_before")
        add({*watchers.get(issue_id, ()), *before}, Reason.WATCHING)
    add(_people(event, "owner_id"), Reason.OWNER)
    add(_people(event, "assignee_id"), Reason.ASSIGNED)
    add(map(UUID, event.data.get("mentioned", ())), Reason.MENTIONED)
    if event.actor_id is not None:
        found[event.actor_id] = (Reason.OWN,)
    return found


def _people(event: RecordedEvent, member: str) -> list[UUID]:
    user_id = event.data.get(member)
    return [] if user_id is None else [UUID(user_id)]


def audience(
    found: Mapping[UUID, tuple[Reason, ...]], unwanted: Container[tuple[UUID, Reason]]
) -> dict[UUID, Reason]:
    """For which of their reasons each hears: the first that they want to hear for.

    Whoever wants none of their reasons hears nothing.
    """
    return {
        user_id: wanted[0]
        for user_id, all_of_them in found.items()
        if (wanted := [reason for reason in all_of_them if (user_id, reason) not in unwanted])
    }
