"""Full-text search over title, description, comments and documents, as each database does it.

PostgreSQL: a ``tsvector`` an issue with a GIN index. SQLite: an FTS5 table. Both find the same
words, without regard to case, accents and English endings. Best match first means: those that
match by their title before all others, then PostgreSQL by ``ts_rank``, then newest first.
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
    update,
)
from sqlalchemy.dialects.postgresql import TSVECTOR, insert as postgres_insert

from lacewing.kernel.db import Session
from lacewing.kernel.db.full_text import (
    configuration,
    query,
    quoted,
    rows_matching,
    vector_matches,
)
from lacewing.kernel.words import ACCENTS, PUNCTUATION, search_terms, without_accents
from lacewing.tracker.tables import comments, issue_attached_texts, issues

SEARCHED_CHARACTERS: Final = 100_000
"""Of one issue with its comments, the newest first. To index so many takes some 30 ms, and each new
comment does it again; PostgreSQL's ``tsvector`` ends at 1 MiB."""
ATTACHED_CHARACTERS: Final = 100_000
ATTACHED_DOCUMENTS: Final = 100
"""Of the documents of one issue, the newest first."""
SEARCHED_COMMENTS: Final = 1_000
"""Of one issue, the newest: each new comment reads them all again."""

_apart = MetaData()
issue_search = Table(
    "issue_search",
    _apart,
    Column("issue_id", Uuid, primary_key=True),
    Column("document", TSVECTOR),
    # What of it comes from documents: kept, so that a new comment need not read them again.
    Column("attached", TSVECTOR),
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

_TITLE: Any = literal_column("'A'::\"char\"")
_BODY: Any = literal_column("'B'::\"char\"")
"""Weights of PostgreSQL's ``setweight``: a word in the title counts for more."""
_issue = bindparam("issue_id", type_=Uuid())


def _as_searched(text: Any) -> Any:
    """``kernel.words.without_accents``, said in PostgreSQL's words."""
    apart = func.normalize(func.left(text, SEARCHED_CHARACTERS), literal_column("NFKD"))
    plain = func.regexp_replace(apart, ACCENTS, "", "g")
    return func.left(func.regexp_replace(plain, PUNCTUATION, " ", "g"), SEARCHED_CHARACTERS)


def _vector(text: Any, weight: Any) -> Any:
    return func.setweight(func.to_tsvector(configuration, _as_searched(text)), weight)


def _body() -> Any:
    separator: Any = literal_column("' '")
    newest = (
        select(comments.c.content)
        .where(comments.c.issue_id == issues.c.id)
        .order_by(comments.c.created_at.desc(), comments.c.id.desc())
        .limit(SEARCHED_COMMENTS)
        .correlate(issues)
        .subquery("newest")
    )
    said = select(
        func.coalesce(func.aggregate_strings(newest.c.content, separator), "")
    ).scalar_subquery()
    return issues.c.description + separator + said


def _attached() -> Any:
    newest = (
        select(issue_attached_texts.c.text)
        .where(issue_attached_texts.c.issue_id == issues.c.id)
        .order_by(
            issue_attached_texts.c.created_at.desc(), issue_attached_texts.c.document_id.desc()
        )
        .limit(ATTACHED_DOCUMENTS)
        .correlate(issues)
        .subquery("newest_attached")
    )
    separator: Any = literal_column("' '")
    return select(
        func.coalesce(func.aggregate_strings(newest.c.text, separator), "")
    ).scalar_subquery()


@cache
def _index_in_postgres() -> Any:
    document = _vector(issues.c.title, _TITLE).op("||")(_vector(_body(), _BODY))
    source = select(issues.c.id, document).where(issues.c.id == _issue)
    statement = postgres_insert(issue_search).from_select(["issue_id", "document"], source)
    whole = statement.excluded.document.op("||")(issue_search.c.attached)
    return statement.on_conflict_do_update(index_elements=["issue_id"], set_={"document": whole})


@cache
def _index_attached_in_postgres() -> Any:
    this = bindparam("this_issue", type_=Uuid())
    attached = select(_vector(_attached(), _BODY)).where(issues.c.id == this)
    return (
        update(issue_search)
        .where(issue_search.c.issue_id == this)
        .values(attached=attached.scalar_subquery())
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
        func.substr(_body(), 1, SEARCHED_CHARACTERS, type_=Text())
        + literal_column("' '")
        + func.substr(_attached(), 1, ATTACHED_CHARACTERS, type_=Text()),
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


async def index_attached(session: Session, issue_id: UUID) -> None:
    """As ``index_issue``, when the documents of the issue are others than before."""
    await index_issue(session, issue_id)
    if session.dialect == "postgresql":
        # The row is there now: its part is made anew, and then the whole.
        await session.execute(_index_attached_in_postgres(), {"this_issue": issue_id})
        await index_issue(session, issue_id)


def search_parameters(session: Session, text: str) -> dict[str, Any]:
    """What ``matches`` and ``rank`` bind for the words of ``text``."""
    wanted, unwanted = search_terms(text)
    if session.dialect == "postgresql":
        found = [quoted(without_accents(term)) for term in wanted]
        kept_out = ["-" + quoted(without_accents(term)) for term in unwanted]
        return {"words": " ".join(found + kept_out)}
    if not wanted:
        return {
            "words": " OR ".join(map(quoted, unwanted)) or quoted(""),
            "title_words": quoted(""),
        }
    every = " AND ".join(map(quoted, wanted))
    without = [f" NOT {quoted(term)}" for term in unwanted]
    return {"words": f"({every}){''.join(without)}", "title_words": f"title : ({every})"}


def joined_to_index(statement: Select[Any], dialect: str) -> Select[Any]:
    """``statement``, which selects from the issues, so that ``matches`` and ``rank`` fit in."""
    index = issue_search if dialect == "postgresql" else issue_search_rows
    return statement.join(index, index.c.issue_id == issues.c.id)


def matches(dialect: str, *, only_what_not: bool) -> ColumnElement[bool]:
    """Whether an issue is found. SQLite knows no query of negations alone."""
    if dialect == "postgresql":
        return vector_matches(issue_search.c.document, "words")
    rows = rows_matching(issue_texts, "words")
    row = issue_search_rows.c.row_id
    return row.not_in(rows) if only_what_not else row.in_(rows)


def rank(dialect: str) -> ColumnElement[float]:
    """How well a found issue matches: at least 1. It depends on no other issue."""
    if dialect == "postgresql":
        title = func.ts_filter(issue_search.c.document, literal_column("'{a}'::\"char\"[]"))
        by_title = vector_matches(title, "words")
        closeness: Any = func.ts_rank(issue_search.c.document, query("words"))
    else:
        by_title = issue_search_rows.c.row_id.in_(rows_matching(issue_texts, "title_words"))
        closeness = literal_column("0.0")
    return cast(case((by_title, 3.0), else_=1.0) + closeness, Float(53))


_FIRST_ISSUES = (
    select(issues.c.id).order_by(issues.c.id).limit(bindparam("batch")).with_for_update()
)
_NEXT_ISSUES = _FIRST_ISSUES.where(issues.c.id > bindparam("after", type_=Uuid()))


async def issues_after(session: Session, after: UUID | None, batch: int) -> list[UUID]:
    """The next issues in the order of their ids, locked: what is indexed is what stands there."""
    if after is None:
        return await session.all(lambda issue_id: issue_id, _FIRST_ISSUES, {"batch": batch})
    values = {"after": after, "batch": batch}
    return await session.all(lambda issue_id: issue_id, _NEXT_ISSUES, values)
