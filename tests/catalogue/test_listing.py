from typing import Any

import pytest

from tests.catalogue.acts import ORDERS, PATH, in_order, names, new_product
from tests.support.house import House, Member
from tests.tracker.acts import Json, faults, read, walk

SHELF: list[tuple[str, str, str, float | None]] = [
    ("a", "tools", "1.00", 5),
    ("b", "tools", "2.00", None),
    ("c", "garden", "2.00", 0),
    ("d", "garden", "3.00", None),
    ("e", "Tools", "4.00", 2.5),
    ("f", "home & garden", "0.00", 2.5),
    ("g", "tools", "2.00", 2.5),
]


@pytest.fixture(scope="module")
async def shelf(shared_house: House, a_developer: Member) -> list[Json]:
    """Products of every kind, one a second, some of them alike in price or rating."""
    made = []
    for name, category, price, rating in SHELF:
        fields = {"category": category, "price": price, "rating": rating}
        made.append(await new_product(a_developer, name, **fields))
        shared_house.clock.advance(seconds=1)
    return made


FILTERS: list[tuple[dict[str, str], str]] = [
    ({}, "abcdefg"),
    ({"category": "tools"}, "abg"),
    ({"category": "tools,garden"}, "abcdg"),
    ({"category": " tools , garden,nothing"}, "abcdg"),
    ({"category": "tools,tools"}, "abg"),
    ({"category": "tools,Tools,garden,home & garden,x"}, "abcdefg"),
    ({"category": "nothing"}, ""),
    ({"category": "%"}, ""),
    ({"category": ""}, ""),
    ({"min_price": "2"}, "bcdeg"),
    ({"max_price": "2"}, "abcfg"),
    ({"min_price": "1", "max_price": "2.00"}, "abcg"),
    ({"max_price": "0"}, "f"),
    ({"min_price": "4.01"}, ""),
    ({"category": "tools", "min_price": "2"}, "bg"),
    ({"category": "tools,garden", "min_price": "2", "max_price": "2"}, "bcg"),
]


async def test_filters_narrow_every_order(a_developer: Member, shelf: list[Json]) -> None:
    """CAT-2: several categories mean any of them; pages of every size show the same."""
    for params, expected in FILTERS:
        rows = [product for product in shelf if product["name"] in expected]
        for order in ORDERS:
            for limit in (1, 2, 100):
                found = await walk(a_developer, PATH, limit=limit, **order, **params)

                assert [row["id"] for row in found] == in_order(order, rows), (params, order)
                assert [row for row in found if row not in rows] == []


@pytest.mark.usefixtures("shelf")
async def test_the_newest_come_first_unless_asked_otherwise(a_developer: Member) -> None:
    """CAT-2: a field that is named is ascending, as in every list."""
    assert "".join(await names(a_developer)) == "gfedcba"
    assert "".join(await names(a_developer, category="tools,garden")) == "gdcba"
    assert "".join(await names(a_developer, sort_by="created_at")) == "abcdefg"
    assert "".join(await names(a_developer, sort_order="asc")) == "abcdefg"
    assert "".join(await names(a_developer, sort_order="desc")) == "gfedcba"
    assert "".join(await names(a_developer, sort_by="price")) == "fabcgde"


@pytest.mark.usefixtures("shelf")
async def test_what_has_no_rating_stands_below_the_worst(a_developer: Member) -> None:
    """CAT-2: last when the best come first; the two orders are each other's reverse."""
    best_first = await names(a_developer, sort_by="rating", sort_order="desc")
    worst_first = await names(a_developer, sort_by="rating", sort_order="asc")

    assert best_first == worst_first[::-1]
    assert "".join(worst_first) == "bdcefga"


def _facets(**counts: int) -> Json:
    found = [{"value": value, "count": count} for value, count in counts.items()]
    return {"category": found, "others": 0}


@pytest.mark.usefixtures("shelf")
async def test_facets_count_what_the_list_shows(a_developer: Member) -> None:
    """CAT-2: under the same filters, category too; the largest come first, ties by name."""
    home = {"home & garden": 1}
    cases: list[tuple[dict[str, Any], Json]] = [
        ({}, _facets(tools=3, garden=2, Tools=1, **home)),
        ({"category": "tools"}, _facets(tools=3)),
        ({"category": "garden,tools,Tools"}, _facets(tools=3, garden=2, Tools=1)),
        ({"category": "nothing"}, _facets()),
        ({"min_price": "2"}, _facets(garden=2, tools=2, Tools=1)),
        ({"max_price": "1", "category": "tools"}, _facets(tools=1)),
        ({"max_price": "1"}, _facets(**home, tools=1)),
        ({"search": "d", "min_price": "1", "sort_by": "rating"}, _facets(garden=1)),
        ({"search": "nothing"}, _facets()),
    ]
    for params, expected in cases:
        page = await read(a_developer, PATH, facets="true", limit=1, **params)

        assert page["facets"] == expected, params
        shown = await walk(a_developer, PATH, **params)
        assert sum(each["count"] for each in page["facets"]["category"]) == len(shown), params


@pytest.mark.usefixtures("shelf")
async def test_facets_are_counted_only_where_asked_for(a_developer: Member) -> None:
    """CAT-2: and a page may be turned without counting again."""
    first = await read(a_developer, PATH, facets="true", limit=3)
    rest = await walk(a_developer, PATH, limit=3, cursor=first["next_cursor"])

    assert "facets" not in await read(a_developer, PATH)
    assert "facets" not in await read(a_developer, PATH, facets="false")
    assert [row["name"] for row in [*first["data"], *rest]] == list("gfedcba")


async def test_a_hundred_categories_are_counted_and_no_more(maria: Member) -> None:
    """CAT-2: the largest; how many products have another category, is told."""
    for number in range(100):
        await new_product(maria, category=f"category {number:03}")
    at_the_limit = (await read(maria, PATH, facets="true", limit=1))["facets"]
    for _ in range(2):
        await new_product(maria, category="category 100")

    beyond = (await read(maria, PATH, facets="true", limit=1))["facets"]

    assert (len(at_the_limit["category"]), at_the_limit["others"]) == (100, 0)
    assert (len(beyond["category"]), beyond["others"]) == (100, 1)
    assert beyond["category"][0] == {"value": "category 100", "count": 2}
    assert beyond["category"][-1] == {"value": "category 098", "count": 1}


@pytest.mark.usefixtures("shelf")
async def test_a_cursor_belongs_to_its_list(a_developer: Member) -> None:
    """API-5: under another sort, order or filter, cut or forged: 400."""
    query: Json = {"sort_by": "price", "sort_order": "asc", "category": "tools", "limit": 1}
    cursor = (await read(a_developer, PATH, **query))["next_cursor"]
    forged = cursor[:-1] + ("A" if cursor[-1] != "A" else "B")
    foreign: list[dict[str, Any]] = [
        {"cursor": forged},
        {"cursor": cursor[:-4]},
        {"cursor": ""},
        {"sort_by": "rating"},
        {"sort_order": "desc"},
        {"category": "tools,garden"},
        {"min_price": "1"},
        {"search": "a"},
    ]

    for change in foreign:
        answer = await a_developer.api.get(PATH, params={**query, "cursor": cursor, **change})

        assert (answer.status_code, answer.json()["type"]) == (400, "invalid-cursor"), change
    assert await walk(a_developer, PATH, **query, cursor=cursor)


@pytest.mark.usefixtures("shelf")
async def test_a_page_may_have_another_size_than_the_one_before(a_developer: Member) -> None:
    """API-5: the limit belongs to the page, not to the list."""
    first = await read(a_developer, PATH, limit=2, sort_by="rating")
    rest = await read(a_developer, PATH, limit=100, sort_by="rating", cursor=first["next_cursor"])

    found = [row["name"] for row in first["data"] + rest["data"]]
    assert "".join(found) == "bdcefga"


SENSELESS: list[tuple[str, str]] = [
    ("page", "1"),
    ("sort", "price"),
    ("sort_by", "name"),
    ("sort_by", "rating_order"),
    ("sort_by", "price;drop table products"),
    ("sort_by", ""),
    ("sort_order", "up"),
    ("sort_order", "DESC"),
    ("limit", "0"),
    ("limit", "101"),
    ("category", "a\x00b"),
    ("category", ",".join(["x"] * 51)),
    ("search", ""),
    ("search", "s" * 201),
    ("search", "a\x00b"),
    ("facets", "some"),
    ("deleted", "true"),
]


async def test_a_parameter_that_makes_no_sense_is_named(a_developer: Member) -> None:
    """CAT-2, API-7: 422; a page number too, as this list is turned by cursor only."""
    for parameter, value in SENSELESS:
        answer = await a_developer.api.get(PATH, params={parameter: value})

        assert [loc[:2] for loc in faults(answer)] == [["query", parameter]], (parameter, value)
    assert (
        await a_developer.api.get(PATH, params={"category": ",".join(["x"] * 50)})
    ).status_code == 200


async def test_a_repeated_parameter_is_named(a_developer: Member) -> None:
    """API-7: several categories are separated by commas."""
    answer = await a_developer.api.get(f"{PATH}?category=a&category=b")

    assert faults(answer) == [["query", "category"]]


async def test_the_path_is_spelled_either_way(a_developer: Member, shelf: list[Json]) -> None:
    """API-1: with and without a slash at its end."""
    assert await read(a_developer, f"{PATH}/") == await read(a_developer, PATH)
    assert await read(a_developer, f"{PATH}/{shelf[0]['id']}/") == shelf[0]


async def test_an_empty_catalogue_is_an_empty_page(maria: Member) -> None:
    """CAT-2: none of all orders and filters fails on nothing."""
    empty: Json = {"data": [], "next_cursor": None, "has_more": False}
    for order in ORDERS:
        for params, _ in FILTERS:
            assert await read(maria, PATH, **order, **params) == empty
    assert await read(maria, PATH, facets="true") == empty | {"facets": _facets()}
