"""A backlog costs those alone who wait in it: what workers ask again and again stays as cheap."""

import json
import sqlite3
from collections.abc import AsyncIterator, Callable, Iterator
from datetime import timedelta
from typing import Any

import asyncpg
import pytest

from lacewing.kernel.db import Database, open_database, transaction
from lacewing.kernel.db.statements import StatementCache
from lacewing.kernel.jobs import JobKind, Lease, enqueue, enqueue_all
from lacewing.kernel.jobs.runner import RUNNING_IN_LANE_MAX, Runner
from lacewing.kernel.work import Origin, Work
from lacewing.settings import Settings
from tests.support.house import TestClock

BACKLOG = 100_000
SLOW, OTHER = "test.send", "test.other"
STEPS_MAX = 2_000
"""Of SQLite's machine; walking the backlog takes some of them for each job."""
ROWS_MAX = 100

Statement = tuple[str, list[Any]]


class Backlog:
    """A table where very many jobs of one lane are due, and some other ones."""

    def __init__(self, settings: Settings, database: Database) -> None:
        self.url = settings.database.database_url or ""
        self.database = database
        self.clock = TestClock()

    async def fill(self) -> None:
        async with transaction(self.database) as session:
            work = Work(session, self.clock() - timedelta(hours=1), Origin())
            await enqueue_all(work, SLOW, (({}, "hangs") for _ in range(BACKLOG)))
        if self.database.dialect == "postgresql":
            connection = await asyncpg.connect(self.url)
            await connection.execute("VACUUM ANALYZE jobs")
            await connection.close()

    async def cost(self, statement: Statement) -> int:
        """Steps in SQLite, rows in PostgreSQL."""
        sql, values = statement
        if self.database.dialect == "sqlite":
            return _steps(self.url.removeprefix("sqlite:///"), sql, values)
        connection = await asyncpg.connect(self.url)
        try:
            told = await connection.fetchval(f"EXPLAIN (ANALYZE, FORMAT JSON) {sql}", *values)
        finally:
            await connection.close()
        return sum(_rows(node) for node in _nodes(json.loads(told)[0]["Plan"]))


def _steps(path: str, sql: str, values: list[Any]) -> int:
    connection = sqlite3.connect(path)
    steps = 0

    def count() -> int:
        nonlocal steps
        steps += 1
        return 0

    connection.set_progress_handler(count, 1)
    connection.execute(sql, values).fetchall()
    connection.close()
    return steps


def _nodes(node: dict[str, Any]) -> Iterator[dict[str, Any]]:
    yield node
    for inner in node.get("Plans", ()):
        yield from _nodes(inner)


def _rows(node: dict[str, Any]) -> int:
    removed = node.get("Rows Removed by Filter", 0)
    return int((node["Actual Rows"] + removed) * node["Actual Loops"])


@pytest.fixture
async def backlog(make_settings: Callable[..., Settings]) -> AsyncIterator[Backlog]:
    settings = make_settings()
    database = await open_database(settings.database, settings.general.data_dir)
    found = Backlog(settings, database)
    await found.fill()
    yield found
    await database.close()


@pytest.fixture
def statements(monkeypatch: pytest.MonkeyPatch) -> list[Statement]:
    """Every reading statement that is carried out, with its values."""
    found: list[Statement] = []
    compiled = StatementCache.compiled

    def record(self: StatementCache, statement: Any, parameters: Any) -> Any:
        made = compiled(self, statement, parameters)
        if made.sql.startswith(("SELECT", "WITH")):
            found.append((made.sql, made.arguments(parameters)))
        return made

    monkeypatch.setattr(StatementCache, "compiled", record)
    return found


async def test_a_backlog_of_one_lane_costs_no_other_job_anything(
    backlog: Backlog, statements: list[Statement]
) -> None:
    """WEBHOOK: neither those of other kinds, nor of other lanes, nor the look that finds none."""

    async def run(lease: Lease) -> None:
        pass

    others = Runner(backlog.database, [JobKind(OTHER, run)], backlog.clock)
    sender = Runner(backlog.database, [JobKind(SLOW, run)], backlog.clock)
    assert await others.take_next() is None
    hanging = [await sender.take_next() for _ in range(RUNNING_IN_LANE_MAX)]
    assert await sender.take_next() is None
    async with transaction(backlog.database) as session:
        work = Work(session, backlog.clock(), Origin())
        await enqueue(work, OTHER, {})
        await enqueue(work, SLOW, {}, lane="quick")
        await enqueue(work, SLOW, {})
    found = [await others.take_next()] + [await sender.take_next() for _ in range(3)]
    asked = list(statements)

    assert [each and each.job.lane for each in hanging] == ["hangs"] * RUNNING_IN_LANE_MAX
    assert [each and (each.job.kind, each.job.lane) for each in found] == [
        (OTHER, None), (SLOW, "quick"), (SLOW, None), None,
    ]  # fmt: skip
    most = STEPS_MAX if backlog.database.dialect == "sqlite" else ROWS_MAX
    costs = {sql: await backlog.cost((sql, values)) for sql, values in asked}
    assert not {sql: cost for sql, cost in costs.items() if cost > most}
