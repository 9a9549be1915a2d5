from datetime import UTC, datetime
from uuid import UUID

import pytest
from sqlalchemy import (
    Column,
    Dialect,
    Float,
    Integer,
    MetaData,
    Numeric,
    Table,
    Text,
    Uuid,
    bindparam,
    insert,
    select,
    update,
)
from sqlalchemy.dialects.postgresql.asyncpg import dialect as asyncpg_dialect
from sqlalchemy.dialects.sqlite.pysqlite import dialect as pysqlite_dialect

from lacewing.kernel.db import statements
from lacewing.kernel.db.encryption import FieldCipher, Sealed
from lacewing.kernel.db.paging import Order
from lacewing.kernel.db.statements import StatementCache
from lacewing.kernel.db.types import Timestamp

things = Table(
    "things",
    MetaData(),
    Column("id", Uuid, primary_key=True),
    Column("at", Timestamp),
    Column("name", Text, unique=True),
    Column("rank", Float),
    Column("price", Numeric(10, 2)),
    Column("size", Integer),
)
DIALECTS: list[Dialect] = [
    asyncpg_dialect(),  # type: ignore[no-untyped-call]  # SQLAlchemy's own gap
    pysqlite_dialect(),
]
ID = UUID("0199f0c4-6a5e-7c3d-9d0e-0a1b2c3d4e5f")

OTHER_ID = UUID("0199f0c4-6a5e-7c3d-9d0e-0a1b2c3d4e60")


@pytest.fixture(params=DIALECTS, ids=lambda dialect: dialect.name)
def cache(request: pytest.FixtureRequest) -> StatementCache:
    return StatementCache(request.param)


def test_a_statement_is_compiled_once(cache: StatementCache) -> None:
    """DESIGN 3: statements compiled once, by their identity."""
    statement = select(things.c.id).where(things.c.name == bindparam("name"))
    twin = select(things.c.id).where(things.c.name == bindparam("name"))

    first = cache.compiled(statement, {"name": "a"})

    assert cache.compiled(statement, {"name": "b"}) is first
    assert cache.compiled(twin, {"name": "a"}) is not first


def test_a_change_is_compiled_for_each_set_of_columns(cache: StatementCache) -> None:
    """DESIGN 3: an update of one column does not set the others."""
    statement = update(things).where(things.c.id == bindparam("which"))

    name = cache.compiled(statement, {"which": ID, "name": "a"})
    size = cache.compiled(statement, {"which": ID, "size": 1})

    assert "size" not in name.sql
    assert "name" not in size.sql
    assert name.arguments({"which": ID, "name": "a"})[0] == "a"


def test_the_oldest_of_too_many_statements_are_let_go(
    cache: StatementCache, monkeypatch: pytest.MonkeyPatch
) -> None:
    """STYLE 14: at the limit all are kept, one beyond the first is gone."""
    monkeypatch.setattr(statements, "STATEMENTS_KEPT", 3)
    built = [select(things.c.id).limit(number) for number in range(4)]
    first = [cache.compiled(each, {}) for each in built[:3]]

    kept = [cache.compiled(each, {}) for each in built[:3]]
    cache.compiled(built[3], {})
    again = cache.compiled(built[0], {})

    assert all(one is other for one, other in zip(first, kept, strict=True))
    assert again is not first[0]
    assert again.sql == first[0].sql


def test_what_changes_or_locks_rows_begins_a_transaction(cache: StatementCache) -> None:
    """STYLE 8: reads stand alone, the rest does not."""
    read = select(things.c.id)

    needs = {
        "read": cache.compiled(read, {}).takes_locks,
        "lock": cache.compiled(read.with_for_update(), {}).takes_locks,
        "insert": cache.compiled(insert(things), {"id": ID}).takes_locks,
        "update": cache.compiled(update(things), {"name": "a"}).takes_locks,
    }

    assert needs == {"read": False, "lock": True, "insert": True, "update": True}


def test_every_type_of_column_can_be_read(cache: StatementCache) -> None:
    """DESIGN 2: numbers too, whose processors in PostgreSQL ask for a type code."""
    compiled = cache.compiled(select(things), {})

    assert compiled.result_converters is None or len(compiled.result_converters) == 6


def test_values_are_bound_and_never_written_into_the_text(cache: StatementCache) -> None:
    """SEC-6: bound parameters only, also for limits."""
    statement = (
        select(things.c.id)
        .where(things.c.name == bindparam("name"), things.c.at < bindparam("at", type_=Timestamp))
        .limit(bindparam("count", type_=Integer))
    )
    values = {"name": "'; DROP TABLE", "at": datetime(2026, 1, 31, tzinfo=UTC), "count": 5}

    compiled = cache.compiled(statement, values)

    assert "DROP" not in compiled.sql
    assert compiled.arguments(values)[0] == "'; DROP TABLE"
    assert len(compiled.names) == len(compiled.arguments(values)) >= 3


def test_a_list_is_ordered_by_a_unique_last_key() -> None:
    """STYLE 7, API-6: without it rows that tie are lost between pages."""
    Order(things.c.at, things.c.id)
    Order(things.c.size, things.c.name)

    for keys in ((things.c.at,), (things.c.id, things.c.at), (things.c.size + 1,)):
        with pytest.raises(TypeError, match="unique"):
            Order(*keys)


@pytest.mark.parametrize("dialect", DIALECTS, ids=lambda dialect: dialect.name)
def test_a_sealed_column_opens_beside_the_id_of_its_own_row(dialect: Dialect) -> None:
    """SEC-7: of several rows in one, each by its own; without the id it is refused at once."""
    people = Table(
        "people",
        MetaData(),
        Column("id", Uuid, primary_key=True),
        Column("name", Sealed("people.name")),
    )
    author, reader = people.alias("author"), people.alias("reader")
    cipher = FieldCipher([bytes(32)], [bytes(32)])
    sealing = StatementCache(dialect)
    both = select(author.c.id, author.c.name, reader.c.name, reader.c.id)

    row = sealing.compiled(both, {}).converted(
        [
            _of_driver(dialect, ID),
            cipher.seal("people.name", ID, "Ada"),
            cipher.seal("people.name", OTHER_ID, "Bo"),
            _of_driver(dialect, OTHER_ID),
        ],
        cipher,
    )

    assert [row[1], row[2]] == ["Ada", "Bo"]
    with pytest.raises(LookupError, match="sealed"):
        sealing.compiled(select(people.c.name), {})


def _of_driver(dialect: Dialect, row_id: UUID) -> UUID | str:
    """The id as the database's driver gives it."""
    return row_id.hex if dialect.name == "sqlite" else row_id
