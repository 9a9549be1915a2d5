"""A plain connection for what happens beside the server: migrations, exports, imports."""

import asyncio
import sqlite3
from collections.abc import Callable
from pathlib import Path
from typing import Final, Literal, TypeVar

import asyncpg
from sqlalchemy import Connection, create_engine, event
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import create_async_engine

from lacewing.kernel.db.database import DatabaseSettings, make_folder_of, sqlite_path
from lacewing.kernel.db.failures import DatabaseUnavailable

__all__ = ["Connection", "use_connection"]

LOCK_SECONDS: Final = 30
CONNECT_SECONDS: Final = 30

_PASSING_STATES: Final = frozenset({"40001", "40P01", "55P03", "57014"})
"""Serialization failure, deadlock, lock not available, query cancelled (PostgreSQL, appendix A)."""
_PASSING_CODES: Final = frozenset({sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED})

Isolation = Literal["REPEATABLE READ", "READ COMMITTED"]

Result = TypeVar("Result")


async def use_connection(
    settings: DatabaseSettings,
    data_dir: Path,
    use: Callable[[Connection], Result],
    isolation: Isolation = "REPEATABLE READ",
    *,
    changes: bool = True,
) -> Result:
    """Call ``use`` with a connection, in one transaction that sees one state of the database.

    Who waits for others' changes and must then see them, asks for ``READ COMMITTED``. On SQLite all
    others wait for the one who ``changes`` something.

    Raises:
        DatabaseUnavailable: it does not answer.
    """
    path = sqlite_path(settings, data_dir)
    try:
        if path is not None:
            return await asyncio.to_thread(_use_sqlite, path, use, changes)
        assert settings.database_url is not None
        return await _use_postgres(settings.database_url, use, isolation)
    except (OSError, sqlite3.Error) as error:
        raise DatabaseUnavailable(f"The database does not answer: {error}") from error
    except DBAPIError as error:
        if error.connection_invalidated or _passes(error.orig):
            raise DatabaseUnavailable(f"The database does not answer: {error.orig}") from error
        raise


def _passes(error: object) -> bool:
    """Whether others stood in the way, who will be gone when this is tried again."""
    return (
        getattr(error, "sqlstate", None) in _PASSING_STATES
        or getattr(error, "sqlite_errorcode", None) in _PASSING_CODES
    )


def _use_sqlite(path: Path, use: Callable[[Connection], Result], changes: bool) -> Result:  # noqa: FBT001  handed on to a thread
    make_folder_of(path)
    engine = create_engine(
        f"sqlite:///{path}", connect_args={"timeout": LOCK_SECONDS, "isolation_level": None}
    )
    # Python's own transactions begin at the first change: each read before it would see a state
    # of its own.
    begin = "BEGIN IMMEDIATE" if changes else "BEGIN"
    event.listen(engine, "begin", lambda connection: connection.exec_driver_sql(begin))
    try:
        with engine.begin() as connection:
            return use(connection)
    finally:
        engine.dispose()


async def _use_postgres(
    url: str, use: Callable[[Connection], Result], isolation: Isolation
) -> Result:
    # By the driver itself, as the server's pool: so a URL's `sslmode` means the same everywhere.
    engine = create_async_engine(
        "postgresql+asyncpg://",
        async_creator=lambda: asyncpg.connect(url, timeout=CONNECT_SECONDS),
        isolation_level=isolation,
    )
    try:
        async with engine.begin() as connection:
            return await connection.run_sync(use)
    finally:
        await engine.dispose()
