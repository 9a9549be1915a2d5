"""What other domains may use of the tracker: the places that their things belong to."""

from uuid import UUID

from lacewing.kernel.work import Work
from lacewing.tracker.errors import IssueNotFound, ProjectArchived, ProjectNotFound
from lacewing.tracker.schemas import IssueRef, ProjectRef
from lacewing.tracker.service.places import (
    Place,
    find_place,
    hold_place,
    lock_issue,
    note_in_history,
)
from lacewing.tracker.service.watching import find_watchers
from lacewing.tracker.store import attached_texts
from lacewing.tracker.store.places import (
    issue_columns,
    issue_of,
    issues_as,
    project_columns,
    project_of,
    projects_as,
)
from lacewing.tracker.store.subjects import describe_issues

__all__ = [
    "IssueNotFound",
    "IssueRef",
    "Place",
    "ProjectArchived",
    "ProjectNotFound",
    "ProjectRef",
    "attach_text",
    "describe_issues",
    "detach_text",
    "find_place",
    "find_watchers",
    "hold_place",
    "issue_columns",
    "issue_of",
    "issues_as",
    "lock_issue",
    "note_in_history",
    "project_columns",
    "project_of",
    "projects_as",
]


async def attach_text(
    work: Work, issue_id: UUID, document_id: UUID, filename: str, text: str
) -> None:
    """Let the issue be found by the words of this document, in this transaction."""
    await attached_texts.put_text(work.session, issue_id, document_id, filename, text, work.now)


async def detach_text(work: Work, issue_id: UUID, document_id: UUID) -> None:
    """Let the issue no longer be found by the words of this document."""
    await attached_texts.drop_text(work.session, issue_id, document_id)
