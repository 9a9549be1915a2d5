from collections.abc import Mapping
from datetime import datetime
from decimal import Decimal
from typing import Any, Final
from uuid import UUID

from sqlalchemy import ColumnElement, FromClause, Select, bindparam, insert, select, update

from lacewing.accounts.public import Person, person_columns, users_as
from lacewing.catalogue.rules import UNRATED, words_of
from lacewing.catalogue.schemas import NewProduct, ProductView
from lacewing.catalogue.tables import products
from lacewing.kernel.db import Parameters, Session

_creator = users_as("creator")


def with_creator(table: FromClause) -> Select[Any]:
    """What ``product_of`` wants, of products that ``table`` holds."""
    columns: tuple[ColumnElement[Any], ...] = (
        table.c.id,
        table.c.name,
        table.c.category,
        table.c.price,
        table.c.rating,
        *person_columns(_creator),
        table.c.created_at,
        table.c.updated_at,
    )
    return select(*columns).join_from(table, _creator, _creator.c.id == table.c.created_by)


def is_live(table: FromClause) -> ColumnElement[bool]:
    """Whether a product is there for anybody: deleted ones are kept, and never shown."""
    return table.c.deleted_at.is_(None)


_LIVE_BY_ID: Final = (products.c.id == bindparam("product_id"), is_live(products))
_ONE = with_creator(products).where(*_LIVE_BY_ID)
_ONE_LOCKED = _ONE.with_for_update(of=products)
_INSERT = insert(products)
_UPDATE = update(products).where(*_LIVE_BY_ID)


def product_of(
    product_id: UUID,
    name: str,
    category: str,
    price: Decimal,
    rating: Decimal | None,
    creator_id: UUID,
    creator_username: str,
    creator_full_name: str | None,
    created_at: datetime,
    updated_at: datetime,
) -> ProductView:
    return ProductView(
        product_id,
        name,
        category,
        price,
        None if rating is None else float(rating),
        Person(creator_id, creator_username, creator_full_name),
        created_at,
        updated_at,
    )


def _rating_columns(rating: float | None) -> dict[str, Decimal | None]:
    kept = None if rating is None else Decimal(str(rating))
    return {"rating": kept, "rating_order": UNRATED if kept is None else kept}


def row_of(
    product_id: UUID,
    product: NewProduct,
    created_by: UUID,
    created_at: datetime,
    updated_at: datetime,
    external_id: str | None = None,
) -> dict[str, Any]:
    return {
        "id": product_id,
        "name": product.name,
        "words": words_of(product.name),
        "category": product.category,
        "price": product.price,
        **_rating_columns(product.rating),
        "created_by": created_by,
        "created_at": created_at,
        "updated_at": updated_at,
        "external_id": external_id,
    }


async def insert_products(session: Session, rows: list[Parameters]) -> None:
    await session.execute_many(_INSERT, rows)


async def find_product(session: Session, product_id: UUID) -> ProductView | None:
    return await session.one(product_of, _ONE, {"product_id": product_id})


async def lock_product(session: Session, product_id: UUID) -> ProductView | None:
    """The product, which nobody else changes until the transaction ends."""
    return await session.one(product_of, _ONE_LOCKED, {"product_id": product_id})


async def update_product(
    session: Session, product_id: UUID, changes: Mapping[str, Any], now: datetime
) -> None:
    columns = dict(changes)
    if "name" in columns:
        columns["words"] = words_of(columns["name"])
    if "rating" in columns:
        columns |= _rating_columns(columns["rating"])
    await session.execute(_UPDATE, {**columns, "product_id": product_id, "updated_at": now})


async def delete_product(session: Session, product_id: UUID, now: datetime) -> None:
    """Let nobody see it from now on; the row is kept."""
    await session.execute(_UPDATE, {"product_id": product_id, "deleted_at": now})
