"""Lists of products: a page is a range of one index, however deep and however many products.

Each order has an index of the live products, and one more below the category; several categories
are as many ranges, merged. What else narrows a list (words; prices, where it is not sorted by them)
has no index in that order. So it is first asked of the next ``WINDOW`` products, which fills the
page where it is true of many; else what fits is looked up by an index of its own, and sorted. No
planner chooses well between the two: it can't know how many names begin so.
"""

from decimal import Decimal
from functools import lru_cache
from typing import Any, Final

import msgspec
from sqlalchemy import ColumnElement, FromClause, Select, bindparam, func, select, true

from lacewing.catalogue.rules import FACET_VALUES_MAX
from lacewing.catalogue.schemas import Facets, FacetValue, ProductSort, ProductView, SortOrder
from lacewing.catalogue.store import search
from lacewing.catalogue.store.products import is_live, product_of, with_creator
from lacewing.catalogue.store.search import Terms
from lacewing.catalogue.tables import products
from lacewing.kernel.db import Session
from lacewing.kernel.db.expressions import also_any_of
from lacewing.kernel.db.paging import (
    Order,
    in_order,
    keyset_page,
    merged_page,
    page_values,
    slice_of,
)
from lacewing.kernel.pagination import PageRequest, Slice

WINDOW: Final = 1_000
"""Products of which one in fifty fills a page of 20; read in two or three milliseconds."""

_SORT_COLUMNS: Final = {
    ProductSort.PRICE: "price",
    ProductSort.RATING: "rating_order",
    ProductSort.CREATED: "created_at",
}


class ProductFilter(msgspec.Struct, frozen=True):
    """What a list is narrowed to; ``None`` where it is not."""

    search: Terms | None = None
    category: tuple[str, ...] = ()
    """Any of these, each once; none of them: all."""
    min_price: Decimal | None = None
    max_price: Decimal | None = None


class _Shape(msgspec.Struct, frozen=True):
    """What makes the statement of one list differ from that of another."""

    dialect: str
    bounds: frozenset[str]
    categories: int
    wanted: int
    unwanted: int
    """How many terms are searched for, and how many against."""
    sort: ProductSort = ProductSort.CREATED
    is_descending: bool = False
    is_after: bool = False

    def order(self, table: FromClause) -> Order:
        key = table.c[_SORT_COLUMNS[self.sort]]
        return Order(key, table.c.id, descending=self.is_descending)


def _in_bounds(table: FromClause, shape: _Shape) -> list[ColumnElement[bool]]:
    conditions = {
        "min_price": table.c.price >= bindparam("min_price"),
        "max_price": table.c.price <= bindparam("max_price"),
    }
    return [conditions[name] for name in sorted(shape.bounds)]


def _in_category(table: FromClause, shape: _Shape) -> list[ColumnElement[bool]]:
    if shape.categories == 1:
        return [table.c.category == bindparam("category_0")]
    return [also_any_of(table.c.category, "categories")] if shape.categories else []


@lru_cache(maxsize=1_000)
def _whole(shape: _Shape) -> tuple[Select[Any], Order]:
    """All that fits, where an index has it in order."""
    conditions = *_in_category(products, shape), *_in_bounds(products, shape)
    return with_creator(products).where(is_live(products), *conditions), shape.order(products)


@lru_cache(maxsize=1_000)
def _ranges(shape: _Shape) -> tuple[tuple[Select[Any], ...], Order]:
    """The same, category by category."""
    fit = with_creator(products).where(is_live(products), *_in_bounds(products, shape))
    each = (
        fit.where(products.c.category == bindparam(f"category_{at}"))
        for at in range(shape.categories)
    )
    return tuple(each), shape.order(products)


def _next(shape: _Shape) -> Select[Any]:
    """The next products in that order, as many as the window has."""
    of_category = _in_category(products, shape) if shape.categories == 1 else []
    live = select(products).where(is_live(products), *of_category)
    ahead = in_order(live, shape.order(products), is_after=shape.is_after)
    return ahead.limit(bindparam("window"))


def _fitting_of(near: FromClause, shape: _Shape) -> Select[Any]:
    conditions = (
        *_in_category(near, shape),
        *_in_bounds(near, shape),
        *search.has_terms(near, shape.wanted, shape.unwanted),
    )
    return with_creator(near).where(*conditions)


@lru_cache(maxsize=1_000)
def _near(shape: _Shape) -> tuple[Select[Any], Order]:
    """What fits of the next products: no more of them are read than fill the page."""
    near = _next(shape).subquery("near")
    return _fitting_of(near, shape), shape.order(near)


@lru_cache(maxsize=1_000)
def _near_and_size(shape: _Shape) -> tuple[Select[Any], Order]:
    """The same, each behind the number of the next products; one row of nulls where none fits.

    One statement tells both: counted by another, those that are deleted meanwhile might make it
    seem that nothing follows.
    """
    near = _next(shape).cte("near")
    order = shape.order(near)
    fit = _fitting_of(near, shape).add_columns(*order.keys)
    page = in_order(fit, order, is_after=False).limit(bindparam("page_size")).subquery("page")
    size = select(func.count().label("size")).select_from(near).subquery("size")
    keys = list(page.c)[-len(order.keys) :]
    statement = select(size.c.size, page).select_from(size.outerjoin(page, true()))
    return in_order(statement, Order(*keys, descending=order.descending), is_after=False), order


def _fitting(shape: _Shape) -> list[ColumnElement[bool]]:
    """What fits, by whatever index finds it best; the words that a product keeps decide."""
    fitting = [
        is_live(products),
        *_in_category(products, shape),
        *_in_bounds(products, shape),
        *search.has_terms(products, shape.wanted, shape.unwanted),
    ]
    return [search.is_found(shape.dialect), *fitting] if shape.wanted else fitting


@lru_cache(maxsize=1_000)
def _looked_up(shape: _Shape) -> tuple[Select[Any], Order]:
    """All that fits, gathered before anything is sorted."""
    fit = select(products).where(*_fitting(shape)).cte("fit").prefix_with("MATERIALIZED")
    return with_creator(fit), shape.order(fit)


@lru_cache(maxsize=100)
def _count_by_category(shape: _Shape) -> Select[Any]:
    count = func.count()
    in_all = func.sum(count).over()  # before the limit cuts anything off
    return (
        select(products.c.category, count, in_all)
        .where(*_fitting(shape))
        .group_by(products.c.category)
        .order_by(count.desc(), products.c.category)
        .limit(FACET_VALUES_MAX)
    )


async def list_products(
    session: Session,
    wanted: ProductFilter,
    sort: ProductSort,
    sort_order: SortOrder,
    page: PageRequest,
) -> Slice[ProductView]:
    if wanted.search is not None and wanted.search.find_nothing:
        return Slice([], None)
    is_descending = sort_order is SortOrder.DESCENDING
    values = _values(session, wanted)
    if page.after is not None and sort is ProductSort.PRICE:
        # What the cursor says anyway; said twice, databases begin at the wrong one of both.
        values.pop("max_price" if is_descending else "min_price", None)
    shape = _Shape(
        dialect=session.dialect,
        sort=sort,
        is_descending=is_descending,
        is_after=page.after is not None,
        **_filters(wanted, values),
    )
    if wanted.search is not None or (shape.bounds and sort is not ProductSort.PRICE):
        return await _list_narrowed(session, shape, page, values)
    if shape.categories > 1:
        ranges, order = _ranges(shape)
        return await merged_page(session, product_of, ranges, order, page, values)
    statement, order = _whole(shape)
    return await keyset_page(session, product_of, statement, order, page, values)


async def _list_narrowed(
    session: Session, shape: _Shape, page: PageRequest, values: dict[str, Any]
) -> Slice[ProductView]:
    window = {**values, "window": WINDOW}
    statement, order = _near(shape)
    found = await keyset_page(session, product_of, statement, order, page, window)
    if found.last_key is not None:
        return found
    statement, order = _near_and_size(shape)
    _, bound = page_values(order, page, window)
    rows = await session.all(lambda *row: row, statement, bound)
    fitting = [fit for _, *fit in rows if fit[0] is not None]
    if len(fitting) > page.limit or rows[0][0] < WINDOW:
        return slice_of(fitting, product_of, order, page)
    statement, order = _looked_up(shape)
    return await keyset_page(session, product_of, statement, order, page, values)


async def count_by_category(session: Session, wanted: ProductFilter) -> Facets:
    """The largest categories of what the list shows, and how many products have another one."""
    if wanted.search is not None and wanted.search.find_nothing:
        return Facets([], 0)
    values = _values(session, wanted)
    shape = _Shape(dialect=session.dialect, **_filters(wanted, values))
    rows = await session.all(lambda *row: row, _count_by_category(shape), values)
    largest = [FacetValue(category, count) for category, count, _ in rows]
    in_all = int(rows[0][-1]) if rows else 0
    return Facets(largest, in_all - sum(each.count for each in largest))


def _values(session: Session, wanted: ProductFilter) -> dict[str, Any]:
    values: dict[str, Any] = {"categories": wanted.category}
    padding = [None] * (_places(wanted.category) - len(wanted.category))
    named = enumerate([*wanted.category, *padding])
    values |= {f"category_{at}": category for at, category in named}
    if wanted.min_price is not None:
        values["min_price"] = wanted.min_price
    if wanted.max_price is not None:
        values["max_price"] = wanted.max_price
    if wanted.search is not None:
        values |= wanted.search.values(session.dialect)
    return values


def _places(categories: tuple[str, ...]) -> int:
    """Places for so many categories: a power of two, lest each number be another statement."""
    return 1 << (len(categories) - 1).bit_length() if categories else 0


def _filters(wanted: ProductFilter, values: dict[str, Any]) -> dict[str, Any]:
    """What a shape tells of the filters."""
    terms = wanted.search or Terms((), ())
    return {
        "bounds": frozenset({"min_price", "max_price"} & values.keys()),
        "categories": _places(wanted.category),
        "wanted": len(terms.wanted),
        "unwanted": len(terms.unwanted),
    }
