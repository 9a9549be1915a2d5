"""Projects and issues as other domains join and show them (NAME-4)."""

from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, FromClause

from lacewing.tracker.schemas import IssueRef, ProjectRef
from lacewing.tracker.tables import issues, projects


def projects_as(name: str) -> FromClause:
    """The projects' table under another name, to be joined."""
    return projects.alias(name)


def issues_as(name: str) -> FromClause:
    """The issues' table under another name, to be joined."""
    return issues.alias(name)


def project_columns(table: FromClause) -> tuple[ColumnElement[Any], ...]:
    """What ``project_of`` wants, in its order."""
    return table.c.id, table.c.key, table.c.name


def issue_columns(table: FromClause) -> tuple[ColumnElement[Any], ...]:
    """What ``issue_of`` wants after the project, in its order."""
    return table.c.id, table.c.number, table.c.title


def project_of(project_id: UUID | None, key: str | None, name: str | None) -> ProjectRef | None:
    """The project of three joined columns; ``None`` when there was none to join."""
    if project_id is None or key is None or name is None:
        return None
    return ProjectRef(project_id, key, name)


def issue_of(
    project: ProjectRef | None, issue_id: UUID | None, number: int | None, title: str | None
) -> IssueRef | None:
    """The issue of three joined columns; ``None`` when there was none to join."""
    if project is None or issue_id is None or title is None:
        return None
    return IssueRef(issue_id, f"{project.key}-{number}", title)
