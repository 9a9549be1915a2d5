import pytest

from tests.content.acts import (
    NOWHERE,
    add,
    collected,
    ids,
    new_collection,
    new_post,
    nothing_changes,
    path_of,
    remove,
    told,
)
from tests.support.house import House, Member
from tests.tracker.acts import Json, faults, read, walk, walk_numbered


async def test_a_collection_shows_its_posts_in_order(
    house: House, maria: Member, shelf: list[Json]
) -> None:
    """CON-2, NAME-4: each as a small object; a new one may be empty."""
    wanted = {"name": " To read ", "post_ids": ids([shelf[2], shelf[0]])}

    answer = await maria.api.post("/api/collections/", json=wanted)
    empty = await maria.api.post("/api/collections", json={"name": "Empty"})

    created = answer.json()
    assert (answer.status_code, empty.status_code) == (201, 201)
    assert answer.headers["Location"] == f"/api/collections/{created['id']}"
    assert created == {
        "id": created["id"],
        "name": "To read",
        "owner": {"id": str(maria.id), "username": "maria", "full_name": None},
        "posts": [
            {name: post[name] for name in ("id", "title", "author", "created_at")}
            for post in (shelf[2], shelf[0])
        ],
        "post_count": 2,
        "created_at": created["created_at"],
        "updated_at": created["created_at"],
    }
    for path in (path_of(created), f"{path_of(created)}/"):
        assert await read(maria, path) == created
    assert empty.json() == await read(maria, path_of(empty.json()))
    assert (empty.json()["posts"], empty.json()["post_count"]) == ([], 0)
    assert await told(house, 3) == [
        ("collection.created", {"collection_id": made["id"], "owner_id": str(maria.id)})
        for made in (created, empty.json())
    ]


async def test_a_post_is_added_at_the_end_and_once(
    house: House, maria: Member, collection: Json, post: Json
) -> None:
    """CON-2: twice keeps one and its place."""
    house.clock.advance(minutes=1)

    added = await add(maria, collection, post["id"])
    house.clock.advance(minutes=1)
    async with nothing_changes(house):
        again = await add(maria, collection, post["id"])
        other = await add(maria, collection, collection["posts"][1]["id"])

    assert added.status_code == again.status_code == other.status_code == 200
    assert ids(added.json()["posts"]) == [*ids(collection["posts"]), post["id"]]
    assert added.json()["updated_at"] > collection["updated_at"]
    assert added.json() == again.json() == other.json() == await read(maria, path_of(collection))
    name, data = (await told(house))[-1]
    assert (name, data) == (
        "collection.post_added",
        {"collection_id": collection["id"], "owner_id": str(maria.id), "post_id": post["id"]},
    )


async def test_a_post_is_removed_and_the_others_keep_their_order(
    house: House, maria: Member, collection: Json, post: Json
) -> None:
    """CON-2: one that is not in it, or not there at all, is no error; added again it is last."""
    first, second, third = ids(collection["posts"])

    removed = await remove(maria, collection, second)
    async with nothing_changes(house):
        absent = [await remove(maria, collection, each) for each in (second, post["id"], NOWHERE)]

    assert removed.status_code == 200
    assert ids(removed.json()["posts"]) == [first, third]
    assert [answer.json() for answer in absent] == [removed.json()] * 3
    assert removed.json() == await read(maria, path_of(collection))
    name, data = (await told(house))[-1]
    assert (name, data) == (
        "collection.post_removed",
        {"collection_id": collection["id"], "owner_id": str(maria.id), "post_id": second},
    )
    await add(maria, collection, second)
    assert await collected(maria, collection) == [first, third, second]


@pytest.mark.parametrize(
    ("method", "name", "order", "named"),
    [
        ("PUT", "Read", [2, 0, 1], ["name", "posts"]),
        ("PUT", "To read", [1], ["posts"]),
        ("PUT", "Read", [0, 1, 2], ["name"]),
        ("PUT", "To read", [], ["posts"]),
        ("PATCH", "Read", None, ["name"]),
        ("PATCH", None, [2, 1, 0], ["posts"]),
    ],
)
async def test_a_collection_is_renamed_and_put_into_order(
    house: House,
    maria: Member,
    collection: Json,
    method: str,
    name: str | None,
    order: list[int] | None,
    named: list[str],
) -> None:
    """CON-2: `PUT` sets name and posts, `PATCH` either; the same again changes nothing."""
    house.clock.advance(minutes=1)
    before: list[Json] = collection["posts"]
    fields: Json = {}
    if name is not None:
        fields["name"] = name
    if order is not None:
        fields["post_ids"] = [before[place]["id"] for place in order]

    changed = (await maria.api.request(method, path_of(collection), json=fields)).json()
    async with nothing_changes(house):
        again = (await maria.api.request(method, path_of(collection), json=fields)).json()
        nothing = (await maria.api.patch(path_of(collection), json={})).json()

    posts = before if order is None else [before[place] for place in order]
    assert changed == {
        **collection,
        "name": name or "To read",
        "posts": posts,
        "post_count": len(posts),
        "updated_at": changed["updated_at"],
    }
    assert changed["updated_at"] > collection["updated_at"]
    assert changed == again == nothing == await read(maria, path_of(collection))
    assert [(each, data.get("fields")) for each, data in (await told(house))[4:]] == [
        ("collection.changed", named)
    ]


async def test_a_deleted_post_leaves_every_collection(
    house: House, maria: Member, noor: Member, collection: Json
) -> None:
    """CON-2: of everybody; the others keep their order, and one event tells of it all."""
    first, second, third = collection["posts"]
    hers = await new_collection(noor, "Mine", third, second)
    before = len(await told(house))

    await noor.api.delete(path_of(second))

    assert await collected(maria, collection) == ids([first, third])
    assert await collected(noor, hers) == [third["id"]]
    [summary] = (await read(noor, "/api/collections"))["data"]
    assert summary["post_count"] == 1
    assert [name for name, _ in await told(house, before)] == ["post.deleted"]


async def test_a_deleted_collection_leaves_its_posts(
    house: House, maria: Member, collection: Json
) -> None:
    """CON-2: and is gone itself."""
    path = path_of(collection)

    deleted = await maria.api.delete(path)
    async with nothing_changes(house):
        gone = [
            await maria.api.get(path),
            await maria.api.delete(path),
            await add(maria, collection, collection["posts"][0]["id"]),
        ]

    assert (deleted.status_code, deleted.content) == (204, b"")
    assert {(answer.status_code, answer.json()["type"]) for answer in gone} == {
        (404, "collection-not-found")
    }
    assert (await read(maria, "/api/posts", page=1))["total"] == 3
    assert (await told(house))[-1] == (
        "collection.deleted",
        {"collection_id": collection["id"], "owner_id": str(maria.id)},
    )


async def test_the_list_tells_how_many_posts_each_holds(
    house: House, maria: Member, shelf: list[Json]
) -> None:
    """CON-2, API-5, API-6: not which; sorted by each time, by cursor and by page."""
    made = []
    for number in range(4):
        made.append(await new_collection(maria, f"Number {number}", *shelf[:number]))
        house.clock.advance(minutes=number > 0)
    made[1] = (await maria.api.patch(path_of(made[1]), json={"name": "Changed"})).json()
    summaries = [{name: each[name] for name in each if name != "posts"} for each in made]
    by_change = [summaries[0], *summaries[2:], summaries[1]]

    for sort, expected in (("created_at", summaries), ("updated_at", by_change)):
        up = await walk(maria, "/api/collections", sort=sort, limit=1)
        down = await walk(maria, "/api/collections", sort=f"-{sort}", limit=3)
        numbered = await walk_numbered(maria, "/api/collections", sort=sort, limit=3)

        assert up == numbered == expected
        assert down == up[::-1]
    assert (await read(maria, "/api/collections/"))["data"] == summaries[::-1]
    for parameter in ("owner", "search", "name"):
        answer = await maria.api.get("/api/collections", params={parameter: "x"})
        assert faults(answer) == [["query", parameter]]


async def test_a_renamed_post_is_shown_by_its_new_title(
    maria: Member, noor: Member, collection: Json
) -> None:
    """CON-2: a collection holds posts, no copies of them."""
    first = collection["posts"][0]

    await noor.api.patch(path_of(first), json={"title": "Renamed"})

    assert (await read(maria, path_of(collection)))["posts"][0]["title"] == "Renamed"


async def test_an_emptied_collection_is_filled_again(maria: Member, collection: Json) -> None:
    """CON-2: none, one, many."""
    for post in collection["posts"]:
        await remove(maria, collection, post["id"])
    assert await collected(maria, collection) == []

    for post in (await new_post(maria), collection["posts"][1]):
        await add(maria, collection, post["id"])

    assert len(await collected(maria, collection)) == 2
