from tests.support.house import House, Member
from tests.support.measuring import Growth
from tests.tracker.acts import Json
from tests.webhooks.acts import happen, new_webhook
from tests.webhooks.receiver import Receiver, answering


async def test_tries_are_counted_by_how_they_ended_and_timed(
    house: House, mona: Member, maria: Member, project: Json, receiver: Receiver
) -> None:
    """OPS-4: what was taken, what is tried again, and what never will be."""
    ended = {
        outcome: Growth("lacewing_webhook_tries_total", outcome=outcome)
        for outcome in ("delivered", "failed-again", "failed")
    }
    gone = Growth("lacewing_webhooks_switched_off_total", reason="gone")
    timed = Growth("lacewing_webhook_try_duration_seconds_count")
    for path in ("/well", "/later", "/gone"):
        await new_webhook(mona, project, receiver.url(path))
    receiver.of_path = {"/later": answering(500), "/gone": answering(410)}

    await happen(house, maria, project)

    assert {outcome: count() for outcome, count in ended.items()} == {
        "delivered": 1,
        "failed-again": 1,
        "failed": 1,
    }
    assert gone() == 1
    assert timed() == 3
