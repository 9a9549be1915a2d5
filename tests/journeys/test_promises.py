"""What a schema promises to programs that are older than it, and what an upgrade would do."""

import asyncio
import json
import re
from pathlib import Path

import pytest
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, text

from lacewing.kernel.db.database import DatabaseSettings
from lacewing.kernel.db.migrations import (
    Migrations,
    NoSuchRevision,
    SchemaOutdated,
    SchemaTooNew,
)
from lacewing.kernel.db.offline import use_connection
from lacewing.kernel.db.plan import plan_steps
from lacewing.kernel.db.promise import Phase, oldest_program
from tests.support.processes import lacewing

MIGRATIONS = Path(__file__).parents[2] / "migrations"
FIRST_WITH_PHASE = "0013_schema_promise"
TAKES_AWAY = re.compile(r"\b(DROP (TABLE|COLUMN)|RENAME|SET NOT NULL|ALTER COLUMN \w+ TYPE)\b")


@pytest.fixture
def settings(database_url: str) -> DatabaseSettings:
    return DatabaseSettings(database_url=database_url)


async def _make_newer(settings: DatabaseSettings, folder: Path, promised: str | None) -> None:
    """As a program of next year leaves the database."""

    def change(connection: Connection) -> None:
        connection.execute(text("UPDATE alembic_version SET version_num = '9999_next_year'"))
        connection.execute(text("DELETE FROM schema_promise"))
        if promised is not None:
            statement = text("INSERT INTO schema_promise VALUES (:promised)")
            connection.execute(statement, {"promised": promised})

    await use_connection(settings, folder, change)


async def test_a_program_runs_on_a_newer_schema_that_promises_to_bear_it(
    settings: DatabaseSettings, tmp_path: Path
) -> None:
    """OPS-2: what it writes there it may; what needs every column, or changes any, it may not. So
    deployments of the version before, which begin with ``db upgrade``, go through."""
    migrations = Migrations(settings, tmp_path)
    await _make_newer(settings, tmp_path, migrations.head())

    assert await migrations.check() == "9999_next_year"
    with pytest.raises(SchemaTooNew):
        await migrations.check_same()
    await migrations.upgrade()
    assert await migrations.plan() == []
    assert await migrations.current() == "9999_next_year"
    for change in (
        migrations.downgrade("base"),
        migrations.upgrade(migrations.head()),
        migrations.plan(migrations.head()),
    ):
        with pytest.raises(SchemaTooNew, match="9999_next_year"):
            await change


@pytest.mark.parametrize("promised", [None, "9998_last_year"])
async def test_a_program_refuses_a_newer_schema_that_promises_it_nothing(
    settings: DatabaseSettings, tmp_path: Path, promised: str | None
) -> None:
    """OPS-2: and says which programs may."""
    await _make_newer(settings, tmp_path, promised)

    migrations = Migrations(settings, tmp_path)
    for use in (migrations.check(), migrations.upgrade(), migrations.plan()):
        with pytest.raises(SchemaTooNew, match=promised or "9999_next_year"):
            await use


async def test_the_promise_is_kept_as_the_schema_goes_up_and_down(
    settings: DatabaseSettings, tmp_path: Path
) -> None:
    """OPS-2: one row, of the revision that stands there."""
    migrations = Migrations(settings, tmp_path)
    scripts = ScriptDirectory(str(MIGRATIONS))

    def promises(connection: Connection) -> list[str]:
        return [row[0] for row in connection.execute(text("SELECT * FROM schema_promise"))]

    found = [await use_connection(settings, tmp_path, promises)]
    await migrations.downgrade(FIRST_WITH_PHASE)
    found.append(await use_connection(settings, tmp_path, promises))
    await migrations.upgrade()
    found.append(await use_connection(settings, tmp_path, promises))

    newest = oldest_program(scripts, migrations.head())
    assert found == [[newest], [oldest_program(scripts, FIRST_WITH_PHASE)], [newest]]


async def test_several_who_upgrade_at_once_wait_for_each_other(
    settings: DatabaseSettings, tmp_path: Path
) -> None:
    """OPS-2: as the pods of a deployment may; one does it, the others find it done."""
    migrations = [Migrations(settings, tmp_path) for _ in range(3)]
    await migrations[0].downgrade("base")

    await asyncio.gather(*(each.upgrade() for each in migrations))

    assert await migrations[0].current() == migrations[0].head()


async def test_a_revision_that_is_none_is_refused_in_a_line(
    settings: DatabaseSettings, tmp_path: Path
) -> None:
    """OPS-2: and nothing is changed."""
    migrations = Migrations(settings, tmp_path)

    for change in (migrations.upgrade("nonsense"), migrations.plan("nonsense")):
        with pytest.raises(NoSuchRevision, match="nonsense"):
            await change

    assert await migrations.current() == migrations.head()


async def test_a_schema_that_is_too_old_is_refused(
    settings: DatabaseSettings, tmp_path: Path
) -> None:
    """OPS-2: it says what to run."""
    migrations = Migrations(settings, tmp_path)
    await migrations.downgrade("-1")

    with pytest.raises(SchemaOutdated, match="lacewing db upgrade"):
        await migrations.check()


def test_each_migration_says_what_it_does_and_takes_nothing_away_unsaid() -> None:
    """OPS-2: expand, move, contract; only a contraction may drop what programs use."""
    scripts = ScriptDirectory(str(MIGRATIONS))
    head = scripts.get_current_head()
    assert head is not None

    steps = plan_steps(scripts, "postgresql", "0012_job_lanes", head)

    assert steps[0].revision == FIRST_WITH_PHASE
    for step in steps:
        assert step.phase is not None, f"{step.revision} does not say its phase"
        if step.phase is not Phase.CONTRACT:
            taken = [each for each in step.statements or () if TAKES_AWAY.search(each)]
            assert not taken, f"{step.revision} is no {step.phase}: {taken}"


@pytest.mark.parametrize("dialect", ["postgresql", "sqlite"])
def test_the_plan_tells_each_step_with_its_statements_and_locks(dialect: str) -> None:
    """OPS-2: from nothing to the newest, every one of ours can be told."""
    scripts = ScriptDirectory(str(MIGRATIONS))

    steps = plan_steps(scripts, "sqlite" if dialect == "sqlite" else "postgresql", None, "head")

    assert len(steps) == len(list(MIGRATIONS.glob("versions/*.py")))
    dashboard = next(step for step in steps if step.revision == "0009_dashboard")
    assert any("ADD COLUMN closed_at" in each for each in dashboard.statements or ())
    if dialect == "postgresql":
        assert all(step.statements for step in steps)
        assert "nobody reads or writes issues meanwhile" in dashboard.locks
        assert "nobody writes to issues until it is built" in dashboard.locks


async def test_a_plan_changes_nothing(database_url: str, tmp_path: Path) -> None:
    """OPS-2: ``lacewing db upgrade --plan`` tells what would be done."""
    migrations = Migrations(DatabaseSettings(database_url=database_url), tmp_path)
    await migrations.downgrade("0012_job_lanes")
    environment = {"LACEWING_DATABASE_URL": database_url, "LACEWING_DATA_DIR": str(tmp_path)}

    for_people = lacewing("db", "upgrade", "--plan", environment=environment)
    for_scripts = lacewing("db", "upgrade", "--plan", "--json", environment=environment)

    assert "0013_schema_promise (expand)" in for_people.stdout
    assert "CREATE TABLE schema_promise" in for_people.stdout
    assert "programs from 0013_schema_promise on" in for_people.stdout
    assert json.loads(for_scripts.stdout)["steps"][0]["revision"] == "0013_schema_promise"
    assert await migrations.current() == "0012_job_lanes"
