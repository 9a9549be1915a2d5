import json
from pathlib import Path

import pytest

from tests.catalogue.importing.acts import file_of, record
from tests.support.processes import environment_of, lacewing

pytestmark = pytest.mark.system


@pytest.fixture
def environment(database_url: str, tmp_path: Path) -> dict[str, str]:
    """The settings of a program on a fresh database."""
    folder = tmp_path / "data"
    folder.mkdir()
    return environment_of(database_url, folder)


def test_products_are_imported_by_command(environment: dict[str, str], tmp_path: Path) -> None:
    """UX-1, UX-2: 0 when all is in, 2 when a record is named, 1 for what is no file of products."""
    good, partly, none = (tmp_path / name for name in ("good.json", "partly.json", "none.json"))
    good.write_bytes(file_of(record(1)))
    partly.write_bytes(file_of(record(1), record(2, price=9.999), record(3)))
    none.write_bytes(b"{}")

    first = lacewing("import", "products", str(good), environment=environment)
    second = lacewing("import", "products", str(partly), "--json", environment=environment)
    refused = lacewing("import", "products", str(none), environment=environment)

    assert (first.returncode, second.returncode, refused.returncode) == (0, 2, 1), first.stderr
    assert "new: 1 products" in first.stdout
    told = json.loads(second.stdout)
    assert (told["products_added"], told["products_known"]) == (1, 1)
    assert [bad["place"] for bad in told["bad_records"]] == [2]
    assert "no more than two decimals" in told["bad_records"][0]["reason"]
    assert "Traceback" not in refused.stderr
