from datetime import timedelta

import pytest

from lacewing.kernel.db import transaction
from lacewing.kernel.events import store as events_store
from lacewing.webhooks.jobs import delete_old_deliveries
from lacewing.webhooks.rules import (
    DELIVERIES_KEPT,
)
from lacewing.webhooks.service.noting import note_events
from tests.support.house import House, Member
from tests.tracker.acts import Json, faults, new_issue, walk, walk_numbered
from tests.webhooks.acts import (
    deliveries,
    get,
    happen,
    new_webhook,
    path_of,
    replay,
    send_due,
    the_delivery,
    until_noted,
    verify,
)
from tests.webhooks.receiver import Receiver, answering


async def test_the_log_is_paged_and_filtered(
    house: House, mona: Member, project: Json, receiver: Receiver
) -> None:
    """WEBHOOK, API-5: newest first, by cursor and by number."""
    webhook = await new_webhook(mona, project, receiver.url(), event_types=["*"])
    for number in range(6):
        house.clock.advance(seconds=1)
        await new_issue(mona, project, f"Issue {number}")
    await send_due(house)
    receiver.respond = answering(500)
    await happen(house, mona, project)
    log = path_of(webhook, "/deliveries")

    everything = await walk(mona, log, limit=3)
    numbered = await walk_numbered(mona, log, limit=4)
    pending = await walk(mona, log, status="pending")
    ended = await walk(mona, log, status="delivered,failed", event_type="issue.created")
    other = await walk(mona, log, event_type="comment.created")

    times = [each["occurred_at"] for each in everything]
    assert times == sorted(times, reverse=True)
    assert numbered == everything
    assert (len(pending), len(ended), other) == (1, 6, [])
    assert {each["event_type"] for each in everything} >= {"issue.created"}


@pytest.mark.parametrize(
    ("query", "where"),
    [
        ({"status": "lost"}, ["query", "status", 0]),
        ({"sort": "status"}, ["query", "sort"]),
        ({"limit": "101"}, ["query", "limit"]),
    ],
)
async def test_the_log_takes_its_own_parameters_alone(
    mona: Member, project: Json, receiver: Receiver, query: dict[str, str], where: list[str | int]
) -> None:
    """API-7: others are named."""
    webhook = await new_webhook(mona, project, receiver.url())

    answer = await mona.api.get(path_of(webhook, "/deliveries"), params=query)

    assert faults(answer) == [where]


async def test_a_cursor_is_of_one_webhook(
    house: House, mona: Member, project: Json, receiver: Receiver
) -> None:
    """API-5: another one's log refuses it."""
    one = await new_webhook(mona, project, receiver.url())
    two = await new_webhook(mona, project, receiver.url())
    await new_issue(mona, project)
    await happen(house, mona, project)
    page = await mona.api.get(path_of(one, "/deliveries"), params={"limit": 1})
    cursor = page.json()["next_cursor"]

    foreign = await mona.api.get(path_of(two, "/deliveries"), params={"limit": 1, "cursor": cursor})

    assert (foreign.status_code, foreign.json()["type"]) == (400, "invalid-cursor")


async def test_an_event_that_is_noted_twice_is_one_delivery(
    house: House, mona: Member, project: Json, receiver: Receiver
) -> None:
    """WEBHOOK: even if somebody sets the consumer back."""
    webhook = await new_webhook(mona, project, receiver.url())
    await new_issue(mona, project)
    await until_noted(house)
    events = await events_store.list_events(house.database.session(), 0, 100)

    async with transaction(house.database) as session:
        await note_events(session, events, house.clock())
    await send_due(house)

    assert (await the_delivery(mona, webhook))["attempts"] == 1
    assert len(receiver.received) == 1


async def test_a_test_message_is_sent_once(
    house: House, mona: Member, project: Json, receiver: Receiver
) -> None:
    """WEBHOOK: signed as all are, to see whether a receiver is well."""
    webhook = await new_webhook(mona, project, receiver.url())

    answer = await mona.api.post(path_of(webhook, "/test"))
    await send_due(house)

    delivery = await the_delivery(mona, webhook)
    (received,) = receiver.received
    payload = verify(received, webhook["secret"], house.clock)
    assert answer.status_code == 202
    assert answer.json()["status"] == "pending"
    assert (delivery["id"], delivery["status"]) == (answer.json()["id"], "delivered")
    assert (payload["type"], payload["data"]["webhook_id"]) == ("webhook.test", webhook["id"])


async def test_a_test_message_that_fails_has_failed(
    house: House, mona: Member, project: Json, receiver: Receiver
) -> None:
    """WEBHOOK: who waits for it wants to know now; nothing else follows from it."""
    receiver.respond = answering(500)
    webhook = await new_webhook(mona, project, receiver.url())

    await mona.api.post(path_of(webhook, "/test"))
    await send_due(house)

    delivery = await the_delivery(mona, webhook)
    assert (delivery["status"], delivery["attempts"]) == ("failed", 1)
    assert (await get(mona, webhook))["failing_since"] is None


async def test_of_many_tries_the_last_are_told(
    house: House,
    mona: Member,
    project: Json,
    receiver: Receiver,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """WEBHOOK: the log of one delivery is bounded; all are counted."""
    monkeypatch.setattr("lacewing.webhooks.service.delivering.TRIES_KEPT", 3)
    webhook = await new_webhook(mona, project, receiver.url())
    await happen(house, mona, project)

    told = []
    for _ in range(3):
        await replay(mona, await the_delivery(mona, webhook))
        await send_due(house)
        told.append(await the_delivery(mona, webhook))

    assert [each["attempts"] for each in told] == [2, 3, 4]
    assert [len(each["tries"]) for each in told] == [2, 3, 3]
    assert told[2]["tries"][:2] == told[1]["tries"][1:]


async def test_deliveries_are_forgotten_after_their_time(
    house: House, mona: Member, project: Json, receiver: Receiver
) -> None:
    """WEBHOOK: at its end, and just after."""
    webhook = await new_webhook(mona, project, receiver.url())
    await happen(house, mona, project)
    beyond = timedelta(microseconds=1)

    async def sweep(after: timedelta) -> int:
        async with transaction(house.database) as session:
            return await delete_old_deliveries(session, house.clock() + after)

    assert [await sweep(DELIVERIES_KEPT), await sweep(DELIVERIES_KEPT + beyond)] == [0, 1]
    assert await deliveries(mona, webhook) == []


async def test_an_old_delivery_that_is_under_way_is_kept(
    house: House, mona: Member, project: Json, receiver: Receiver
) -> None:
    """WEBHOOK: one that was replayed on its last day is still sent."""
    webhook = await new_webhook(mona, project, receiver.url())
    receiver.respond = answering(500)
    await happen(house, mona, project)

    async with transaction(house.database) as session:
        later = house.clock() + DELIVERIES_KEPT + timedelta(days=1)
        deleted = await delete_old_deliveries(session, later)

    assert deleted == 0
    assert (await the_delivery(mona, webhook))["status"] == "pending"
