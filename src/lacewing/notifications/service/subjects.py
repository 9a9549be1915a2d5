"""What notifications are about, as it is now: asked again whenever one is shown."""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from uuid import UUID

from lacewing.kernel.db import Session
from lacewing.kernel.events import RecordedEvent
from lacewing.kernel.subjects import Describe, Subject
from lacewing.notifications.rules import About, SubjectKind, about

Describers = Mapping[SubjectKind, Describe]


async def find_subjects(
    session: Session, describers: Describers, events: Iterable[RecordedEvent]
) -> Mapping[About, Subject]:
    """What these events are about, as far as it is still there."""
    wanted: dict[SubjectKind, set[UUID]] = defaultdict(set)
    for event in events:
        if (subject := about(event)) is not None:
            wanted[subject.kind].add(subject.id)
    found: dict[About, Subject] = {}
    for kind, ids in wanted.items():
        described = await describers[kind](session, sorted(ids))
        found |= {About(kind, each): subject for each, subject in described.items()}
    return found


def may_hear(subject: Subject | None, user_id: UUID) -> bool:
    """Whether it is still the user's to see; what is gone tells nothing any more."""
    return subject is None or subject.owner_id in {None, user_id}
