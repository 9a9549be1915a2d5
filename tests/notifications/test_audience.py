"""Who hears of an event, and why: one pure function, by a table."""

from datetime import UTC, datetime
from typing import Any, Final
from uuid import UUID

import pytest

from lacewing.kernel.events import RecordedEvent
from lacewing.notifications.rules import Reason, audience, reasons

ACTOR: Final = UUID(int=1)
ANN: Final = UUID(int=2)
BEN: Final = UUID(int=3)
EVERYONE: Final = (ACTOR, ANN, BEN)
ISSUE: Final = UUID(int=100)
WATCHERS: Final = {ISSUE: frozenset({ACTOR, ANN})}
PLACE: Final = {"issue_id": str(ISSUE), "project_id": str(UUID(int=200))}
OWN: Final = {ACTOR: Reason.OWN}


def event(name: str, data: dict[str, Any], actor_id: UUID | None = ACTOR) -> RecordedEvent:
    return RecordedEvent(1, UUID(int=9), name, 1, datetime(2026, 1, 31, tzinfo=UTC), actor_id, data)


AUDIENCES: Final[dict[str, tuple[RecordedEvent, dict[UUID, Reason]]]] = {
    "watchers of an issue, and who did it": (
        event("issue.changed", {**PLACE, "mentioned": []}),
        {**OWN, ANN: Reason.WATCHING},
    ),
    "a new issue's assignee": (
        event("issue.created", {**PLACE, "assignee_id": str(BEN), "mentioned": []}),
        {**OWN, ANN: Reason.WATCHING, BEN: Reason.ASSIGNED},
    ),
    "an assignee who watches: the more personal reason": (
        event("issue.assigned", {**PLACE, "assignee_id": str(ANN)}),
        {**OWN, ANN: Reason.ASSIGNED},
    ),
    "nobody in the place of an assignee": (
        event("issue.assigned", {**PLACE, "assignee_id": None}),
        {**OWN, ANN: Reason.WATCHING},
    ),
    "who was assigned before, and no longer watches": (
        event("issue.assigned", {**PLACE, "assignee_id": str(ANN), "assigned_before": str(BEN)}),
        {**OWN, ANN: Reason.ASSIGNED, BEN: Reason.WATCHING},
    ),
    "who is mentioned, watching or not": (
        event("comment.created", {**PLACE, "comment_id": "c", "mentioned": [str(ANN), str(BEN)]}),
        {**OWN, ANN: Reason.MENTIONED, BEN: Reason.MENTIONED},
    ),
    "who mentions themselves, did it": (
        event("comment.created", {**PLACE, "comment_id": "c", "mentioned": [str(ACTOR)]}),
        {**OWN, ANN: Reason.WATCHING},
    ),
    "everybody, of a post": (
        event("post.created", {"post_id": str(UUID(int=300)), "author_id": str(ACTOR)}),
        {**OWN, ANN: Reason.POST, BEN: Reason.POST},
    ),
    "its owner alone, of a collection": (
        event(
            "collection.created",
            {"collection_id": str(UUID(int=300)), "owner_id": str(ACTOR)},
        ),
        OWN,
    ),
    "the owner of a document, when Lacewing has read it": (
        event(
            "document.process_completed",
            {
                "document_id": str(UUID(int=300)),
                "owner_id": str(BEN),
                "issue_id": None,
                "project_id": None,
            },
            None,
        ),
        {BEN: Reason.OWNER},
    ),
    "the watchers of the issue that a document belongs to": (
        event(
            "document.uploaded",
            {**PLACE, "document_id": str(UUID(int=300)), "owner_id": str(ACTOR)},
        ),
        {**OWN, ANN: Reason.WATCHING},
    ),
    "an import: nobody": (
        event("issues.imported", {"project_id": "p", "source": "s", "counts": {}}),
        {},
    ),
    "imported posts: nobody": (event("posts.imported", {"source": "s", "counts": {}}), {}),
    "a login: nobody": (event("session.started", {"user_id": "u", "session_id": "s"}), {}),
    "a changed user: nobody": (event("user.changed", {"user_id": "u", "fields": []}), {}),
    "a project: nobody": (event("project.created", {"project_id": "p"}), {}),
}


@pytest.mark.parametrize("case", AUDIENCES)
def test_each_hears_for_the_most_personal_reason(case: str) -> None:
    """LIVE-1: owners hear of their own private things, and nobody else does."""
    told, expected = AUDIENCES[case]

    assert audience(reasons(told, WATCHERS, EVERYONE), ()) == expected


def test_who_does_not_want_one_reason_hears_for_the_next() -> None:
    """LIVE-5: a preference silences a reason, not the issue that one watches as well."""
    told = event("comment.created", {**PLACE, "mentioned": [str(ANN), str(BEN)]})
    found = reasons(told, WATCHERS, EVERYONE)
    unwanted = {(ANN, Reason.MENTIONED), (BEN, Reason.MENTIONED), (ACTOR, Reason.WATCHING)}

    assert audience(found, unwanted) == {**OWN, ANN: Reason.WATCHING}
