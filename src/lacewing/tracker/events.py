from typing import Any
from uuid import UUID

from lacewing.kernel.events import Event


class ProjectCreated(Event, frozen=True, tag="project.created"):
    """A project was made."""

    project_id: UUID


class ProjectChanged(Event, frozen=True, tag="project.changed"):
    """Some fields of a project have new values."""

    project_id: UUID
    fields: list[str]


class ProjectArchived(Event, frozen=True, tag="project.archived"):
    """A project became read-only."""

    project_id: UUID


class IssueCreated(Event, frozen=True, tag="issue.created"):
    """An issue was reported."""

    issue_id: UUID
    project_id: UUID
    assignee_id: UUID | None
    mentioned: list[UUID]


class IssueChanged(Event, frozen=True, tag="issue.changed"):
    """Fields of an issue other than status and assignee have new values."""

    issue_id: UUID
    project_id: UUID
    fields: list[str]
    mentioned: list[UUID]
    """Who stands in the new description and did not in the old one."""


class IssueStatusChanged(Event, frozen=True, tag="issue.status_changed"):
    """An issue took a step."""

    issue_id: UUID
    project_id: UUID
    before: str
    after: str


class IssueAssigned(Event, frozen=True, tag="issue.assigned"):
    """An issue was given to somebody, or taken from them."""

    issue_id: UUID
    project_id: UUID
    assignee_id: UUID | None
    assigned_before: UUID | None = None
    """Whose it was."""


class CommentCreated(Event, frozen=True, tag="comment.created"):
    """Somebody commented on an issue."""

    comment_id: UUID
    issue_id: UUID
    project_id: UUID
    mentioned: list[UUID]


class CommentChanged(Event, frozen=True, tag="comment.changed"):
    """A comment was edited."""

    comment_id: UUID
    issue_id: UUID
    project_id: UUID
    mentioned: list[UUID]
    """Who stands in the new text and did not in the old one."""


class IssuesImported(Event, frozen=True, tag="issues.imported"):
    """Issues of another tracker came in; there is no event for each of them."""

    project_id: UUID
    source: str
    counts: dict[str, Any]
