"""SQLite's one writer: many transactions share a commit, and none shares another's fate."""

import asyncio
import sqlite3
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Column, Integer, MetaData, Table, bindparam, insert, select, update

from lacewing.kernel.db import DatabaseUnavailable, UniqueViolation, transaction
from lacewing.kernel.db.sqlite import SqliteDatabase

numbers = Table("numbers", MetaData(), Column("value", Integer, primary_key=True))
VALUES = select(numbers.c.value).order_by(numbers.c.value)
INSERT = insert(numbers)


@pytest.fixture
async def file(tmp_path: Path) -> Path:
    path = tmp_path / "numbers.sqlite3"
    connection = sqlite3.connect(path)
    connection.execute("CREATE TABLE numbers (value INTEGER PRIMARY KEY CHECK (value < 1000))")
    connection.close()
    return path


@pytest.fixture
async def database(file: Path) -> AsyncIterator[SqliteDatabase]:
    opened = SqliteDatabase(file)
    yield opened
    await opened.close()


async def _add(database: SqliteDatabase, *values: int, fails: bool = False) -> None:
    async with transaction(database) as session:
        for value in values:
            await session.execute(INSERT, {"value": value})
            await asyncio.sleep(0)
        if fails:
            raise LookupError


async def _values(database: SqliteDatabase) -> list[int]:
    return await database.session().all(int, VALUES)


def _on_disk(file: Path) -> list[int]:
    """What another process sees: committed, not only written."""
    connection = sqlite3.connect(file)
    try:
        return [row[0] for row in connection.execute("SELECT value FROM numbers ORDER BY value")]
    finally:
        connection.close()


async def test_many_transactions_at_once_are_all_durable_when_they_return(
    database: SqliteDatabase, file: Path
) -> None:
    """DESIGN 1: group commit loses nothing."""

    async def add_and_look(value: int) -> bool:
        await _add(database, value)
        return value in _on_disk(file)

    seen = await asyncio.gather(*(add_and_look(value) for value in range(200)))

    assert all(seen)
    assert await _values(database) == list(range(200))


async def test_many_transactions_share_few_commits(
    database: SqliteDatabase, monkeypatch: pytest.MonkeyPatch
) -> None:
    """DESIGN 3: one sync for many is why it is fast."""
    commits = 0
    to_thread = asyncio.to_thread

    async def counted(call: Any, *arguments: Any) -> Any:
        nonlocal commits
        commits += arguments == ("COMMIT",)
        return await to_thread(call, *arguments)

    monkeypatch.setattr(asyncio, "to_thread", counted)

    await asyncio.gather(*(_add(database, value) for value in range(200)))

    assert 1 <= commits < 50


async def test_one_that_fails_does_not_undo_the_others(
    database: SqliteDatabase, file: Path
) -> None:
    """DESIGN 1: each is a savepoint of its group."""
    results = await asyncio.gather(
        *(_add(database, value, value + 500, fails=value % 3 == 0) for value in range(60)),
        return_exceptions=True,
    )

    kept = [value for value in range(60) if value % 3]
    assert [type(result) for result in results] == [
        type(None) if value % 3 else LookupError for value in range(60)
    ]
    assert _on_disk(file) == kept + [value + 500 for value in kept]


async def test_a_double_row_among_others_is_refused_alone(
    database: SqliteDatabase, file: Path
) -> None:
    """DESIGN 1: of twenty who want the same, one gets it, and whatever else they did is undone."""
    results = await asyncio.gather(
        *(_add(database, 100 + number, 7) for number in range(20)), return_exceptions=True
    )

    failures = [result for result in results if isinstance(result, UniqueViolation)]
    assert len(failures) == 19
    winner = results.index(None)
    assert _on_disk(file) == [7, 100 + winner]


async def test_a_commit_that_fails_is_told_to_all_of_its_group(
    database: SqliteDatabase, file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """DESIGN 1, API-4: nobody is told that something is kept which is not."""
    to_thread = asyncio.to_thread
    full = sqlite3.OperationalError("disk I/O error")
    full.sqlite_errorcode = sqlite3.SQLITE_IOERR

    async def fail_commits(call: Any, *arguments: Any) -> Any:
        if arguments == ("COMMIT",):
            raise full
        return await to_thread(call, *arguments)

    monkeypatch.setattr(asyncio, "to_thread", fail_commits)
    results = await asyncio.gather(
        *(_add(database, value) for value in range(20)), return_exceptions=True
    )
    monkeypatch.setattr(asyncio, "to_thread", to_thread)
    await _add(database, 100)

    assert {type(result) for result in results} == {DatabaseUnavailable}
    assert _on_disk(file) == [100]


async def test_a_transaction_undone_by_sqlite_itself_is_told_to_its_group(
    database: SqliteDatabase, file: Path
) -> None:
    """DESIGN 1: ``RAISE(ROLLBACK)``, as a full disk, undoes what others of the group did too."""
    async with transaction(database) as session:
        await session.execute(INSERT, {"value": 1})
    connection = sqlite3.connect(file)
    connection.execute(
        "CREATE TRIGGER full BEFORE UPDATE ON numbers BEGIN SELECT RAISE(ROLLBACK, 'full'); END"
    )
    connection.close()

    async def fill() -> None:
        async with transaction(database) as session:
            await session.execute(
                update(numbers).where(numbers.c.value == bindparam("which")),
                {"which": 1, "value": 2},
            )

    results = await asyncio.gather(
        *(_add(database, value) for value in range(10, 20)), fill(), return_exceptions=True
    )
    await _add(database, 30)

    told = {value for value, result in zip(range(10, 20), results, strict=False) if result is None}
    assert isinstance(results[-1], sqlite3.IntegrityError)
    assert set(_on_disk(file)) == told | {1, 30}


async def test_a_cancelled_waiter_leaves_the_turn_to_the_next(
    database: SqliteDatabase, file: Path
) -> None:
    """OPS-6: whether it waits for its turn or for the disk."""
    tasks = [asyncio.create_task(_add(database, value)) for value in range(50)]
    for pause, task in enumerate(tasks[::7]):
        for _ in range(pause):
            await asyncio.sleep(0)
        task.cancel()
    results = await asyncio.gather(*tasks, return_exceptions=True)
    await _add(database, 900)

    done = {value for value, result in enumerate(results) if result is None}
    assert len(done) >= 42
    assert done | {900} <= set(_on_disk(file))


async def test_a_transaction_waits_for_another_process(
    database: SqliteDatabase, file: Path
) -> None:
    """UX-2: an import and the server share a file."""
    other = sqlite3.connect(file, isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    other.execute("INSERT INTO numbers VALUES (1)")
    waiting = asyncio.create_task(_add(database, 2))
    for _ in range(10):
        await asyncio.sleep(0)
    is_waiting = not waiting.done()
    other.execute("COMMIT")
    other.close()

    await waiting

    assert is_waiting
    assert _on_disk(file) == [1, 2]


async def test_a_database_locked_for_too_long_is_unavailable(
    database: SqliteDatabase, file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """API-4: 503, not for ever waiting; nothing is kept."""
    monkeypatch.setattr("lacewing.kernel.db.sqlite.LOCK_SECONDS", 0.0)
    other = sqlite3.connect(file, isolation_level=None)
    other.execute("BEGIN IMMEDIATE")

    with pytest.raises(DatabaseUnavailable):
        await _add(database, 2)

    other.close()
    assert _on_disk(file) == []


async def test_closing_waits_for_what_is_under_way(file: Path) -> None:
    """OPS-6: what is begun is finished."""
    database = SqliteDatabase(file)
    tasks = [asyncio.create_task(_add(database, value)) for value in range(20)]
    await asyncio.sleep(0)

    await asyncio.gather(*tasks)
    await database.close()

    assert _on_disk(file) == list(range(20))
