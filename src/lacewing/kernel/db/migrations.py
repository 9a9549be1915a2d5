"""Alembic, called from the program itself (OPS-2)."""

from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any, Final, TypeVar

from alembic import command
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection

from lacewing.kernel.db.database import DatabaseSettings
from lacewing.kernel.db.offline import use_connection
from lacewing.kernel.errors import Unavailable

CONNECTION_ATTRIBUTE: Final = "connection"

Result = TypeVar("Result")


class SchemaOutdated(Unavailable):
    code = "schema-outdated"
    title = "The database's schema does not fit this program. Run `lacewing db upgrade`."


def _scripts() -> Path:
    """In an installed package beside the code; in a checkout at its top."""
    package = Path(__file__).parents[2]
    installed = package / "migrations"
    return installed if installed.is_dir() else package.parents[1] / "migrations"


@cache
def _head(scripts: Path) -> str:
    """The last of the migrations; they don't change while the program runs."""
    revision = ScriptDirectory(str(scripts)).get_current_head()
    assert revision is not None
    return revision


class Migrations:
    """What stands in the database, and how to bring it to what the program wants."""

    def __init__(self, settings: DatabaseSettings, data_dir: Path) -> None:
        self._settings = settings
        self._data_dir = data_dir
        self._config = Config()
        self._config.set_main_option("script_location", str(_scripts()))

    def head(self) -> str:
        """The revision that this program wants."""
        return _head(_scripts())

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

    async def _with_connection(self, use: Callable[[Connection], Result]) -> Result:
        # A migration that has waited for those who write goes on with what they wrote.
        return await use_connection(self._settings, self._data_dir, use, "READ COMMITTED")
