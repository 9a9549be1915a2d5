"""PostgreSQL through raw asyncpg: one transaction a session, on a connection of the pool."""

import asyncio
from collections.abc import Awaitable, Callable, Generator, Sequence
from contextlib import contextmanager
from typing import Any, Final, TypeVar

import asyncpg
from sqlalchemy import Executable
from sqlalchemy.dialects.postgresql.asyncpg import dialect as asyncpg_dialect

from lacewing.kernel.db.encryption import FieldCipher
from lacewing.kernel.db.failures import DatabaseUnavailable, UniqueViolation
from lacewing.kernel.db.observation import COMMIT, Observed, count_failure
from lacewing.kernel.db.pool import Held, Limits, Pool
from lacewing.kernel.db.session import DialectName, Parameters, Row
from lacewing.kernel.db.statements import CompiledStatement, StatementCache

PING_SECONDS = 2

_NO_PARAMETERS: Parameters = {}
_statements: Final = StatementCache(asyncpg_dialect())  # type: ignore[no-untyped-call]  # SQLAlchemy's own gap
_UNAVAILABLE = (
    asyncpg.PostgresConnectionError,
    asyncpg.InterfaceError,
    asyncpg.CannotConnectNowError,
    asyncpg.QueryCanceledError,
    asyncpg.TooManyConnectionsError,
    asyncpg.InsufficientResourcesError,
    asyncpg.OperatorInterventionError,
    asyncpg.TransactionRollbackError,
    asyncpg.InvalidAuthorizationSpecificationError,
    asyncpg.InvalidCatalogNameError,
    asyncpg.ReadOnlySQLTransactionError,  # the one who wrote has become a standby
    asyncpg.InternalClientError,  # what it says of a connection that ended while nobody asked
    asyncpg.InvalidCachedStatementError,  # the schema was upgraded meanwhile
    OSError,
    TimeoutError,
)

_LOST = (asyncpg.PostgresConnectionError, asyncpg.InternalClientError, OSError)
"""After these the connection may be no more; a ``TimeoutError`` is an ``OSError``."""

Result = TypeVar("Result")


@contextmanager
def _told_in_our_words() -> Generator[None, None, None]:
    try:
        yield
    except asyncpg.UniqueViolationError as error:
        raise UniqueViolation(error.constraint_name or "") from error
    except _UNAVAILABLE as error:
        count_failure(error)
        raise DatabaseUnavailable from error


class PostgresSession:
    """See ``kernel.db.session.Session``."""

    dialect: DialectName = "postgresql"

    def __init__(self, pool: Pool, cipher: FieldCipher) -> None:
        self._pool = pool
        self.cipher = cipher
        self._connection: Held | None = None

    async def one(
        self,
        make: Callable[..., Row],
        statement: Executable,
        parameters: Parameters = _NO_PARAMETERS,
    ) -> Row | None:
        compiled = _statements.compiled(statement, parameters)
        row = await self._call("fetchrow", compiled, parameters)
        return None if row is None else make(*compiled.converted(row, self.cipher))

    async def all(
        self,
        make: Callable[..., Row],
        statement: Executable,
        parameters: Parameters = _NO_PARAMETERS,
    ) -> list[Row]:
        compiled = _statements.compiled(statement, parameters)
        rows = await self._call("fetch", compiled, parameters)
        return [make(*compiled.converted(row, self.cipher)) for row in rows]

    async def scalar(self, statement: Executable, parameters: Parameters = _NO_PARAMETERS) -> Any:
        compiled = _statements.compiled(statement, parameters)
        row = await self._call("fetchrow", compiled, parameters)
        return None if row is None else compiled.converted(row, self.cipher)[0]

    async def execute(self, statement: Executable, parameters: Parameters = _NO_PARAMETERS) -> int:
        compiled = _statements.compiled(statement, parameters)
        status: str = await self._call("execute", compiled, parameters)
        count = status.rpartition(" ")[2]
        return int(count) if count.isdigit() else 0

    async def execute_many(self, statement: Executable, rows: Sequence[Parameters]) -> None:
        if not rows:
            return
        compiled = _statements.compiled(statement, rows[0])
        with _told_in_our_words():
            connection = await self._begin()
            arguments = [compiled.arguments(row) for row in rows]
            with Observed(self.dialect, compiled):
                await self._on(connection, connection.executemany(compiled.sql, arguments))

    async def commit(self) -> None:
        if self._connection is not None:
            await self._end(COMMIT.sql)

    async def rollback(self) -> None:
        if self._connection is not None:
            await self._end("ROLLBACK")

    async def _call(self, method: str, compiled: CompiledStatement, parameters: Parameters) -> Any:
        arguments = compiled.arguments(parameters)
        with _told_in_our_words():
            if self._connection is None and not compiled.takes_locks:
                connection = await self._pool.acquire()
                try:
                    with Observed(self.dialect, compiled):
                        asking = getattr(connection, method)(compiled.sql, *arguments)
                        return await self._on(connection, asking)
                finally:
                    await self._pool.release(connection)
            connection = await self._begin()
            with Observed(self.dialect, compiled):
                asking = getattr(connection, method)(compiled.sql, *arguments)
                return await self._on(connection, asking)

    async def _begin(self) -> Held:
        if self._connection is None:
            connection = await self._pool.acquire()
            self._connection = connection
            await self._on(connection, connection.execute("BEGIN"))
        return self._connection

    async def _end(self, command: str) -> None:
        connection, self._connection = self._connection, None
        assert connection is not None
        try:
            with _told_in_our_words():
                if command == COMMIT.sql:
                    with Observed(self.dialect, COMMIT):
                        await self._on(connection, connection.execute(command))
                else:
                    await self._on(connection, connection.execute(command))
        finally:
            await self._pool.release(connection)

    async def _on(self, connection: Held, asking: Awaitable[Result]) -> Result:
        """The answer; a connection on which none will come is given up."""
        try:
            return await asking
        except _LOST as error:
            self._pool.give_up(connection, error)
            raise


class PostgresDatabase:
    """See ``kernel.db.database.Database``."""

    dialect: DialectName = "postgresql"

    def __init__(self, pool: Pool, cipher: FieldCipher) -> None:
        self._pool = pool
        self._cipher = cipher

    @classmethod
    async def open(cls, url: str, limits: Limits, cipher: FieldCipher) -> "PostgresDatabase":
        with _told_in_our_words():
            return cls(await Pool.open(url, limits), cipher)

    def session(self) -> PostgresSession:
        return PostgresSession(self._pool, self._cipher)

    async def ping(self) -> None:
        with _told_in_our_words():
            async with asyncio.timeout(PING_SECONDS):
                connection = await self._pool.acquire()
            try:
                await connection.fetchval("SELECT 1", timeout=PING_SECONDS)
            except _LOST as error:
                self._pool.give_up(connection, error)
                raise
            finally:
                await self._pool.release(connection)

    async def close(self) -> None:
        await self._pool.close()
