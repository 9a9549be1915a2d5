"""Alembic, called from the program itself (OPS-2)."""

import asyncio
import sqlite3
from pathlib import Path
from typing import Any, Final

from alembic import command
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, create_engine
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import create_async_engine

from lacewing.kernel.db.database import DatabaseSettings, sqlite_path
from lacewing.kernel.db.failures import DatabaseUnavailable
from lacewing.kernel.errors import Unavailable

CONNECTION_ATTRIBUTE: Final = "connection"
_LOCK_SECONDS: Final = 30


class SchemaOutdated(Unavailable):
    code = "schema-outdated"
    title = "The database's schema does not fit this program. Run `lacewing db upgrade`."


def _scripts() -> Path:
    """In an installed package beside the code; in a checkout at its top."""
    package = Path(__file__).parents[2]
    installed = package / "migrations"
    return installed if installed.is_dir() else package.parents[1] / "migrations"


class Migrations:
    """What stands in the database, and how to bring it to what the program wants."""

    def __init__(self, settings: DatabaseSettings, data_dir: Path) -> None:
        self._settings = settings
        self._sqlite = sqlite_path(settings, data_dir)
        self._config = Config()
        self._config.set_main_option("script_location", str(_scripts()))

    def head(self) -> str:
        """The revision that this program wants."""
        revision = ScriptDirectory.from_config(self._config).get_current_head()
        assert revision is not None
        return revision

    async def current(self) -> str | None:
        """The revision of the database, ``None`` for an empty one."""
        revision: str | None = await self._with_connection(
            lambda connection: MigrationContext.configure(connection).get_current_revision()
        )
        return revision

    async def upgrade(self, revision: str = "head") -> None:
        await self._run(command.upgrade, revision)

    async def downgrade(self, revision: str) -> None:
        await self._run(command.downgrade, revision)

    async def check(self) -> None:
        """Go on only if the schema is the program's.

        Raises:
            SchemaOutdated: with both revisions.
        """
        current, head = await self.current(), self.head()
        if current != head:
            raise SchemaOutdated(
                f"The schema is at {current or 'nothing'}, this program wants {head}. "
                "Run `lacewing db upgrade`."
            )

    async def _run(self, verb: Any, revision: str) -> None:
        def run(connection: Connection) -> None:
            self._config.attributes[CONNECTION_ATTRIBUTE] = connection
            verb(self._config, revision)

        await self._with_connection(run)

    async def _with_connection(self, use: Any) -> Any:
        try:
            if self._sqlite is not None:
                return await asyncio.to_thread(self._use_sqlite, use)
            return await self._use_postgres(use)
        except (DBAPIError, OSError, sqlite3.Error) as error:
            if isinstance(error, DBAPIError) and not error.connection_invalidated:
                raise
            raise DatabaseUnavailable(str(error)) from error

    def _use_sqlite(self, use: Any) -> Any:
        assert self._sqlite is not None
        self._sqlite.parent.mkdir(parents=True, exist_ok=True)
        engine = create_engine(f"sqlite:///{self._sqlite}", connect_args={"timeout": _LOCK_SECONDS})
        try:
            with engine.begin() as connection:
                return use(connection)
        finally:
            engine.dispose()

    async def _use_postgres(self, use: Any) -> Any:
        assert self._settings.database_url is not None
        scheme, _, rest = self._settings.database_url.partition("://")
        assert scheme
        engine = create_async_engine(f"postgresql+asyncpg://{rest}")
        try:
            async with engine.begin() as connection:
                return await connection.run_sync(use)
        finally:
            await engine.dispose()
