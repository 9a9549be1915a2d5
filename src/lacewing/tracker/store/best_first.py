"""Found issues, best match first, in pages that hold while others write.

The newest ``RANKED_MAX`` matches are ranked; older ones follow, newest first: a common word matches
half of a million issues. Where the two meet is settled with the first page and carried by the
cursor, so that an issue that is there throughout stands on one page, exactly once.
"""

from functools import lru_cache
from typing import Any, Final
from uuid import UUID

import msgspec
from sqlalchemy import ColumnElement, Integer, Select, Uuid, bindparam, case, select

from lacewing.kernel.db import Session
from lacewing.kernel.db.paging import Order, keyset_page
from lacewing.kernel.pagination import TOTAL_COUNTED_MAX, InvalidCursor, PageRequest, Slice
from lacewing.tracker.schemas import IssueView
from lacewing.tracker.store import search
from lacewing.tracker.store.issues import JOINED, issue_of
from lacewing.tracker.tables import issues

RANKED_MAX: Final = 1_000
WINDOW: Final = TOTAL_COUNTED_MAX + 1
"""Matches looked through for one page: those that are ranked, and what came after them."""
OLDER_RANK: Final = 0.0
"""Below all that is ranked."""
FIRST_ID: Final = UUID(int=0)
LAST_ID: Final = UUID(int=2**128 - 1)

Place = tuple[UUID, float, UUID]
"""What the cursor holds: the border, and the rank and id of the last issue."""

_border: Final = bindparam("border", type_=Uuid())
_NEWEST_FIRST: Final = Order(issues.c.id, descending=True)


class _Statements(msgspec.Struct, frozen=True):
    border: Select[Any]
    """The newest issue that is not ranked any more."""
    ranked: Select[Any]
    best: Order
    older: Select[Any]


@lru_cache(maxsize=500)
def _statements(
    dialect: str, conditions: tuple[ColumnElement[bool], ...], *, only_what_not: bool
) -> _Statements:
    found = search.joined_to_index(select(issues.c.id).select_from(issues), dialect).where(
        *conditions, search.matches(dialect, only_what_not=only_what_not)
    )
    is_ranked = issues.c.id > _border
    candidates = (
        found.add_columns(case((is_ranked, search.rank(dialect)), else_=OLDER_RANK).label("rank"))
        .where(issues.c.id > bindparam("beyond", type_=Uuid()))
        .order_by(issues.c.id.desc())
        .limit(bindparam("window", type_=Integer))
        .subquery("candidate")
    )
    return _Statements(
        border=found.order_by(issues.c.id.desc())
        .offset(bindparam("ranked_max", type_=Integer))
        .limit(1),
        ranked=JOINED.join(candidates, candidates.c.id == issues.c.id),
        best=Order(candidates.c.rank, issues.c.id, descending=True),
        older=search.joined_to_index(JOINED, dialect).where(
            *conditions,
            search.matches(dialect, only_what_not=only_what_not),
            issues.c.id <= _border,
        ),
    )


async def list_best_first(
    session: Session,
    conditions: tuple[ColumnElement[bool], ...],
    page: PageRequest,
    parameters: dict[str, Any],
    *,
    only_what_not: bool,
    ranked_max: int = RANKED_MAX,
) -> Slice[IssueView]:
    """One page of the issues that match, narrowed to ``conditions``."""
    statements = _statements(session.dialect, conditions, only_what_not=only_what_not)
    place = None if page.after is None else _place(page.after)
    if place is None:
        border_values = {**parameters, "ranked_max": ranked_max}
        border: UUID = await session.scalar(statements.border, border_values) or FIRST_ID
    else:
        border = place[0]
    values = {**parameters, "border": border, "beyond": border, "window": WINDOW}
    if page.page is not None:
        values |= {"beyond": FIRST_ID, "window": max(WINDOW, page.page * page.limit + 1)}
        return _carrying(
            border,
            await keyset_page(session, issue_of, statements.ranked, statements.best, page, values),
        )
    best: list[IssueView] = []
    after = None
    if place is None or place[1] > OLDER_RANK:
        ranked_page = PageRequest(page.limit, None if place is None else [*place[1:]])
        ranked = await keyset_page(
            session, issue_of, statements.ranked, statements.best, ranked_page, values
        )
        if ranked.last_key is not None or border == FIRST_ID:
            return _carrying(border, ranked)
        best = ranked.items
    else:
        after = [place[2]]
    missing = page.limit - len(best)
    if missing == 0:
        return Slice(best, [border, OLDER_RANK, LAST_ID])
    older = await keyset_page(
        session,
        issue_of,
        statements.older,
        _NEWEST_FIRST,
        PageRequest(missing, after),
        {**parameters, "border": border},
    )
    last_key = None if older.last_key is None else [border, OLDER_RANK, *older.last_key]
    return Slice([*best, *older.items], last_key)


def _place(after: list[Any]) -> Place:
    try:
        place: Place = msgspec.convert(after, Place)
    except msgspec.ValidationError as error:
        raise InvalidCursor from error
    return place


def _carrying(border: UUID, found: Slice[IssueView]) -> Slice[IssueView]:
    last_key = None if found.last_key is None else [border, *found.last_key]
    return Slice(found.items, last_key, found.total)
