"""What an issue is counted for, said once: for issues themselves, and for what the journal holds.

A facet is a scope (the issue's project, or everywhere), a dimension and a key in it, with a weight.
Days are keys as in ``2026-01-31``, in UTC; they sort as text.
"""

from collections.abc import Iterable
from enum import StrEnum
from typing import Any, Final

from sqlalchemy import (
    ColumnElement,
    CompoundSelect,
    FromClause,
    Integer,
    Select,
    Text,
    Uuid,
    case,
    cast,
    func,
    literal,
    select,
    union_all,
)

from lacewing.tracker.rules import EVERYWHERE, OPEN_STATUSES
from lacewing.tracker.tables import TallyKey

RESOLVE_STEPS: Final = (
    (3_600, 300),
    (86_400, 3_600),
    (2_592_000, 43_200),
    (31_536_000, 604_800),
)
"""Up to how many seconds times to resolve are counted together by how many: coarse enough that they
are read in no time, fine enough that not much of all falls into one, in which is then searched."""
RESOLVE_STEP_AT_LAST: Final = 2_592_000

COUNTED: Final = (
    "project_id",
    "status",
    "priority",
    "assignee_id",
    "due_date",
    "created_at",
    "closed_at",
    "resolve_seconds",
)
DAY_CHARACTERS: Final = len("2026-01-31")
MONTH_CHARACTERS: Final = len("2026-01")
UNASSIGNED: Final = ""
"""The key of nobody; of somebody it is their id in hexadecimal."""


class Dimension(StrEnum):
    STATUS = "status"
    PRIORITY = "priority"
    ASSIGNEE = "assignee"
    OPENED = "opened"
    """All issues by the day of their report."""
    CLOSED = "closed"
    """Closed ones by the day of their last move to closed."""
    OPEN = "open"
    """Open ones by the day of their report."""
    DUE = "due"
    """Open ones by their due date, if they have one."""
    DUE_MONTH = "due_month"
    """The same by month, so that years of days need not be read."""
    RESOLVED = "resolved"
    """Resolved and closed ones by their time to resolve: the least of those counted together."""


def counted_columns(table: FromClause) -> list[ColumnElement[Any]]:
    """What of an issue, or of an entry of the journal, facets are made of."""
    return [table.c[name] for name in COUNTED]


def id_text(column: ColumnElement[Any]) -> ColumnElement[str]:
    """An id in hexadecimal, without dashes."""
    return func.replace(cast(column, Text), "-", "")


def day_of(moment: ColumnElement[Any]) -> ColumnElement[str]:
    """Its day in UTC, which the sessions of both databases speak."""
    return func.substr(cast(moment, Text), 1, DAY_CHARACTERS)


def resolve_step_of(seconds: ColumnElement[int]) -> ColumnElement[int]:
    """The least of the times that are counted together with this one."""
    return seconds - case(
        *((seconds < limit, seconds % step) for limit, step in RESOLVE_STEPS),
        else_=seconds % RESOLVE_STEP_AT_LAST,
    )


def facets_of(
    source: FromClause, weight: ColumnElement[int], dimensions: Iterable[Dimension] = Dimension
) -> CompoundSelect[Any]:
    """Every facet of every row of ``source``, which has ``counted_columns``.

    The columns: ``project_id``, ``dimension``, ``key``, ``weight``.
    """
    of = source.c
    is_open = of.status.in_([literal(status.value, Text()) for status in OPEN_STATUSES])
    assignee = func.coalesce(id_text(of.assignee_id), UNASSIGNED)

    def facet(dimension: Dimension, key: ColumnElement[Any]) -> Select[Any]:
        return select(
            of.project_id,
            literal(dimension.value, Text()).label("dimension"),
            cast(key, TallyKey).label("key"),
            weight,
        )

    facets = {
        Dimension.STATUS: facet(Dimension.STATUS, of.status),
        Dimension.PRIORITY: facet(Dimension.PRIORITY, cast(of.priority, Text)),
        Dimension.ASSIGNEE: facet(Dimension.ASSIGNEE, assignee),
        Dimension.OPENED: facet(Dimension.OPENED, day_of(of.created_at)),
        Dimension.CLOSED: facet(Dimension.CLOSED, day_of(of.closed_at)).where(
            of.closed_at.is_not(None)
        ),
        Dimension.OPEN: facet(Dimension.OPEN, day_of(of.created_at)).where(is_open),
        Dimension.DUE: facet(Dimension.DUE, day_of(of.due_date)).where(
            is_open, of.due_date.is_not(None)
        ),
        Dimension.DUE_MONTH: facet(
            Dimension.DUE_MONTH, func.substr(cast(of.due_date, Text), 1, MONTH_CHARACTERS)
        ).where(is_open, of.due_date.is_not(None)),
        Dimension.RESOLVED: facet(
            Dimension.RESOLVED, cast(resolve_step_of(of.resolve_seconds), Text)
        ).where(of.resolve_seconds.is_not(None)),
    }
    return union_all(*(facets[dimension] for dimension in dimensions))


def in_both_scopes(facets: CompoundSelect[Any], name: str) -> CompoundSelect[Any]:
    """Facets summed in their project and everywhere, in the columns of the tallies."""
    each = facets.cte(name)
    kind = each.c.dimension, each.c.key
    # As small as the tallies' own: PostgreSQL sums what is larger by its slow numbers.
    count = cast(func.sum(each.c.weight), Integer).label("count")
    everywhere = literal(EVERYWHERE, Uuid()).label("scope")
    return union_all(
        select(each.c.project_id.label("scope"), *kind, count).group_by(each.c.project_id, *kind),
        select(everywhere, *kind, count).group_by(*kind),
    )
