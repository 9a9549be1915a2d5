"""A fresh, migrated database for each test, copied from one that is migrated once."""

import shutil
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from pathlib import Path
from uuid import uuid4

import asyncpg

from lacewing.kernel.db.database import DatabaseSettings
from lacewing.kernel.db.migrations import Migrations


class SqliteTemplate:
    def __init__(self, folder: Path) -> None:
        self._file = folder / "template.sqlite3"

    async def prepare(self) -> None:
        settings = DatabaseSettings(database_url=f"sqlite:///{self._file}")
        await Migrations(settings, self._file.parent).upgrade()

    @asynccontextmanager
    async def copied(self, folder: Path) -> AsyncGenerator[str, None]:
        """The URL of a copy in ``folder``."""
        file = folder / "lacewing.sqlite3"
        shutil.copy(self._file, file)
        yield f"sqlite:///{file}"


IN_ENGLISH = (
    "LOCALE_PROVIDER icu ICU_LOCALE 'en-US' LOCALE 'C.UTF-8' ENCODING 'UTF8' TEMPLATE template0"
)
"""Text sorts by the rules of a language, as in many a database, and not by its bytes."""


class PostgresTemplate:
    def __init__(self, server_url: str, options: str = "") -> None:
        self._server_url = server_url
        self._options = options
        self._name = f"template_{uuid4().hex}"

    async def prepare(self) -> None:
        await self._execute(f'CREATE DATABASE "{self._name}" {self._options}')
        settings = DatabaseSettings(database_url=f"{self._server_url}/{self._name}")
        await Migrations(settings, Path()).upgrade()

    @asynccontextmanager
    async def copied(self, _folder: Path) -> AsyncGenerator[str, None]:
        """The URL of a copy, which goes when the block ends."""
        name = f"test_{uuid4().hex}"
        await self._execute(f'CREATE DATABASE "{name}" TEMPLATE "{self._name}" STRATEGY file_copy')
        try:
            yield f"{self._server_url}/{name}"
        finally:
            await self._execute(f'DROP DATABASE "{name}" WITH (FORCE)')

    async def _execute(self, statement: str) -> None:
        connection = await asyncpg.connect(f"{self._server_url}/postgres")
        try:
            await connection.execute(statement)
        finally:
            await connection.close()


DatabaseTemplate = SqliteTemplate | PostgresTemplate
