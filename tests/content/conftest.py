import pytest

from tests.content.acts import new_collection, new_post, new_posts
from tests.support.house import Member
from tests.tracker.acts import Json


@pytest.fixture
async def post(maria: Member) -> Json:
    """A post that Maria, a developer, has written."""
    return await new_post(maria)


@pytest.fixture
async def shelf(noor: Member) -> list[Json]:
    """Three posts that Noor, another developer, has written."""
    return await new_posts(noor, 3)


@pytest.fixture
async def collection(maria: Member, shelf: list[Json]) -> Json:
    """A collection of Maria's that holds them in that order."""
    return await new_collection(maria, "To read", *shelf)
