"""``make test-delivery`` runs these: they need Docker, and programs that take minutes to build."""

from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest

from tests.delivery.images import make_image
from tests.delivery.sites import Site, running
from tests.support.cannot import cannot_test
from tests.support.databases import PostgresTemplate
from tests.support.docker import Engine, running_engine
from tests.support.members import tokens_of_new_users
from tests.support.servers import CannotStart

HERE = Path(__file__).parent


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if HERE in item.path.parents:
            item.add_marker(pytest.mark.delivery)


@pytest.fixture(scope="session")
def engine() -> Iterator[Engine]:
    """Docker's."""
    try:
        with running_engine() as engine:
            yield engine
    except CannotStart as error:
        cannot_test(error)


@pytest.fixture(scope="session")
def image(engine: Engine) -> str:
    """Our own, built."""
    return make_image(engine)


@pytest.fixture(scope="module")
async def a_database(
    postgres_server: str, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[str]:
    """An empty PostgreSQL database, migrated."""
    template = PostgresTemplate(postgres_server)
    await template.prepare()
    async with template.copied(tmp_path_factory.mktemp("database")) as url:
        yield url


@pytest.fixture(scope="module")
async def a_site(
    a_database: str, redis_url: str, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[Site]:
    """One for all tests of a module."""
    folder = tmp_path_factory.mktemp("site")
    with running(folder, a_database, redis_url) as (proxy, environment):
        [token] = await tokens_of_new_users(environment, ["dev"])
        yield Site(proxy, environment, token)
