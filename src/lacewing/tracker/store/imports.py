from typing import Any
from uuid import UUID

from sqlalchemy import bindparam, select, update

from lacewing.kernel.db import Session
from lacewing.kernel.db.expressions import any_of
from lacewing.tracker.rules import name_key
from lacewing.tracker.tables import comments, issues, projects

_KNOWN_ISSUES = select(issues.c.external_id, issues.c.id).where(
    issues.c.project_id == bindparam("project_id"), any_of(issues.c.external_id, "external_ids")
)
_KNOWN_COMMENTS = select(comments.c.external_id).where(
    comments.c.issue_id == bindparam("issue_id"), comments.c.external_id.is_not(None)
)
_NAME_TAKEN = select(projects.c.id).where(projects.c.name_key == bindparam("name"))
_COUNT = (
    update(issues)
    .where(issues.c.id == bindparam("issue_id"))
    .values(comment_count=issues.c.comment_count + bindparam("how_many"))
)


async def known_issues(
    session: Session, project_id: UUID, external_ids: list[str]
) -> dict[str, UUID]:
    """The ids of those issues that are there already, by their external id."""
    values: dict[str, Any] = {"project_id": project_id, "external_ids": external_ids}
    return dict(await session.all(lambda *row: row, _KNOWN_ISSUES, values))


async def known_comments(session: Session, issue_id: UUID) -> set[str]:
    """The external ids of the comments that are there already."""
    return set(await session.all(str, _KNOWN_COMMENTS, {"issue_id": issue_id}))


async def count_comments(session: Session, issue_id: UUID, how_many: int) -> None:
    await session.execute(_COUNT, {"issue_id": issue_id, "how_many": how_many})


async def free_project_name(session: Session, wishes: list[str]) -> str:
    """The first of ``wishes`` that no project has; else the last one with a number."""
    for name in wishes:
        if await session.scalar(_NAME_TAKEN, {"name": name_key(name)}) is None:
            return name
    number = 2
    while await session.scalar(_NAME_TAKEN, {"name": name_key(f"{wishes[-1]} {number}")}):
        number += 1
    return f"{wishes[-1]} {number}"
