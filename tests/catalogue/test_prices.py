"""Prices and ratings: exact from the bytes of the request to those of the answer."""

from typing import Any

import httpx
import pytest
from sqlalchemy import String, cast, column, select

from lacewing.catalogue.rules import PRICE_MAX
from lacewing.catalogue.tables import products
from tests.catalogue.acts import PATH, nothing_changes
from tests.support.house import House, Member
from tests.tracker.acts import faults, read


async def _add(member: Member, price: str, rating: str = "null") -> httpx.Response:
    """Add a product with exactly these bytes."""
    body = f'{{"name": "Desk", "category": "c", "price": {price}, "rating": {rating}}}'
    headers = {"Content-Type": "application/json"}
    return await member.api.post(PATH, content=body, headers=headers)


TAKEN = [
    ("0", "0.00"),
    ("-0", "0.00"),
    ("-0.00", "0.00"),
    ('"-0.00"', "0.00"),
    ("0.01", "0.01"),
    ('"0.01"', "0.01"),
    ("9.9", "9.90"),
    ('"9.9"', "9.90"),
    ("9.99", "9.99"),
    ("19.99", "19.99"),
    ("1.1", "1.10"),
    ("64.35", "64.35"),
    ('"007.50"', "7.50"),
    ("1e2", "100.00"),
    ("1.25E+2", "125.00"),
    ("9.5e-1", "0.95"),
    ("999999999.99", "999999999.99"),
    ('"999999999.99"', "999999999.99"),
]


@pytest.mark.parametrize(("written", "answered"), TAKEN)
async def test_a_price_comes_back_to_the_cent(
    a_developer: Member, written: str, answered: str
) -> None:
    """API-2, CAT-3: a string or a number in, always a string with two decimals out."""
    answer = await _add(a_developer, written)

    assert answer.status_code == 201, answer.text
    assert answer.json()["price"] == answered
    assert (await read(a_developer, answer.headers["Location"]))["price"] == answered


REFUSED = [
    "9.999",
    '"9.999"',
    "9.990",
    '"9.990"',
    "9.9900000000000000000000001",
    "0.001",
    "1e-3",
    "999e-3",
    "1e-99999999999999999999",
    "-0.01",
    '"-0.01"',
    "-1",
    "1000000000",
    "1000000000.00",
    '"1000000000.00"',
    "1e9",
    "1e99999999999999999999",
    "9" * 400,
    f'"{"9" * 400}"',
    '"1e2"',
    '"NaN"',
    '"Infinity"',
    '"-Infinity"',
    '"nan"',
    '"sNaN"',
    '""',
    '" 9.99"',
    '"9,99"',
    '"9."',
    '".99"',
    '"+9.99"',
    '"1_000"',
    '"٩.٩"',
    '"$9"',
    "true",
    "null",
    "[9.99]",
    '{"amount": 9.99}',
]


@pytest.mark.parametrize("written", REFUSED)
async def test_what_is_no_price_is_refused_and_never_rounded(
    shared_house: House, a_developer: Member, written: str
) -> None:
    """CAT-3: more than two decimals, however written; nothing beyond the limits."""
    async with nothing_changes(shared_house):
        answer = await _add(a_developer, written)

    assert faults(answer) == [["body", "price"]]


@pytest.mark.parametrize("written", ["NaN", "Infinity", "-Infinity", ".5", "01", "1."])
async def test_what_json_has_no_number_for_is_malformed(
    shared_house: House, a_developer: Member, written: str
) -> None:
    """API-4: no price and no JSON either."""
    async with nothing_changes(shared_house):
        answer = await _add(a_developer, written)

    assert answer.status_code == 400


@pytest.mark.parametrize(
    ("written", "answered"),
    [("0", 0), ("5", 5), ("5.00", 5), ("2.56", 2.56), ('"4.9"', 4.9), ("null", None)],
)
async def test_a_rating_is_a_number_of_two_decimals_or_null(
    a_developer: Member, written: str, answered: float | None
) -> None:
    """CAT-3: 0 to 5, both taken."""
    answer = await _add(a_developer, "1", written)

    assert answer.status_code == 201, answer.text
    assert (await read(a_developer, answer.headers["Location"]))["rating"] == answered


@pytest.mark.parametrize(
    "written", ["-0.01", "5.01", "6", "4.999", "4.5000000000000000000001", "true", '"good"', "[]"]
)
async def test_what_is_no_rating_is_refused(
    shared_house: House, a_developer: Member, written: str
) -> None:
    """CAT-3: one hundredth beyond is too much."""
    async with nothing_changes(shared_house):
        answer = await _add(a_developer, "1", written)

    assert faults(answer) == [["body", "rating"]]


async def test_the_database_holds_whole_cents(house: House, maria: Member) -> None:
    """API-2: no binary float anywhere on the way."""
    for price in ("0.07", "19.99", "999999999.99"):
        assert (await _add(maria, price, "4.35")).status_code == 201
    columns = [cast(column(name), String) for name in ("price", "rating")]

    rows = await house.rows(select(*columns).select_from(products).order_by(products.c.price))

    assert rows == [("7", "435"), ("1999", "435"), ("99999999999", "435")]


@pytest.mark.parametrize("field", ["min_price", "max_price"])
@pytest.mark.parametrize(
    "value", ["9.999", "-0.01", "1000000000", "NaN", "1e2", "cheap", "", "9,99", "0x9"]
)
async def test_a_bound_that_is_no_price_is_named(
    a_developer: Member, field: str, value: Any
) -> None:
    """CAT-2: as exact as prices themselves."""
    answer = await a_developer.api.get(PATH, params={field: value})

    assert faults(answer) == [["query", field]]


async def test_bounds_hold_to_the_cent(maria: Member) -> None:
    """CAT-2: both ends belong to the range; the highest price is a bound too."""
    for price in ("9.98", "9.99", "10.00", "10.01"):
        assert (await _add(maria, price)).status_code == 201

    async def prices(**bounds: str) -> list[str]:
        query = {"sort_by": "price", "sort_order": "asc", **bounds}
        return [each["price"] for each in (await read(maria, PATH, **query))["data"]]

    assert await prices(min_price="9.99") == ["9.99", "10.00", "10.01"]
    assert await prices(max_price="10") == ["9.98", "9.99", "10.00"]
    assert await prices(min_price="9.99", max_price="9.99") == ["9.99"]
    assert await prices(min_price="10.02", max_price=str(PRICE_MAX)) == []


async def test_a_lowest_price_above_the_highest_is_refused(a_developer: Member) -> None:
    """CAT-2: 422 that names both; never an empty list that looks like an answer."""
    for order in ({}, {"sort_by": "price"}, {"facets": "true"}):
        bounds = {"min_price": "10.00", "max_price": "9.99", **order}
        answer = await a_developer.api.get(PATH, params=bounds)

        assert faults(answer) == [["query", "min_price"], ["query", "max_price"]]


async def test_a_zero_has_no_sign(maria: Member) -> None:
    """CAT-1, API-9: what adding answers, is what reading answers, tag and all."""
    wanted = b'{"name": "Desk", "category": "furniture", "price": -0.0, "rating": -0.0}'

    made = await maria.api.post(PATH, content=wanted, headers={"Content-Type": "application/json"})
    found = await maria.api.get(f"{PATH}/{made.json()['id']}")

    assert b'"price":"0.00","rating":0.0' in made.content
    assert (found.content, found.headers["ETag"]) == (made.content, made.headers["ETag"])
