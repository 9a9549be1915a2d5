"""Full-text search over title, description and comments, in the way of each database.

PostgreSQL: a ``tsvector`` an issue with a GIN index. SQLite: an FTS5 table. Best match first means:
PostgreSQL by ``ts_rank``; SQLite titles before texts; both then newest first. Neither rank depends
on other rows, so that pages stay stable while others write. At most ``CANDIDATES_MAX`` newest
matches are ranked: a common word matches half of a million issues.
"""

from functools import cache
from typing import Any, Final
from uuid import UUID

from sqlalchemy import (
    BigInteger,
    Column,
    ColumnElement,
    Float,
    MetaData,
    Select,
    String,
    Table,
    Text,
    Uuid,
    bindparam,
    case,
    cast,
    delete,
    func,
    insert,
    literal_column,
    select,
)
from sqlalchemy.dialects.postgresql import TSVECTOR, insert as postgres_insert

from lacewing.kernel.db import Session
from lacewing.tracker.rules import search_terms
from lacewing.tracker.tables import comments, issues

CANDIDATES_MAX: Final = 1_000
SEARCHED_CHARACTERS: Final = 200_000
"""Of one issue with all its comments; PostgreSQL's ``tsvector`` ends at 1 MiB."""
TEXT_SEARCH_CONFIGURATION: Final = "lacewing"
"""English stems without stop words, made by the migrations."""

_apart = MetaData()
issue_search = Table(
    "issue_search",
    _apart,
    Column("issue_id", Uuid, primary_key=True),
    Column("document", TSVECTOR),
)
"""PostgreSQL's; the migrations make it."""
issue_search_rows = Table(
    "issue_search_rows",
    _apart,
    Column("issue_id", Uuid, primary_key=True),
    Column("row_id", BigInteger),
)
"""SQLite's: which row of the FTS5 table belongs to which issue."""
issue_texts = Table(
    "issue_texts",
    _apart,
    Column("rowid", BigInteger, primary_key=True),
    Column("title", Text),
    Column("body", Text),
)
"""SQLite's FTS5 table."""

_configuration: Any = literal_column(f"'{TEXT_SEARCH_CONFIGURATION}'::regconfig")
_issue = bindparam("issue_id", type_=Uuid())


def _vector(text: Any, weight: str) -> Any:
    return func.setweight(
        func.to_tsvector(_configuration, func.left(text, SEARCHED_CHARACTERS)),
        literal_column(f"'{weight}'::\"char\""),
    )


def _body() -> Any:
    separator: Any = literal_column("' '")
    said = (
        select(func.coalesce(func.aggregate_strings(comments.c.content, separator), ""))
        .where(comments.c.issue_id == issues.c.id)
        .scalar_subquery()
    )
    return issues.c.description + separator + said


@cache
def _index_in_postgres() -> Any:
    document = _vector(issues.c.title, "A").op("||")(_vector(_body(), "B"))
    source = select(issues.c.id, document).where(issues.c.id == _issue)
    statement = postgres_insert(issue_search).from_select(["issue_id", "document"], source)
    return statement.on_conflict_do_update(
        index_elements=["issue_id"], set_={"document": statement.excluded.document}
    )


_FIND_ROW = select(issue_search_rows.c.row_id).where(issue_search_rows.c.issue_id == _issue)
_NEXT_ROW = select(func.coalesce(func.max(issue_search_rows.c.row_id), 0) + 1)
_INSERT_ROW = insert(issue_search_rows)
_DELETE_TEXT = delete(issue_texts).where(issue_texts.c.rowid == bindparam("old_row"))
_INSERT_TEXT = insert(issue_texts).from_select(
    ["rowid", "title", "body"],
    select(
        bindparam("row_id", type_=BigInteger),
        issues.c.title,
        func.substr(_body(), 1, SEARCHED_CHARACTERS),
    ).where(issues.c.id == _issue),
)


async def index_issue(session: Session, issue_id: UUID) -> None:
    """Bring what is searched up to what is written."""
    if session.dialect == "postgresql":
        await session.execute(_index_in_postgres(), {"issue_id": issue_id})
        return
    row: int | None = await session.scalar(_FIND_ROW, {"issue_id": issue_id})
    if row is None:
        row = await session.scalar(_NEXT_ROW)
        await session.execute(_INSERT_ROW, {"issue_id": issue_id, "row_id": row})
    else:
        await session.execute(_DELETE_TEXT, {"old_row": row})
    await session.execute(_INSERT_TEXT, {"issue_id": issue_id, "row_id": row})


def search_parameters(session: Session, text: str) -> dict[str, Any]:
    """What ``matching`` and ``best_first`` bind for the words of ``text``."""
    if session.dialect == "postgresql":
        return {"words": text}
    wanted, unwanted = search_terms(text)
    every = " AND ".join(_quoted(term) for term in wanted)
    without = "".join(f" NOT {_quoted(term)}" for term in unwanted)
    if not every:
        return {"words": _NOTHING, "title_words": _NOTHING}
    return {"words": f"({every}){without}", "title_words": f"title : ({every})"}


_NOTHING: Final = '"lacewingfindsnothing" AND "lacewingfindsnothingeither"'


def _quoted(term: str) -> str:
    return '"' + term.replace('"', " ") + '"'


def _query() -> Any:
    return func.websearch_to_tsquery(_configuration, bindparam("words", type_=Text()))


def _matches(parameter: str) -> ColumnElement[bool]:
    return literal_column("issue_texts", String).op("MATCH", is_comparison=True)(
        bindparam(parameter, type_=Text())
    )


def _rows_matching(parameter: str) -> Any:
    return select(literal_column("rowid")).select_from(issue_texts).where(_matches(parameter))


def matching(statement: Select[Any], dialect: str) -> Select[Any]:
    """Only those issues of ``statement`` that match."""
    if dialect == "postgresql":
        return statement.join(issue_search, issue_search.c.issue_id == issues.c.id).where(
            issue_search.c.document.op("@@", is_comparison=True)(_query())
        )
    return statement.join(issue_search_rows, issue_search_rows.c.issue_id == issues.c.id).where(
        issue_search_rows.c.row_id.in_(_rows_matching("words"))
    )


def best_first(
    joined: Select[Any], conditions: list[ColumnElement[bool]], dialect: str
) -> tuple[Select[Any], ColumnElement[Any]]:
    """The newest matches, ranked: ``joined`` narrowed to them, and its rank to order by."""
    found = select(issues.c.id).where(*conditions)
    if dialect == "postgresql":
        rank: ColumnElement[Any] = cast(func.ts_rank(issue_search.c.document, _query()), Float(53))
    else:
        rank = case((issue_search_rows.c.row_id.in_(_rows_matching("title_words")), 2.0), else_=1.0)
    candidates = (
        matching(found.add_columns(rank.label("rank")), dialect)
        .order_by(issues.c.id.desc())
        .limit(CANDIDATES_MAX)
        .subquery("candidate")
    )
    statement = joined.join(candidates, candidates.c.id == issues.c.id)
    return statement, cast(candidates.c.rank, Float(53))


_FIRST_ISSUES = select(issues.c.id).order_by(issues.c.id).limit(bindparam("batch"))
_NEXT_ISSUES = _FIRST_ISSUES.where(issues.c.id > bindparam("after", type_=Uuid()))


async def issues_after(session: Session, after: UUID | None, batch: int) -> list[UUID]:
    """The next issues in the order of their ids."""
    if after is None:
        return await session.all(lambda issue_id: issue_id, _FIRST_ISSUES, {"batch": batch})
    values = {"after": after, "batch": batch}
    return await session.all(lambda issue_id: issue_id, _NEXT_ISSUES, values)
