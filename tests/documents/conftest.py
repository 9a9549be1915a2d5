"""Each test of documents has a storage of its own, so that what lies in it can be counted."""

from collections.abc import AsyncIterator, Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from lacewing.settings import Settings, load_settings
from tests.kernel.logs import Log, captured_log
from tests.support.databases import DatabaseTemplate
from tests.support.house import House, Member, open_house
from tests.tracker.acts import Json, new_issue, new_project


@pytest.fixture
def make_settings(
    make_settings: Callable[..., Settings], tmp_path: Path
) -> Callable[..., Settings]:
    """As everywhere, but that files lie below the test's own folder."""
    storage_url = (tmp_path / "files").as_uri()

    def make(**variables: Any) -> Settings:
        return make_settings(**{"LACEWING_STORAGE_URL": storage_url, **variables})

    return make


@pytest.fixture(scope="module")
def shared_variables() -> dict[str, str]:
    """What a module sets in its shared house beside the usual."""
    return {}


@pytest.fixture(scope="module")
async def shared_house(
    database_template: DatabaseTemplate,
    tmp_path_factory: pytest.TempPathFactory,
    keys_dir: Path,
    shared_variables: dict[str, str],
) -> AsyncIterator[House]:
    """One Lacewing with a storage of its own for all tests of a module, such as for tables."""
    folder = tmp_path_factory.mktemp("shared")
    async with database_template.copied(folder) as url:
        settings = load_settings(
            {
                "LACEWING_ENVIRONMENT": "test",
                "LACEWING_DATA_DIR": str(keys_dir),
                "LACEWING_DATABASE_URL": url,
                "LACEWING_DATABASE_POOL_SIZE": "5",
                "LACEWING_STORAGE_URL": (folder / "files").as_uri(),
                "LACEWING_RATE_LIMIT_PER_MINUTE": "0",
                "LACEWING_LOGIN_LIMIT_PER_MINUTE": "0",
                **shared_variables,
            }
        )
        async with open_house(settings) as opened:
            yield opened


@pytest.fixture
async def idle_house(make_settings: Callable[..., Settings]) -> AsyncIterator[House]:
    """A house without a worker: its jobs wait until the test runs them."""
    async with open_house(make_settings(LACEWING_WORKER_IN_SERVER="false")) as opened:
        yield opened


@pytest.fixture
def log() -> Iterator[Log]:
    """The logs of the test, one JSON object a line."""
    with captured_log() as written:
        yield written


@pytest.fixture
async def project(mona: Member) -> Json:
    """A project that Mona, a manager, has created."""
    return await new_project(mona, "Web shop", key="WEB")


@pytest.fixture
async def issue(mona: Member, project: Json) -> Json:
    """An issue in it, which no document belongs to yet."""
    return await new_issue(mona, project, "Login fails")
