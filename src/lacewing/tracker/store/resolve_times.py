"""Exact percentiles of times to resolve among millions, by nearest rank.

The tallies tell in which step of times the wanted rank falls, and how many come before it; within
that step an index is walked. All in one statement, so of one moment.
"""

from collections.abc import Sequence
from functools import cache
from typing import Any, Final, Literal
from uuid import UUID

import msgspec
from sqlalchemy import (
    CTE,
    BigInteger,
    ColumnElement,
    Integer,
    ScalarSelect,
    Select,
    bindparam,
    cast,
    func,
    select,
    true,
    union_all,
)

from lacewing.kernel.db import Session
from lacewing.kernel.db.expressions import also_any_of, any_of
from lacewing.tracker.rules import EVERYWHERE
from lacewing.tracker.store.facets import Dimension
from lacewing.tracker.store.tallies import pending
from lacewing.tracker.tables import issue_tallies, issues

Narrowing = Literal["everywhere", "one", "several"]

_SECONDS: Final = issues.c.resolve_seconds
_IS_WITHIN: Final[dict[Narrowing, ColumnElement[bool]]] = {
    "everywhere": true(),
    "one": issues.c.project_id == bindparam("project_id"),
    "several": also_any_of(issues.c.project_id, "scopes"),
}


class ResolveTimes(msgspec.Struct, frozen=True):
    """Of the issues that are resolved or closed; in whole seconds, ``None`` when there are none."""

    median: int | None
    p90: int | None


@cache
def _statement(narrowing: Narrowing) -> Select[Any]:
    parts = union_all(
        *(
            select(source.c.key, source.c.count).where(
                any_of(source.c.scope, "scopes"),
                source.c.dimension == Dimension.RESOLVED.value,
            )
            for source in (issue_tallies, pending("lately", [Dimension.RESOLVED]))
        )
    ).subquery("part")
    steps = (
        select(
            cast(parts.c.key, BigInteger).label("least"),
            cast(func.sum(parts.c.count), Integer).label("count"),
        )
        .group_by(parts.c.key)
        .having(func.sum(parts.c.count) != 0)
        .subquery("step")
    )
    running = select(
        steps.c.least,
        steps.c.count,
        func.sum(steps.c.count).over(order_by=steps.c.least).label("up_to"),
        func.sum(steps.c.count).over().label("total"),
    ).cte("running")
    return select(_percentile(running, 50, narrowing), _percentile(running, 90, narrowing))


def _percentile(running: CTE, percent: int, narrowing: Narrowing) -> ScalarSelect[Any]:
    """The least time that so many of a hundred did not exceed."""
    rank = (running.c.total * percent + 99) // 100
    step = select(running).where(running.c.up_to >= rank).order_by(running.c.least).limit(1)
    least = step.with_only_columns(running.c.least).scalar_subquery()
    skipped = rank - 1 - (running.c.up_to - running.c.count)
    return (
        select(_SECONDS)
        .where(_IS_WITHIN[narrowing], least <= _SECONDS)
        .order_by(_SECONDS)
        .limit(1)
        .offset(func.coalesce(step.with_only_columns(skipped).scalar_subquery(), 0))
        .scalar_subquery()
    )


async def find_resolve_times(session: Session, scopes: Sequence[UUID]) -> ResolveTimes:
    """Of all ``scopes`` together: ``EVERYWHERE``, or projects."""
    narrowing: Narrowing = "several"
    if len(scopes) == 1:
        narrowing = "everywhere" if scopes[0] == EVERYWHERE else "one"
    values: dict[str, Any] = {"scopes": scopes}
    if narrowing == "one":
        values["project_id"] = scopes[0]
    found = await session.one(ResolveTimes, _statement(narrowing), values)
    assert found is not None
    return found
