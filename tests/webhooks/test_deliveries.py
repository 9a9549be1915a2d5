from datetime import timedelta
from uuid import UUID

import pytest
from sqlalchemy import func, select

from lacewing.kernel.db import transaction
from lacewing.kernel.events import store as events_store
from lacewing.kernel.events.tables import outbox
from lacewing.kernel.ids import new_id
from lacewing.kernel.jobs.queue import drop_job
from lacewing.kernel.jobs.tables import dead_jobs, jobs
from lacewing.kernel.work import Origin, Work
from lacewing.webhooks.jobs import delete_old_deliveries
from lacewing.webhooks.rules import (
    DELIVER,
    DELIVERIES_KEPT,
    REPLAYED_AT_ONCE_MAX,
    Status,
)
from lacewing.webhooks.service.deliveries import new_delivery
from lacewing.webhooks.service.noting import note_events
from lacewing.webhooks.store import deliveries as store
from lacewing.wiring import sending_job_kinds
from tests.support.house import House, Member
from tests.tracker.acts import Json, faults, new_issue, walk, walk_numbered
from tests.webhooks.acts import (
    change,
    deliveries,
    get,
    happen,
    new_webhook,
    nothing_changes,
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


# Test messages


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


async def test_nothing_is_sent_to_a_webhook_that_is_off(
    house: House, mona: Member, project: Json, receiver: Receiver
) -> None:
    """WEBHOOK: no test, no replay."""
    webhook = await new_webhook(mona, project, receiver.url())
    await happen(house, mona, project)
    delivery = await the_delivery(mona, webhook)
    await change(mona, webhook, is_active=False)
    window = {"since": "2020-01-01T00:00:00Z", "until": "2040-01-01T00:00:00Z"}

    async with nothing_changes(house):
        refused = [
            await mona.api.post(path_of(webhook, "/test")),
            await mona.api.post(path_of(webhook, "/replay"), json=window),
            await mona.api.post(f"/api/webhooks/deliveries/{delivery['id']}/replay"),
        ]

    assert [(each.status_code, each.json()["type"]) for each in refused] == [
        (409, "webhook-off")
    ] * 3


# Once more


@pytest.mark.parametrize("status", [204, 500])
async def test_a_delivery_can_be_sent_once_more(
    house: House, mona: Member, project: Json, receiver: Receiver, status: int
) -> None:
    """WEBHOOK: delivered or failed, with the same id, so that receivers know it again."""
    receiver.respond = answering(status)
    webhook = await new_webhook(mona, project, receiver.url())
    await mona.api.post(path_of(webhook, "/test"))
    await send_due(house)
    ended = await the_delivery(mona, webhook)
    receiver.respond = answering(204)

    begun = await replay(mona, ended)
    await send_due(house)

    again = await the_delivery(mona, webhook)
    assert (begun["id"], begun["status"], begun["finished_at"]) == (ended["id"], "pending", None)
    assert (again["status"], again["attempts"], len(again["tries"])) == ("delivered", 2, 2)
    first, second = receiver.received
    assert (first.message_id, first.body) == (second.message_id, second.body)
    verify(second, webhook["secret"], house.clock)


async def test_a_delivery_under_way_is_not_begun_twice(
    house: House, mona: Member, project: Json, receiver: Receiver
) -> None:
    """WEBHOOK: it will be tried again anyway."""
    receiver.respond = answering(500)
    webhook = await new_webhook(mona, project, receiver.url())
    await happen(house, mona, project)
    pending = await the_delivery(mona, webhook)

    async with nothing_changes(house):
        refused = await mona.api.post(f"/api/webhooks/deliveries/{pending['id']}/replay")
        unknown = await mona.api.post(f"/api/webhooks/deliveries/{new_id()}/replay")

    assert (refused.status_code, refused.json()["type"]) == (409, "webhook-delivery-pending")
    assert (unknown.status_code, unknown.json()["type"]) == (404, "webhook-delivery-not-found")


async def test_a_job_of_an_earlier_round_sends_nothing(
    house: House, mona: Member, project: Json, receiver: Receiver
) -> None:
    """WEBHOOK: given up by a switch, sent once more by hand: the old job finds itself unwanted."""
    receiver.respond = answering(500)
    webhook = await new_webhook(mona, project, receiver.url())
    await happen(house, mona, project)
    await change(mona, webhook, is_active=False)
    await change(mona, webhook, is_active=True)
    given_up = await the_delivery(mona, webhook)
    receiver.respond = answering(204)

    await replay(mona, given_up)
    waiting = await house.rows(select(func.count()).where(jobs.c.kind == DELIVER))
    house.clock.advance(seconds=6)
    await send_due(house)

    assert waiting == [(2,)]
    assert len(receiver.received) == 2
    assert (await the_delivery(mona, webhook))["attempts"] == 2


async def test_what_happened_in_some_time_can_be_sent_once_more(
    house: House, mona: Member, project: Json, receiver: Receiver
) -> None:
    """WEBHOOK: from its first moment up to its last, which is out; what is under way stays."""
    webhook = await new_webhook(mona, project, receiver.url())
    moments = []
    for number in range(5):
        house.clock.advance(minutes=1)
        moments.append(house.clock())
        await happen(house, mona, project, f"Issue {number}")
    receiver.received.clear()
    window = {"since": moments[1].isoformat(), "until": moments[3].isoformat()}

    answer = await mona.api.post(path_of(webhook, "/replay"), json=window)
    at_once = await mona.api.post(path_of(webhook, "/replay"), json=window)
    await send_due(house)

    log = await deliveries(mona, webhook)
    assert (answer.status_code, answer.json()) == (202, {"replayed": 2})
    assert at_once.json() == {"replayed": 0}
    assert [each["attempts"] for each in log] == [1, 1, 2, 2, 1]
    assert {each.message_id for each in receiver.received} == {
        each["message_id"] for each in log[2:4]
    }
    told = select(outbox.c.data).where(outbox.c.name == "webhook.replayed")
    assert await house.rows(told) == [({"webhook_id": webhook["id"], "count": 2},)]


@pytest.mark.parametrize(
    ("window", "where"),
    [
        ({"since": "2026-01-02T00:00:00Z", "until": "2026-01-02T00:00:00Z"}, ["body", "until"]),
        ({"since": "2026-01-02T00:00:00Z", "until": "2026-01-01T00:00:00Z"}, ["body", "until"]),
        ({"since": "2026-01-02T00:00:00Z"}, ["body", "until"]),
        ({"since": "2026-01-02T00:00:00", "until": "2026-01-03T00:00:00Z"}, ["body", "since"]),
        ({"since": 0, "until": "2026-01-03T00:00:00Z"}, ["body", "since"]),
    ],
)
async def test_a_time_has_a_beginning_before_its_end(
    house: House,
    mona: Member,
    project: Json,
    receiver: Receiver,
    window: Json,
    where: list[str | int],
) -> None:
    """WEBHOOK: both with their offset from UTC."""
    webhook = await new_webhook(mona, project, receiver.url())

    async with nothing_changes(house):
        refused = await mona.api.post(path_of(webhook, "/replay"), json=window)

    assert faults(refused) == [where]


async def _write_deliveries(house: House, webhook: Json, count: int) -> None:
    """So many that have failed at this moment."""
    rows = [
        new_delivery(UUID(webhook["id"]), "issue.created", {})
        | {
            "id": new_id(),
            "message_id": new_id(),
            "occurred_at": house.clock(),
            "status": Status.FAILED.value,
        }
        for _ in range(count)
    ]
    async with transaction(house.database) as session:
        await store.insert_deliveries(session, rows)


async def test_so_many_are_sent_once_more_at_once_and_no_more(
    house: House, mona: Member, project: Json, receiver: Receiver
) -> None:
    """WEBHOOK: beyond the limit nothing is."""
    webhook = await new_webhook(mona, project, receiver.url())
    window = {"since": "2020-01-01T00:00:00Z", "until": "2040-01-01T00:00:00Z"}
    await _write_deliveries(house, webhook, REPLAYED_AT_ONCE_MAX + 1)

    async with nothing_changes(house):
        refused = await mona.api.post(path_of(webhook, "/replay"), json=window)
    (one, *_) = await deliveries(mona, webhook)
    await replay(mona, one)
    taken = await mona.api.post(path_of(webhook, "/replay"), json=window)

    assert (refused.status_code, refused.json()["type"]) == (422, "too-many-to-replay")
    assert taken.json() == {"replayed": REPLAYED_AT_ONCE_MAX}


# Kept for a while


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


async def test_a_job_that_is_dropped_by_hand_leaves_a_failed_delivery(
    house: House, mona: Member, project: Json, receiver: Receiver
) -> None:
    """UX-1: its log says so, and it can be sent once more."""
    webhook = await new_webhook(mona, project, receiver.url())
    await new_issue(mona, project)
    await until_noted(house)
    [(job_id,)] = await house.rows(select(jobs.c.id).where(jobs.c.kind == DELIVER))

    async with transaction(house.database) as session:
        work = Work(session, house.clock(), Origin())
        await drop_job(work, sending_job_kinds(house.app.state.webhooks), job_id)

    delivery = await the_delivery(mona, webhook)
    assert (delivery["status"], delivery["error"]) == ("failed", "Gave up: dropped by hand")
    await replay(mona, delivery)
    await send_due(house)
    assert (await the_delivery(mona, webhook))["status"] == "delivered"
    assert await house.rows(select(dead_jobs.c.id)) == []
