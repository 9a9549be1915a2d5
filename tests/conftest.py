"""Fixtures that all tests share. A test that takes ``house`` or ``database_url`` runs on both
databases, unless it is marked ``one_database``: what it tries is refused before any is asked. One
that needs Redis takes ``redis_url``."""

from collections.abc import AsyncIterator, Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from lacewing.kernel.actor import Role
from lacewing.settings import Settings, load_settings
from tests.support import servers
from tests.support.cannot import cannot_test
from tests.support.databases import DatabaseTemplate, PostgresTemplate, SqliteTemplate
from tests.support.house import House, Member, open_house
from tests.support.object_storage import s3_server
from tests.support.servers import CannotStart

DATABASE_KINDS = ("sqlite", "postgresql")


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption(
        "--databases",
        default=",".join(DATABASE_KINDS),
        help="Which databases to test on, comma-separated.",
    )

    parser.addoption(
        "--that-ask-it-alone",
        action="store_true",
        help="Only tests that run on each database: the others ran with the first one.",
    )


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    if config.getoption("--that-ask-it-alone"):
        others = [item for item in items if not _is_of_each_database(item)]
        config.hook.pytest_deselected(items=others)
        items[:] = [item for item in items if _is_of_each_database(item)]


def _is_of_each_database(item: pytest.Item) -> bool:
    is_asked = "database_kind" in getattr(item, "fixturenames", ())
    return is_asked and item.get_closest_marker("one_database") is None


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    if "database_kind" in metafunc.fixturenames:
        kinds = metafunc.config.getoption("--databases").split(",")
        if metafunc.definition.get_closest_marker("one_database"):
            kinds = kinds[:1]
        metafunc.parametrize("database_kind", kinds, scope="session")


@pytest.fixture(scope="session")
def postgres_server() -> Iterator[str]:
    try:
        with servers.postgres() as url:
            yield url
    except CannotStart as error:
        cannot_test(error)


@pytest.fixture(scope="session")
def redis_url() -> Iterator[str]:
    try:
        with servers.redis() as url:
            yield url
    except CannotStart as error:
        cannot_test(error)


@pytest.fixture(scope="session")
def s3() -> Iterator[dict[str, str]]:
    """The variables of a client of an S3 server."""
    try:
        with s3_server() as environment:
            yield environment
    except CannotStart as error:
        cannot_test(error)


@pytest.fixture(scope="session")
async def database_template(
    database_kind: str,
    tmp_path_factory: pytest.TempPathFactory,
    request: pytest.FixtureRequest,
) -> DatabaseTemplate:
    template: DatabaseTemplate
    if database_kind == "sqlite":
        template = SqliteTemplate(tmp_path_factory.mktemp("template"))
    else:
        template = PostgresTemplate(request.getfixturevalue("postgres_server"))
    await template.prepare()
    return template


@pytest.fixture
async def database_url(database_template: DatabaseTemplate, tmp_path: Path) -> AsyncIterator[str]:
    """A fresh, migrated database."""
    async with database_template.copied(tmp_path) as url:
        yield url


@pytest.fixture(scope="session")
def keys_dir(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("data")


def _environ(database_url: str, keys_dir: Path) -> dict[str, str]:
    """The settings of a test: no limits per address, unless it names its own variables."""
    return {
        "LACEWING_ENVIRONMENT": "test",
        "LACEWING_DATA_DIR": str(keys_dir),
        "LACEWING_DATABASE_URL": database_url,
        "LACEWING_DATABASE_POOL_SIZE": "5",
        "LACEWING_RATE_LIMIT_PER_MINUTE": "0",
        "LACEWING_LOGIN_LIMIT_PER_MINUTE": "0",
    }


@pytest.fixture
def make_settings(database_url: str, keys_dir: Path) -> Callable[..., Settings]:
    """Settings for a test, with the variables that it names."""

    def make(**variables: Any) -> Settings:
        given = {name: str(value) for name, value in variables.items()}
        return load_settings(_environ(database_url, keys_dir) | given)

    return make


@pytest.fixture(scope="module")
async def shared_house(
    database_template: DatabaseTemplate,
    tmp_path_factory: pytest.TempPathFactory,
    keys_dir: Path,
) -> AsyncIterator[House]:
    """One Lacewing for all tests of a module that change nothing, such as tables of refusals."""
    async with (
        database_template.copied(tmp_path_factory.mktemp("shared")) as url,
        open_house(load_settings(_environ(url, keys_dir))) as opened,
    ):
        yield opened


@pytest.fixture(scope="module")
async def a_developer(shared_house: House) -> Member:
    """A developer in the shared house."""
    return await shared_house.member("dev")


@pytest.fixture
async def house(make_settings: Callable[..., Settings]) -> AsyncIterator[House]:
    """A running Lacewing with an empty database."""
    async with open_house(make_settings()) as opened:
        yield opened


@pytest.fixture
async def maria(house: House) -> Member:
    """A developer."""
    return await house.member("maria")


@pytest.fixture
async def noor(house: House) -> Member:
    """Another developer."""
    return await house.member("noor")


@pytest.fixture
async def mona(house: House) -> Member:
    """A manager."""
    return await house.member("mona", Role.MANAGER)


@pytest.fixture
async def adam(house: House) -> Member:
    """An administrator."""
    return await house.member("adam", Role.ADMIN)
