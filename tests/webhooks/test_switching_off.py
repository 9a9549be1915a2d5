import asyncio
from datetime import datetime, timedelta
from uuid import UUID

import pytest
from sqlalchemy import func, select

from lacewing.kernel.audit.tables import audit_log
from lacewing.kernel.db import transaction
from lacewing.kernel.events.tables import outbox
from lacewing.kernel.ids import new_id
from lacewing.kernel.jobs.tables import dead_jobs, jobs
from lacewing.webhooks.rules import CLEAR, CLEARED_AT_ONCE_MAX, PAUSES
from lacewing.webhooks.service.deliveries import new_delivery
from lacewing.webhooks.store import deliveries as deliveries_store
from lacewing.webhooks.tables import webhook_deliveries
from tests.support.house import House, Member
from tests.tracker.acts import Json, new_issue
from tests.webhooks.acts import (
    change,
    deliveries,
    get,
    happen,
    new_webhook,
    path_of,
    send_due,
    sending,
    the_delivery,
    until,
    until_noted,
)
from tests.webhooks.receiver import Receiver, answering


async def test_a_message_is_tried_for_three_days_then_given_up(
    house: House, mona: Member, project: Json, receiver: Receiver
) -> None:
    """WEBHOOK: on the schedule of the specification, a little later each time; then the webhook,
    to which nothing came through, is switched off, and no dead letter is left."""
    receiver.respond = answering(500)
    webhook = await new_webhook(mona, project, receiver.url())
    began = house.clock()

    await happen(house, mona, project)
    waits = []
    while (delivery := await the_delivery(mona, webhook))["status"] == "pending":
        due = datetime.fromisoformat(delivery["next_attempt_at"])
        house.clock.now = due - timedelta(microseconds=1)
        await send_due(house)
        too_early = await the_delivery(mona, webhook)
        assert too_early == delivery
        waits.append(due - datetime.fromisoformat(delivery["tries"][-1]["at"]))
        house.clock.now = due
        await send_due(house)

    assert [pause <= wait <= pause * 1.1 for pause, wait in zip(PAUSES, waits, strict=True)] == [
        True
    ] * len(PAUSES)
    assert timedelta(days=3) < house.clock() - began < timedelta(days=4)
    assert (delivery["status"], delivery["attempts"]) == ("failed", len(PAUSES) + 1)
    assert len(receiver.received) == len(delivery["tries"]) == len(PAUSES) + 1
    assert {each.message_id for each in receiver.received} == {delivery["message_id"]}
    off = await get(mona, webhook)
    assert (off["is_active"], off["off_reason"]) == (False, "failing")
    assert await house.rows(select(dead_jobs.c.id)) == []
    assert await house.rows(select(jobs.c.id).where(jobs.c.lane.is_not(None))) == []


async def test_a_webhook_to_which_anything_came_through_stays_on(
    house: House, mona: Member, project: Json, receiver: Receiver
) -> None:
    """WEBHOOK: one message that a receiver never takes is no reason to stop."""
    webhook = await new_webhook(mona, project, receiver.url())
    receiver.respond = answering(422)
    await happen(house, mona, project)
    (poison,) = receiver.received

    async def refuse_poison(each: Receiver, writer: asyncio.StreamWriter) -> None:
        is_poison = each.received[-1].message_id == poison.message_id
        await answering(422 if is_poison else 204)(each, writer)

    receiver.respond = refuse_poison
    for pause in PAUSES:
        house.clock.advance(seconds=pause.total_seconds() * 1.1)
        await send_due(house)
        await happen(house, mona, project)

    statuses = [each["status"] for each in await deliveries(mona, webhook)]
    assert sorted(statuses) == ["delivered"] * len(PAUSES) + ["failed"]
    assert (await get(mona, webhook))["is_active"]


async def test_a_test_message_that_fails_leaves_the_webhook_on(
    house: House, mona: Member, project: Json, receiver: Receiver
) -> None:
    """WEBHOOK: who looks for the fault by test messages does not lose what waits."""
    receiver.respond = answering(500)
    webhook = await new_webhook(mona, project, receiver.url())
    await happen(house, mona, project)
    house.clock.advance(days=3, seconds=1)
    await mona.api.post(path_of(webhook, "/test"))

    await send_due(house)

    test, waiting = sorted(
        await deliveries(mona, webhook), key=lambda each: str(each["event_type"]), reverse=True
    )
    assert (test["event_type"], test["status"]) == ("webhook.test", "failed")
    assert waiting["status"] == "pending"
    assert (await get(mona, webhook))["is_active"]


@pytest.mark.parametrize("status", [410, 500])
async def test_what_the_old_url_answers_means_nothing_to_the_new_one(
    house: House, mona: Member, project: Json, receiver: Receiver, status: int
) -> None:
    """WEBHOOK: even when it comes after the change; the message is tried again, there."""

    async def answer_late(each: Receiver, writer: asyncio.StreamWriter) -> None:
        each.held += 1
        await each.released.wait()
        await answering(status)(each, writer)

    receiver.of_path["/old"] = answer_late
    webhook = await new_webhook(mona, project, receiver.url("/old"))
    await new_issue(mona, project)
    await until_noted(house)

    async def is_held() -> bool:
        return receiver.held == 1

    async def is_tried() -> bool:
        return bool((await the_delivery(mona, webhook))["attempts"] == 1)

    async with sending(house):
        await until(is_held)
        await change(mona, webhook, url=receiver.url("/new"))
        receiver.released.set()
        await until(is_tried)
    changed = await get(mona, webhook)
    house.clock.advance(seconds=6)
    await send_due(house)

    assert (changed["is_active"], changed["failing_since"]) == (True, None)
    assert [each["status_code"] for each in (await the_delivery(mona, webhook))["tries"]] == [
        status, 204,
    ]  # fmt: skip


async def test_a_try_that_fails_is_no_edit(
    house: House, mona: Member, project: Json, receiver: Receiver
) -> None:
    """API-9: who mends a webhook is not refused because it fails meanwhile; caches are told."""
    receiver.respond = answering(500)
    webhook = await new_webhook(mona, project, receiver.url())
    tag = (await mona.api.get(path_of(webhook))).headers["etag"]
    await happen(house, mona, project)

    cached = await mona.api.get(path_of(webhook), headers={"If-None-Match": tag})
    mended = await mona.api.patch(
        path_of(webhook), json={"url": receiver.url("/new")}, headers={"If-Match": tag}
    )
    late = await mona.api.patch(
        path_of(webhook), json={"description": "Late"}, headers={"If-Match": tag}
    )

    assert (cached.status_code, mended.status_code, late.status_code) == (200, 200, 412)


async def test_a_receiver_that_is_gone_is_left_alone(
    house: House, mona: Member, project: Json, receiver: Receiver
) -> None:
    """WEBHOOK: 410 switches off, told and audited; what waits is given up; on again, it begins
    anew."""
    webhook = await new_webhook(mona, project, receiver.url())
    receiver.respond = answering(503)
    await happen(house, mona, project)
    receiver.respond = answering(410)
    await happen(house, mona, project)
    heard = len(receiver.received)
    off = await get(mona, webhook)
    house.clock.advance(seconds=6)
    await happen(house, mona, project)

    log = await deliveries(mona, webhook)
    assert (off["is_active"], off["off_reason"]) == (False, "gone")
    assert [(each["status"], each["error"]) for each in log] == [
        ("failed", "The receiver answered 410."),
        ("failed", "The webhook was switched off."),
    ]
    assert len(receiver.received) == heard == 2
    told = select(outbox.c.data, outbox.c.actor_id).where(outbox.c.name == "webhook.switched_off")
    assert await house.rows(told) == [({"webhook_id": webhook["id"], "reason": "gone"}, None)]
    audited = select(audit_log.c.details).where(audit_log.c.action == "webhook.switch_off")
    assert await house.rows(audited) == [({"reason": "gone"},)]

    receiver.respond = answering(204)
    on = await change(mona, webhook, is_active=True)
    await happen(house, mona, project)
    assert (on["off_reason"], on["failing_since"]) == (None, None)
    assert [each["status"] for each in await deliveries(mona, webhook)] == [
        "delivered", "failed", "failed",
    ]  # fmt: skip


async def test_a_webhook_that_is_switched_off_by_hand_gives_up_what_waits(
    house: House, mona: Member, project: Json, receiver: Receiver
) -> None:
    """WEBHOOK: off is off, also for what was noted before."""
    webhook = await new_webhook(mona, project, receiver.url())
    await new_issue(mona, project)
    await until_noted(house)

    await change(mona, webhook, is_active=False)
    await send_due(house)

    delivery = await the_delivery(mona, webhook)
    assert (delivery["status"], delivery["attempts"]) == ("failed", 0)
    assert receiver.received == []


@pytest.mark.parametrize("act", ["off", "deleted"])
async def test_of_very_many_that_wait_so_many_are_cleared_at_once(
    house: House, mona: Member, project: Json, receiver: Receiver, act: str
) -> None:
    """WEBHOOK: a job clears the rest; no statement is as long as the backlog."""
    webhook = await new_webhook(mona, project, receiver.url())
    await _fill(house, webhook, CLEARED_AT_ONCE_MAX + 1)

    if act == "off":
        await change(mona, webhook, is_active=False)
    else:
        await mona.api.delete(f"/api/webhooks/{webhook['id']}")
    waiting = await _count(house, "pending")
    await send_due(house)

    assert waiting == 1
    assert await _count(house, "pending") == 0
    assert await _count(house, "failed") == (CLEARED_AT_ONCE_MAX + 1 if act == "off" else 0)
    assert await house.rows(select(jobs.c.id).where(jobs.c.kind == CLEAR)) == []


async def test_what_waits_at_a_webhook_that_is_on_again_is_sent(
    house: House, mona: Member, project: Json, receiver: Receiver
) -> None:
    """WEBHOOK: the job that clears finds nothing to do any more."""
    webhook = await new_webhook(mona, project, receiver.url())
    await _fill(house, webhook, CLEARED_AT_ONCE_MAX + 1)
    await change(mona, webhook, is_active=False)
    await change(mona, webhook, is_active=True)

    await send_due(house)

    assert (await _count(house, "pending"), await _count(house, "failed")) == (
        1,
        CLEARED_AT_ONCE_MAX,
    )


async def _fill(house: House, webhook: Json, how_many: int) -> None:
    """Deliveries that wait, without their jobs."""
    row = new_delivery(UUID(webhook["id"]), "issue.created", {})
    rows = [
        {**row, "id": new_id(), "message_id": new_id(), "occurred_at": house.clock()}
        for _ in range(how_many)
    ]
    async with transaction(house.database) as session:
        await deliveries_store.insert_deliveries(session, rows)


async def _count(house: House, status: str) -> int:
    count = select(func.count()).where(webhook_deliveries.c.status == status)
    return int((await house.rows(count))[0][0])


async def test_a_deleted_webhook_is_told_nothing_of_what_waits(
    house: House, mona: Member, project: Json, receiver: Receiver
) -> None:
    """WEBHOOK: its deliveries go with it."""
    webhook = await new_webhook(mona, project, receiver.url())
    await new_issue(mona, project)
    await until_noted(house)

    await mona.api.delete(f"/api/webhooks/{webhook['id']}")
    await send_due(house)

    assert receiver.received == []
    assert await house.rows(select(dead_jobs.c.id)) == []
