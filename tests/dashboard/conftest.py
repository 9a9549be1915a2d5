from collections.abc import AsyncIterator, Callable
from uuid import UUID

import pytest

from lacewing.kernel.actor import Actor, Role
from lacewing.kernel.db import open_database
from lacewing.settings import Settings
from tests.dashboard.lives import Life
from tests.dashboard.still import Still
from tests.support.databases import (
    IN_ENGLISH,
    DatabaseTemplate,
    PostgresTemplate,
    SqliteTemplate,
)
from tests.support.house import House, Member
from tests.tracker.acts import new_project


@pytest.fixture(scope="session")
async def database_template(
    database_kind: str, tmp_path_factory: pytest.TempPathFactory, request: pytest.FixtureRequest
) -> DatabaseTemplate:
    """Days and names are compared as text: that must not depend on a language."""
    template: DatabaseTemplate
    if database_kind == "sqlite":
        template = SqliteTemplate(tmp_path_factory.mktemp("template"))
    else:
        template = PostgresTemplate(request.getfixturevalue("postgres_server"), IN_ENGLISH)
    await template.prepare()
    return template


@pytest.fixture
async def life(house: House, adam: Member, mona: Member, maria: Member, noor: Member) -> Life:
    """Issues of three projects, to which nothing has happened yet."""
    projects = [UUID((await new_project(mona, name))["id"]) for name in ("Web", "App", "Till")]
    boss = Actor(adam.id, adam.username, Role.ADMIN)
    return Life(
        house.database, house.clock, boss, [maria.username, noor.username], projects, seed=7
    )


@pytest.fixture
async def still(make_settings: Callable[..., Settings]) -> AsyncIterator[Still]:
    settings = make_settings()
    opened = Still(await open_database(settings.database, settings.general.data_dir), settings)
    yield opened
    await opened.database.close()
