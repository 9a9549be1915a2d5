"""The database that the settings name."""

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Annotated, Protocol

from pydantic import BaseModel, BeforeValidator, Field, SecretStr, field_validator

from lacewing.kernel.db.encryption import FieldCipher, decode_key
from lacewing.kernel.db.failures import DatabaseUnavailable
from lacewing.kernel.db.pool import Limits
from lacewing.kernel.db.postgres import PostgresDatabase
from lacewing.kernel.db.session import DialectName, Session
from lacewing.kernel.db.sqlite import SqliteDatabase
from lacewing.kernel.settings import split_by_commas


class DatabaseSettings(BaseModel, frozen=True):
    database_url: str | None = Field(
        None,
        description="`postgresql://user:password@host:port/name`, with "
        "`?sslmode=verify-full&sslrootcert=FILE` for TLS, or `sqlite:///path`. "
        "Without it: SQLite in the data folder.",
    )
    database_pool_size: int = Field(
        10, ge=1, le=1_000, description="PostgreSQL connections of one server process."
    )
    database_connect_seconds: float = Field(
        5, gt=0, le=60, description="How long a new connection to PostgreSQL may take; then 503."
    )
    database_statement_seconds: float = Field(
        10, gt=0, le=600, description="How long PostgreSQL may work at one statement; then 503."
    )
    database_wait_seconds: float = Field(
        30,
        gt=0,
        le=600,
        description="How long a request waits for one of the connections, all of which are in use.",
    )

    pii_encryption_key: Annotated[tuple[SecretStr, ...], BeforeValidator(split_by_commas)] = Field(
        (),
        description="Seals emails and full names: URL-safe base64 of 32 bytes. Several, separated "
        "by commas, rotate: the first seals, all open. Also read as `PII_ENCRYPTION_KEY`.",
    )
    pii_hash_key: Annotated[tuple[SecretStr, ...], BeforeValidator(split_by_commas)] = Field(
        (),
        description="Keys the hash by which sealed emails are found; the same form. Also read as "
        "`PII_HASH_KEY`.",
    )

    @field_validator("pii_encryption_key", "pii_hash_key")
    @classmethod
    def _are_keys(cls, keys: tuple[SecretStr, ...]) -> tuple[SecretStr, ...]:
        for key in keys:
            decode_key(key.get_secret_value())
        return keys

    @property
    def cipher(self) -> FieldCipher:
        """What seals personal data; without keys it leaves everything as it is."""
        return FieldCipher(
            [decode_key(key.get_secret_value()) for key in self.pii_encryption_key],
            [decode_key(key.get_secret_value()) for key in self.pii_hash_key],
        )

    @field_validator("database_url")
    @classmethod
    def _is_known(cls, url: str | None) -> str | None:
        if url and not url.startswith(("postgresql://", "postgres://", "sqlite:///")):
            raise ValueError("must begin with postgresql:// or sqlite:///")
        return url or None


class Database(Protocol):
    """Gives sessions; one a process."""

    @property
    def dialect(self) -> DialectName: ...

    def session(self) -> Session: ...

    async def ping(self) -> None:
        """Return when the database answers.

        Raises:
            DatabaseUnavailable: it does not.
        """

    async def close(self) -> None: ...


def sqlite_path(settings: DatabaseSettings, data_dir: Path) -> Path | None:
    """The file of the SQLite database, or ``None`` when the settings name PostgreSQL."""
    if settings.database_url is None:
        return data_dir / "lacewing.sqlite3"
    prefix = "sqlite:///"
    if settings.database_url.startswith(prefix):
        return Path(settings.database_url.removeprefix(prefix))
    return None


async def open_database(settings: DatabaseSettings, data_dir: Path) -> Database:
    """The database, connected.

    Raises:
        DatabaseUnavailable: it does not answer.
    """
    path = sqlite_path(settings, data_dir)
    if path is None:
        assert settings.database_url is not None
        limits = Limits(
            connections=settings.database_pool_size,
            connect=settings.database_connect_seconds,
            statement=settings.database_statement_seconds,
            place=settings.database_wait_seconds,
        )
        return await PostgresDatabase.open(settings.database_url, limits, settings.cipher)
    make_folder_of(path)
    return SqliteDatabase(path, settings.cipher)


def make_folder_of(path: Path) -> None:
    """Make the folder that the SQLite file will stand in, for its owner alone.

    Raises:
        DatabaseUnavailable: there can be none, and why.
    """
    try:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    except OSError as error:
        raise DatabaseUnavailable(
            f"There can be no database {path}: {error.filename}: {error.strerror}."
        ) from error


@asynccontextmanager
async def transaction(database: Database) -> AsyncGenerator[Session, None]:
    """A session whose changes are durable when the block ends well, and undone when it does not."""
    session = database.session()
    try:
        yield session
        await session.commit()
    finally:
        await session.rollback()
