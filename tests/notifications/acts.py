"""What people hear in these tests, in one line each."""

import asyncio
from typing import Any

from lacewing.kernel.events import store as events_store
from tests.support.house import House, Member

Json = dict[str, Any]
DEADLINE_SECONDS = 30
LOOK_SECONDS = 0.01


async def all_told(house: House) -> int:
    """Return when all consumers have dealt with everything; the number of the last event."""
    session = house.database.session()
    async with asyncio.timeout(DEADLINE_SECONDS):
        while True:
            is_any_waiting = await events_store.is_any_waiting(session)
            last = await events_store.last_sequence(session)
            cursors = await events_store.list_cursors(session)
            if not is_any_waiting and {sequence for _, sequence in cursors} == {last}:
                return last
            await asyncio.sleep(LOOK_SECONDS)


async def inbox(house: House, member: Member, query: str = "") -> list[Json]:
    """What stands in the inbox when everybody has been told, oldest first."""
    await all_told(house)
    answer = await member.api.get(f"/api/notifications{query}")
    assert answer.status_code == 200, answer.text
    found: list[Json] = answer.json()["data"]
    return found[::-1]


async def heard(house: House, member: Member, query: str = "") -> list[tuple[str, str]]:
    """Type and reason of each."""
    return [(each["type"], each["reason"]) for each in await inbox(house, member, query)]
