from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from lacewing.settings import load_settings
from tests.support.databases import DatabaseTemplate
from tests.support.house import House, Member, open_house


@pytest.fixture(scope="module")
async def shared_house(
    database_template: DatabaseTemplate,
    tmp_path_factory: pytest.TempPathFactory,
    keys_dir: Path,
) -> AsyncIterator[House]:
    """One Lacewing for all tests of a module that change nothing, such as tables of forgeries."""
    async with database_template.copied(tmp_path_factory.mktemp("shared")) as url:
        environ = {
            "LACEWING_ENVIRONMENT": "test",
            "LACEWING_DATA_DIR": str(keys_dir),
            "LACEWING_DATABASE_URL": url,
            "LACEWING_DATABASE_POOL_SIZE": "5",
            "LACEWING_RATE_LIMIT_PER_MINUTE": "0",
            "LACEWING_LOGIN_LIMIT_PER_MINUTE": "0",
        }
        async with open_house(load_settings(environ)) as opened:
            yield opened


@pytest.fixture(scope="module")
async def a_developer(shared_house: House) -> Member:
    """A developer in the shared house."""
    return await shared_house.member("dev")
