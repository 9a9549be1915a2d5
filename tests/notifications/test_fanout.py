"""Telling many people of much: bounded at each step, and nobody is left out."""

import asyncio
from typing import Any

import pytest
from sqlalchemy import func, select

from lacewing.kernel.db import transaction
from lacewing.kernel.events import store as events_store
from lacewing.kernel.events.retention import EVENTS_KEPT
from lacewing.notifications.service import fanout, inbox as inbox_service
from lacewing.notifications.store import notifications as store
from lacewing.notifications.tables import notifications
from tests.content.acts import new_post
from tests.notifications.acts import Json, all_told, heard
from tests.support.house import House, Member
from tests.tracker.acts import new_comment

PREFERENCES = "/api/notifications/preferences"


async def _told(house: House) -> int:
    count: int = await house.database.session().scalar(
        select(func.count()).select_from(notifications)
    )
    return count


@pytest.mark.parametrize("rows", [1, 6, 7])
async def test_one_transaction_writes_so_many_rows_and_the_next_ones_the_rest(
    house: House,
    maria: Member,
    noor: Member,
    mona: Member,
    monkeypatch: pytest.MonkeyPatch,
    rows: int,
) -> None:
    """LIVE-1: at the limit (two posts, three people each) and beside it, and for a single event
    that has more rows than are wanted."""
    monkeypatch.setattr(fanout, "ROWS_MAX", rows)
    monkeypatch.setattr(fanout, "ROWS_AT_ONCE", 2)
    for number in range(5):
        await new_post(maria, title=f"Post {number}")

    assert await heard(house, noor) == await heard(house, mona)
    assert await heard(house, noor) == [("post.created", "post")] * 5
    assert await _told(house) == 15


async def test_whoever_loses_an_issue_is_told(
    house: House, noor: Member, mona: Member, issue: Json
) -> None:
    """LIVE-1: though they no longer watch it."""
    await all_told(house)
    await mona.api.patch(f"/api/issues/{issue['id']}", json={"assignee_id": "noor"})
    await mona.api.patch(f"/api/issues/{issue['id']}", json={"assignee_id": None})
    await new_comment(mona, issue)

    assert await heard(house, noor) == [
        ("issue.assigned", "assigned"),
        ("issue.assigned", "watching"),
    ]


async def test_a_preference_silences_a_reason_and_not_the_issue(
    house: House, maria: Member, noor: Member, issue: Json
) -> None:
    """LIVE-5: who watches hears of a comment that mentions them, for the reason that is left."""
    unwanted = {"preferences": [{"reason": "mentioned", "is_wanted": False}]}
    await maria.api.patch(PREFERENCES, json=unwanted)
    await new_comment(noor, issue, "What does @maria say?")

    assert await heard(house, maria) == [("comment.created", "watching")]


async def test_preferences_changed_at_once_are_changed_one_after_the_other(
    maria: Member,
) -> None:
    """LIVE-5: never a 500, and of two editors who read the same only one is let through (API-9)."""
    body: dict[str, Any] = {"preferences": [{"reason": "post", "is_wanted": False}]}

    free = await asyncio.gather(*(maria.api.patch(PREFERENCES, json=body) for _ in range(8)))
    read = await maria.api.get(PREFERENCES)
    body["preferences"][0]["is_wanted"] = True
    match = {"If-Match": read.headers["etag"]}
    bound = await asyncio.gather(
        *(maria.api.patch(PREFERENCES, json=body, headers=match) for _ in range(8))
    )

    assert {answer.status_code for answer in free} == {200}
    assert sorted(answer.status_code for answer in bound) == [200, *[412] * 7]


@pytest.mark.parametrize("count", [2, 3])
async def test_all_are_marked_as_read_however_many_they_are(
    house: House, maria: Member, noor: Member, monkeypatch: pytest.MonkeyPatch, count: int
) -> None:
    """LIVE-5: in statements of a bounded size, at the bound and one beyond."""
    monkeypatch.setattr(store, "MARKED_AT_ONCE", 2)
    for number in range(count):
        await new_post(maria, title=f"Post {number}")
    await all_told(house)

    answer = await noor.api.post("/api/notifications/read-all")

    assert answer.json() == {"marked": count}
    assert await heard(house, noor, "?unread=true") == []


async def test_what_is_forgotten_goes_in_parts(
    house: House, maria: Member, noor: Member, monkeypatch: pytest.MonkeyPatch
) -> None:
    """LIVE-2: each part in a transaction of its own, the lowest first, until all has gone."""
    monkeypatch.setattr(inbox_service, "DELETED_AT_ONCE", 3)
    for number in range(4):
        await new_post(maria, title=f"Post {number}")
    last = await all_told(house)
    deleted: list[int] = []

    async with transaction(house.database) as session:
        await events_store.delete_events(session, last, house.clock() + EVENTS_KEPT, 1_000)
    while not deleted or deleted[-1] == 3:
        async with transaction(house.database) as session:
            deleted.append(await inbox_service.delete_forgotten(session, house.clock()))

    assert deleted == [3, 3, 0]
    assert [type_ for type_, _ in await heard(house, noor)] == ["post.created"]
