import json
from pathlib import Path

import pytest
from sqlalchemy import insert

from lacewing.catalogue.tables import product_tallies
from lacewing.kernel.db import open_database, transaction
from lacewing.kernel.db.database import DatabaseSettings
from lacewing.tracker.rules import EVERYWHERE
from lacewing.tracker.tables import issue_tallies
from tests.cli.test_doctor import examined
from tests.support.processes import lacewing

pytestmark = pytest.mark.system

WRONG = {"scope": EVERYWHERE, "dimension": "status", "key": "open", "count": 3}
WRONG_PRODUCTS = {"products": 1, "rated": 0, "hundredths": 7}


async def test_the_doctor_names_wrong_counts_and_how_to_mend_them(
    environment: dict[str, str], database_url: str
) -> None:
    """DASH-2, UX-1: exit code 1 with the cure, which works; run again, it finds nothing."""
    assert lacewing("seed", environment=environment).returncode == 0
    _, before = examined(environment)
    database = await open_database(DatabaseSettings(database_url=database_url), Path())
    async with transaction(database) as session:
        await session.execute(insert(issue_tallies), WRONG)
        await session.execute(insert(product_tallies), WRONG_PRODUCTS)
    await database.close()

    code, found = examined(environment)
    mended, again = (
        json.loads(lacewing("dashboard", "rebuild", "--json", environment=environment).stdout)
        for _ in range(2)
    )
    after_code, after = examined(environment)

    assert before["figures"]["state"] == after["figures"]["state"] == "ok"
    assert (code, after_code) == (1, 0)
    assert found["figures"]["state"] == "failed"
    assert found["figures"]["mend"] == "lacewing dashboard rebuild"
    assert (mended, again) == ({"mended": 3}, {"mended": 0})
