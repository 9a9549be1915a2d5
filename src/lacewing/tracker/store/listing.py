"""Lists of issues: one statement for each combination of filters, built once."""

from datetime import date, datetime
from functools import lru_cache
from typing import Any, Final
from uuid import UUID

import msgspec
from sqlalchemy import ColumnElement, Date, Select, and_, bindparam, exists, not_, or_

from lacewing.kernel.db import Session
from lacewing.kernel.db.expressions import also_any_of, any_of
from lacewing.kernel.db.full_text import plan_for_these_words
from lacewing.kernel.db.paging import Order, keyset_page
from lacewing.kernel.pagination import PageRequest, Slice
from lacewing.kernel.words import says_only_what_not
from lacewing.tracker.rules import Priority, Status
from lacewing.tracker.schemas import IssueSort, IssueView
from lacewing.tracker.store import search
from lacewing.tracker.store.best_first import list_best_first
from lacewing.tracker.store.issues import JOINED, issue_of
from lacewing.tracker.tables import issue_labels, issues

DEFAULT_SORT: Final = IssueSort.CREATED_DESC


class IssueFilter(msgspec.Struct, frozen=True):
    """What a list is narrowed to; ``None`` where it is not."""

    project_id: UUID | None = None
    reach: frozenset[UUID] | None = None
    """The projects that are there for the asker; ``None`` for all."""
    status: list[Status] | None = None
    priority: list[Priority] | None = None
    assignee_ids: list[UUID] | None = None
    or_unassigned: bool = False
    not_assignee_ids: list[UUID] | None = None
    and_assigned: bool = False
    reporter_ids: list[UUID] | None = None
    label: list[str] | None = None
    due_before: date | None = None
    created_from: datetime | None = None
    created_before: datetime | None = None
    closed_from: datetime | None = None
    closed_before: datetime | None = None
    search: str | None = None


_ORDERS: Final = {
    IssueSort.CREATED: Order(issues.c.created_at, issues.c.id),
    IssueSort.CREATED_DESC: Order(issues.c.created_at, issues.c.id, descending=True),
    IssueSort.UPDATED: Order(issues.c.updated_at, issues.c.id),
    IssueSort.UPDATED_DESC: Order(issues.c.updated_at, issues.c.id, descending=True),
    IssueSort.PRIORITY: Order(issues.c.priority, issues.c.id),
    IssueSort.PRIORITY_DESC: Order(issues.c.priority, issues.c.id, descending=True),
    IssueSort.DUE: Order(issues.c.due_order, issues.c.id),
    IssueSort.DUE_DESC: Order(issues.c.due_order, issues.c.id, descending=True),
}

_ASSIGNED: Final = also_any_of(issues.c.assignee_id, "assignee_ids")
_NOT_ASSIGNED: Final = not_(also_any_of(issues.c.assignee_id, "not_assignee_ids"))
_CONDITIONS: Final[dict[str, ColumnElement[bool]]] = {
    "project_id": issues.c.project_id == bindparam("project_id"),
    "reach": also_any_of(issues.c.project_id, "reach"),
    "status": also_any_of(issues.c.status, "status"),
    "priority": also_any_of(issues.c.priority, "priority"),
    "assignee_id": issues.c.assignee_id == bindparam("assignee_id"),
    "assignee_ids": _ASSIGNED,
    "unassigned": issues.c.assignee_id.is_(None),
    "assigned_or_not": or_(_ASSIGNED, issues.c.assignee_id.is_(None)),
    "not_assignee_ids": or_(_NOT_ASSIGNED, issues.c.assignee_id.is_(None)),
    "assigned_to_others": and_(_NOT_ASSIGNED, issues.c.assignee_id.is_not(None)),
    "reporter_id": issues.c.reporter_id == bindparam("reporter_id"),
    "reporter_ids": also_any_of(issues.c.reporter_id, "reporter_ids"),
    "label": exists().where(
        issue_labels.c.issue_id == issues.c.id, any_of(issue_labels.c.label, "label")
    ),
    "due_before": and_(
        issues.c.due_order < bindparam("due_before", type_=Date()), issues.c.due_date.is_not(None)
    ),
    "created_from": issues.c.created_at >= bindparam("created_from"),
    "created_before": issues.c.created_at < bindparam("created_before"),
    "closed_from": issues.c.closed_at >= bindparam("closed_from"),
    "closed_before": issues.c.closed_at < bindparam("closed_before"),
}


@lru_cache(maxsize=1_000)
def _statement(
    dialect: str, filters: frozenset[str], sort: IssueSort, *, only_what_not: bool | None
) -> tuple[Select[Any], Order]:
    statement = JOINED.where(*_conditions(filters))
    if only_what_not is not None:
        statement = search.joined_to_index(statement, dialect).where(
            search.matches(dialect, only_what_not=only_what_not)
        )
    return statement, _ORDERS[sort]


def _conditions(filters: frozenset[str]) -> tuple[ColumnElement[bool], ...]:
    return tuple(_CONDITIONS[name] for name in sorted(filters))


def _take_single(values: dict[str, Any], several: str, single: str) -> None:
    """Of one person's issues there may be few among many: an index finds them, and sorts them."""
    if len(values.get(several, ())) == 1:
        [values[single]] = values.pop(several)


async def list_issues(
    session: Session, wanted: IssueFilter, sort: IssueSort | None, page: PageRequest
) -> Slice[IssueView]:
    """One page; best match first when searched and not sorted."""
    given = msgspec.structs.asdict(wanted)
    values: dict[str, Any] = {
        name: value
        for name, value in given.items()
        if value is not None and name not in {"or_unassigned", "and_assigned", "search"}
    }
    if wanted.reach is not None:
        values["reach"] = sorted(wanted.reach)
    if wanted.assignee_ids and not wanted.or_unassigned:
        _take_single(values, "assignee_ids", "assignee_id")
    _take_single(values, "reporter_ids", "reporter_id")
    filters = set(values)
    if wanted.or_unassigned:
        filters = (filters - {"assignee_ids"}) | {
            "assigned_or_not" if wanted.assignee_ids else "unassigned"
        }
    if wanted.and_assigned:
        filters = (filters - {"not_assignee_ids"}) | {"assigned_to_others"}
    only_what_not = None
    if wanted.search is not None:
        await plan_for_these_words(session)
        values |= search.search_parameters(session, wanted.search)
        only_what_not = says_only_what_not(wanted.search)
        if sort is None:
            return await list_best_first(
                session, _conditions(frozenset(filters)), page, values, only_what_not=only_what_not
            )
    statement, order = _statement(
        session.dialect, frozenset(filters), sort or DEFAULT_SORT, only_what_not=only_what_not
    )
    return await keyset_page(session, issue_of, statement, order, page, values)
