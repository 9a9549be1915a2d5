"""The connections of one process to PostgreSQL: first come, first served, and no waiting in vain.

When the server is lost, one task asks for it again and again, and everybody else is told at once:
else each would wait for its own connection to time out, and hold its place meanwhile.
"""

import asyncio
import socket
from asyncio import Semaphore
from time import perf_counter
from typing import Any, Final

import asyncpg
import msgspec
import structlog

from lacewing.kernel.db.failures import DatabaseUnavailable
from lacewing.kernel.metrics import POOL_IN_USE, POOL_SIZE, POOL_WAIT_SECONDS, POOL_WAITING

PROBE_SECONDS: Final = 0.5
"""Between two looks whether a server that was lost is there again."""
PROBE_LIMIT_SECONDS: Final = 2.0
"""For an answer; connecting may take as long as it may for everybody."""
RELEASE_SECONDS: Final = 5.0
CLOSE_SECONDS: Final = 10.0
SILENCE_SECONDS: Final = 5
"""How long the other end may leave what we sent without an acknowledgement of its kernel, or how
long its kernel may be silent, before the connection is given up. A slow statement is no silence."""
STATEMENT_GRACE_SECONDS: Final = 3.0
"""By which we wait longer than the server lets a statement run."""
STATEMENTS_PREPARED: Final = 500
"""Prepared statements kept a connection."""

_LOST = (
    OSError,
    asyncpg.PostgresConnectionError,
    asyncpg.CannotConnectNowError,
    asyncpg.InternalClientError,  # also where the URL wants one that writes, and there is none yet
)
"""No new connection can be had; a ``TimeoutError`` is an ``OSError``. One that is refused for its
password, or since there are too many, says nothing about the others."""
_NO_ANSWER = (OSError, asyncpg.PostgresError, asyncpg.InterfaceError, asyncpg.InternalClientError)

_SERVER_NOTICES_SILENCE: Final = {
    "tcp_keepalives_idle": str(SILENCE_SECONDS),
    "tcp_keepalives_interval": "1",
    "tcp_keepalives_count": "3",
    "tcp_user_timeout": f"{SILENCE_SECONDS}s",
    "client_connection_check_interval": "2s",
    "idle_in_transaction_session_timeout": "60s",
}
"""Else a transaction whose client is gone would hold its locks for two hours, and whoever wants
one of the same rows would wait in vain long after the network is back."""

Held = asyncpg.pool.PoolConnectionProxy

_log = structlog.get_logger(__name__)


class Limits(msgspec.Struct, frozen=True):
    """How many connections there are, and how long, in seconds, one waits for what."""

    connections: int
    connect: float
    statement: float
    place: float


class _Connection(asyncpg.Connection):
    def get_reset_query(self) -> str:
        """Nothing to reset: no session state is ever set, and the round trip is saved."""
        return ""


class Pool:
    """See the module. What it raises are asyncpg's errors, ``OSError`` and ``TimeoutError``."""

    def __init__(self, pool: asyncpg.Pool, limits: Limits) -> None:
        self._pool = pool
        self._limits = limits
        self._places = Semaphore(limits.connections)
        self._probing: asyncio.Task[None] | None = None
        self._first_look = asyncio.Event()
        """Set once the probe knows whether the server was lost; until then all wait for it."""

    @classmethod
    async def open(cls, url: str, limits: Limits) -> "Pool":
        pool = await asyncpg.create_pool(
            url,
            min_size=0,
            max_size=limits.connections,
            timeout=limits.connect,
            command_timeout=limits.statement + STATEMENT_GRACE_SECONDS,
            connection_class=_Connection,
            init=_prepare,
            statement_cache_size=STATEMENTS_PREPARED,
            max_cached_statement_lifetime=0,
            server_settings={
                "application_name": "lacewing",
                "datestyle": "ISO",
                "jit": "off",
                "statement_timeout": f"{round(limits.statement * 1_000)}ms",
                "timezone": "UTC",
                **_SERVER_NOTICES_SILENCE,
            },
        )
        opened = cls(pool, limits)
        await opened.release(await opened.acquire())  # whoever starts without it is told so
        POOL_SIZE.inc(limits.connections)
        return opened

    async def acquire(self) -> Held:
        """A connection, which must be released.

        Raises:
            DatabaseUnavailable: the server is lost for now.
        """
        began = perf_counter()
        POOL_WAITING.inc()
        try:
            connection = await self._take()
        finally:
            POOL_WAITING.dec()
            POOL_WAIT_SECONDS.observe(perf_counter() - began)
        POOL_IN_USE.inc()
        return connection

    async def _take(self) -> Held:
        await self._refuse_while_lost()
        if self._places.locked():
            async with asyncio.timeout(self._limits.place):
                await self._places.acquire()
        else:
            await self._places.acquire()
        try:
            await self._refuse_while_lost()  # it may have been lost while this one waited
            return await self._pool.acquire()
        except BaseException as error:
            self._places.release()
            if isinstance(error, _LOST):
                self._ask_server(error)
            raise

    async def release(self, connection: Held) -> None:
        POOL_IN_USE.dec()
        try:
            await self._pool.release(connection, timeout=RELEASE_SECONDS)
        finally:
            self._places.release()

    def give_up(self, connection: Held, error: BaseException) -> None:
        """After ``error`` no answer will come on ``connection``; nor, it may be, on others."""
        if isinstance(error, TimeoutError):
            # Asking the server to cancel would wait for the same silence.
            connection.terminate()
        self._ask_server(error)

    async def close(self) -> None:
        POOL_SIZE.dec(self._limits.connections)
        if self._probing is not None:
            self._probing.cancel()
            await asyncio.wait({self._probing})
            self._first_look.set()
        try:
            async with asyncio.timeout(CLOSE_SECONDS):
                await self._pool.close()
        except TimeoutError:
            self._pool.terminate()

    async def _refuse_while_lost(self) -> None:
        if self._probing is None:
            return
        await self._first_look.wait()
        if self._probing is not None:
            raise DatabaseUnavailable

    def _ask_server(self, error: BaseException) -> None:
        """Find out whether it was one connection that was lost, or the server."""
        if self._probing is None and not self._pool.is_closing():
            self._first_look = asyncio.Event()
            self._probing = asyncio.create_task(self._probe(error))

    async def _probe(self, error: BaseException) -> None:
        """Ask until the server answers; none of the connections of before is used any more."""
        try:
            await self._pool.expire_connections()
            if not await self._answers():
                _log.warning("database_lost", error=type(error).__name__)
                self._first_look.set()
                while True:
                    await asyncio.sleep(PROBE_SECONDS)
                    if await self._answers():
                        break
                _log.warning("database_back")
        finally:
            # Whatever ends the probe: nobody waits for it any more.
            self._probing = None
            self._first_look.set()

    async def _answers(self) -> bool:
        try:
            async with asyncio.timeout(max(PROBE_LIMIT_SECONDS, self._limits.connect)):
                connection = await self._pool.acquire()
        except _NO_ANSWER:
            return False
        try:
            await connection.fetchval("SELECT 1", timeout=PROBE_LIMIT_SECONDS)
        except _NO_ANSWER:
            connection.terminate()
            return False
        finally:
            await self._pool.release(connection, timeout=RELEASE_SECONDS)
        return True


async def _prepare(connection: asyncpg.Connection) -> None:
    _notice_silence(connection)
    for name in ("json", "jsonb"):
        # SQLAlchemy's bind processor has made text of it already.
        await connection.set_type_codec(
            name, encoder=str, decoder=msgspec.json.decode, schema="pg_catalog"
        )


def _notice_silence(connection: asyncpg.Connection) -> None:
    """Let the kernel end a connection whose other end is gone without a word (tcp(7), RFC 5482)."""
    transport: Any = connection._transport  # type: ignore[attr-defined]  # noqa: SLF001  it is shown nowhere else
    found = transport.get_extra_info("socket")
    if found is None or found.family not in {socket.AF_INET, socket.AF_INET6}:
        return
    found.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
    for name, value in (
        ("TCP_KEEPIDLE", SILENCE_SECONDS),
        ("TCP_KEEPINTVL", 1),
        ("TCP_KEEPCNT", 3),
        ("TCP_USER_TIMEOUT", SILENCE_SECONDS * 1_000),
    ):
        if hasattr(socket, name):  # not on every system
            found.setsockopt(socket.IPPROTO_TCP, getattr(socket, name), value)
