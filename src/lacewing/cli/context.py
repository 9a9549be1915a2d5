"""What commands work with: settings, a migrated database, and themselves as the actor."""

import asyncio
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import TypeVar

from lacewing.kernel.clock import utc_now
from lacewing.kernel.db import Database, Session, open_database, transaction
from lacewing.kernel.db.migrations import Migrations
from lacewing.kernel.logging import configure_logging
from lacewing.kernel.work import Origin, Work
from lacewing.settings import Environment, LogLevel, Settings, load_settings

Result = TypeVar("Result")

ORIGIN = Origin(user_agent="lacewing command line")


def run(command: Callable[[Settings], Awaitable[Result]], log: LogLevel | None = None) -> Result:
    """Run ``command`` with the settings; its logs go to standard error."""
    settings = load_settings()
    configure(settings, log)

    async def run_command() -> Result:
        return await command(settings)

    return asyncio.run(run_command())


def configure(settings: Settings, log: LogLevel | None = None) -> None:
    configure_logging(
        as_json=settings.general.environment is not Environment.DEVELOPMENT,
        level=(log or settings.general.log_level).value,
    )


def migrations_of(settings: Settings) -> Migrations:
    return Migrations(settings.database, settings.general.data_dir)


async def migrate_if_empty(settings: Settings) -> None:
    """Migrate a database that holds nothing; check one that does.

    Raises:
        SchemaOutdated: the schema is another program version's.
    """
    migrations = migrations_of(settings)
    if await migrations.current() is None:
        await migrations.upgrade()
    await migrations.check()


@asynccontextmanager
async def opened_database(settings: Settings) -> AsyncGenerator[Database, None]:
    """The database, migrated when it was empty."""
    await migrate_if_empty(settings)
    database = await open_database(settings.database, settings.general.data_dir)
    try:
        yield database
    finally:
        await database.close()


@asynccontextmanager
async def opened_work(database: Database) -> AsyncGenerator[Work, None]:
    """A unit of work of the command line, committed when the block ends well."""
    async with transaction(database) as session:
        yield work_in(session)


def work_in(session: Session) -> Work:
    return Work(session=session, now=utc_now(), origin=ORIGIN)
