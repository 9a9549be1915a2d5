"""The event log as integrations read it."""

from collections.abc import Mapping
from datetime import timedelta
from typing import Any

import pytest

from lacewing.kernel.db import transaction
from lacewing.kernel.events.retention import EVENTS_KEPT, delete_old_events
from lacewing.kernel.schemas import PAGE_LIMIT_MAX
from lacewing.pipeline.schemas import SEQUENCE_MAX, TYPES_MAX
from tests.content.acts import new_post
from tests.notifications.acts import all_told
from tests.support.house import House, Member

Json = dict[str, Any]


async def feed(reader: Member, **query: Any) -> Json:
    answer = await reader.api.get("/api/events/feed", params=query)
    assert answer.status_code == 200, answer.text
    found: Json = answer.json()
    return found


async def test_an_event_tells_what_happened_and_who_did_it(
    house: House, maria: Member, adam: Member
) -> None:
    """EVT: in the shape of all events, with the source and the version of its type."""
    before = await all_told(house)
    post = await new_post(maria)
    last = await all_told(house)

    found = await feed(adam, after=before)

    [event] = found["data"]
    assert event["sequence"] == last == found["next_after"]
    assert event["event_type"] == "post.created"
    assert event["user_id"] == str(maria.id)
    assert event["data"] == {"post_id": post["id"], "author_id": str(maria.id)}
    assert event["metadata"] == {"source": "lacewing", "version": 1}
    assert event["timestamp"].endswith("Z")
    assert found["has_more"] is False


async def test_whoever_reads_on_misses_nothing(house: House, maria: Member, adam: Member) -> None:
    """DESIGN 1: numbers without a gap, over any pages."""
    posts = [await new_post(maria) for _ in range(5)]
    last = await all_told(house)

    found: list[Json] = []
    after = 0
    while True:
        page = await feed(adam, after=after, limit=2)
        found += page["data"]
        after = page["next_after"]
        if not page["has_more"]:
            break

    assert [event["sequence"] for event in found] == list(range(1, last + 1))
    assert [
        event["data"]["post_id"] for event in found if event["event_type"] == "post.created"
    ] == [post["id"] for post in posts]
    assert (await feed(adam, after=after))["data"] == []


async def test_only_wanted_types_are_answered_and_others_passed_over(
    house: House, maria: Member, adam: Member
) -> None:
    """DESIGN 1: ``next_after`` goes past what was not wanted."""
    await new_post(maria)
    await maria.api.post("/api/collections", json={"name": "Mine"})
    last = await all_told(house)

    found = await feed(adam, type="post.created,nothing.such")
    nothing = await feed(adam, type="nothing.such")

    assert [event["event_type"] for event in found["data"]] == ["post.created"]
    assert (nothing["data"], nothing["next_after"]) == ([], last)


async def test_a_reader_who_comes_too_late_is_told_of_the_gap(
    house: House, maria: Member, adam: Member
) -> None:
    """LIVE-2: rather than silently given less; without a number one begins at what is kept."""
    await new_post(maria)
    last = await all_told(house)
    async with transaction(house.database) as session:
        await delete_old_events(session, house.clock() + EVENTS_KEPT + timedelta(days=1))

    late = await adam.api.get("/api/events/feed", params={"after": last - 2})
    in_time = await feed(adam, after=last - 1)
    from_start = await feed(adam)

    assert (late.status_code, late.json()["type"]) == (409, "events-gone")
    assert late.json()["first"] == last
    assert [event["sequence"] for event in in_time["data"]] == [last]
    assert from_start == in_time


@pytest.mark.parametrize(
    ("query", "field"),
    [
        ({"after": -1}, "after"),
        ({"after": SEQUENCE_MAX + 1}, "after"),
        ({"after": "x"}, "after"),
        ({"limit": 0}, "limit"),
        ({"limit": PAGE_LIMIT_MAX + 1}, "limit"),
        ({"type": ",".join(["a"] * (TYPES_MAX + 1))}, "type"),
        ({"cursor": "x"}, "cursor"),
    ],
)
async def test_a_wrong_question_is_refused_by_name(
    adam: Member, query: Mapping[str, Any], field: str
) -> None:
    """API-5, API-7: 422."""
    answer = await adam.api.get("/api/events/feed", params=query)

    assert answer.status_code == 422
    assert answer.json()["errors"][0]["loc"][:2] == ["query", field]


async def test_the_largest_questions_are_answered(adam: Member) -> None:
    """API-5: at the limits."""
    await feed(adam, after=SEQUENCE_MAX)
    await feed(adam, limit=PAGE_LIMIT_MAX, type=",".join(["a"] * TYPES_MAX))
