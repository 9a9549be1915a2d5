"""Two servers behind nginx, with PostgreSQL and Redis, for the tests that need them."""

from collections.abc import Generator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from tests.support.cannot import cannot_test
from tests.support.proxy import WIDE_OPEN, Proxy, site
from tests.support.servers import CannotStart


@dataclass
class Site:
    """Two servers behind nginx, and a developer who is logged in."""

    proxy: Proxy
    environment: dict[str, str]
    token: str


@contextmanager
def needing_programs() -> Generator[None]:
    """What is done inside needs programs that this machine may not have."""
    try:
        yield
    except CannotStart as error:
        cannot_test(error)


@contextmanager
def running(
    folder: Path, database_url: str, redis_url: str, variables: Mapping[str, str] = WIDE_OPEN
) -> Generator[tuple[Proxy, dict[str, str]]]:
    with needing_programs(), site(folder, database_url, redis_url, variables) as found:
        yield found
