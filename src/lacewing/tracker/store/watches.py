from collections.abc import Sequence
from uuid import UUID

import msgspec
from sqlalchemy import (
    and_,
    bindparam,
    delete,
    exists,
    false,
    func,
    or_,
    select,
    union,
    update,
)

from lacewing.kernel.db import Session
from lacewing.kernel.db.expressions import any_of, insert_new
from lacewing.tracker.tables import comments, issue_watches, issues


class Part(msgspec.Struct, frozen=True):
    """What one user has to do with an issue."""

    is_involved: bool
    """They reported it, are assigned to it, or commented on it."""
    chosen: bool | None
    """Whether they chose to watch it."""


_ISSUES = any_of(issues.c.id, "issue_ids")
_INVOLVED = union(
    select(issues.c.id, issues.c.reporter_id).where(_ISSUES),
    select(issues.c.id, issues.c.assignee_id).where(_ISSUES, issues.c.assignee_id.is_not(None)),
    select(comments.c.issue_id, comments.c.author_id).where(
        any_of(comments.c.issue_id, "issue_ids")
    ),
)
_COMMENTED = exists().where(
    comments.c.issue_id == issues.c.id, comments.c.author_id == bindparam("user_id")
)
_PART = (
    select(
        or_(
            issues.c.reporter_id == bindparam("user_id"),
            func.coalesce(issues.c.assignee_id == bindparam("user_id"), false()),
            _COMMENTED,
        ),
        issue_watches.c.is_watching,
    )
    .outerjoin(
        issue_watches,
        and_(
            issue_watches.c.issue_id == issues.c.id,
            issue_watches.c.user_id == bindparam("user_id"),
        ),
    )
    .where(issues.c.id == bindparam("issue_id"))
)
_CHOICES = select(
    issue_watches.c.issue_id, issue_watches.c.user_id, issue_watches.c.is_watching
).where(any_of(issue_watches.c.issue_id, "issue_ids"))
_INSERT = insert_new(issue_watches)
_CHOOSE = (
    update(issue_watches)
    .where(
        issue_watches.c.issue_id == bindparam("of_issue"),
        issue_watches.c.user_id == bindparam("of_user"),
    )
    .values(is_watching=bindparam("chosen"))
)
_UNMUTE = delete(issue_watches).where(
    issue_watches.c.issue_id == bindparam("of_issue"),
    issue_watches.c.user_id == bindparam("of_user"),
    issue_watches.c.is_watching.is_(False),
)


async def find_involved(session: Session, issue_ids: Sequence[UUID]) -> list[tuple[UUID, UUID]]:
    """Issue and user: who has reported it, is assigned to it, or has commented on it."""
    return await session.all(lambda *row: row, _INVOLVED, {"issue_ids": issue_ids})


async def find_part(session: Session, issue_id: UUID, user_id: UUID) -> Part:
    """Of an issue that is there."""
    found = await session.one(Part, _PART, {"issue_id": issue_id, "user_id": user_id})
    assert found is not None
    return found


async def find_choices(
    session: Session, issue_ids: Sequence[UUID]
) -> list[tuple[UUID, UUID, bool]]:
    """Issue, user and what they chose."""
    return await session.all(lambda *row: row, _CHOICES, {"issue_ids": issue_ids})


async def choose(session: Session, issue_id: UUID, user_id: UUID, *, is_watching: bool) -> None:
    """Keep what the user chose; the last word counts."""
    row = {"issue_id": issue_id, "user_id": user_id, "is_watching": is_watching}
    if not await session.execute(_INSERT, row):
        await session.execute(
            _CHOOSE, {"of_issue": issue_id, "of_user": user_id, "chosen": is_watching}
        )


async def add_watchers(session: Session, issue_id: UUID, user_ids: Sequence[UUID]) -> None:
    """Let them watch from now on, unless they have chosen already."""
    await session.execute_many(
        _INSERT,
        [
            {"issue_id": issue_id, "user_id": user_id, "is_watching": True}
            for user_id in sorted(user_ids)
        ],
    )


async def unmute(session: Session, issue_id: UUID, user_id: UUID) -> None:
    """Whoever takes part again, hears of it again."""
    await session.execute(_UNMUTE, {"of_issue": issue_id, "of_user": user_id})
