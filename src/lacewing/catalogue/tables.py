from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    Column,
    ForeignKey,
    Index,
    Integer,
    Table,
    Text,
    Uuid,
    text,
)

from lacewing.kernel.db.metadata import EPHEMERAL, metadata
from lacewing.kernel.db.types import Scaled, Timestamp

PLACES = 2
"""Decimals of prices and ratings: kept as cents, and as hundredths of a star."""

_LIVE = text("deleted_at IS NULL")


def _index_of_live(*columns: str) -> Index:
    """Whoever pages through it never meets what is deleted."""
    return Index(None, *columns, postgresql_where=_LIVE, sqlite_where=_LIVE)


products = Table(
    "products",
    metadata,
    Column("id", Uuid, primary_key=True),
    Column("name", Text, nullable=False),
    # The words of the name for searching, as ``rules.words_of`` tells.
    Column("words", Text, nullable=False),
    Column("category", Text, nullable=False),
    Column("price", Scaled(PLACES), nullable=False),
    Column("rating", Scaled(PLACES)),
    # The rating for sorting, ``rules.UNRATED`` where there is none.
    Column("rating_order", Scaled(PLACES), nullable=False),
    Column("created_by", Uuid, ForeignKey("users.id", ondelete="RESTRICT"), nullable=False),
    Column("created_at", Timestamp, nullable=False),
    Column("updated_at", Timestamp, nullable=False),
    Column("deleted_at", Timestamp),
    # Where it came from, so that an import run again adds only what is new.
    Column("external_id", Text, unique=True),
    CheckConstraint("price >= 0", "price_not_negative"),
    CheckConstraint("rating BETWEEN 0 AND 500", "rating_in_range"),
    CheckConstraint("rating_order = coalesce(rating, -1)", "rating_order_follows"),
    _index_of_live("price", "id"),
    _index_of_live("rating_order", "id"),
    _index_of_live("created_at", "id"),
    _index_of_live("category", "price", "id"),
    _index_of_live("category", "rating_order", "id"),
    _index_of_live("category", "created_at", "id"),
    Index(None, "created_by"),
)

product_tallies = Table(
    "product_tallies",
    metadata,
    Column("id", BigInteger().with_variant(Integer, "sqlite"), primary_key=True),
    Column("products", BigInteger, nullable=False),
    Column("rated", BigInteger, nullable=False),
    Column("hundredths", BigInteger, nullable=False),
    info=EPHEMERAL,
)
"""Together they tell how many products there are that are not deleted, how many of these have a
rating, and the sum of those. Triggers add a row with each change that counts (see the migrations),
so that nobody waits for anybody; a worker makes one row of many."""
