"""Column types that mean the same on both databases, alone and as many values at once."""

from collections.abc import AsyncIterator
from datetime import UTC, date, datetime, timedelta, timezone
from decimal import Decimal
from enum import StrEnum
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import Column, Date, MetaData, Table, Text, Uuid, bindparam, func, insert, select
from sqlalchemy.types import TypeEngine

from lacewing.kernel.db import Database, open_database, transaction
from lacewing.kernel.db.database import DatabaseSettings
from lacewing.kernel.db.expressions import any_of
from lacewing.kernel.db.offline import use_connection
from lacewing.kernel.db.types import Document, Ranked, Scaled, Timestamp
from lacewing.kernel.ids import new_id
from tests.support.house import House


class Size(StrEnum):
    """Ordered otherwise than its letters."""

    SMALL = "small"
    LARGE = "large"
    HUGE = "huge"


samples = Table(
    "test_samples",
    MetaData(),
    Column("id", Uuid, primary_key=True),
    Column("at", Timestamp),
    Column("size", Ranked(Size)),
    Column("text", Text),
    Column("day", Date),
    Column("amount", Scaled(2)),
    Column("document", Document),
)
COLUMNS = ("id", "at", "size", "text", "day", "amount")
MOMENT = datetime(2026, 1, 31, 12, tzinfo=UTC)
ROWS: tuple[dict[str, Any], ...] = tuple(
    {
        "id": UUID(int=number),
        "at": MOMENT + timedelta(microseconds=number),
        "size": size,
        "text": text,
        "day": date(2026, 2, number + 1),
        "amount": Decimal("0.07") + number,
        "document": {"number": number},
    }
    for number, (size, text) in enumerate(
        [(Size.HUGE, "a"), (Size.SMALL, "b,c"), (Size.LARGE, '{"d"}'), (Size.LARGE, "ü'")]
    )
)


@pytest.fixture
async def database(house: House) -> AsyncIterator[Database]:
    """A database with a table of samples in it."""
    settings = DatabaseSettings(database_url=house.settings.database.database_url)
    folder = house.settings.general.data_dir
    await use_connection(settings, folder, samples.create)
    opened = await open_database(settings, folder)
    async with transaction(opened) as session:
        await session.execute_many(insert(samples), list(ROWS))
    yield opened
    await opened.close()


@pytest.mark.parametrize("name", COLUMNS)
async def test_many_values_of_a_type_are_found_by_one_parameter(
    database: Database, name: str
) -> None:
    """STYLE: ``any_of`` converts each value once, as its column does."""
    column: Column[Any] = samples.c[name]
    statement = select(samples.c.id).where(any_of(column, "values")).order_by(samples.c.id)

    async def found(*rows: int) -> list[UUID]:
        values = [ROWS[row][name] for row in rows]
        return await database.session().all(lambda row_id: row_id, statement, {"values": values})

    assert await found() == []
    assert await found(0) == [UUID(int=0)]
    assert await found(0, 1) == [UUID(int=0), UUID(int=1)]


@pytest.mark.parametrize("name", [*COLUMNS, "document"])
async def test_a_value_comes_back_as_it_was_given(database: Database, name: str) -> None:
    """API-2: on both databases alike."""
    statement = select(samples.c[name]).order_by(samples.c.id)

    values = await database.session().all(lambda value: value, statement)

    assert values == [row[name] for row in ROWS]


async def test_ranks_sort_by_what_they_mean(database: Database) -> None:
    """ISS-1: ``sort=priority`` goes from low to critical, not from c to m."""
    statement = select(samples.c.size).order_by(samples.c.size)

    sizes = await database.session().all(Size, statement)

    assert sizes == [Size.SMALL, Size.LARGE, Size.LARGE, Size.HUGE]


async def test_moments_compare_in_utc_whatever_their_offset(database: Database) -> None:
    """API-2: to the microsecond."""
    kind: TypeEngine[Any] = Timestamp()
    statement = select(samples.c.id).where(samples.c.at > bindparam("moment", type_=kind))
    elsewhere = timezone(timedelta(hours=-7))
    moment = (MOMENT + timedelta(microseconds=1)).astimezone(elsewhere)

    later = await database.session().all(lambda row_id: row_id, statement, {"moment": moment})

    assert sorted(later) == [UUID(int=2), UUID(int=3)]


async def test_amounts_add_up_to_the_cent(database: Database) -> None:
    """API-2: they are kept as integers, and no third decimal is rounded away."""
    total = select(func.sum(samples.c.amount), func.max(samples.c.amount))
    found = await database.session().one(lambda *row: row, total)

    assert found == (Decimal("6.28"), Decimal("3.07"))
    with pytest.raises(ValueError, match="more than 2 decimals"):
        await database.session().all(
            tuple, select(samples.c.id).where(samples.c.amount > bindparam("low")),
            {"low": Decimal("0.001")},
        )  # fmt: skip


def test_ids_grow_with_time() -> None:
    """API-2: UUIDv7, later ones after earlier ones also within one millisecond."""
    ids = [new_id() for _ in range(10_000)]

    assert ids == sorted(set(ids))
    assert {each.version for each in ids} == {7}
