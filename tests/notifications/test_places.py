"""Twenty sockets and streams of a user, in however many processes."""

from typing import Final
from uuid import UUID

from lacewing.kernel.clock import utc_now
from lacewing.kernel.ids import new_id
from lacewing.notifications.live.places import LEASE_SECONDS, Place, Places
from lacewing.notifications.rules import SOCKETS_OF_USER_MAX
from tests.support.house import TestClock
from tests.support.servers import free_port

NOBODY: Final = f"redis://127.0.0.1:{free_port()}/0"


def _place(user_id: UUID) -> Place:
    return user_id, new_id().hex


async def test_places_are_counted_over_all_processes(redis_url: str) -> None:
    """LIVE-3: at the limit and one beyond; one that is given back is free, others have theirs."""
    here, there = (Places(redis_url, utc_now) for _ in range(2))
    maria, noor = new_id(), new_id()
    taken = [_place(maria) for _ in range(SOCKETS_OF_USER_MAX)]

    given = [await (here, there)[number % 2].take(place) for number, place in enumerate(taken)]
    one_more = await here.take(_place(maria))
    of_another = await there.take(_place(noor))
    here.give_back(taken[0])
    await here.close()
    again = await there.take(_place(maria))
    still_full = await there.take(_place(maria))

    assert given == [True] * SOCKETS_OF_USER_MAX
    assert (one_more, of_another, again, still_full) == (False, True, True, False)
    await there.close()


async def test_places_of_a_process_that_died_become_free_unless_they_are_renewed(
    redis_url: str,
) -> None:
    """LIVE-3: when their lease has ended; those of the living are kept."""
    clock = TestClock()
    places = Places(redis_url, clock)
    maria = new_id()
    taken = [_place(maria) for _ in range(SOCKETS_OF_USER_MAX)]
    for place in taken:
        await places.take(place)

    clock.advance(seconds=LEASE_SECONDS / 2)
    await places.renew(taken[1:])
    clock.advance(seconds=LEASE_SECONDS / 2)
    first = await places.take(_place(maria))
    second = await places.take(_place(maria))

    assert (first, second) == (True, False)
    await places.close()


async def test_without_redis_nobody_is_shut_out() -> None:
    """LIVE-4: neither where there is none, nor where it is away; each process counts its own."""
    maria = new_id()
    for places in (Places(None, utc_now), Places(NOBODY, utc_now)):
        place = _place(maria)
        given = [await places.take(_place(maria)) for _ in range(SOCKETS_OF_USER_MAX + 1)]
        await places.renew([place])
        places.give_back(place)
        await places.close()

        assert all(given)
