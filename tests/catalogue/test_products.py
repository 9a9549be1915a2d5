from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import select

from lacewing.catalogue.tables import products
from tests.catalogue.acts import (
    PATH,
    add,
    delete,
    events,
    names,
    new_product,
    nothing_changes,
    path_of,
)
from tests.support.house import House, Member
from tests.tracker.acts import Json, faults, read

NOBODYS = "/api/products/00000000-0000-7000-8000-000000000000"


async def test_a_product_is_added_and_read_as_it_was_answered(house: House, maria: Member) -> None:
    """CAT-1: with everything that it has, and one event."""
    answer = await add(maria, name=" Desk ", price=9.5, rating=4.56)
    product = answer.json()

    assert answer.status_code == 201
    assert answer.headers["Location"] == path_of(product)
    assert product == {
        "id": product["id"],
        "name": "Desk",
        "category": "furniture",
        "price": "9.50",
        "rating": 4.56,
        "created_by": {"id": str(maria.id), "username": "maria", "full_name": None},
        "created_at": product["created_at"],
        "updated_at": product["created_at"],
    }
    found = await maria.api.get(path_of(product))
    assert found.json() == product
    assert found.headers["ETag"] == answer.headers["ETag"]
    assert UUID(product["id"]).version == 7
    assert await events(house) == [("product.created", {"product_id": product["id"]})]


async def test_a_change_leaves_the_rest_as_it_was(
    house: House, maria: Member, noor: Member, desk: Json
) -> None:
    """CAT-1: PATCH changes what is sent; a rating may be taken away."""
    house.clock.advance(seconds=1)

    dearer = (await maria.api.patch(path_of(desk), json={"price": "250.00"})).json()
    unrated = (await maria.api.patch(path_of(desk), json={"rating": None})).json()

    assert dearer == desk | {"price": "250.00", "updated_at": dearer["updated_at"]}
    assert dearer["updated_at"] > desk["updated_at"]
    assert unrated == dearer | {"rating": None}
    assert await read(noor, path_of(desk)) == unrated
    told = [(name, data["fields"]) for name, data in (await events(house))[1:]]
    assert told == [("product.changed", ["price"]), ("product.changed", ["rating"])]


async def test_a_put_is_whole(house: House, maria: Member, desk: Json) -> None:
    """CAT-1: what is left out is taken away; what is needed and left out is named."""
    wanted = {"name": "Bench", "category": "garden", "price": 12}

    replaced = await maria.api.put(path_of(desk), json=wanted)
    async with nothing_changes(house):
        refused = await maria.api.put(path_of(desk), json={"rating": 1})

    assert replaced.status_code == 200
    assert replaced.json() == desk | wanted | {"price": "12.00", "rating": None}
    assert await read(maria, path_of(desk)) == replaced.json()
    assert faults(refused) == [["body", "name"], ["body", "category"], ["body", "price"]]


async def test_a_change_to_what_it_is_already_is_none(
    house: House, maria: Member, desk: Json
) -> None:
    """CAT-1: nothing is written, nothing told."""
    house.clock.advance(seconds=1)
    fields = ("name", "category", "price", "rating")

    async with nothing_changes(house):
        empty = await maria.api.patch(path_of(desk), json={})
        same = await maria.api.put(path_of(desk), json={name: desk[name] for name in fields})

    assert empty.json() == same.json() == desk


async def test_a_deleted_product_is_gone_for_everybody_and_kept(
    house: House, maria: Member, adam: Member, desk: Json
) -> None:
    """CAT-1: from every list, search, facet and lookup; the row stays."""
    other = await new_product(maria, "Standing lamp")

    gone = await delete(maria, desk)

    assert (gone.status_code, gone.content) == (204, b"")
    for member in (maria, adam):
        assert await names(member) == [other["name"]]
        assert await names(member, search="standing") == [other["name"]]
        facets = (await read(member, PATH, facets="true"))["facets"]
        assert facets == {"category": [{"value": "furniture", "count": 1}], "others": 0}
        async with nothing_changes(house):
            answers = [
                await member.api.get(path_of(desk)),
                await member.api.patch(path_of(desk), json={"name": "Back again"}),
                await member.api.put(
                    path_of(desk), json={"name": "B", "category": "c", "price": 1}
                ),
                await delete(member, desk),
            ]
        assert [answer.json()["type"] for answer in answers] == ["product-not-found"] * 4
    [kept] = await house.rows(select(products.c.name).where(products.c.id == UUID(desk["id"])))
    assert kept == ("Standing desk",)
    assert (await events(house))[-1] == ("product.deleted", {"product_id": desk["id"]})


async def test_its_creator_and_managers_may_change_and_delete_it(
    house: House, maria: Member, noor: Member, mona: Member, adam: Member
) -> None:
    """CAT-1: another developer may not, and leaves all as it was."""
    for member in (maria, mona, adam):
        product = await new_product(maria)
        async with nothing_changes(house):
            refused = [
                await noor.api.patch(path_of(product), json={"price": 1}),
                await noor.api.put(
                    path_of(product), json={"name": "B", "category": "c", "price": 1}
                ),
                await delete(noor, product),
            ]
        assert [answer.json()["type"] for answer in refused] == ["not-your-product"] * 3

        changed = await member.api.patch(path_of(product), json={"name": member.username})
        assert (changed.json()["name"], changed.json()["created_by"]["username"]) == (
            member.username,
            "maria",
        )
        assert (await delete(member, product)).status_code == 204


async def test_a_stale_tag_stops_a_change(house: House, maria: Member, desk: Json) -> None:
    """API-9: PATCH, PUT and DELETE; 412 with the current state and the fields that differ."""
    tag = (await maria.api.get(path_of(desk))).headers["ETag"]
    house.clock.advance(seconds=1)
    known = await maria.api.get(path_of(desk), headers={"If-None-Match": tag})
    fresh = await maria.api.patch(path_of(desk), json={"price": "1.00"}, headers={"If-Match": tag})
    whole = {"name": "B", "category": "c", "price": 1}

    async with nothing_changes(house):
        refused = [
            await maria.api.request(method, path_of(desk), json=body, headers={"If-Match": tag})
            for method, body in (("PATCH", {"name": "B"}), ("PUT", whole), ("DELETE", None))
        ]
    taken = await delete(maria, desk, **{"If-Match": fresh.headers["ETag"]})

    assert (known.status_code, fresh.status_code, taken.status_code) == (304, 200, 204)
    for answer in refused:
        assert answer.status_code == 412
        assert answer.json()["differing_fields"] == ["price", "updated_at"]
        assert answer.json()["current"] == fresh.json()


@pytest.mark.parametrize("method", ["GET", "PATCH", "PUT", "DELETE"])
async def test_a_product_that_is_not_there(house: House, maria: Member, method: str) -> None:
    """CAT-1: 404; 422 for what is no id."""
    body = {"name": "B", "category": "c", "price": 1} if method in {"PATCH", "PUT"} else None

    async with nothing_changes(house):
        nobodys = await maria.api.request(method, NOBODYS, json=body)
        no_id = await maria.api.request(method, f"{PATH}/one", json=body)

    assert (nobodys.status_code, nobodys.json()["type"]) == (404, "product-not-found")
    assert faults(no_id) == [["path", "product_id"]]


NO_VALUES: list[tuple[str, Any]] = [
    ("name", ""),
    ("name", " \t"),
    ("name", "n" * 201),
    ("name", "two\nlines"),
    ("name", "a\x00b"),
    ("name", None),
    ("name", 1.5),
    ("category", ""),
    ("category", "c" * 101),
    ("category", "a,b"),
    ("category", None),
    ("price", None),
    ("colour", "black"),
    ("id", NOBODYS[-36:]),
    ("created_by", "noor"),
]


@pytest.mark.parametrize(("field", "value"), NO_VALUES)
async def test_what_is_no_value_is_named(
    shared_house: House, a_developer: Member, field: str, value: Any
) -> None:
    """CAT-1: when it is added, replaced or changed."""
    product = await new_product(a_developer)
    whole = {"name": "B", "category": "c", "price": 1, field: value}

    async with nothing_changes(shared_house):
        answers = [
            await add(a_developer, **{field: value}),
            await a_developer.api.put(path_of(product), json=whole),
            await a_developer.api.patch(path_of(product), json={field: value}),
        ]

    assert [faults(answer) for answer in answers] == [[["body", field]]] * 3


async def test_the_longest_texts_are_taken(a_developer: Member) -> None:
    """CAT-1: a name of 200 characters, a category of 100."""
    longest = {"name": "\N{BUG}" * 200, "category": "ü" * 100}

    product = await new_product(a_developer, **longest)

    assert product.items() >= longest.items()
