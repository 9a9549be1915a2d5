from collections.abc import Sequence
from datetime import datetime
from typing import Any, Final
from uuid import UUID

from sqlalchemy import bindparam, insert, select

from lacewing.accounts.public import person_columns, person_of, users_as
from lacewing.kernel.db import Parameters, Session
from lacewing.kernel.db.paging import Order, keyset_page
from lacewing.kernel.ids import new_id
from lacewing.kernel.pagination import PageRequest, Slice
from lacewing.tracker.schemas import HistoryEntry
from lacewing.tracker.tables import issue_history

_actor = users_as("actor")
_OF_ISSUE: Final = (
    select(
        issue_history.c.id,
        issue_history.c.at,
        *person_columns(_actor),
        issue_history.c.field,
        issue_history.c.before,
        issue_history.c.after,
        issue_history.c.comment_id,
    )
    .outerjoin_from(issue_history, _actor, _actor.c.id == issue_history.c.actor_id)
    .where(issue_history.c.issue_id == bindparam("issue_id"))
)
_OLDEST_FIRST: Final = Order(issue_history.c.at, issue_history.c.id)
_INSERT = insert(issue_history)


def _entry(
    entry_id: UUID,
    at: datetime,
    actor_id: UUID | None,
    actor_username: str | None,
    actor_full_name: str | None,
    field: str,
    before: Any,
    after: Any,
    comment_id: UUID | None,
) -> HistoryEntry:
    actor = person_of(actor_id, actor_username, actor_full_name)
    return HistoryEntry(entry_id, at, actor, field, before, after, comment_id)


def entry_row(
    issue_id: UUID,
    at: datetime,
    actor_id: UUID | None,
    field: str,
    before: Any,
    after: Any,
    comment_id: UUID | None = None,
) -> dict[str, Any]:
    """The row of a new entry; ``before`` and ``after`` are plain JSON values."""
    return {
        "id": new_id(),
        "issue_id": issue_id,
        "at": at,
        "actor_id": actor_id,
        "field": field,
        "before": before,
        "after": after,
        "comment_id": comment_id,
    }


async def insert_entries(session: Session, rows: Sequence[Parameters]) -> None:
    await session.execute_many(_INSERT, rows)


async def list_history(session: Session, issue_id: UUID, page: PageRequest) -> Slice[HistoryEntry]:
    """One page, oldest first."""
    values = {"issue_id": issue_id}
    return await keyset_page(session, _entry, _OF_ISSUE, _OLDEST_FIRST, page, values)
