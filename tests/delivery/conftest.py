"""``make test-delivery`` runs these: they need Docker, and programs that take minutes to build."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.delivery.images import make_image
from tests.support.cannot import cannot_test
from tests.support.docker import Engine, running_engine
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
