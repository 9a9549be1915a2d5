"""What a collection does not take, and how much of the rest it takes at the most."""

from typing import Any

import pytest

from lacewing.content.rules import COLLECTION_POSTS_MAX
from tests.content.acts import (
    NOWHERE,
    add,
    collected,
    ids,
    many_post_ids,
    new_collection,
    nothing_changes,
    path_of,
    remove,
)
from tests.support.house import House, Member
from tests.tracker.acts import Json, faults


async def test_posts_that_are_not_there_are_named(
    house: House, maria: Member, collection: Json
) -> None:
    """CON-2: 422, each by its place."""
    known = collection["posts"][0]["id"]
    some = {"name": "N", "post_ids": [NOWHERE, known, NOWHERE[:-1] + "1"]}

    async with nothing_changes(house):
        added = await add(maria, collection, NOWHERE)
        sent = [
            await maria.api.put(path_of(collection), json=some),
            await maria.api.patch(path_of(collection), json=some),
            await maria.api.post("/api/collections", json=some),
        ]

    assert faults(added) == [["body", "post_id"]]
    for answer in sent:
        assert faults(answer) == [["body", "post_ids", 0], ["body", "post_ids", 2]]


async def test_no_post_stands_twice_in_an_order(
    house: House, maria: Member, collection: Json
) -> None:
    """CON-2: 422, which names it."""
    first, second, _ = ids(collection["posts"])
    doubled = {"name": "N", "post_ids": [first, second, first.upper()]}

    async with nothing_changes(house):
        sent = [
            await maria.api.put(path_of(collection), json=doubled),
            await maria.api.patch(path_of(collection), json=doubled),
            await maria.api.post("/api/collections", json=doubled),
        ]

    for answer in sent:
        assert faults(answer) == [["body", "post_ids"]]
        assert first in answer.text
        assert second not in answer.text


async def test_a_collection_holds_a_thousand_posts(house: House, maria: Member) -> None:
    """CON-2: at the limit all in order; one more is 409 when added, 422 in a list."""
    *post_ids, one_more = await many_post_ids(house, maria, COLLECTION_POSTS_MAX + 1)
    collection = await new_collection(maria)
    path = path_of(collection)
    await maria.api.patch(path, json={"post_ids": post_ids[:-1]})

    last = await add(maria, collection, post_ids[-1])
    again = await add(maria, collection, post_ids[0])
    async with nothing_changes(house):
        refused = await add(maria, collection, one_more)
        too_long = await maria.api.patch(path, json={"post_ids": [*post_ids, one_more]})

    assert (last.status_code, again.status_code) == (200, 200)
    assert (refused.status_code, refused.json()["type"]) == (409, "collection-full")
    assert faults(too_long) == [["body", "post_ids"]]
    assert await collected(maria, collection) == post_ids
    await remove(maria, collection, post_ids[0])
    assert (await add(maria, collection, one_more)).status_code == 200
    reversed_ids = [one_more, *post_ids[:0:-1]]
    assert (await maria.api.patch(path, json={"post_ids": reversed_ids})).status_code == 200
    assert await collected(maria, collection) == reversed_ids


LIMITS: list[tuple[str, list[Any], list[Any]]] = [
    (
        "name",
        ["n", "n" * 200, "🚀" * 200],
        ["n" * 201, "", " \t", "two\nlines", "nul\x00", None, 7],
    ),
    ("post_ids", [[]], [None, "x", {}]),
]


@pytest.mark.parametrize(("field", "good", "bad"), LIMITS)
async def test_a_collection_keeps_its_limits(
    house: House, maria: Member, collection: Json, field: str, good: list[Any], bad: list[Any]
) -> None:
    """CON-2: a name of 1 to 200 characters; kept at the limit, refused beyond it."""
    path, whole = path_of(collection), {"name": "N", "post_ids": []}
    for value in good:
        assert (await maria.api.post("/api/collections", json={**whole, field: value})).is_success
        assert (await maria.api.patch(path, json={field: value})).is_success

    for value in bad:
        async with nothing_changes(house):
            answers = [
                await maria.api.post("/api/collections", json={**whole, field: value}),
                await maria.api.put(path, json={**whole, field: value}),
                await maria.api.patch(path, json={field: value}),
            ]
        assert [faults(answer) for answer in answers] == [[["body", field]]] * 3, value


async def test_what_is_missing_or_unknown_is_named(
    house: House, maria: Member, collection: Json, post: Json
) -> None:
    """CON-2, API: a `PUT` needs both; nobody chooses the owner; an id is an id."""
    path = path_of(collection)
    async with nothing_changes(house):
        sent = [
            (await maria.api.put(path, json={"name": "N"}), ["body", "post_ids"]),
            (await maria.api.put(path, json={"post_ids": []}), ["body", "name"]),
            (await maria.api.post("/api/collections", json={}), ["body", "name"]),
            (await maria.api.patch(path, json={"owner_id": post["id"]}), ["body", "owner_id"]),
            (await maria.api.patch(path, json={"posts": []}), ["body", "posts"]),
            (await maria.api.patch(path, json={"post_ids": ["7"]}), ["body", "post_ids", 0]),
            (await add(maria, collection, "7"), ["body", "post_id"]),
            (await remove(maria, collection, None), ["body", "post_id"]),
            (await maria.api.post(f"{path}/add_post", json={}), ["body", "post_id"]),
        ]

    for answer, field in sent:
        assert faults(answer) == [field]
