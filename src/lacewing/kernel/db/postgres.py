"""PostgreSQL through raw asyncpg: a pool, and one transaction a session."""

from collections.abc import Callable, Generator, Sequence
from contextlib import contextmanager
from typing import Any, Final

import asyncpg
import msgspec
from sqlalchemy import Executable
from sqlalchemy.dialects.postgresql.asyncpg import dialect as asyncpg_dialect

from lacewing.kernel.db.encryption import FieldCipher
from lacewing.kernel.db.failures import DatabaseUnavailable, UniqueViolation
from lacewing.kernel.db.session import DialectName, Parameters, Row
from lacewing.kernel.db.statements import CompiledStatement, StatementCache

CONNECT_SECONDS = 5
"""How long a request waits for a new connection before it is told to come again."""
ACQUIRE_SECONDS = 30
"""How long a request waits for a place in the pool: a thousand uploads at once are all served."""
STATEMENT_SECONDS = 10
"""How long one statement may run; no indexed one takes a tenth of it."""
IDLE_SECONDS = 30
"""How long a transaction may stand still: a process that hangs must not hold its locks for ever."""
GONE_SECONDS = 9
"""When a client that says nothing is taken for gone, as one whose machine has lost its power."""
PING_SECONDS = 2
STATEMENTS_PREPARED = 500
"""Prepared statements kept a connection."""

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
    OSError,
    TimeoutError,
)

_Held = asyncpg.pool.PoolConnectionProxy
_Pool = asyncpg.Pool


class _Connection(asyncpg.Connection):
    def get_reset_query(self) -> str:
        """Nothing to reset: no session state is ever set, and the round trip is saved."""
        return ""


@contextmanager
def _told_in_our_words() -> Generator[None, None, None]:
    try:
        yield
    except asyncpg.UniqueViolationError as error:
        raise UniqueViolation(error.constraint_name or "") from error
    except _UNAVAILABLE as error:
        raise DatabaseUnavailable from error


class PostgresSession:
    """See ``kernel.db.session.Session``."""

    dialect: DialectName = "postgresql"

    def __init__(self, pool: _Pool, cipher: FieldCipher) -> None:
        self._pool = pool
        self.cipher = cipher
        self._connection: _Held | None = None

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
            await connection.executemany(compiled.sql, [compiled.arguments(row) for row in rows])

    async def commit(self) -> None:
        if self._connection is not None:
            await self._end("COMMIT")

    async def rollback(self) -> None:
        if self._connection is not None:
            await self._end("ROLLBACK")

    async def _call(self, method: str, compiled: CompiledStatement, parameters: Parameters) -> Any:
        arguments = compiled.arguments(parameters)
        with _told_in_our_words():
            if self._connection is None and not compiled.takes_locks:
                async with self._pool.acquire(timeout=ACQUIRE_SECONDS) as connection:
                    return await getattr(connection, method)(compiled.sql, *arguments)
            connection = await self._begin()
            return await getattr(connection, method)(compiled.sql, *arguments)

    async def _begin(self) -> _Held:
        if self._connection is None:
            connection = await self._pool.acquire(timeout=ACQUIRE_SECONDS)
            self._connection = connection
            await connection.execute("BEGIN")
        return self._connection

    async def _end(self, command: str) -> None:
        connection, self._connection = self._connection, None
        assert connection is not None
        try:
            with _told_in_our_words():
                await connection.execute(command)
        finally:
            await self._pool.release(connection)


async def _prepare_connection(connection: asyncpg.Connection) -> None:
    for name in ("json", "jsonb"):
        # SQLAlchemy's bind processor has made text of it already.
        await connection.set_type_codec(
            name, encoder=str, decoder=msgspec.json.decode, schema="pg_catalog"
        )


class PostgresDatabase:
    """See ``kernel.db.database.Database``."""

    dialect: DialectName = "postgresql"

    def __init__(self, pool: _Pool, cipher: FieldCipher) -> None:
        self._pool = pool
        self._cipher = cipher

    @classmethod
    async def open(cls, url: str, pool_size: int, cipher: FieldCipher) -> "PostgresDatabase":
        with _told_in_our_words():
            pool = await asyncpg.create_pool(
                url,
                min_size=1,
                max_size=pool_size,
                timeout=CONNECT_SECONDS,
                connection_class=_Connection,
                init=_prepare_connection,
                statement_cache_size=STATEMENTS_PREPARED,
                max_cached_statement_lifetime=0,
                server_settings={
                    "application_name": "lacewing",
                    "datestyle": "ISO",
                    "jit": "off",
                    "idle_in_transaction_session_timeout": f"{IDLE_SECONDS}s",
                    "statement_timeout": f"{STATEMENT_SECONDS}s",
                    "tcp_keepalives_idle": str(GONE_SECONDS // 3),
                    "tcp_keepalives_interval": str(GONE_SECONDS // 3),
                    "tcp_keepalives_count": "2",
                    "tcp_user_timeout": f"{GONE_SECONDS}s",
                    "timezone": "UTC",
                },
            )
        return cls(pool, cipher)

    def session(self) -> PostgresSession:
        return PostgresSession(self._pool, self._cipher)

    async def ping(self) -> None:
        with _told_in_our_words():
            async with self._pool.acquire(timeout=PING_SECONDS) as connection:
                await connection.fetchval("SELECT 1", timeout=PING_SECONDS)

    async def close(self) -> None:
        await self._pool.close()
