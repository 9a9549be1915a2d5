"""Keyset paging (and pages by number) over any statement, in one function."""

from collections.abc import Callable, Sequence
from functools import lru_cache
from typing import Any, TypeVar, cast

import msgspec
from sqlalchemy import (
    Column,
    ColumnElement,
    Integer,
    Select,
    bindparam,
    func,
    select,
    tuple_,
    union_all,
)

from lacewing.kernel.db.session import Parameters, Session
from lacewing.kernel.pagination import TOTAL_COUNTED_MAX, InvalidCursor, PageRequest, Slice

Item = TypeVar("Item")


class Order:
    """The columns that a list is sorted by, all in one direction; the last one is unique.

    Without a unique last key, rows that tie would be shown twice or lost between pages.
    """

    def __init__(self, *keys: ColumnElement[Any], descending: bool = False) -> None:
        last = keys[-1]
        if not (isinstance(last, Column) and (last.primary_key or last.unique)):
            raise TypeError(f"the last key must be unique, {last} is not")
        self.keys = keys
        self.descending = descending


def in_order(statement: Select[Any], order: Order, *, is_after: bool) -> Select[Any]:
    """``statement`` in that order; ``with ``is_after`` after the key of the page's cursor."""
    if is_after:
        here = tuple_(*order.keys)
        there = tuple_(
            *(bindparam(f"after_{at}", type_=key.type) for at, key in enumerate(order.keys))
        )
        statement = statement.where(here < there if order.descending else here > there)
    return statement.order_by(*(key.desc() if order.descending else key for key in order.keys))


@lru_cache(maxsize=1_000)
def _page_statement(statement: Select[Any], order: Order, mode: str) -> Select[Any]:
    paged = in_order(statement.add_columns(*order.keys), order, is_after=mode == "after")
    if mode == "offset":
        paged = paged.offset(bindparam("page_offset", type_=Integer))
    return paged.limit(bindparam("page_size", type_=Integer))


@lru_cache(maxsize=1_000)
def _merged_statement(ranges: tuple[Select[Any], ...], order: Order, mode: str) -> Select[Any]:
    pages = [_page_statement(each, order, mode).subquery() for each in ranges]
    merged = union_all(*(page.select() for page in pages)).subquery("merged")
    keys = list(merged.c)[-len(order.keys) :]
    return (
        select(merged)
        .order_by(*(key.desc() if order.descending else key for key in keys))
        .limit(bindparam("page_size", type_=Integer))
    )


@lru_cache(maxsize=1_000)
def _count_statement(statement: Select[Any]) -> Select[Any]:
    # One column stays: expressions of our own hide the tables that they are about.
    first = next(iter(statement.selected_columns))
    some = statement.with_only_columns(first).order_by(None).limit(TOTAL_COUNTED_MAX + 1).subquery()
    return select(func.count()).select_from(some)


async def keyset_page(
    session: Session,
    make: Callable[..., Item],
    statement: Select[Any],
    order: Order,
    page: PageRequest,
    parameters: Parameters,
) -> Slice[Item]:
    """One page of ``statement``, flat in cost however deep a cursor leads.

    ``statement`` and ``order`` are built once and kept by the caller: what is compiled is
    remembered by their identity.
    """
    mode, values = page_values(order, page, parameters)
    rows = await session.all(lambda *row: row, _page_statement(statement, order, mode), values)
    total = None
    if page.page is not None:
        total = cast("int", await session.scalar(_count_statement(statement), parameters))
    return slice_of(rows, make, order, page, total)


async def merged_page(
    session: Session,
    make: Callable[..., Item],
    ranges: tuple[Select[Any], ...],
    order: Order,
    page: PageRequest,
    parameters: Parameters,
) -> Slice[Item]:
    """One page of several statements that share no row, each in the same ``order``.

    Each gives its own page by its own index, and these few rows are merged: no database would do so
    for a condition with as many values. There are no pages by number.
    """
    mode, values = page_values(order, page, parameters)
    rows = await session.all(lambda *row: row, _merged_statement(ranges, order, mode), values)
    return slice_of(rows, make, order, page)


def page_values(
    order: Order, page: PageRequest, parameters: Parameters
) -> tuple[str, dict[str, Any]]:
    """Which kind of page it is, and what its statement binds.

    Raises:
        InvalidCursor: its key is one of another order.
    """
    values: dict[str, Any] = {**parameters, "page_size": page.limit + 1}
    if page.after is not None:
        return "after", values | _after(order, page.after)
    if page.page is not None:
        return "offset", values | {"page_offset": (page.page - 1) * page.limit}
    return "first", values


def slice_of(
    rows: Sequence[Sequence[Any]],
    make: Callable[..., Item],
    order: Order,
    page: PageRequest,
    total: int | None = None,
) -> Slice[Item]:
    """The page that ``rows`` make: each ends with its key, one too many says that more follow."""
    key_count = len(order.keys)
    has_more = len(rows) > page.limit
    rows = rows[: page.limit]
    return Slice(
        items=[make(*row[:-key_count]) for row in rows],
        last_key=list(rows[-1][-key_count:]) if has_more else None,
        total=total,
    )


def _after(order: Order, key_values: list[Any]) -> dict[str, Any]:
    if len(key_values) != len(order.keys):
        raise InvalidCursor
    try:
        return {
            f"after_{at}": msgspec.convert(value, key.type.python_type)
            for at, (key, value) in enumerate(zip(order.keys, key_values, strict=True))
        }
    except msgspec.ValidationError as error:
        raise InvalidCursor from error
