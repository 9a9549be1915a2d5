"""Full-text search over titles and bodies of posts, as each database does it (decision 4)."""

from typing import Any, Final
from uuid import UUID

from sqlalchemy import (
    BigInteger,
    Column,
    ColumnElement,
    MetaData,
    Select,
    Table,
    Text,
    Uuid,
    bindparam,
    delete,
    func,
    insert,
    select,
)
from sqlalchemy.dialects.postgresql import TSVECTOR

from lacewing.content.tables import posts
from lacewing.kernel.db import Session
from lacewing.kernel.db.full_text import configuration, quoted, rows_matching, vector_matches
from lacewing.kernel.words import search_terms, without_accents

_apart = MetaData()
post_search = Table(
    "post_search",
    _apart,
    Column("post_id", Uuid, primary_key=True),
    Column("words", TSVECTOR),
)
"""PostgreSQL's; the migrations make it."""
post_search_rows = Table(
    "post_search_rows",
    _apart,
    Column("post_id", Uuid, primary_key=True),
    Column("row_id", BigInteger),
)
"""SQLite's: which row of the FTS5 table belongs to which post."""
post_words = Table(
    "post_words", _apart, Column("rowid", BigInteger, primary_key=True), Column("words", Text)
)
"""SQLite's FTS5 table."""

_post: Final[Any] = bindparam("post")
_INSERT_VECTOR = insert(post_search).values(
    words=func.to_tsvector(configuration, bindparam("plain", type_=Text()))
)
_DELETE_VECTOR = delete(post_search).where(post_search.c.post_id == _post)
_ROW = select(post_search_rows.c.row_id).where(post_search_rows.c.post_id == _post)
_NEXT_ROW = select(func.coalesce(func.max(post_search_rows.c.row_id), 0) + 1)
_INSERT_ROW = insert(post_search_rows)
_DELETE_ROW = delete(post_search_rows).where(post_search_rows.c.post_id == _post)
_INSERT_WORDS = insert(post_words)
_DELETE_WORDS = delete(post_words).where(post_words.c.rowid == bindparam("old_row"))


async def index_post(session: Session, post_id: UUID, title: str, body: str) -> None:
    """Let the post be found by these words, and by no others than these."""
    await forget_post(session, post_id)
    words = without_accents(f"{title} {body}")
    if session.dialect == "postgresql":
        await session.execute(_INSERT_VECTOR, {"post_id": post_id, "plain": words})
        return
    row: int = await session.scalar(_NEXT_ROW)
    await session.execute(_INSERT_ROW, {"post_id": post_id, "row_id": row})
    await session.execute(_INSERT_WORDS, {"rowid": row, "words": words})


async def forget_post(session: Session, post_id: UUID) -> None:
    """Let the post be found by nothing."""
    values = {"post": post_id}
    if session.dialect == "postgresql":
        await session.execute(_DELETE_VECTOR, values)
        return
    row: int | None = await session.scalar(_ROW, values)
    if row is not None:
        await session.execute(_DELETE_WORDS, {"old_row": row})
        await session.execute(_DELETE_ROW, values)


def search_parameters(session: Session, text: str) -> dict[str, str]:
    """What ``matches`` binds for the words of ``text``."""
    wanted, unwanted = (
        [quoted(without_accents(term)) for term in terms] for terms in search_terms(text)
    )
    if session.dialect == "postgresql":
        return {"words": " ".join([*wanted, *(f"-{term}" for term in unwanted)])}
    if not wanted:
        return {"words": " OR ".join(unwanted) or quoted("")}
    every = " AND ".join(wanted)
    without = "".join(f" NOT {term}" for term in unwanted)
    return {"words": f"({every}){without}"}


def joined_to_index(statement: Select[Any], dialect: str) -> Select[Any]:
    """``statement``, which selects from the posts, so that ``matches`` fits in."""
    index = post_search if dialect == "postgresql" else post_search_rows
    return statement.join(index, index.c.post_id == posts.c.id)


def matches(dialect: str, *, only_what_not: bool) -> ColumnElement[bool]:
    """Whether a post is found. SQLite knows no query of negations alone."""
    if dialect == "postgresql":
        return vector_matches(post_search.c.words, "words")
    rows = rows_matching(post_words, "words")
    row = post_search_rows.c.row_id
    return row.not_in(rows) if only_what_not else row.in_(rows)
