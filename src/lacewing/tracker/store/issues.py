from collections.abc import Sequence
from datetime import date, datetime
from typing import Any, Final
from uuid import UUID

import msgspec
from sqlalchemy import bindparam, delete, insert, select, update

from lacewing.accounts.public import Person, person_columns, person_of, users_as
from lacewing.kernel.db import Parameters, Session
from lacewing.kernel.db.types import Timestamp
from lacewing.tracker.rules import NO_DUE_DATE, Priority, Status, seconds_between
from lacewing.tracker.schemas import IssueView, ProjectRef
from lacewing.tracker.tables import issue_labels, issues, projects


class LockedIssue(msgspec.Struct, frozen=True):
    """An issue, and whether its project is read-only."""

    issue: IssueView
    in_archive: bool


reporters = users_as("reporter")
assignees = users_as("assignee")
COLUMNS: Final = (
    issues.c.id,
    issues.c.number,
    issues.c.title,
    issues.c.description,
    issues.c.description_html,
    issues.c.status,
    issues.c.priority,
    projects.c.id,
    projects.c.key,
    projects.c.name,
    *person_columns(reporters),
    *person_columns(assignees),
    issues.c.due_date,
    issues.c.labels,
    issues.c.created_at,
    issues.c.updated_at,
    issues.c.comment_count,
)
JOINED: Final = (
    select(*COLUMNS)
    .select_from(issues)
    .join(projects, projects.c.id == issues.c.project_id)
    .join(reporters, reporters.c.id == issues.c.reporter_id)
    .outerjoin(assignees, assignees.c.id == issues.c.assignee_id)
)

_BY_ID: Final = issues.c.id == bindparam("issue_id")
_ONE = JOINED.where(_BY_ID)
_ONE_LOCKED = _ONE.with_for_update(of=issues)
_PROJECT_OF: Final = select(issues.c.project_id).where(_BY_ID).scalar_subquery()
# The weakest lock that archiving waits for; taking a number does not.
_PROJECT_HELD = (
    select(projects.c.is_archived)
    .where(projects.c.id == _PROJECT_OF)
    .with_for_update(read=True, key_share=True)
)
_ID_BY_KEY = (
    select(issues.c.id)
    .join(projects, projects.c.id == issues.c.project_id)
    .where(projects.c.key == bindparam("project_key"), issues.c.number == bindparam("number"))
)
_IS_ARCHIVED = (
    select(projects.c.is_archived).join(issues, issues.c.project_id == projects.c.id).where(_BY_ID)
)
_INSERT = insert(issues)
_UPDATE = update(issues).where(_BY_ID)
_INSERT_LABEL = insert(issue_labels)
_DELETE_LABELS = delete(issue_labels).where(issue_labels.c.issue_id == bindparam("issue_id"))
_COUNT_COMMENT = (
    update(issues)
    .where(_BY_ID)
    .values(
        comment_count=issues.c.comment_count + 1,
        updated_at=bindparam("now", type_=Timestamp),
    )
)


def issue_of(
    issue_id: UUID,
    number: int,
    title: str,
    description: str,
    description_html: str,
    status: str,
    priority: Priority,
    project_id: UUID,
    project_key: str,
    project_name: str,
    reporter_id: UUID,
    reporter_username: str,
    reporter_full_name: str | None,
    assignee_id: UUID | None,
    assignee_username: str | None,
    assignee_full_name: str | None,
    due_date: date | None,
    labels: list[str],
    created_at: datetime,
    updated_at: datetime,
    comment_count: int,
) -> IssueView:
    """The issue of one row of ``JOINED``."""
    return IssueView(
        issue_id,
        f"{project_key}-{number}",
        title,
        description,
        description_html,
        Status(status),
        priority,
        ProjectRef(project_id, project_key, project_name),
        Person(reporter_id, reporter_username, reporter_full_name),
        person_of(assignee_id, assignee_username, assignee_full_name),
        due_date,
        labels,
        created_at,
        updated_at,
        comment_count,
    )


def row_of(
    view: IssueView,
    number: int,
    external_id: str | None = None,
    closed_at: datetime | None = None,
) -> dict[str, Any]:
    """The row of a new issue, or of one that was closed elsewhere."""
    return {
        "id": view.id,
        "project_id": view.project.id,
        "number": number,
        "title": view.title,
        "description": view.description,
        "description_html": view.description_html,
        "status": view.status.value,
        "priority": view.priority,
        "reporter_id": view.reporter.id,
        "assignee_id": None if view.assignee is None else view.assignee.id,
        "due_date": view.due_date,
        "due_order": view.due_date or NO_DUE_DATE,
        "labels": view.labels,
        "created_at": view.created_at,
        "updated_at": view.updated_at,
        "comment_count": view.comment_count,
        "closed_at": closed_at,
        "resolve_seconds": closed_at and seconds_between(view.created_at, closed_at),
        "external_id": external_id,
    }


async def insert_issue(session: Session, view: IssueView, number: int) -> None:
    await session.execute(_INSERT, row_of(view, number))
    await _insert_labels(session, view.id, view.labels)


async def insert_issues(session: Session, rows: Sequence[Parameters]) -> None:
    """Many at once, made by ``row_of``."""
    await session.execute_many(_INSERT, rows)
    await session.execute_many(
        _INSERT_LABEL,
        [{"issue_id": row["id"], "label": label} for row in rows for label in row["labels"]],
    )


async def find_issue(session: Session, issue_id: UUID) -> IssueView | None:
    return await session.one(issue_of, _ONE, {"issue_id": issue_id})


async def lock_issue(session: Session, issue_id: UUID) -> LockedIssue | None:
    """The issue, which nobody else changes or archives until the transaction ends.

    Whoever changes an issue or anything of it holds this, and takes it before other locks: the
    project, then the issue, then what belongs to it. So no two wait for each other.
    """
    values = {"issue_id": issue_id}
    in_archive: bool | None = await session.scalar(_PROJECT_HELD, values)
    issue = await session.one(issue_of, _ONE_LOCKED, values)
    if issue is None or in_archive is None:
        return None
    return LockedIssue(issue, in_archive)


async def find_issue_id(session: Session, project_key: str, number: int) -> UUID | None:
    values = {"project_key": project_key, "number": number}
    found: UUID | None = await session.scalar(_ID_BY_KEY, values)
    return found


async def is_in_archive(session: Session, issue_id: UUID) -> bool:
    return bool(await session.scalar(_IS_ARCHIVED, {"issue_id": issue_id}))


async def update_issue(session: Session, issue_id: UUID, **changes: Any) -> None:
    """Set these columns, the labels among them."""
    if "due_date" in changes:
        changes["due_order"] = changes["due_date"] or NO_DUE_DATE
    await session.execute(_UPDATE, {**changes, "issue_id": issue_id})
    if "labels" in changes:
        await session.execute(_DELETE_LABELS, {"issue_id": issue_id})
        await _insert_labels(session, issue_id, changes["labels"])


async def count_comment(session: Session, issue_id: UUID, now: datetime) -> None:
    await session.execute(_COUNT_COMMENT, {"issue_id": issue_id, "now": now})


async def _insert_labels(session: Session, issue_id: UUID, labels: list[str]) -> None:
    rows = [{"issue_id": issue_id, "label": label} for label in labels]
    await session.execute_many(_INSERT_LABEL, rows)
