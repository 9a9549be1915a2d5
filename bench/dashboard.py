"""``python -m bench.dashboard``: how long figures of a million issues take, on both databases.

The issues come in by the program's own store, so that triggers note each; then the journal is
folded, as a worker does it, and the server is asked over HTTP.
"""

import argparse
import asyncio
import statistics
import tempfile
import time
from collections.abc import AsyncGenerator, Callable, Generator
from contextlib import asynccontextmanager, contextmanager
from datetime import timedelta
from pathlib import Path
from random import Random
from typing import Any, NamedTuple
from uuid import UUID

import asyncpg
import httpx
from tests.support.processes import admin_token, environment_of, serving
from tests.support.servers import postgres

from bench.__main__ import DURABLE
from lacewing.accounts.store import users
from lacewing.kernel.actor import Role
from lacewing.kernel.clock import utc_now
from lacewing.kernel.db import Database, Parameters, open_database, transaction
from lacewing.kernel.db.database import DatabaseSettings
from lacewing.kernel.db.migrations import Migrations
from lacewing.kernel.ids import new_id
from lacewing.tracker.jobs import TallyHealth, examine_tallies
from lacewing.tracker.rules import NO_DUE_DATE, Priority, Status, marks_of
from lacewing.tracker.store import issues as issues_store, projects as projects_store
from lacewing.tracker.store.tally_upkeep import fold_journal

PROJECTS = 20
PEOPLE = 60
ROWS_AT_ONCE = 200
"""Of one transaction: SQLite keeps copies of every page that a trigger touches until it ends."""
FOLDED_AT_ONCE = 5_000
YEARS = 3
TRIES = 30
BOARD = "/api/dashboard/issues"
ROW = "{:<12} {:<42} {:>10}"


class Filled(NamedTuple):
    """Measures of the filling, in seconds, and one of the projects."""

    measures: dict[str, float]
    project_id: UUID


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--issues", type=int, default=1_000_000)
    issues = parser.parse_args().issues
    print(f"{issues:,} issues in {PROJECTS} projects")
    print(ROW.format("", "", "ms"))
    for name, server in (("sqlite", _sqlite), ("postgresql", _postgresql)):
        with tempfile.TemporaryDirectory(prefix="lacewing-dashboard-") as folder, server() as url:
            for what, milliseconds in _measure(
                url or f"sqlite:///{folder}/x.sqlite3", Path(folder), issues
            ):
                print(ROW.format(name, what, f"{milliseconds:,.1f}"), flush=True)
    return 0


@contextmanager
def _sqlite() -> Generator[str]:
    yield ""


@contextmanager
def _postgresql() -> Generator[str]:
    with postgres(DURABLE) as url:
        asyncio.run(_execute(f"{url}/postgres", "CREATE DATABASE bench"))
        yield f"{url}/bench"


def _measure(url: str, folder: Path, count: int) -> Generator[tuple[str, float]]:
    filled = asyncio.run(_fill(url, folder, count))
    yield from filled.measures.items()
    environment = environment_of(url, folder)
    with serving(environment) as server:
        bearer = {"Authorization": f"Bearer {admin_token(server, environment)}"}
        with httpx.Client(base_url=server.url, headers=bearer, timeout=60) as client:
            for what, query in (
                ("over all, with a page of 20 projects", {}),
                ("over all, with one project", {"limit": 1}),
                ("one project", {"project_id": str(filled.project_id)}),
            ):
                answer = client.get(BOARD, params=query)
                answer.raise_for_status()
                yield what, _median(lambda query=query: client.get(BOARD, params=query))  # type: ignore[misc]  # a default binds the value of this turn


def _median(ask: Callable[[], Any]) -> float:
    times = []
    for _ in range(TRIES):
        begun = time.perf_counter()
        ask()
        times.append((time.perf_counter() - begun) * 1_000)
    return statistics.median(times)


async def _fill(url: str, folder: Path, count: int) -> Filled:
    settings = DatabaseSettings(database_url=url)
    await Migrations(settings, folder).upgrade()
    async with _opened(settings, folder) as database:
        people, projects = await _make_people_and_projects(database)
        measures = {}
        begun = time.perf_counter()
        chance = Random(1)
        for first in range(0, count, ROWS_AT_ONCE):
            rows = [
                _issue(chance, number, people, projects)
                for number in range(first, min(first + ROWS_AT_ONCE, count))
            ]
            async with transaction(database) as session:
                await issues_store.insert_issues(session, rows)
        measures["filling, per 1,000 issues"] = (time.perf_counter() - begun) / count * 1e6
        begun = time.perf_counter()
        while await _fold(database):
            pass
        measures["folding, per 1,000 entries"] = (time.perf_counter() - begun) / count * 1e6
        if url.startswith("postgresql"):
            await _execute(url, "VACUUM ANALYZE")
        begun = time.perf_counter()
        health = await examine_tallies(database.session())
        measures["proving the tallies right"] = (time.perf_counter() - begun) * 1_000
        assert health == TallyHealth(wrong=0, waiting=0)
    return Filled(measures, projects[0])


async def _fold(database: Database) -> int:
    async with transaction(database) as session:
        return await fold_journal(session, FOLDED_AT_ONCE)


@asynccontextmanager
async def _opened(settings: DatabaseSettings, folder: Path) -> AsyncGenerator[Database]:
    database = await open_database(settings, folder)
    try:
        yield database
    finally:
        await database.close()


async def _make_people_and_projects(database: Database) -> tuple[list[UUID], list[UUID]]:
    people, projects = ([new_id() for _ in range(many)] for many in (PEOPLE, PROJECTS))
    async with transaction(database) as session:
        for number, user_id in enumerate(people):
            await users.insert_user(
                session,
                user_id=user_id,
                username=f"user{number}",
                email=f"user{number}@example.com",
                full_name=f"User Number {number}",
                password_hash=None,
                role=Role.DEVELOPER,
                is_active=True,
                now=utc_now(),
            )
        for number, project_id in enumerate(projects):
            await projects_store.insert_project(
                session,
                project_id=project_id,
                key=f"P{number}",
                name=f"Project {number}",
                description="",
                created_by=people[0],
                now=utc_now(),
            )
    return people, projects


def _issue(chance: Random, number: int, people: list[UUID], projects: list[UUID]) -> Parameters:
    """The times to resolve are log-normal around two days, as in real trackers."""
    now = utc_now()
    created = now - timedelta(seconds=chance.random() * YEARS * 365 * 86_400)
    status = chance.choice([*Status, Status.CLOSED, Status.CLOSED])
    done = min(now, created + timedelta(seconds=chance.lognormvariate(12, 2)))
    marks = {"closed_at": None, "resolve_seconds": None}
    if status in {Status.RESOLVED, Status.CLOSED}:
        marks |= marks_of(Status.RESOLVED, created, done)
    if status is Status.CLOSED:
        marks |= marks_of(Status.CLOSED, created, done)
    due = (created + timedelta(days=chance.randrange(5, 400))).date() if number % 2 else None
    return {
        "id": new_id(),
        "project_id": projects[number % PROJECTS],
        "number": number // PROJECTS + 1,
        "title": f"Trouble {number}",
        "description": "",
        "description_html": "",
        "status": status.value,
        "priority": chance.choice(list(Priority)),
        "reporter_id": people[number % PEOPLE],
        "assignee_id": chance.choice([None, *people]),
        "due_date": due,
        "due_order": due or NO_DUE_DATE,
        "labels": [],
        "created_at": created,
        "updated_at": max(created, done),
        "comment_count": 0,
        **marks,
        "external_id": None,
    }


async def _execute(url: str, statement: str) -> None:
    connection = await asyncpg.connect(url)
    try:
        await connection.execute(statement)
    finally:
        await connection.close()


if __name__ == "__main__":
    raise SystemExit(main())
