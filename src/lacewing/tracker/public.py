"""What other domains may use of the tracker: places that their things belong to, and figures."""

from uuid import UUID

from lacewing.kernel.work import Work
from lacewing.tracker.errors import (
    IssueNotFound,
    NotYourProject,
    ProjectArchived,
    ProjectNotFound,
)
from lacewing.tracker.rules import AGES, OPEN_STATUSES, RESOLVED_STATUSES, name_of_age
from lacewing.tracker.schemas import IssueRef, ProjectQuery, ProjectRef
from lacewing.tracker.service.figures import Figures, read_figures, read_figures_of
from lacewing.tracker.service.places import (
    Place,
    find_place,
    hold_place,
    lock_issue,
    note_in_history,
)
from lacewing.tracker.service.projects import (
    get_own_project,
    list_projects,
    lock_own_project,
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
    "AGES",
    "OPEN_STATUSES",
    "RESOLVED_STATUSES",
    "Figures",
    "IssueNotFound",
    "IssueRef",
    "NotYourProject",
    "Place",
    "ProjectArchived",
    "ProjectNotFound",
    "ProjectQuery",
    "ProjectRef",
    "attach_text",
    "describe_issues",
    "detach_text",
    "find_place",
    "find_watchers",
    "get_own_project",
    "hold_place",
    "issue_columns",
    "issue_of",
    "issues_as",
    "list_projects",
    "lock_issue",
    "lock_own_project",
    "name_of_age",
    "note_in_history",
    "project_columns",
    "project_of",
    "projects_as",
    "read_figures",
    "read_figures_of",
]


async def attach_text(
    work: Work, issue_id: UUID, document_id: UUID, filename: str, text: str
) -> None:
    """Let the issue be found by the words of this document, in this transaction."""
    await attached_texts.put_text(work.session, issue_id, document_id, filename, text, work.now)


async def detach_text(work: Work, issue_id: UUID, document_id: UUID) -> None:
    """Let the issue no longer be found by the words of this document."""
    await attached_texts.drop_text(work.session, issue_id, document_id)
