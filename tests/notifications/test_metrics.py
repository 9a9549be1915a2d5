from lacewing.notifications.live.connection import QUEUE_MAX, SESSION_ENDED, TOO_SLOW
from lacewing.notifications.live.frames import RESYNC
from lacewing.notifications.metrics import STREAM
from tests.notifications.test_hub import actor_of, running_hub
from tests.support.house import House, Member
from tests.support.measuring import Growth


async def test_listeners_are_counted_by_kind_while_they_are_there(
    house: House, maria: Member
) -> None:
    """OPS-4: whoever leaves twice was there once."""
    sockets = Growth("lacewing_live_connections", kind="socket")
    streams = Growth("lacewing_live_connections", kind="stream")
    hub = running_hub(house)

    one = hub.connect(actor_of(maria), None)
    other = hub.connect(actor_of(maria), None, STREAM)
    there = [sockets(), streams()]
    for _ in range(2):
        one.leave()
        other.leave()

    assert there == [1, 1]
    assert [sockets(), streams()] == [0, 0]


async def test_readers_who_are_sent_away_are_counted_by_the_reason(
    house: House, maria: Member
) -> None:
    """OPS-4, LIVE-3: once each, whatever comes afterwards."""
    slow = Growth("lacewing_live_ended_total", reason=TOO_SLOW.name)
    ended = Growth("lacewing_live_ended_total", reason=SESSION_ENDED.name)
    connection = running_hub(house).connect(actor_of(maria), None)

    for _ in range(QUEUE_MAX + 2):
        connection.put(RESYNC)
    connection.end(SESSION_ENDED)
    connection.leave()

    assert (slow(), ended()) == (1, 0)
