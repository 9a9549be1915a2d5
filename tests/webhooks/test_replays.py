from uuid import UUID

import pytest
from sqlalchemy import func, select

from lacewing.kernel.db import transaction
from lacewing.kernel.events.tables import outbox
from lacewing.kernel.ids import new_id
from lacewing.kernel.jobs.queue import drop_job
from lacewing.kernel.jobs.tables import dead_jobs, jobs
from lacewing.kernel.work import Origin, Work
from lacewing.webhooks.rules import (
    DELIVER,
    REPLAYED_AT_ONCE_MAX,
    Status,
)
from lacewing.webhooks.service.deliveries import new_delivery
from lacewing.webhooks.store import deliveries as store
from lacewing.wiring import sending_job_kinds
from tests.support.house import House, Member
from tests.tracker.acts import Json, faults, new_issue
from tests.webhooks.acts import (
    change,
    deliveries,
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


@pytest.mark.parametrize(
    ("since", "until"),
    [
        ("0001-01-01T00:00:00+14:00", "2026-01-01T00:00:00Z"),
        ("2026-01-01T00:00:00Z", "9999-12-31T23:59:59-12:00"),
    ],
)
async def test_a_time_beyond_the_calendar_is_refused(
    house: House, mona: Member, project: Json, since: str, until: str
) -> None:
    """API-6: 422, not 500."""
    webhook = await new_webhook(mona, project, "https://hooks.example.com/")

    async with nothing_changes(house):
        answer = await mona.api.post(
            path_of(webhook, "/replay"), json={"since": since, "until": until}
        )

    assert answer.status_code == 422


async def test_test_messages_are_not_sent_once_more_with_the_events_of_their_time(
    house: House, mona: Member, project: Json, receiver: Receiver
) -> None:
    """WEBHOOK: they are no events."""
    webhook = await new_webhook(mona, project, receiver.url())
    await mona.api.post(path_of(webhook, "/test"))
    await send_due(house)
    window = {"since": "2020-01-01T00:00:00Z", "until": "2100-01-01T00:00:00Z"}

    answer = await mona.api.post(path_of(webhook, "/replay"), json=window)
    await send_due(house)

    assert answer.json() == {"replayed": 0}
    assert len(receiver.received) == 1


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
