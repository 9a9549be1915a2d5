"""SQLite with one writer and group commit.

Statements run on the event loop: indexed and bounded, each takes microseconds, less than handing
it to a thread. Only ``COMMIT``, which waits for the disk, runs in one. While it does, further
transactions queue, run one after another as savepoints of the next group, and share its commit:
durable (``synchronous=FULL``) at the price of one sync for many.
"""

import asyncio
import sqlite3
from collections.abc import Callable, Generator, Sequence
from contextlib import contextmanager
from pathlib import Path
from time import perf_counter
from typing import Any, Final

from sqlalchemy import Executable
from sqlalchemy.dialects.sqlite.pysqlite import dialect as pysqlite_dialect

from lacewing.kernel.db.encryption import NO_KEYS, FieldCipher
from lacewing.kernel.db.failures import DatabaseUnavailable, UniqueViolation
from lacewing.kernel.db.observation import COMMIT, Observed, count_failure
from lacewing.kernel.db.session import DialectName, Parameters, Row
from lacewing.kernel.db.statements import CompiledStatement, StatementCache
from lacewing.kernel.metrics import POOL_IN_USE, POOL_SIZE, POOL_WAIT_SECONDS, POOL_WAITING

LOCK_SECONDS = 15.0
"""How long a transaction waits for another process (an import, say) to finish its own."""
LOCK_RETRY_SECONDS = 0.005
STATEMENTS_PREPARED = 500
CACHE_KIB = 16_384

_NO_PARAMETERS: Parameters = {}


@contextmanager
def _told_in_our_words() -> Generator[None, None, None]:
    try:
        yield
    except sqlite3.IntegrityError as error:
        if error.sqlite_errorcode in {
            sqlite3.SQLITE_CONSTRAINT_UNIQUE,
            sqlite3.SQLITE_CONSTRAINT_PRIMARYKEY,
        }:
            raise UniqueViolation(str(error)) from error
        raise
    except sqlite3.OperationalError as error:
        if error.sqlite_errorcode in {
            sqlite3.SQLITE_BUSY,
            sqlite3.SQLITE_LOCKED,
            sqlite3.SQLITE_FULL,
            sqlite3.SQLITE_IOERR,
            sqlite3.SQLITE_READONLY,
            sqlite3.SQLITE_CANTOPEN,
        }:
            count_failure(error)
            raise DatabaseUnavailable from error
        raise


_statements: Final = StatementCache(pysqlite_dialect())


def _connect(path: Path) -> sqlite3.Connection:
    connection = sqlite3.connect(
        path,
        # While it opens, it waits for others that do: the first one recovers the log alone.
        timeout=LOCK_SECONDS,
        isolation_level=None,
        check_same_thread=False,
        cached_statements=STATEMENTS_PREPARED,
    )
    for pragma in (
        "journal_mode = WAL",
        "synchronous = FULL",
        "foreign_keys = ON",
        f"cache_size = -{CACHE_KIB}",
        "temp_store = MEMORY",
        # From here on whoever waits does so without stopping the event loop.
        "busy_timeout = 0",
    ):
        connection.execute(f"PRAGMA {pragma}")
    # SQLite's own knows no letters beyond ASCII.
    connection.create_function("lower", 1, _lower, deterministic=True)
    return connection


def _lower(text: str | None) -> str | None:
    return None if text is None else str(text).lower()


class _Writer:
    """The one connection that writes; hands its transaction from session to session."""

    def __init__(self, path: Path) -> None:
        self._connection = _connect(path)
        self._turn = asyncio.Lock()
        self._group: list[asyncio.Future[None]] = []
        self._committing: asyncio.Task[None] | None = None

    async def begin(self) -> sqlite3.Connection:
        """Wait for the turn; afterwards the connection is the caller's until it ends its part."""
        began = perf_counter()
        POOL_WAITING.inc()
        try:
            await self._turn.acquire()
        finally:
            POOL_WAITING.dec()
        try:
            if not self._connection.in_transaction:
                self._fail_lost_group()
                await self._begin_immediate()
            self._connection.execute("SAVEPOINT part")
        except BaseException:
            self._turn.release()
            raise
        finally:
            POOL_WAIT_SECONDS.observe(perf_counter() - began)
        POOL_IN_USE.inc()
        return self._connection

    def _let_go(self) -> None:
        """The connection is the next one's."""
        POOL_IN_USE.dec()
        self._turn.release()

    async def commit(self) -> None:
        """End the part; returns when its group is on the disk."""
        try:
            with _told_in_our_words():
                self._connection.execute("RELEASE part")
            durable = asyncio.get_running_loop().create_future()
            self._group.append(durable)
            if self._committing is None:
                self._committing = asyncio.create_task(self._commit_group())
        finally:
            self._let_go()
        with Observed("sqlite", COMMIT):
            await asyncio.shield(durable)

    def rollback(self) -> None:
        """Undo the part; what others of the group did stays."""
        try:
            if self._connection.in_transaction:
                self._connection.execute("ROLLBACK TO part")
                self._connection.execute("RELEASE part")
                if not self._group:
                    self._connection.execute("ROLLBACK")
            else:
                self._fail_lost_group()
        finally:
            self._let_go()

    async def close(self) -> None:
        if self._committing is not None:
            await self._committing
        async with self._turn:
            self._connection.close()

    async def _begin_immediate(self) -> None:
        deadline = asyncio.get_running_loop().time() + LOCK_SECONDS
        while True:
            try:
                self._connection.execute("BEGIN IMMEDIATE")
            except sqlite3.OperationalError as error:
                if error.sqlite_errorcode not in {sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED}:
                    with _told_in_our_words():
                        raise
                if asyncio.get_running_loop().time() > deadline:
                    count_failure(error)
                    raise DatabaseUnavailable from error
                await asyncio.sleep(LOCK_RETRY_SECONDS)
            else:
                return

    async def _commit_group(self) -> None:
        async with self._turn:
            group, self._group = self._group, []
            self._committing = None
            failure: BaseException | None = None
            try:
                if group:
                    with _told_in_our_words():
                        await asyncio.to_thread(self._connection.execute, "COMMIT")
            except (DatabaseUnavailable, sqlite3.Error) as error:
                failure = error
                if self._connection.in_transaction:
                    self._connection.execute("ROLLBACK")
        _settle(group, failure)

    def _fail_lost_group(self) -> None:
        """SQLite itself undoes a whole transaction when the disk is full or fails."""
        group, self._group = self._group, []
        _settle(group, DatabaseUnavailable())


def _settle(group: list[asyncio.Future[None]], failure: BaseException | None) -> None:
    for durable in group:
        if durable.done():
            continue
        if failure is None:
            durable.set_result(None)
        else:
            durable.set_exception(DatabaseUnavailable())


class SqliteSession:
    """See ``kernel.db.session.Session``."""

    dialect: DialectName = "sqlite"

    def __init__(
        self,
        reader: sqlite3.Connection,
        writer: _Writer,
        cipher: FieldCipher,
    ) -> None:
        self.cipher = cipher
        self._reader = reader
        self._writer = writer
        self._connection: sqlite3.Connection | None = None

    async def one(
        self,
        make: Callable[..., Row],
        statement: Executable,
        parameters: Parameters = _NO_PARAMETERS,
    ) -> Row | None:
        compiled = _statements.compiled(statement, parameters)
        rows, _ = await self._run(compiled, parameters)
        return make(*compiled.converted(rows[0], self.cipher)) if rows else None

    async def all(
        self,
        make: Callable[..., Row],
        statement: Executable,
        parameters: Parameters = _NO_PARAMETERS,
    ) -> list[Row]:
        compiled = _statements.compiled(statement, parameters)
        rows, _ = await self._run(compiled, parameters)
        return [make(*compiled.converted(row, self.cipher)) for row in rows]

    async def scalar(self, statement: Executable, parameters: Parameters = _NO_PARAMETERS) -> Any:
        compiled = _statements.compiled(statement, parameters)
        rows, _ = await self._run(compiled, parameters)
        return compiled.converted(rows[0], self.cipher)[0] if rows else None

    async def execute(self, statement: Executable, parameters: Parameters = _NO_PARAMETERS) -> int:
        compiled = _statements.compiled(statement, parameters)
        _, count = await self._run(compiled, parameters)
        return count

    async def execute_many(self, statement: Executable, rows: Sequence[Parameters]) -> None:
        if not rows:
            return
        compiled = _statements.compiled(statement, rows[0])
        with _told_in_our_words():
            connection = await self._begin()
            with Observed(self.dialect, compiled):
                connection.executemany(compiled.sql, [compiled.arguments(row) for row in rows])

    async def commit(self) -> None:
        if self._connection is not None:
            self._connection = None
            await self._writer.commit()

    async def rollback(self) -> None:
        if self._connection is not None:
            self._connection = None
            self._writer.rollback()

    async def _run(
        self, compiled: CompiledStatement, parameters: Parameters
    ) -> tuple[list[Any], int]:
        """How many rows it changed, and all it returned: left open, it would hold its snapshot."""
        arguments = compiled.arguments(parameters)
        with _told_in_our_words():
            connection = self._reader
            if self._connection is not None or compiled.takes_locks:
                connection = await self._begin()
            with Observed(self.dialect, compiled):
                cursor = connection.execute(compiled.sql, arguments)
                return cursor.fetchall(), cursor.rowcount

    async def _begin(self) -> sqlite3.Connection:
        if self._connection is None:
            self._connection = await self._writer.begin()
        return self._connection


class SqliteDatabase:
    """See ``kernel.db.database.Database``."""

    dialect: DialectName = "sqlite"

    def __init__(self, path: Path, cipher: FieldCipher = NO_KEYS) -> None:
        with _told_in_our_words():
            self._writer = _Writer(path)
            self._reader = _connect(path)
        POOL_SIZE.inc()
        self._cipher = cipher

    def session(self) -> SqliteSession:
        return SqliteSession(self._reader, self._writer, self._cipher)

    async def ping(self) -> None:
        with _told_in_our_words():
            self._reader.execute("SELECT 1").fetchall()

    async def close(self) -> None:
        POOL_SIZE.dec()
        await self._writer.close()
        self._reader.close()
