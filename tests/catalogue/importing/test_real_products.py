"""A real catalogue, as a shop exports it. It lies beside the repository, never in it."""

import json
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from tests.catalogue.acts import PATH
from tests.catalogue.importing.acts import bring_in
from tests.support.house import House, Member
from tests.tracker.acts import read, walk

FILE = Path(__file__).parents[4] / "shared" / "data" / "products.json"

pytestmark = pytest.mark.skipif(not FILE.is_file(), reason=f"{FILE} is not here")


async def test_all_are_in_with_prices_and_ratings_to_the_cent(house: House, adam: Member) -> None:
    """CAT-2, CAT-3, UX-2: 194 products, compared with the digits of the file."""
    data = FILE.read_bytes()
    wanted: list[dict[str, Any]] = json.loads(data, parse_float=Decimal)

    report = await bring_in(house, data)
    again = await bring_in(house, data)

    assert (report.products_added, report.bad_records) == (194, [])
    assert (again.products_added, again.products_known) == (0, 194)
    answer = await adam.api.get(PATH, params={"limit": 100})
    assert answer.status_code == 200
    found = await walk(adam, PATH, limit=100, sort_by="price")
    assert sorted(
        (each["name"], each["category"], Decimal(each["price"]), Decimal(str(each["rating"])))
        for each in found
    ) == sorted((each["title"], each["category"], each["price"], each["rating"]) for each in wanted)
    prices = [Decimal(each["price"]) for each in found]
    assert prices == sorted(prices)
    facets = (await read(adam, PATH, facets="true"))["facets"]["category"]
    assert sum(each["count"] for each in facets) == 194
    assert facets[0] == {"value": "kitchen-accessories", "count": 30}
