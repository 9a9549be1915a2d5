import pytest

from tests.catalogue.acts import new_product
from tests.support.house import Member
from tests.tracker.acts import Json


@pytest.fixture
async def desk(maria: Member) -> Json:
    """A product that Maria, a developer, has added."""
    return await new_product(maria, "Standing desk", price="249.90", rating=4.25)
