"""What people do in these tests, in one line each, and how to see that nothing happened."""

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from typing import Any

import httpx
from sqlalchemy import insert, select

from lacewing.content.tables import collection_posts, collections, posts
from lacewing.kernel.audit.tables import audit_log
from lacewing.kernel.db import transaction
from lacewing.kernel.events.tables import outbox
from lacewing.kernel.ids import new_id
from tests.support.house import House, Member
from tests.tracker.acts import Json, read

NOWHERE = "00000000-0000-7000-8000-000000000000"
"""The id of nothing."""

_STATE = {
    **{
        table.name: select(table).order_by(*table.primary_key)
        for table in (posts, collections, collection_posts)
    },
    "events": select(outbox.c.id).order_by(outbox.c.id),
    # That somebody was refused is kept too, and is no change.
    "audit": select(audit_log.c.id)
    .where(audit_log.c.action != "access.denied")
    .order_by(audit_log.c.id),
}


@asynccontextmanager
async def nothing_changes(house: House) -> AsyncGenerator[None, None]:
    """What happens in the block leaves no trace, and tells nobody anything."""
    before = {name: await house.rows(statement) for name, statement in _STATE.items()}
    yield  # ruff: ignore[fallible-context-manager]  a test that failed already compares nothing
    after = {name: await house.rows(statement) for name, statement in _STATE.items()}
    assert after == before


async def told(house: House, after: int = 0) -> list[tuple[str, Json]]:
    """The events of posts and collections, oldest first, without the first ``after`` of them."""
    rows = await house.rows(select(outbox.c.name, outbox.c.data).order_by(outbox.c.id))
    return [row for row in rows if row[0].partition(".")[0] in {"post", "posts", "collection"}][
        after:
    ]


async def new_post(member: Member, title: str = "News", body: str = "Good ones.") -> Json:
    answer = await member.api.post("/api/posts", json={"title": title, "body": body})
    assert answer.status_code == 201, answer.text
    made: Json = answer.json()
    return made


async def new_posts(member: Member, how_many: int) -> list[Json]:
    return [await new_post(member, f"Number {number}") for number in range(how_many)]


async def many_post_ids(house: House, author: Member, how_many: int) -> list[str]:
    """The ids of so many posts, written straight into the database."""
    now = house.clock()
    common = {"author_id": author.id, "body": "B", "body_html": "", "created_at": now}
    rows = [
        {"id": new_id(), "title": f"Post {number}", "updated_at": now, **common}
        for number in range(how_many)
    ]
    async with transaction(house.database) as session:
        await session.execute_many(insert(posts), rows)
    return [str(row["id"]) for row in rows]


async def new_collection(member: Member, name: str = "To read", *collected: Json) -> Json:
    wanted = {"name": name, "post_ids": ids(collected)}
    answer = await member.api.post("/api/collections", json=wanted)
    assert answer.status_code == 201, answer.text
    made: Json = answer.json()
    return made


async def add(member: Member, collection: Json, post_id: Any) -> httpx.Response:
    path = f"{path_of(collection)}/add_post"
    return await member.api.post(path, json={"post_id": post_id})


async def remove(member: Member, collection: Json, post_id: Any) -> httpx.Response:
    path = f"{path_of(collection)}/remove_post"
    return await member.api.post(path, json={"post_id": post_id})


def path_of(thing: Json) -> str:
    """Where the post or collection is."""
    kind = "collections" if "owner" in thing else "posts"
    return f"/api/{kind}/{thing['id']}"


def ids(things: Any) -> list[str]:
    return [thing["id"] for thing in things]


async def collected(member: Member, collection: Json) -> list[str]:
    """The ids of the posts that the collection holds now, in their order."""
    found = await read(member, path_of(collection))
    assert found["post_count"] == len(found["posts"])
    return ids(found["posts"])


async def titles(member: Member, **params: Any) -> list[str]:
    """The titles of the posts on the first page."""
    return [post["title"] for post in (await read(member, "/api/posts", **params))["data"]]
