"""Several people, workers and receivers at the same time."""

import asyncio
from collections import Counter

from sqlalchemy import select

from lacewing.kernel.events.tables import outbox
from lacewing.kernel.jobs.runner import LEASE, Runner
from lacewing.webhooks.rules import WEBHOOKS_MAX
from lacewing.wiring import sending_job_kinds
from tests.support.house import House, Member
from tests.tracker.acts import Json, new_issue, read
from tests.webhooks.acts import (
    change,
    deliveries,
    happen,
    new_webhook,
    path_of,
    send_due,
    sending,
    the_delivery,
    try_webhook,
    until,
    until_noted,
)
from tests.webhooks.receiver import Receiver, answering, hang


async def test_of_many_new_webhooks_at_once_so_many_are_made_as_may_be(
    mona: Member, project: Json
) -> None:
    """WEBHOOK: the limit holds."""
    url = "https://hooks.example.com/"

    answers = await asyncio.gather(
        *(try_webhook(mona, project, url) for _ in range(WEBHOOKS_MAX + 5))
    )

    assert Counter(each.status_code for each in answers) == {201: WEBHOOKS_MAX, 409: 5}
    listed = await read(mona, f"/api/projects/{project['id']}/webhooks", limit=100)
    assert len(listed["data"]) == WEBHOOKS_MAX


async def test_of_many_who_replay_a_delivery_at_once_one_does(
    house: House, mona: Member, project: Json, receiver: Receiver
) -> None:
    """WEBHOOK: by itself or by its time, it is sent once more, once."""
    webhook = await new_webhook(mona, project, receiver.url())
    await happen(house, mona, project)
    delivery = await the_delivery(mona, webhook)
    one = f"/api/webhooks/deliveries/{delivery['id']}/replay"
    window = {"since": "2020-01-01T00:00:00Z", "until": "2040-01-01T00:00:00Z"}

    answers = await asyncio.gather(
        *(mona.api.post(one) for _ in range(5)),
        *(mona.api.post(path_of(webhook, "/replay"), json=window) for _ in range(5)),
    )
    await send_due(house)

    taken = [each for each in answers[:5] if each.status_code == 202]
    found = sum(each.json()["replayed"] for each in answers[5:])
    assert len(taken) + found == 1
    assert len(receiver.received) == 2
    assert (await the_delivery(mona, webhook))["attempts"] == 2


async def test_what_a_lost_worker_has_sent_is_sent_again_and_ends_once(
    house: House, mona: Member, project: Json, receiver: Receiver
) -> None:
    """WEBHOOK: at least once; the one who holds the lease has the last word."""
    webhook = await new_webhook(mona, project, receiver.url())
    receiver.respond = hang
    await new_issue(mona, project)
    await until_noted(house)

    async def is_held() -> bool:
        return receiver.held == 1

    runner = Runner(house.database, sending_job_kinds(house.app.state.webhooks), house.clock)
    losing = asyncio.create_task(runner.run_next())
    await until(is_held)
    receiver.respond = answering(200)
    house.clock.advance(seconds=LEASE.total_seconds() + 1)
    await Runner(
        house.database, sending_job_kinds(house.app.state.webhooks), house.clock
    ).run_next()
    told = await the_delivery(mona, webhook)
    receiver.released.set()
    await losing

    assert len({each.message_id for each in receiver.received}) == 1
    assert len(receiver.received) == 2
    assert told["status"] == "delivered"
    assert await the_delivery(mona, webhook) == told


async def test_a_webhook_that_goes_while_a_message_is_under_way(
    house: House, mona: Member, project: Json, receiver: Receiver
) -> None:
    """WEBHOOK: deleted or switched off meanwhile, the outcome changes nothing any more."""
    receiver.respond = hang
    gone = await new_webhook(mona, project, receiver.url("/gone"))
    off = await new_webhook(mona, project, receiver.url("/off"))
    await new_issue(mona, project)
    await until_noted(house)

    async def both_are_held() -> bool:
        return receiver.held == 2

    async with sending(house):
        await until(both_are_held)
        assert (await mona.api.delete(path_of(gone))).status_code == 204
        await change(mona, off, is_active=False)
        receiver.released.set()
        await send_due(house)

    delivery = await the_delivery(mona, off)
    assert (delivery["status"], delivery["attempts"]) == ("failed", 1)
    assert delivery["error"] == "The webhook was switched off."
    assert (await mona.api.get(path_of(gone))).status_code == 404


async def test_several_that_learn_at_once_that_a_receiver_is_gone_tell_it_once(
    house: House, mona: Member, project: Json, receiver: Receiver
) -> None:
    """WEBHOOK: all deliveries end, the webhook is switched off once."""
    receiver.respond = answering(410)
    webhook = await new_webhook(mona, project, receiver.url())
    for number in range(8):
        await new_issue(mona, project, f"Issue {number}")

    await send_due(house)

    told = await house.rows(select(outbox.c.data).where(outbox.c.name == "webhook.switched_off"))
    assert told == [({"webhook_id": webhook["id"], "reason": "gone"},)]
    statuses = Counter(each["status"] for each in await deliveries(mona, webhook))
    assert statuses == {"failed": 8}
