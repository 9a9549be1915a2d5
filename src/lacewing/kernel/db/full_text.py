"""Full-text search as each database does it: PostgreSQL's ``tsvector``, SQLite's FTS5 (decision 4).

Where the words of a thing stand is its domain's; how they are asked for is alike everywhere.
"""

from typing import Any, Final

from sqlalchemy import (
    ColumnElement,
    Select,
    String,
    Table,
    Text,
    bindparam,
    func,
    literal_column,
    select,
)

from lacewing.kernel.db.session import Session

configuration: Final[Any] = literal_column("'lacewing'::regconfig")
"""English stems without stop words, made by the migrations."""

_PLAN_ANEW = select(func.set_config("plan_cache_mode", "force_custom_plan", True)).with_for_update()


def quoted(term: str) -> str:
    """``term`` as a phrase in the query languages of both databases."""
    return f'"{term}"'


def query(parameter: str) -> Any:
    """PostgreSQL's query of the words that are bound to ``parameter``."""
    return func.websearch_to_tsquery(configuration, bindparam(parameter, type_=Text()))


def vector_matches(vector: ColumnElement[Any], parameter: str) -> ColumnElement[bool]:
    """PostgreSQL: whether ``vector`` has the words that are bound to ``parameter``."""
    return vector.op("@@", is_comparison=True)(query(parameter))


def rows_matching(texts: Table, parameter: str) -> Select[Any]:
    """SQLite: the rows of the FTS5 table that have the words that are bound to ``parameter``."""
    matching = literal_column(texts.name, String).op("MATCH", is_comparison=True)
    return (
        select(literal_column("rowid"))
        .select_from(texts)
        .where(matching(bindparam(parameter, type_=Text())))
    )


async def plan_for_these_words(session: Session) -> None:
    """Let PostgreSQL plan this transaction's statements for the words that they search.

    A rare word wants the index of words, a common one the newest things one by one; the one plan
    that PostgreSQL would keep for all words reads everything to find a rare one.
    """
    if session.dialect == "postgresql":
        await session.scalar(_PLAN_ANEW)
