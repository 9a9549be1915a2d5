"""Folding the journal into the tallies, and proving them right.

Triggers write the journal in the transaction of each change, so tallies and journal together equal
what is counted from the issues, in every state that anybody can see. Folding moves counts from one
to the other. Should they differ after all (somebody wrote to the tallies by hand), then by the same
amount in every state, whoever writes meanwhile: adding it is all that mending takes.
"""

from functools import cache
from typing import Any, Final
from uuid import UUID

import msgspec
from sqlalchemy import (
    CompoundSelect,
    Integer,
    Select,
    Uuid,
    bindparam,
    case,
    delete,
    func,
    literal,
    literal_column,
    select,
    true,
    union_all,
)
from sqlalchemy.dialects import postgresql, sqlite

from lacewing.kernel.db import Session
from lacewing.kernel.db.expressions import any_of
from lacewing.kernel.db.locks import lock_for_transaction
from lacewing.tracker.rules import EVERYWHERE
from lacewing.tracker.store.facets import counted_columns, facets_of, in_both_scopes
from lacewing.tracker.tables import issue_tallies, issue_tally_journal as journal, issues, projects

TALLY_LOCK: Final = 4_710_102
"""The advisory lock of whoever writes the tallies."""


class Difference(msgspec.Struct, frozen=True):
    """How many issues the tallies miss (or have too many, below zero) of one kind."""

    scope: UUID
    dimension: str
    key: str
    count: int


_BEGIN: Final[Select[Any]] = select(literal_column("1")).with_for_update()
_COUNT = select(func.count()).select_from(journal)
_IS_ANY = select(journal.c.id).limit(1)
_NEXT = select(journal.c.id).order_by(journal.c.id).limit(bindparam("batch")).with_for_update()
_THESE = select(journal).where(any_of(journal.c.id, "ids")).subquery("these")
_FOLDED: Final = in_both_scopes(facets_of(_THESE, _THESE.c.weight), "folded")
_FORGET = delete(journal).where(any_of(journal.c.id, "ids"))
_PROJECTS = select(projects.c.id).order_by(projects.c.id)


def _missing_in_project() -> Select[Any]:
    project_id = bindparam("project_id", type_=Uuid())
    # Each is read once, though for every dimension: a CTE that is used often is kept.
    there = select(*counted_columns(issues)).where(issues.c.project_id == project_id).cte("there")
    noted = select(journal).where(journal.c.project_id == project_id).cte("noted")
    counted = facets_of(there, literal_column("1", Integer).label("weight")).subquery("counted")
    waiting = facets_of(noted, noted.c.weight).subquery("waiting")
    parts = union_all(
        select(counted.c.dimension, counted.c.key, counted.c.weight.label("count")),
        select(waiting.c.dimension, waiting.c.key, -waiting.c.weight),
        select(issue_tallies.c.dimension, issue_tallies.c.key, -issue_tallies.c.count).where(
            issue_tallies.c.scope == project_id
        ),
    ).subquery("part")
    count = func.sum(parts.c.count)
    return (
        select(project_id.label("scope"), parts.c.dimension, parts.c.key, count)
        .group_by(parts.c.dimension, parts.c.key)
        .having(count != 0)
    )


def _missing_everywhere() -> Select[Any]:
    of = issue_tallies.c
    count = func.sum(case((of.scope == EVERYWHERE, -of.count), else_=of.count))
    return (
        select(
            literal(EVERYWHERE, Uuid()).label("scope"),
            of.dimension,
            of.key,
            count,
        )
        .group_by(of.dimension, of.key)
        .having(count != 0)
    )


_MISSING_IN_PROJECT: Final = _missing_in_project()
_MISSING_EVERYWHERE: Final = _missing_everywhere()


@cache
def _adding(dialect: str, counts: Select[Any] | CompoundSelect[Any]) -> Any:
    """A statement that adds ``counts`` to the tallies."""
    insert = postgresql.insert if dialect == "postgresql" else sqlite.insert
    # SQLite takes the ON of a conflict for one of a join, unless a WHERE stands before it.
    added = select(counts.subquery("added")).where(true())
    statement: Any = insert(issue_tallies).from_select(list(issue_tallies.c), added)
    return statement.on_conflict_do_update(
        index_elements=list(issue_tallies.primary_key),
        set_={"count": issue_tallies.c.count + statement.excluded.count},
    )


async def fold_journal(session: Session, batch: int) -> int:
    """Move up to ``batch`` entries of the journal into the tallies; how many there were."""
    if await session.scalar(_IS_ANY) is None:
        return 0
    await lock_for_transaction(session, TALLY_LOCK)
    ids = await session.all(int, _NEXT, {"batch": batch})
    await session.execute(_adding(session.dialect, _FOLDED), {"ids": ids})
    await session.execute(_FORGET, {"ids": ids})
    return len(ids)


async def count_waiting(session: Session) -> int:
    """Entries of the journal."""
    waiting: int = await session.scalar(_COUNT)
    return waiting


async def find_scopes(session: Session) -> list[UUID]:
    """What there are tallies of: each project, and at last everything."""
    return [*await session.all(_as_is, _PROJECTS), EVERYWHERE]


async def find_differences(session: Session, scope: UUID) -> list[Difference]:
    """Where the tallies of a project are not what is counted from its issues.

    Everywhere they are compared with those of all projects.
    """
    if scope == EVERYWHERE:
        return await session.all(Difference, _MISSING_EVERYWHERE)
    return await session.all(Difference, _MISSING_IN_PROJECT, {"project_id": scope})


async def mend_differences(session: Session, scope: UUID) -> int:
    """Add what the tallies of ``scope`` miss; in how many kinds they were wrong."""
    await session.scalar(_BEGIN)
    await lock_for_transaction(session, TALLY_LOCK)
    found = await find_differences(session, scope)
    if found and scope == EVERYWHERE:
        await session.execute(_adding(session.dialect, _MISSING_EVERYWHERE))
    elif found:
        statement = _adding(session.dialect, _MISSING_IN_PROJECT)
        await session.execute(statement, {"project_id": scope})
    return len(found)


def _as_is(value: UUID) -> UUID:
    return value
