"""Issues as lines about them show them."""

from collections.abc import Sequence
from uuid import UUID

from sqlalchemy import select

from lacewing.kernel.db import Session
from lacewing.kernel.db.expressions import any_of
from lacewing.kernel.subjects import Subject
from lacewing.tracker.tables import issues, projects

_ISSUES = (
    select(issues.c.id, projects.c.key, issues.c.number, issues.c.title)
    .join_from(issues, projects, projects.c.id == issues.c.project_id)
    .where(any_of(issues.c.id, "issue_ids"))
)


async def describe_issues(session: Session, issue_ids: Sequence[UUID]) -> dict[UUID, Subject]:
    """Each by its key and title; everybody who is signed in may see them."""

    def described(issue_id: UUID, key: str, number: int, title: str) -> tuple[UUID, Subject]:
        return issue_id, Subject(f"{key}-{number} {title}", f"/api/issues/{issue_id}")

    return dict(await session.all(described, _ISSUES, {"issue_ids": issue_ids}))
