"""Alembic, called from the program itself (OPS-2)."""

from collections.abc import Callable, Generator
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from typing import Any, Final, TypeVar

import structlog
from alembic import command
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from alembic.script.revision import RevisionError
from alembic.util import CommandError
from sqlalchemy import Connection, func, select

from lacewing.kernel.db.database import DatabaseSettings
from lacewing.kernel.db.dump import is_restore_unfinished
from lacewing.kernel.db.offline import use_connection
from lacewing.kernel.db.plan import Step, plan_steps
from lacewing.kernel.db.promise import find_promise
from lacewing.kernel.db.session import DialectName
from lacewing.kernel.errors import Malformed, Unavailable

CONNECTION_ATTRIBUTE: Final = "connection"
HEAD: Final = "head"
"""What this program wants, as Alembic calls it."""
_MIGRATING: Final = 0x6C61_6365
"""The advisory lock of whoever changes the schema: another one waits, and finds it done."""

Result = TypeVar("Result")

_log = structlog.get_logger(__name__)


class SchemaOutdated(Unavailable):
    code = "schema-outdated"
    title = "The database's schema does not fit this program. Run `lacewing db upgrade`."


class SchemaTooNew(Unavailable):
    code = "schema-too-new"
    title = "The database's schema is of a newer program, and not made for this one."


class RestoreUnfinished(Unavailable):
    code = "restore-unfinished"
    title = "A restore into this database did not end: run `lacewing restore` again."


class NoSuchRevision(Malformed):
    code = "no-such-revision"
    title = "There is no such revision of the schema, or no way to it from here."


def _scripts() -> Path:
    """In an installed package beside the code; in a checkout at its top."""
    package = Path(__file__).parents[2]
    installed = package / "migrations"
    return installed if installed.is_dir() else package.parents[1] / "migrations"


@contextmanager
def _told_in_our_words() -> Generator[None]:
    try:
        yield
    except (CommandError, RevisionError) as error:
        raise NoSuchRevision(f"{error}.".replace("..", ".")) from error


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

    async def upgrade(self, revision: str = HEAD) -> None:
        """Bring the schema up to what this program wants; a newer one that bears it is left alone.

        Raises:
            SchemaTooNew: it is of a newer program, and made for that alone, or ``revision`` is
                asked for.
            NoSuchRevision: there is no way up to ``revision``.
        """
        if await self._is_up(revision):
            return
        await self._run(command.upgrade, revision)

    async def downgrade(self, revision: str) -> None:
        """Take the schema down; never one that this program does not know."""
        await self._refuse_newer()
        await self._run(command.downgrade, revision)

    async def plan(self, revision: str = HEAD) -> list[Step]:
        """What ``upgrade`` would do; refuses as it does."""
        if await self._is_up(revision):
            return []
        scripts = self._directory()

        def plan(connection: Connection) -> list[Step]:
            current = MigrationContext.configure(connection).get_current_revision()
            is_postgres = connection.dialect.name == "postgresql"
            dialect: DialectName = "postgresql" if is_postgres else "sqlite"
            return plan_steps(scripts, dialect, current, revision)

        with _told_in_our_words():
            return await self._with_connection(plan)

    async def check(self) -> str:
        """Go on only if this program runs on the schema; at which revision it is.

        That is the program's own, or a newer one that promises to bear programs of this age.

        Raises:
            SchemaOutdated: an older one.
            SchemaTooNew: a newer one that promises nothing of the kind.
            RestoreUnfinished: it is there, and what belongs into it only in part.
        """
        current, promised = await self._find_state()
        if current == self.head():
            return current
        if current is None or self.knows(current):
            raise SchemaOutdated(
                f"The schema is at {current or 'nothing'}, this program wants {self.head()}. "
                "Run `lacewing db upgrade`."
            )
        if promised is None or not self.knows(promised):
            raise SchemaTooNew(
                f"The schema is at {current}, which this program, made for {self.head()}, does not "
                f"know. Programs from {promised or current} on may run on it."
            )
        _log.info("schema_newer", at=current, wanted=self.head(), oldest_program=promised)
        return current

    async def check_same(self) -> str:
        """As ``check``, for those who read or write every column: no other schema will do."""
        current = await self.check()
        if current != self.head():
            raise SchemaTooNew(
                f"The schema is at {current}; only the program that was made for it knows all that "
                f"is in it, and this one was made for {self.head()}."
            )
        return current

    async def _is_up(self, revision: str) -> bool:
        """Whether the schema is of a newer program, and bears this one as it is."""
        if revision != HEAD:
            await self._refuse_newer()
            return False
        current = await self.current()
        if current is None or self.knows(current):
            return False
        await self.check()
        return True

    async def _refuse_newer(self) -> None:
        current = await self.current()
        if current is not None and not self.knows(current):
            raise SchemaTooNew(
                f"The schema is at {current}, which this program, made for {self.head()}, does not "
                "know: only a program that does can change it."
            )

    async def _find_state(self) -> tuple[str | None, str | None]:
        """The revision, and the oldest program that may run on it."""

        def find(connection: Connection) -> tuple[str | None, str | None]:
            if is_restore_unfinished(connection):
                raise RestoreUnfinished
            current = MigrationContext.configure(connection).get_current_revision()
            return current, None if current == self.head() else find_promise(connection)

        return await self._with_connection(find)

    def knows(self, revision: str) -> bool:
        """Whether it is one of this program's."""
        return any(each.revision == revision for each in self._directory().walk_revisions())

    def _directory(self) -> ScriptDirectory:
        return ScriptDirectory.from_config(self._config)

    async def _run(self, verb: Any, revision: str) -> None:
        def run(connection: Connection) -> None:
            if connection.dialect.name == "postgresql":
                connection.execute(select(func.pg_advisory_xact_lock(_MIGRATING)))
            self._config.attributes[CONNECTION_ATTRIBUTE] = connection
            verb(self._config, revision)

        with _told_in_our_words():
            await self._with_connection(run, changes=True)

    async def _with_connection(
        self, use: Callable[[Connection], Result], *, changes: bool = False
    ) -> Result:
        # A migration that has waited for those who write goes on with what they wrote.
        return await use_connection(
            self._settings, self._data_dir, use, "READ COMMITTED", changes=changes
        )
