from tests.content.acts import add, new_post, nothing_changes, path_of, remove
from tests.support.house import House, Member
from tests.tracker.acts import Json


async def _tag(member: Member, thing: Json) -> str:
    answer = await member.api.get(path_of(thing))
    assert answer.status_code == 200
    tag = answer.headers["ETag"]
    again = await member.api.get(path_of(thing), headers={"If-None-Match": tag})
    assert (again.status_code, again.content, again.headers["ETag"]) == (304, b"", tag)
    return str(tag)


async def test_every_answer_that_shows_a_thing_carries_its_tag(
    house: House, maria: Member, collection: Json, post: Json
) -> None:
    """API-9: a client need not ask again before it changes what it made or changed."""
    things: list[tuple[Json, str, str, Json]] = [
        (post, "PATCH", "", {"title": "Changed"}),
        (post, "PUT", "", {"title": "T", "body": "*B*"}),
        (collection, "PATCH", "", {"name": "Changed"}),
        (collection, "PUT", "", {"name": "N", "post_ids": [collection["posts"][1]["id"]]}),
        (collection, "POST", "/add_post", {"post_id": post["id"]}),
        (collection, "POST", "/remove_post", {"post_id": post["id"]}),
    ]
    for thing, method, path, body in things:
        house.clock.advance(seconds=1)
        before = await _tag(maria, thing)

        changed = await maria.api.request(method, f"{path_of(thing)}{path}", json=body)
        again = await maria.api.request(method, f"{path_of(thing)}{path}", json=body)

        assert changed.headers["ETag"] == again.headers["ETag"] == await _tag(maria, thing)
        assert changed.headers["ETag"] != before
    for path, body in (
        ("/api/posts", {"title": "T", "body": "B"}),
        ("/api/collections", {"name": "N", "post_ids": [post["id"]]}),
    ):
        made = await maria.api.post(path, json=body)
        assert made.headers["ETag"] == await _tag(maria, made.json())


async def test_the_tag_of_a_collection_changes_with_its_posts(
    house: House, maria: Member, noor: Member, collection: Json
) -> None:
    """CON-2, API-9: when one is added, removed, moved, renamed or deleted; not by its body."""
    first, second, third = collection["posts"]
    other = await new_post(maria)
    tags = [await _tag(maria, collection)]
    house.clock.advance(seconds=1)

    await add(maria, collection, other["id"])
    tags.append(await _tag(maria, collection))
    await remove(maria, collection, first["id"])
    tags.append(await _tag(maria, collection))
    order = [other["id"], second["id"], third["id"]]
    await maria.api.patch(path_of(collection), json={"post_ids": order})
    tags.append(await _tag(maria, collection))
    await noor.api.patch(path_of(second), json={"title": "Renamed"})
    tags.append(await _tag(maria, collection))
    await noor.api.patch(path_of(second), json={"body": "Not shown in a collection."})
    assert await _tag(maria, collection) == tags[-1]
    await noor.api.delete(path_of(third))
    tags.append(await _tag(maria, collection))

    assert len(set(tags)) == 6


async def test_a_stale_tag_stops_every_change(
    house: House, maria: Member, collection: Json, post: Json
) -> None:
    """API-9: 412 with the current state and the fields that differ; a fresh one goes through."""
    things: list[tuple[Json, Json, Json, list[str]]] = [
        (post, {"title": "A"}, {"title": "B", "body": "B"}, ["title"]),
        (collection, {"name": "A"}, {"name": "B", "post_ids": []}, ["name"]),
        (
            collection,
            {"post_ids": [post["id"]]},
            {"name": "B", "post_ids": []},
            ["posts", "post_count"],
        ),
    ]
    for thing, first, whole, fields in things:
        path = path_of(thing)
        house.clock.advance(seconds=1)
        stale = {"If-Match": await _tag(maria, thing)}
        fresh = {"If-Match": (await maria.api.patch(path, json=first)).headers["ETag"]}

        async with nothing_changes(house):
            refused = [
                await maria.api.put(path, json=whole, headers=stale),
                await maria.api.patch(path, json=whole, headers=stale),
                await maria.api.delete(path, headers=stale),
            ]
        taken = await maria.api.put(path, json=whole, headers=fresh)

        current = (await maria.api.get(path)).json()
        for answer in refused:
            assert answer.status_code == 412
            assert answer.json()["differing_fields"] == [*fields, "updated_at"]
            assert answer.json()["current"]["id"] == thing["id"]
        assert taken.status_code == 200
        assert taken.json() == current
    for thing in (post, collection):
        fresh = {"If-Match": await _tag(maria, thing)}
        assert (await maria.api.delete(path_of(thing), headers=fresh)).status_code == 204


async def test_a_post_that_left_a_collection_makes_its_tag_stale(
    house: House, maria: Member, noor: Member, collection: Json
) -> None:
    """CON-2, API-9: an order that was made before is not written over what is there now."""
    stale = {"If-Match": await _tag(maria, collection)}
    first, second, third = collection["posts"]
    await noor.api.delete(path_of(second))
    order = {"name": "N", "post_ids": [third["id"], first["id"]]}

    async with nothing_changes(house):
        refused = await maria.api.put(path_of(collection), json=order, headers=stale)

    assert refused.status_code == 412
    assert refused.json()["differing_fields"] == ["posts", "post_count"]


async def test_who_may_not_change_learns_so_before_their_tag_is_judged(
    house: House, noor: Member, post: Json
) -> None:
    """API-9, PERM-1: 403, whatever they believe the post to be."""
    async with nothing_changes(house):
        answer = await noor.api.delete(path_of(post), headers={"If-Match": '"stale"'})

    assert answer.status_code == 403
