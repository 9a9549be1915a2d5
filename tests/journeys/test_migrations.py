from pathlib import Path

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from alembic.operations.ops import MigrateOperation
from sqlalchemy import Connection, inspect

import lacewing.main  # noqa: F401  all tables register
from lacewing.kernel.db.database import DatabaseSettings
from lacewing.kernel.db.metadata import metadata
from lacewing.kernel.db.migrations import Migrations, SchemaOutdated
from lacewing.kernel.db.offline import use_connection

OWN_TABLE = "alembic_version"


@pytest.fixture
def settings(database_url: str) -> DatabaseSettings:
    return DatabaseSettings(database_url=database_url)


def _tables(connection: Connection) -> set[str]:
    return set(inspect(connection).get_table_names())


def _differences(connection: Connection) -> list[MigrateOperation]:
    """Where the migrated schema is not the metadata's; tables of search are made by hand."""

    def is_compared(_object: object, name: str | None, kind: str, *_: object) -> bool:
        return kind != "table" or name in metadata.tables

    context = MigrationContext.configure(
        connection, opts={"include_object": is_compared, "compare_type": False}
    )
    found: list[MigrateOperation] = compare_metadata(context, metadata)
    return found


async def test_the_migrated_schema_is_the_one_that_the_program_declares(
    settings: DatabaseSettings, tmp_path: Path
) -> None:
    """OPS-2: no migration is missing, on either database."""
    differences = await use_connection(settings, tmp_path, _differences)

    assert differences == []


async def test_the_schema_goes_down_to_nothing_and_up_again(
    settings: DatabaseSettings, tmp_path: Path
) -> None:
    """OPS-2: up, down to nothing that is left over, and up to the same tables."""
    migrations = Migrations(settings, tmp_path)
    before = await use_connection(settings, tmp_path, _tables)

    await migrations.downgrade("base")
    nothing = await use_connection(settings, tmp_path, _tables)
    await migrations.upgrade()
    after = await use_connection(settings, tmp_path, _tables)

    assert nothing <= {OWN_TABLE}
    assert after == before
    assert await use_connection(settings, tmp_path, _differences) == []
    await migrations.check()


async def test_each_step_down_goes_up_again(settings: DatabaseSettings, tmp_path: Path) -> None:
    """OPS-2: one revision at a time; each but the newest is refused by the program."""
    migrations = Migrations(settings, tmp_path)
    steps = 0

    while await migrations.current() is not None:
        await migrations.downgrade("-1")
        await migrations.upgrade("+1")
        await migrations.downgrade("-1")
        steps += 1
        with pytest.raises(SchemaOutdated):
            await migrations.check()

    assert steps >= 3
    await migrations.upgrade()
    assert await use_connection(settings, tmp_path, _differences) == []
