"""Two hundred webhooks, and receivers that do to them what receivers do."""

from datetime import UTC, datetime
from typing import Final

from sqlalchemy import func, select

from lacewing.kernel.actor import Role
from lacewing.webhooks.rules import WEBHOOKS_MAX
from lacewing.webhooks.tables import webhook_deliveries
from tests.support.house import House, TestClock
from tests.tracker.acts import Json, new_issue
from tests.webhooks.acts import (
    Names,
    let_names_be,
    new_projects,
    new_webhook,
    send_due,
    verify,
)
from tests.webhooks.receiver import (
    LOOPBACK,
    Receiver,
    answering,
    hang,
    hang_up,
    receiving,
    without_end,
)

WEBHOOKS: Final = 200
PRIVATE: Final = "127.0.0.2"
HOSTS: Final = 40
"""So many names are one receiver; a few of them lead elsewhere for a while."""
REBOUND: Final = 4
SLOTS: Final = 64


async def test_two_hundred_webhooks_hear_of_each_event_whatever_their_receiver_does(
    hasty_house: House, receiver: Receiver
) -> None:
    """WEBHOOK: it fails, hangs, redirects, hangs up, goes on for ever, and comes back: each event
    is delivered at least once, signatures verify, nothing reaches a private address."""
    house = hasty_house
    mona = await house.member("mona", Role.MANAGER)
    names = Names(
        **{
            f"host{number}.test": [LOOPBACK, PRIVATE, LOOPBACK]
            if number < REBOUND
            else [f"{LOOPBACK} {PRIVATE}", LOOPBACK]
            if number < 2 * REBOUND
            else [LOOPBACK]
            for number in range(HOSTS)
        }
    )
    let_names_be(house, names)
    async with receiving(PRIVATE, port=receiver.port) as inside:
        moods = [
            answering(500),
            hang,
            answering(307, Location=inside.url("/", PRIVATE)),
            hang_up,
            without_end(502),
            answering(204),
        ]
        projects = await new_projects(mona, WEBHOOKS // WEBHOOKS_MAX)
        webhooks: dict[str, Json] = {}
        for number in range(WEBHOOKS):
            path = f"/{number}"
            url = receiver.url(path, f"host{number % HOSTS}.test")
            webhooks[path] = await new_webhook(mona, projects[number % len(projects)], url)
            receiver.of_path[path] = moods[number % len(moods)]
        for project in projects:
            await new_issue(mona, project)

        await send_due(house, SLOTS)
        by_status = await _count_by_status(house)
        house.clock.advance(seconds=6)
        await send_due(house, SLOTS)
        receiver.of_path.clear()
        receiver.released.set()
        for minutes in (6, 40):
            house.clock.advance(minutes=minutes)
            await send_due(house, SLOTS)

    assert by_status["pending"] > WEBHOOKS // 2
    assert by_status["delivered"] > 0
    assert await _count_by_status(house) == {"delivered": WEBHOOKS}
    assert inside.connections == 0
    assert {received.path for received in receiver.received} == webhooks.keys()
    then = TestClock()
    for received in receiver.received:
        then.now = datetime.fromtimestamp(int(received.headers["webhook-timestamp"]), UTC)
        payload = verify(received, webhooks[received.path]["secret"], then)
        project = webhooks[received.path]["project"]
        assert (payload["type"], payload["data"]["project_id"]) == ("issue.created", project["id"])


async def _count_by_status(house: House) -> dict[str, int]:
    counts = select(webhook_deliveries.c.status, func.count()).group_by(webhook_deliveries.c.status)
    return dict(await house.rows(counts))
