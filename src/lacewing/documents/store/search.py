"""Full-text search over the names and texts of documents, as each database does it.

A document stands in the index once for each part of its text: a search finds it where all its
words stand in its name or in one such part (``results.PART_CHARACTERS``, some forty pages).
"""

from collections.abc import Collection
from typing import Any
from uuid import UUID

from sqlalchemy import (
    BigInteger,
    Column,
    ColumnElement,
    Integer,
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

from lacewing.documents.tables import document_texts, documents
from lacewing.kernel.db import Session
from lacewing.kernel.db.expressions import any_of
from lacewing.kernel.db.full_text import (
    configuration,
    quoted,
    rows_matching,
    vector_matches,
)
from lacewing.kernel.words import search_terms, without_accents

_apart = MetaData()
document_search = Table(
    "document_search",
    _apart,
    Column("document_id", Uuid, primary_key=True),
    Column("part", Integer, primary_key=True),
    Column("words", TSVECTOR),
)
"""PostgreSQL's; the migrations make it."""
document_search_rows = Table(
    "document_search_rows",
    _apart,
    Column("document_id", Uuid, primary_key=True),
    Column("part", Integer, primary_key=True),
    Column("row_id", BigInteger),
)
"""SQLite's: which row of the FTS5 table belongs to which part."""
document_words = Table(
    "document_words", _apart, Column("rowid", BigInteger, primary_key=True), Column("words", Text)
)
"""SQLite's FTS5 table."""

_document: Any = bindparam("document")
_INSERT_VECTOR = insert(document_search).values(
    words=func.to_tsvector(configuration, bindparam("plain", type_=Text()))
)
_DELETE_VECTORS = delete(document_search).where(document_search.c.document_id == _document)
_ROWS = select(document_search_rows.c.row_id).where(document_search_rows.c.document_id == _document)
_NEXT_ROW = select(func.coalesce(func.max(document_search_rows.c.row_id), 0) + 1)
_INSERT_ROW = insert(document_search_rows)
_DELETE_ROWS = delete(document_search_rows).where(document_search_rows.c.document_id == _document)
_INSERT_WORDS = insert(document_words)
_DELETE_WORDS = delete(document_words).where(document_words.c.rowid == bindparam("old_row"))


async def index_document(
    session: Session, document_id: UUID, filename: str, parts: list[str]
) -> None:
    """Let the document be found by these words, and by no others than these."""
    await forget_document(session, document_id)
    texts = [f"{filename} {parts[0] if parts else ''}", *parts[1:]]
    if session.dialect == "postgresql":
        await session.execute_many(
            _INSERT_VECTOR,
            [
                {"document_id": document_id, "part": number, "plain": without_accents(text)}
                for number, text in enumerate(texts)
            ],
        )
        return
    first: int = await session.scalar(_NEXT_ROW)
    places = [
        {"document_id": document_id, "part": number, "row_id": first + number}
        for number in range(len(texts))
    ]
    await session.execute_many(_INSERT_ROW, places)
    words = [
        {"rowid": first + number, "words": without_accents(text)}
        for number, text in enumerate(texts)
    ]
    await session.execute_many(_INSERT_WORDS, words)


async def forget_document(session: Session, document_id: UUID) -> None:
    """Let the document be found by nothing."""
    values = {"document": document_id}
    if session.dialect == "postgresql":
        await session.execute(_DELETE_VECTORS, values)
        return
    rows = await session.all(int, _ROWS, values)
    await session.execute_many(_DELETE_WORDS, [{"old_row": row} for row in rows])
    await session.execute(_DELETE_ROWS, values)


def search_parameters(session: Session, text: str) -> dict[str, str]:
    """What the words of ``text`` bind: ``wanted`` and ``unwanted``, each only if there are some."""
    wanted, unwanted = ([_as_searched(term) for term in terms] for terms in search_terms(text))
    every = " " if session.dialect == "postgresql" else " AND "
    if not wanted and not unwanted:
        return {"wanted": quoted("")}
    found = {"wanted": every.join(wanted), "unwanted": " OR ".join(unwanted)}
    return {name: words for name, words in found.items() if words}


def _as_searched(term: str) -> str:
    return quoted(without_accents(term))


def _parts_with(dialect: str, parameter: str) -> Select[Any]:
    """The documents that have a part with the words that are bound to ``parameter``."""
    if dialect == "postgresql":
        return select(document_search.c.document_id).where(_vector_has(parameter))
    return select(document_search_rows.c.document_id).where(_row_has(parameter))


def _vector_has(parameter: str) -> ColumnElement[bool]:
    return vector_matches(document_search.c.words, parameter)


def _row_has(parameter: str) -> ColumnElement[bool]:
    return document_search_rows.c.row_id.in_(rows_matching(document_words, parameter))


def conditions(dialect: str, parameters: Collection[str]) -> list[ColumnElement[bool]]:
    """What a document must fulfil to be found, for the ``parameters`` that are bound.

    All that is wanted stands in one part of it; what is unwanted stands in none.
    """
    found: list[ColumnElement[bool]] = []
    if "wanted" in parameters:
        found.append(documents.c.id.in_(_parts_with(dialect, "wanted")))
    if "unwanted" in parameters:
        found.append(documents.c.id.not_in(_parts_with(dialect, "unwanted")))
    return found


_FIRST_PARTS_IN_POSTGRES = (
    select(document_search.c.document_id, func.min(document_search.c.part).label("part"))
    .where(
        any_of(document_search.c.document_id, "document_ids"),
        _vector_has("wanted"),
    )
    .group_by(document_search.c.document_id)
    .subquery("hit")
)
_FIRST_PARTS_IN_SQLITE = (
    select(document_search_rows.c.document_id, func.min(document_search_rows.c.part).label("part"))
    .where(
        any_of(document_search_rows.c.document_id, "document_ids"),
        _row_has("wanted"),
    )
    .group_by(document_search_rows.c.document_id)
    .subquery("hit")
)
_TEXTS = {
    dialect: select(document_texts.c.document_id, document_texts.c.text).join(
        hit,
        (hit.c.document_id == document_texts.c.document_id) & (hit.c.part == document_texts.c.part),
    )
    for dialect, hit in (
        ("postgresql", _FIRST_PARTS_IN_POSTGRES),
        ("sqlite", _FIRST_PARTS_IN_SQLITE),
    )
}


async def texts_found(session: Session, document_ids: list[UUID], text: str) -> dict[UUID, str]:
    """Of each document the first part of its text in which the words of ``text`` stand."""
    parameters = search_parameters(session, text)
    if "wanted" not in parameters:
        return {}
    values = {"document_ids": document_ids, "wanted": parameters["wanted"]}
    rows = await session.all(lambda *row: row, _TEXTS[session.dialect], values)
    return dict(rows)
