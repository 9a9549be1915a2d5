"""What one client is sent: all of it, in order, each once; then what happens."""

import asyncio
from collections.abc import AsyncGenerator
from datetime import timedelta
from typing import Any
from uuid import UUID

import msgspec
import pytest
from sqlalchemy import select

from lacewing.accounts.tables import sessions
from lacewing.kernel.actor import Actor, Role
from lacewing.kernel.db import transaction
from lacewing.kernel.events.retention import EVENTS_KEPT, delete_old_events
from lacewing.kernel.subjects import Subject
from lacewing.notifications.errors import TooManySockets
from lacewing.notifications.live.connection import (
    GOING_AWAY,
    QUEUE_MAX,
    SESSION_ENDED,
    TOO_SLOW,
    Connection,
)
from lacewing.notifications.live.frames import RESYNC, Frame
from lacewing.notifications.live.hub import MISSED_AT_ONCE, Hub
from lacewing.notifications.rules import SOCKETS_OF_USER_MAX
from lacewing.notifications.service.subjects import may_hear
from tests.content.acts import new_post
from tests.notifications.acts import DEADLINE_SECONDS, all_told
from tests.support.house import House, Member


def hub_of(house: House) -> Hub:
    hub: Hub = house.app.state.notifications.hub
    return hub


async def actor_of(house: House, member: Member) -> Actor:
    found = select(sessions.c.id).where(sessions.c.user_id == member.id)
    [[session_id]] = await house.rows(found)
    return Actor(member.id, member.username, Role.DEVELOPER, session_id=session_id)


async def connected(house: House, member: Member, last_event_id: int | None = None) -> Connection:
    return hub_of(house).connect(await actor_of(house, member), last_event_id)


async def next_of(frames: AsyncGenerator[Frame], count: int) -> list[Any]:
    """The next messages, decoded."""
    async with asyncio.timeout(DEADLINE_SECONDS):
        return [msgspec.json.decode((await anext(frames)).text) for _ in range(count)]


async def passed_on(house: House) -> None:
    """Return when the hub has passed everything on."""
    last = await all_told(house)
    async with asyncio.timeout(DEADLINE_SECONDS):
        while hub_of(house).head < last:  # ruff: ignore[async-busy-wait]  the hub tells nobody
            await asyncio.sleep(0.01)


async def test_what_happens_is_heard_at_once_and_in_order(
    house: House, maria: Member, noor: Member
) -> None:
    """LIVE-1, LIVE-2: with who, why and where; own acts are marked so."""
    of_noor = (await connected(house, noor)).frames()
    of_maria = (await connected(house, maria)).frames()
    waiting = [asyncio.create_task(next_of(each, 2)) for each in (of_noor, of_maria)]
    await asyncio.sleep(0)
    posts = [await new_post(maria), await new_post(maria)]

    others, own = await asyncio.gather(*waiting)

    assert [each["type"] for each in others] == ["post.created", "post.created"]
    assert [each["data"]["post_id"] for each in others] == [post["id"] for post in posts]
    assert others[0]["id"] < others[1]["id"]
    assert others[0]["data"] == {
        "post_id": posts[0]["id"],
        "author_id": str(maria.id),
        "reason": "post",
        "is_own": False,
        "actor": {"id": str(maria.id), "username": "maria", "full_name": None},
        "title": posts[0]["title"],
        "link": f"/api/posts/{posts[0]['id']}",
    }
    assert [(each["data"]["reason"], each["data"]["is_own"]) for each in own] == [("own", True)] * 2


@pytest.mark.parametrize("missed", [1, MISSED_AT_ONCE, MISSED_AT_ONCE + 1])
async def test_who_was_away_gets_all_since_their_last_message(
    house: House, maria: Member, noor: Member, missed: int
) -> None:
    """LIVE-2: by pages, and then what happens, without a gap or a double."""
    first = await new_post(maria)
    seen = await all_told(house)
    for _ in range(missed):
        await new_post(maria)
    await passed_on(house)
    frames = (await connected(house, noor, seen)).frames()

    caught_up = await next_of(frames, missed)
    await new_post(maria)
    [live] = await next_of(frames, 1)

    ids = [each["id"] for each in (*caught_up, live)]
    assert ids == list(range(seen + 1, seen + missed + 2))
    assert first["id"] not in {each["data"]["post_id"] for each in caught_up}


async def test_nothing_is_lost_or_doubled_between_what_was_and_what_is(
    house: House, maria: Member, noor: Member
) -> None:
    """LIVE-2: many join while events come, each with another last message."""
    total = 2 * SOCKETS_OF_USER_MAX
    last = await all_told(house) + total

    async def hear(connection: Connection) -> list[int]:
        heard: list[int] = []
        frames = connection.frames()
        while heard[-1:] != [last]:
            heard += [each["id"] for each in await next_of(frames, 1)]
        return heard

    hearing = []
    for _ in range(SOCKETS_OF_USER_MAX):
        await new_post(maria)
        position = hub_of(house).head
        connection = await connected(house, noor, position)
        hearing.append((position, asyncio.create_task(hear(connection))))
        await new_post(maria)

    for position, task in hearing:
        assert await task == list(range(position + 1, last + 1))


@pytest.mark.parametrize("last_event_id", [0, 10_000])
async def test_who_missed_what_is_gone_must_read_anew(
    house: House, maria: Member, noor: Member, last_event_id: int
) -> None:
    """LIVE-2: and so must one whose last message never was; then they hear what happens."""
    await new_post(maria)
    await passed_on(house)
    async with transaction(house.database) as session:
        await delete_old_events(session, house.clock() + EVENTS_KEPT + timedelta(days=1))
    frames = (await connected(house, noor, last_event_id)).frames()

    head = hub_of(house).head
    [first] = await next_of(frames, 1)
    waiting = asyncio.create_task(next_of(frames, 1))
    await asyncio.sleep(0)
    post = await new_post(maria)
    [live] = await waiting

    assert first == {"id": head, "type": "reload"}
    assert live["data"]["post_id"] == post["id"]


async def test_one_who_is_too_slow_is_ended_and_told_to_come_again(
    house: House, noor: Member
) -> None:
    """LIVE-3: at the limit nothing is lost, one beyond ends it; what waited is let go."""
    fits, bursts = await connected(house, noor), await connected(house, noor)
    frame = Frame('{"type":"test"}', 1)
    for _ in range(QUEUE_MAX):
        fits.put(frame)
    for _ in range(QUEUE_MAX + 2):
        bursts.put(frame)
    fits.end(GOING_AWAY)

    async with asyncio.timeout(DEADLINE_SECONDS):
        of_fits = [each async for each in fits.frames()]
        of_bursts = [each async for each in bursts.frames()]

    assert of_fits == [frame] * QUEUE_MAX
    assert of_bursts == [RESYNC]
    assert bursts.ending is TOO_SLOW


async def test_a_connection_ends_with_its_session(house: House, maria: Member) -> None:
    """LIVE-1: 4401, and nothing more is heard."""
    connection = await connected(house, maria)
    frames = connection.frames()
    waiting = asyncio.create_task(anext(frames, None))

    await maria.api.post("/api/auth/logout")

    async with asyncio.timeout(DEADLINE_SECONDS):
        assert await waiting is None
    assert connection.ending is SESSION_ENDED


async def test_who_has_logged_out_hears_nothing_though_it_is_about_to_be_sent(
    house: House, maria: Member, noor: Member
) -> None:
    """LIVE-1: permission is asked again at each delivery."""
    connection = await connected(house, noor)
    frames = connection.frames()
    waiting = asyncio.create_task(anext(frames, None))
    await asyncio.sleep(0)
    await noor.api.post("/api/auth/logout")
    await new_post(maria)

    async with asyncio.timeout(DEADLINE_SECONDS):
        assert await waiting is None


async def test_what_waits_when_the_session_ends_is_heard_no_more(
    house: House, noor: Member
) -> None:
    """LIVE-1: neither what had happened meanwhile, nor after anything else that waits."""
    connection = await connected(house, noor)
    for number in range(QUEUE_MAX):
        connection.put(Frame('{"type":"test"}', hub_of(house).head + number + 1))

    connection.end(SESSION_ENDED)

    async with asyncio.timeout(DEADLINE_SECONDS):
        assert [each async for each in connection.frames()] == []


async def test_what_was_missed_is_heard_no_further_when_the_session_ends(
    house: House, maria: Member, noor: Member
) -> None:
    """LIVE-1: in the middle of a page of it."""
    seen = await all_told(house)
    for _ in range(3):
        await new_post(maria)
    await passed_on(house)
    connection = await connected(house, noor, seen)
    frames = connection.frames()
    [first] = await next_of(frames, 1)

    connection.end(SESSION_ENDED)

    assert first["id"] == seen + 1
    async with asyncio.timeout(DEADLINE_SECONDS):
        assert [each async for each in frames] == []


async def test_one_user_has_so_many_at_once(house: House, maria: Member, noor: Member) -> None:
    """LIVE-3: at the limit and one beyond; one that is closed makes room, others have theirs."""
    open_ones = [await connected(house, maria) for _ in range(SOCKETS_OF_USER_MAX)]

    with pytest.raises(TooManySockets):
        await connected(house, maria)
    await connected(house, noor)
    hub_of(house).leave(open_ones[0])
    hub_of(house).leave(open_ones[0])
    await connected(house, maria)
    with pytest.raises(TooManySockets):
        await connected(house, maria)


@pytest.mark.parametrize(
    ("subject", "may"),
    [
        (None, True),
        (Subject("Everybody's", "/"), True),
        (Subject("Mine", "/", UUID(int=1)), True),
        (Subject("Not mine", "/", UUID(int=2)), False),
    ],
)
def test_what_became_private_is_not_told(subject: Subject | None, *, may: bool) -> None:
    """LIVE-1: it is asked as it is now, not as it was when it happened."""
    assert may_hear(subject, UUID(int=1)) is may
