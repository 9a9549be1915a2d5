"""How a database carries out what a test has asked of the program."""

import json
import sqlite3
from collections.abc import Iterator
from typing import Any

import asyncpg
import pytest

from lacewing.kernel.db.statements import StatementCache
from tests.support.house import House

Statement = tuple[str, list[Any]]
Plan = list[dict[str, Any]]
"""The nodes of a plan, each with what matters of it."""


def record_statements(monkeypatch: pytest.MonkeyPatch) -> list[Statement]:
    """Every statement that is carried out from now on, with its values."""
    found: list[Statement] = []
    compiled = StatementCache.compiled

    def record(self: StatementCache, statement: Any, parameters: Any) -> Any:
        made = compiled(self, statement, parameters)
        found.append((made.sql, made.arguments(parameters)))
        return made

    monkeypatch.setattr(StatementCache, "compiled", record)
    return found


async def plan_of(house: House, sql: str, values: list[Any]) -> Plan:
    """SQLite tells what it would do; PostgreSQL does it, and tells how many rows there were."""
    url = house.settings.database.database_url
    assert url is not None
    if house.database.dialect == "sqlite":
        connection = sqlite3.connect(url.removeprefix("sqlite:///"))
        rows = connection.execute(f"EXPLAIN QUERY PLAN {sql}", values).fetchall()
        connection.close()
        return [{"detail": detail} for *_, detail in rows]
    connected = await asyncpg.connect(url)
    try:
        told = await connected.fetchval(f"EXPLAIN (ANALYZE, FORMAT JSON) {sql}", *values)
    finally:
        await connected.close()
    return list(_nodes(json.loads(told)[0]["Plan"]))


def _nodes(node: dict[str, Any]) -> Iterator[dict[str, Any]]:
    yield node
    for inner in node.get("Plans", ()):
        yield from _nodes(inner)


def is_sorted(plan: Plan) -> bool:
    """Whether rows are sorted that no index has in order."""
    return any(
        "Sort" in each.get("Node Type", "") or "TEMP B-TREE" in each.get("detail", "")
        for each in plan
    )
