"""Search for words of products' names, and for beginnings of words.

What is found is said by the words that a product keeps (``rules.words_of``), so that both databases
find the same. Where few have them, an index finds candidates: a ``tsvector`` under GIN in
PostgreSQL, an FTS5 table that also indexes the beginnings in SQLite. It may find too many, as it
does not know what follows what, or parts words where we don't; never too few. What is deleted
stands in neither.
"""

from functools import cache
from typing import Any, Final
from uuid import UUID

import msgspec
from sqlalchemy import (
    BigInteger,
    Column,
    ColumnElement,
    FromClause,
    MetaData,
    String,
    Table,
    Text,
    Uuid,
    bindparam,
    cast,
    delete,
    func,
    insert,
    literal_column,
    select,
)
from sqlalchemy.dialects.postgresql import TSQUERY, TSVECTOR, insert as postgres_insert

from lacewing.catalogue.rules import words_of
from lacewing.catalogue.store.products import is_live
from lacewing.catalogue.tables import products
from lacewing.kernel.db import Session
from lacewing.kernel.db.expressions import contains_text
from lacewing.kernel.db.types import Many
from lacewing.kernel.words import search_terms

_apart = MetaData()
product_search = Table(
    "product_search",
    _apart,
    Column("product_id", Uuid, primary_key=True),
    Column("words", TSVECTOR),
)
"""PostgreSQL's; the migrations make it."""
product_search_rows = Table(
    "product_search_rows",
    _apart,
    Column("product_id", Uuid, primary_key=True),
    Column("row_id", BigInteger),
)
"""SQLite's: which row of the FTS5 table belongs to which product."""
product_words = Table(
    "product_words", _apart, Column("rowid", BigInteger, primary_key=True), Column("words", Text)
)
"""SQLite's FTS5 table."""

_LEXEME_LENGTH_MAX: Final = 500
"""Characters of a word that PostgreSQL indexes, whose limit is 2,046 bytes: some signs are spelled
out, so that words may be longer than names."""
_product: Any = bindparam("product")
_ROW = select(product_search_rows.c.row_id).where(product_search_rows.c.product_id == _product)
_NEXT_ROW = select(func.coalesce(func.max(product_search_rows.c.row_id), 0) + 1)
_INSERT_ROW = insert(product_search_rows)
_INSERT_WORDS = insert(product_words)
_DELETE_ROW = delete(product_search_rows).where(product_search_rows.c.product_id == _product)
_DELETE_WORDS = delete(product_words).where(product_words.c.rowid == bindparam("old_row"))
_DELETE_VECTOR = delete(product_search).where(product_search.c.product_id == _product)


@cache
def _put_vector() -> Any:
    # Not read by a parser of PostgreSQL's, which parts `12e5kg` and makes one word of `a/b`.
    vector = func.array_to_tsvector(bindparam("lexemes", type_=Many(Text())))
    statement = postgres_insert(product_search).values(words=vector)
    return statement.on_conflict_do_update(
        index_elements=["product_id"], set_={"words": statement.excluded.words}
    )


async def index_products(session: Session, named: list[tuple[UUID, str]]) -> None:
    """Let each of these products be found by its words, and by no older ones."""
    if session.dialect == "postgresql":
        rows = [{"product_id": product, "lexemes": _lexemes(words)} for product, words in named]
        await session.execute_many(_put_vector(), rows)
        return
    for product, _ in named:
        await forget_product(session, product)
    first: int = await session.scalar(_NEXT_ROW)
    placed = list(enumerate(named, start=first))
    await session.execute_many(
        _INSERT_ROW, [{"product_id": product, "row_id": row} for row, (product, _) in placed]
    )
    await session.execute_many(
        _INSERT_WORDS, [{"rowid": row, "words": words} for row, (_, words) in placed]
    )


def _lexemes(words: str) -> list[str]:
    return [word[:_LEXEME_LENGTH_MAX] for word in words.split()]


async def forget_product(session: Session, product_id: UUID) -> None:
    """Let the product be found by nothing."""
    values = {"product": product_id}
    if session.dialect == "postgresql":
        await session.execute(_DELETE_VECTOR, values)
        return
    row: int | None = await session.scalar(_ROW, values)
    if row is not None:
        await session.execute(_DELETE_WORDS, {"old_row": row})
        await session.execute(_DELETE_ROW, values)


class Terms(msgspec.Struct, frozen=True):
    """What a name must have, and what it must not: words that follow each other, or beginnings."""

    wanted: tuple[str, ...]
    unwanted: tuple[str, ...]

    @property
    def find_nothing(self) -> bool:
        return not self.wanted and not self.unwanted

    def values(self, dialect: str) -> dict[str, str]:
        """What ``has_terms`` and ``is_found`` bind."""
        wanted = {f"wanted_{at}": words for at, words in enumerate(self.wanted)}
        unwanted = {f"unwanted_{at}": words for at, words in enumerate(self.unwanted)}
        index = self._in_postgres() if dialect == "postgresql" else self._in_sqlite()
        return {**wanted, **unwanted, "words": index}

    def _in_postgres(self) -> str:
        """As a ``tsquery`` is written: each word, the last one of a term or a beginning of it."""
        terms = [" & ".join(f"'{word}'" for word in _lexemes(words)) for words in self.wanted]
        return " & ".join(f"{term}:*" for term in terms)

    def _in_sqlite(self) -> str:
        """As FTS5 reads it."""
        return " AND ".join(f'"{words}" *' for words in self.wanted)


def read_terms(text: str) -> Terms:
    wanted, unwanted = (
        tuple(words for term in terms if (words := words_of(term))) for terms in search_terms(text)
    )
    return Terms(wanted, unwanted)


def has_terms(table: FromClause, wanted: int, unwanted: int) -> list[ColumnElement[bool]]:
    """Whether a product's own words have so many terms, and lack so many others."""
    return [
        *(contains_text(table.c.words, f"wanted_{at}") for at in range(wanted)),
        *(~contains_text(table.c.words, f"unwanted_{at}") for at in range(unwanted)),
    ]


def is_found(dialect: str) -> ColumnElement[bool]:
    """Whether the index finds a product by what is wanted: all that have it, and some others."""
    product_id, words = products.c.id, bindparam("words", type_=Text())
    if dialect == "postgresql":
        has_words = product_search.c.words.op("@@", is_comparison=True)(cast(words, TSQUERY))
        return product_id.in_(select(product_search.c.product_id).where(has_words))
    matching = literal_column("product_words", String).op("MATCH", is_comparison=True)
    row_id: Any = literal_column("rowid")
    rows = select(row_id).select_from(product_words).where(matching(words))
    found = select(product_search_rows.c.product_id).where(product_search_rows.c.row_id.in_(rows))
    return product_id.in_(found)


_FIRST = (
    select(products.c.id, products.c.words)
    .where(is_live(products))
    .order_by(products.c.id)
    .limit(bindparam("batch"))
    .with_for_update()
)
_NEXT = _FIRST.where(products.c.id > bindparam("after", type_=Uuid()))


async def products_after(
    session: Session, after: UUID | None, batch: int
) -> list[tuple[UUID, str]]:
    """The next products in the order of their ids with their words, locked."""
    statement, values = (_FIRST, {}) if after is None else (_NEXT, {"after": after})
    return await session.all(lambda *row: row, statement, {**values, "batch": batch})
