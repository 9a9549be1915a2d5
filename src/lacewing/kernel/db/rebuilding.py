"""A schema of any age made in the one transaction that also fills it, for a restore."""

from collections.abc import Callable

from alembic import command
from alembic.config import Config
from alembic.migration import MigrationContext
from sqlalchemy import Connection

from lacewing.kernel.db.dump import replace_all
from lacewing.kernel.db.migrations import CONNECTION_ATTRIBUTE, Migrations

Verb = Callable[[Config, str], None]


class Rebuilding(Migrations):
    """Migrations within a transaction of somebody else's, who holds all tables."""

    async def check_known(self) -> None:
        """Go on only if this program can take away what stands there.

        Raises:
            SchemaTooNew: it is of a newer one.
        """
        await self._refuse_newer()

    def rebuild(self, connection: Connection, revision: str) -> None:
        """Leave the schema at ``revision``; where it was at another one, without any row."""
        current = MigrationContext.configure(connection).get_current_revision()
        if current == revision:
            return
        if current is not None:
            replace_all(connection, lambda: None)
            self._apply(connection, command.downgrade, "base")
        self._apply(connection, command.upgrade, revision)

    def _apply(self, connection: Connection, verb: Verb, revision: str) -> None:
        self._config.attributes[CONNECTION_ATTRIBUTE] = connection
        verb(self._config, revision)
