"""What PostgreSQL's URL asks for holds for the server and for commands alike."""

from collections.abc import AsyncIterator, Iterator
from functools import partial
from pathlib import Path

import asyncpg
import pytest
from sqlalchemy import column, func, select, table

from lacewing.kernel.db import Database
from lacewing.kernel.db.database import DatabaseSettings, open_database
from lacewing.kernel.db.failures import DatabaseUnavailable
from lacewing.kernel.db.migrations import Migrations
from lacewing.kernel.db.offline import Connection, use_connection
from tests.support.cannot import cannot_test
from tests.support.outages import PostgresServer, postgres_cluster
from tests.support.servers import CannotStart
from tests.support.waiting import until

pytestmark = pytest.mark.system

_ssl = table("pg_stat_ssl", column("pid"), column("ssl"))
IS_ENCRYPTED = select(_ssl.c.ssl).where(_ssl.c.pid == func.pg_backend_pid())


@pytest.fixture(scope="module")
def postgres() -> Iterator[PostgresServer]:
    """One that speaks TLS."""
    try:
        with postgres_cluster() as cluster:
            cluster.speak_tls()
            with cluster.running():
                yield cluster
    except CannotStart as error:
        cannot_test(error)


@pytest.fixture
async def admin(postgres: PostgresServer) -> AsyncIterator[asyncpg.Connection]:
    connection = await asyncpg.connect(postgres.url)
    yield connection
    await connection.close()


def _settings(postgres: PostgresServer, query: str) -> DatabaseSettings:
    return DatabaseSettings(database_url=f"{postgres.url}?{query}")


@pytest.mark.parametrize(("mode", "is_encrypted"), [("require", True), ("disable", False)])
async def test_connections_are_encrypted_as_the_url_says(
    postgres: PostgresServer, tmp_path: Path, mode: str, *, is_encrypted: bool
) -> None:
    """OPS-9, SEC-8: `sslmode`, as PostgreSQL's own programs have it; migrations too."""
    settings = _settings(postgres, f"sslmode={mode}")

    await Migrations(settings, tmp_path).upgrade()
    by_commands = await use_connection(
        settings, tmp_path, lambda connection: connection.scalar(IS_ENCRYPTED)
    )
    database = await open_database(settings, tmp_path)
    by_the_server = await database.session().scalar(IS_ENCRYPTED)
    await database.close()

    assert (by_commands, by_the_server) == (is_encrypted, is_encrypted)


async def test_who_demands_an_authority_is_not_content_with_any_certificate(
    postgres: PostgresServer, tmp_path: Path
) -> None:
    """SEC-8: the server's certificate is of nobody whom this machine trusts."""
    settings = _settings(postgres, f"sslmode=verify-full&sslrootcert={postgres.other_authority()}")

    with pytest.raises(DatabaseUnavailable):
        await use_connection(settings, tmp_path, lambda _: None)
    with pytest.raises((DatabaseUnavailable, OSError)):
        await open_database(settings, tmp_path)


async def test_a_server_that_may_write_again_is_used_again(
    postgres: PostgresServer, admin: asyncpg.Connection, tmp_path: Path
) -> None:
    """OPS-6: with `target_session_attrs=read-write`, as after a failover whose standby is late."""
    database = await open_database(_settings(postgres, "target_session_attrs=read-write"), tmp_path)
    await admin.execute("SET default_transaction_read_only = off")
    await admin.execute("ALTER SYSTEM SET default_transaction_read_only = on")
    await admin.execute("SELECT pg_reload_conf()")
    try:
        await _lose_connections(admin)
        await until(partial(_is_refused, database))
    finally:
        await admin.execute("ALTER SYSTEM RESET default_transaction_read_only")
        await admin.execute("SELECT pg_reload_conf()")

    await until(partial(_is_served, database))
    await database.close()


async def _lose_connections(admin: asyncpg.Connection) -> None:
    await admin.execute(
        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'lacewing'"
    )


async def _is_served(database: Database) -> bool:
    try:
        await database.session().scalar(IS_ENCRYPTED)
    except DatabaseUnavailable:
        return False
    return True


async def _is_refused(database: Database) -> bool:
    return not await _is_served(database)


async def test_a_lock_that_others_hold_is_told_in_a_line(
    postgres: PostgresServer, admin: asyncpg.Connection, tmp_path: Path
) -> None:
    """OPS-2: exit code and words of a database that is busy, and no stack trace."""

    def want(connection: Connection) -> None:
        connection.exec_driver_sql("SET LOCAL lock_timeout = '50ms'")
        connection.exec_driver_sql("LOCK TABLE held")

    await admin.execute("CREATE TABLE held ()")
    async with admin.transaction():
        await admin.execute("LOCK TABLE held")
        with pytest.raises(DatabaseUnavailable, match="lock timeout"):
            await use_connection(_settings(postgres, "sslmode=prefer"), tmp_path, want)
    await admin.execute("DROP TABLE held")
