from typing import Any
from uuid import UUID

from lacewing.kernel.events import Event


class ProjectCreated(Event, frozen=True, tag="project.created"):
    project_id: UUID


class ProjectChanged(Event, frozen=True, tag="project.changed"):
    project_id: UUID
    fields: list[str]


class ProjectArchived(Event, frozen=True, tag="project.archived"):
    project_id: UUID


class IssueCreated(Event, frozen=True, tag="issue.created"):
    issue_id: UUID
    project_id: UUID


class IssueChanged(Event, frozen=True, tag="issue.changed"):
    issue_id: UUID
    project_id: UUID
    fields: list[str]


class IssueStatusChanged(Event, frozen=True, tag="issue.status_changed"):
    issue_id: UUID
    project_id: UUID
    before: str
    after: str


class IssueAssigned(Event, frozen=True, tag="issue.assigned"):
    issue_id: UUID
    project_id: UUID
    assignee_id: UUID | None


class CommentCreated(Event, frozen=True, tag="comment.created"):
    comment_id: UUID
    issue_id: UUID
    project_id: UUID


class CommentChanged(Event, frozen=True, tag="comment.changed"):
    comment_id: UUID
    issue_id: UUID
    project_id: UUID


class IssuesImported(Event, frozen=True, tag="issues.imported"):
    project_id: UUID
    source: str
    counts: dict[str, Any]
