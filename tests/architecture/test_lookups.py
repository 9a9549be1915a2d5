"""How the stores find rows: by an index, however many there are."""

import json
import pkgutil
import sqlite3
from collections.abc import Iterator
from importlib import import_module

import pytest
from sqlalchemy import Delete, Select, Update
from sqlalchemy.dialects import sqlite

import lacewing
from tests.support.databases import SqliteTemplate

AT_LEAST = 20
"""So many lookups by several values there are; fewer mean that they were not found."""


@pytest.fixture(scope="module")
async def database(tmp_path_factory: pytest.TempPathFactory) -> sqlite3.Connection:
    folder = tmp_path_factory.mktemp("lookups")
    template = SqliteTemplate(folder)
    await template.prepare()
    async with template.copied(folder) as url:
        return sqlite3.connect(url.removeprefix("sqlite:///"))


def _lookups() -> Iterator[tuple[str, str]]:
    """Each statement of a store that asks for several values at once: its name, its SQL."""
    for module in pkgutil.walk_packages(lacewing.__path__, "lacewing."):
        if ".store" not in module.name:
            continue
        for name, value in vars(import_module(module.name)).items():
            if isinstance(value, Select | Update | Delete):
                sql = str(value.compile(dialect=sqlite.dialect()))
                if "json_each" in sql:
                    yield f"{module.name}.{name}", sql


def _scanned(database: sqlite3.Connection, sql: str) -> list[str]:
    """The tables that are read from end to end."""
    tables = {name for (name,) in database.execute("SELECT name FROM sqlite_master")}
    plan = database.execute(f"EXPLAIN QUERY PLAN {sql}", [json.dumps([])] * sql.count("?"))
    return [step for *_, step in plan if step.startswith("SCAN ") and step.split()[1] in tables]


async def test_rows_of_several_values_are_found_by_an_index(database: sqlite3.Connection) -> None:
    """API-5: what is asked for by ids costs what it finds, not what there is."""
    lookups = dict(_lookups())
    assert len(lookups) >= AT_LEAST
    scans = {name: _scanned(database, sql) for name, sql in lookups.items()}
    assert not {name: tables for name, tables in scans.items() if tables}
