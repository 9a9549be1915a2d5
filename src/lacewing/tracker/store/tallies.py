"""How many issues there are of each kind, read from the tallies and what the journal adds to them.

One statement reads both, so what it answers is true of one moment: nothing in it lags, and its
parts agree with each other.
"""

from collections.abc import Iterable, Sequence
from datetime import date, timedelta
from functools import cache
from typing import Any, Final
from uuid import UUID

import msgspec
from sqlalchemy import (
    ColumnElement,
    FromClause,
    Select,
    Text,
    Uuid,
    and_,
    bindparam,
    func,
    literal,
    or_,
    select,
    union_all,
)

from lacewing.kernel.db import Session
from lacewing.kernel.db.expressions import any_of
from lacewing.tracker.rules import AGES, DAYS_TOLD, EVERYWHERE, FILTER_VALUES_MAX, name_of_age
from lacewing.tracker.store.facets import (
    MONTH_CHARACTERS,
    UNASSIGNED,
    Dimension,
    facets_of,
    id_text,
    in_both_scopes,
)
from lacewing.tracker.tables import issue_tallies, issue_tally_journal

ASSIGNEES_TOLD: Final = FILTER_VALUES_MAX - 1
"""Those with the most issues; the list of what others have names each of them, and nobody."""
OVERDUE: Final = "overdue"

Tallies = dict[tuple[str, str], int]
"""The counts of one scope by dimension and key; of what there is none, nothing stands there."""


class Range(msgspec.Struct, frozen=True):
    """Keys of one dimension: all, or those between the values of two parameters."""

    dimension: Dimension
    first: str | None = None
    before: str | None = None
    told_as: str | None = None
    """Under which key they are told together; ``None`` for each under its own."""


THIS_MONTH: Final = "this_month"


def _day(offset: int) -> str:
    """The parameter of the day that is so many after today."""
    return f"day{offset}"


WANTED: Final = (
    Range(Dimension.STATUS),
    Range(Dimension.PRIORITY),
    Range(Dimension.ASSIGNEE),
    Range(Dimension.OPENED, _day(1 - DAYS_TOLD), _day(1)),
    Range(Dimension.CLOSED, _day(1 - DAYS_TOLD), _day(1)),
    *(
        # What was reported in the future, by somebody's clock, is as young as can be.
        Range(
            Dimension.OPEN,
            _day(-last),
            _day(1 - first) if first else None,
            name_of_age(first, last),
        )
        for first, last in AGES
        if last is not None
    ),
    Range(Dimension.DUE, THIS_MONTH, _day(0), OVERDUE),
    Range(Dimension.DUE_MONTH, None, THIS_MONTH, OVERDUE),
)
_OFFSETS: Final = {1 - DAYS_TOLD, 0, 1}.union(
    *({-last, 1 - first} for first, last in AGES if last is not None)
)


def pending(name: str, dimensions: Iterable[Dimension] = Dimension) -> FromClause:
    """What the journal adds to the tallies, in their columns."""
    facets = facets_of(issue_tally_journal, issue_tally_journal.c.weight, dimensions)
    return in_both_scopes(facets, f"{name}_facet").subquery(name)


def _wanted() -> Select[Any]:
    """The ranges as rows: ``dimension``, ``first``, ``before``, ``told_as``."""

    def bound(parameter: str | None, otherwise: str) -> ColumnElement[str]:
        if parameter is None:
            return literal(otherwise, Text())
        return bindparam(parameter, type_=Text())

    rows = union_all(
        *(
            select(
                literal(each.dimension.value, Text()).label("dimension"),
                bound(each.first, "").label("first"),
                bound(each.before, "~").label("before"),
                literal(each.told_as, Text()).label("told_as"),
            )
            for each in WANTED
        )
    )
    return select(rows.subquery("range"))


@cache
def _statement(*, together: bool) -> Select[Any]:
    """Columns: the scope's id in hexadecimal, dimension, key, count."""
    wanted = _wanted().cte("wanted")

    def told(source: FromClause) -> Select[Any]:
        is_wanted = and_(
            source.c.dimension == wanted.c.dimension,
            source.c.key >= wanted.c.first,
            source.c.key < wanted.c.before,
        )
        key = func.coalesce(wanted.c.told_as, source.c.key).label("key")
        return (
            select(source.c.scope, source.c.dimension, key, source.c.count)
            .join_from(wanted, source, is_wanted)
            .where(any_of(source.c.scope, "scopes"))
        )

    parts = union_all(told(issue_tallies), told(pending("pending"))).subquery("part")
    kind = parts.c.dimension, parts.c.key
    if together:
        scope = literal(EVERYWHERE, Uuid()).label("scope")
        grouped = select(scope, *kind).group_by(*kind)
    else:
        grouped = select(parts.c.scope, *kind).group_by(parts.c.scope, *kind)
    count = func.sum(parts.c.count)
    counts = grouped.add_columns(count.label("count")).having(count != 0).subquery("counted")
    place = func.row_number().over(
        partition_by=(counts.c.scope, counts.c.dimension),
        order_by=(counts.c.count.desc(), counts.c.key),
    )
    placed = select(counts, place.label("place")).subquery("placed")
    return select(id_text(placed.c.scope), placed.c.dimension, placed.c.key, placed.c.count).where(
        or_(
            placed.c.dimension != Dimension.ASSIGNEE.value,
            placed.c.key == UNASSIGNED,
            placed.c.place <= ASSIGNEES_TOLD + 1,
        )
    )


async def read_tallies(
    session: Session, scopes: Sequence[UUID], today: date, *, together: bool = False
) -> dict[UUID, Tallies]:
    """The tallies of each of ``scopes``, or of all ``together`` as of ``EVERYWHERE``."""
    values: dict[str, Any] = {
        _day(offset): (today + timedelta(days=offset)).isoformat() for offset in _OFFSETS
    }
    values |= {THIS_MONTH: today.isoformat()[:MONTH_CHARACTERS], "scopes": scopes}
    told = [EVERYWHERE] if together else scopes
    # By their ids as text: to make a UUID of each row's would take longer than to read it.
    found: dict[str, Tallies] = {scope.hex: {} for scope in told}
    for scope, dimension, key, count in await session.all(
        lambda *row: row, _statement(together=together), values
    ):
        found[scope][dimension, key] = count
    return {scope: found[scope.hex] for scope in told}
