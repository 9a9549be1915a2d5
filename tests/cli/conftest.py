from pathlib import Path

import pytest

from tests.support.processes import environment_of


@pytest.fixture
def environment(database_url: str, tmp_path: Path) -> dict[str, str]:
    """The settings of a program on a fresh database."""
    folder = tmp_path / "data"
    folder.mkdir()
    return environment_of(database_url, folder)


@pytest.fixture
def empty(tmp_path: Path) -> dict[str, str]:
    """The settings of a program on an SQLite database that is not there yet."""
    folder = tmp_path / "empty"
    folder.mkdir()
    return environment_of(f"sqlite:///{folder}/lacewing.sqlite3", folder)
