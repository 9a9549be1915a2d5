"""What happens when several act upon the same posts and collections at the same moment."""

import asyncio
from collections import Counter
from collections.abc import Iterable
from random import Random
from typing import Any

import httpx
from sqlalchemy import select, text

from lacewing.content.jobs import index_all_posts
from lacewing.content.tables import collection_posts, posts
from lacewing.kernel.db import transaction
from tests.content.acts import (
    add,
    collected,
    ids,
    new_collection,
    new_post,
    new_posts,
    path_of,
    remove,
    titles,
    told,
)
from tests.support.house import House, Member
from tests.tracker.acts import Json, read


def _statuses(answers: Iterable[httpx.Response]) -> Counter[int]:
    return Counter(answer.status_code for answer in answers)


async def _set_order(member: Member, collection: Json, post_ids: list[str]) -> httpx.Response:
    body = {"name": "Ordered", "post_ids": post_ids}
    return await member.api.put(path_of(collection), json=body)


async def _is_sound(house: House) -> bool:
    """Whether every place is of a post that is there, and no two of a collection are the same."""
    dangling = await house.rows(
        select(collection_posts.c.post_id)
        .outerjoin(posts, posts.c.id == collection_posts.c.post_id)
        .where(posts.c.id.is_(None))
    )
    places = await house.rows(select(collection_posts.c.collection_id, collection_posts.c.position))
    return not dangling and len(set(places)) == len(places)


async def test_ten_posts_added_at_once_are_all_kept(
    house: House, maria: Member, noor: Member
) -> None:
    """CON-2: each with a place of its own, in the order that the last answer shows."""
    made, collection = await new_posts(noor, 10), await new_collection(maria)

    answers = await asyncio.gather(*(add(maria, collection, each) for each in ids(made)))

    assert _statuses(answers) == {200: 10}
    assert {answer.json()["post_count"] for answer in answers} == set(range(1, 11))
    last = max(answers, key=lambda answer: answer.json()["post_count"]).json()
    assert await collected(maria, collection) == ids(last["posts"])
    assert set(ids(last["posts"])) == set(ids(made))
    assert await _is_sound(house)


async def test_one_post_added_by_many_at_once_is_added_once(
    house: House, maria: Member, post: Json
) -> None:
    """CON-2: one place, one event; so with a post that is removed."""
    collection = await new_collection(maria)

    added = await asyncio.gather(*(add(maria, collection, post["id"]) for _ in range(10)))
    at_the_end = await collected(maria, collection)
    removed = await asyncio.gather(*(remove(maria, collection, post["id"]) for _ in range(10)))

    assert _statuses(added) == _statuses(removed) == {200: 10}
    assert at_the_end == [post["id"]]
    assert await collected(maria, collection) == []
    names = Counter(name for name, _ in await told(house))
    assert (names["collection.post_added"], names["collection.post_removed"]) == (1, 1)


async def test_a_post_that_is_deleted_while_it_is_added_leaves_nothing(
    house: House, maria: Member, noor: Member
) -> None:
    """CON-2: it is in and leaves again, or is not there any more; never a row without its post."""
    mine, theirs = await new_collection(maria), await new_collection(noor)
    for post in await new_posts(noor, 10):
        *added, deleted = await asyncio.gather(
            add(maria, mine, post["id"]),
            add(noor, theirs, post["id"]),
            _set_order(noor, theirs, [post["id"]]),
            noor.api.delete(path_of(post)),
        )

        assert deleted.status_code == 204
        assert set(_statuses(added)) <= {200, 422}
        assert await collected(maria, mine) == []
        assert await collected(noor, theirs) == []
    assert await house.rows(select(collection_posts)) == []


async def _wait_until_blocked(house: House, *tasks: asyncio.Task[Any]) -> None:
    """Return when one waits for a lock, or one of ``tasks`` is done. SQLite lets all queue."""
    if house.database.dialect == "sqlite":
        return
    waiting = text(
        "SELECT count(*) FROM pg_stat_activity"
        " WHERE datname = current_database() AND wait_event_type = 'Lock'"
    )
    while not any(task.done() for task in tasks):
        if (await house.rows(waiting))[0][0] >= 1:
            return


async def test_a_post_is_not_added_that_is_being_deleted(
    house: House, maria: Member, post: Json
) -> None:
    """CON-2: whoever adds waits for the deletion, and is then told that there is no such post."""
    collection = await new_collection(maria)
    async with transaction(house.database) as session:
        await session.execute(posts.delete())
        adding = asyncio.create_task(add(maria, collection, post["id"]))
        await _wait_until_blocked(house, adding)

        assert not adding.done()

    assert (await adding).status_code == 422
    assert await collected(maria, collection) == []


async def test_an_order_and_a_post_that_come_at_once_are_both_kept(
    house: House, maria: Member, noor: Member
) -> None:
    """CON-2: the one after the other, whichever was first."""
    first, second, added = await new_posts(noor, 3)
    order = ids([second, first])
    for _ in range(5):
        collection = await new_collection(maria, "To read", first, second)

        answers = await asyncio.gather(
            _set_order(maria, collection, order), add(maria, collection, added["id"])
        )

        assert _statuses(answers) == {200: 2}
        found = await collected(maria, collection)
        # An order says all that the collection shall hold.
        assert found in (order, [*order, added["id"]])
    assert await _is_sound(house)


async def test_of_two_changes_with_one_tag_one_wins(
    maria: Member, collection: Json, post: Json
) -> None:
    """API-9: the others get 412 and overwrite nothing."""
    for thing, field in ((post, "title"), (collection, "name")):
        tag = (await maria.api.get(path_of(thing))).headers["ETag"]

        answers = await asyncio.gather(
            *(
                maria.api.patch(
                    path_of(thing), json={field: f"Text {number}"}, headers={"If-Match": tag}
                )
                for number in range(5)
            )
        )

        assert _statuses(answers) == {200: 1, 412: 4}
        winner = next(answer.json() for answer in answers if answer.status_code == 200)
        assert (await read(maria, path_of(thing)))[field] == winner[field]


async def test_a_post_deleted_by_many_at_once_is_deleted_once(
    house: House, maria: Member, adam: Member, post: Json
) -> None:
    """CON-1: the others find it gone; one event, one entry in the audit."""
    answers = await asyncio.gather(
        *((maria, adam)[number % 2].api.delete(path_of(post)) for number in range(6))
    )

    assert _statuses(answers) == {204: 1, 404: 5}
    assert [name for name, _ in await told(house, 1)] == ["post.deleted"]


async def test_all_acts_at_once_wait_for_no_one_in_a_circle(
    house: House, maria: Member, noor: Member
) -> None:
    """API-4: locks are taken in one order; a deadlock would be a 503."""
    made = await new_posts(noor, 6)
    own = [await new_collection(member) for member in (maria, noor)]
    random = Random(7)

    def acts(number: int) -> list[Any]:
        member, collection = ((maria, own[0]), (noor, own[1]))[number % 2]
        post, other = random.sample(ids(made), 2)
        return [
            add(member, collection, post),
            add(member, collection, other),
            remove(member, collection, post),
            _set_order(member, collection, random.sample(ids(made), 4)),
            noor.api.patch(f"/api/posts/{post}", json={"title": f"Title {number}"}),
            member.api.get(path_of(collection)),
        ]

    doomed = await new_posts(noor, 4)
    for post in doomed:
        await add(maria, own[0], post["id"])
        await add(noor, own[1], post["id"])
    answers = await asyncio.gather(
        *(act for number in range(10) for act in acts(number)),
        *(noor.api.delete(path_of(post)) for post in doomed),
    )

    assert _statuses(answers) == {200: 60, 204: 4}
    assert await _is_sound(house)
    for member, collection in zip((maria, noor), own, strict=True):
        assert not set(await collected(member, collection)) & set(ids(doomed))


async def test_making_the_index_anew_loses_no_change(house: House, maria: Member) -> None:
    """CON-1: indexing and writing wait for each other."""
    made = [await new_post(maria, f"Before{number}") for number in range(10)]

    count, answers = await asyncio.gather(
        index_all_posts(lambda: transaction(house.database)),
        asyncio.gather(
            *(
                maria.api.patch(path_of(post), json={"title": f"After{number}"})
                for number, post in enumerate(made)
            )
        ),
    )

    assert count == 10
    assert _statuses(answers) == {200: 10}
    for number in range(10):
        assert await titles(maria, search=f"after{number}") == [f"After{number}"]
        assert await titles(maria, search=f"before{number}") == []
