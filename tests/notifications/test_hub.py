"""The hub where it is behind, stops, or is asked by clients that are gone."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

import msgspec
import pytest
from sqlalchemy import bindparam, select, text, update

from lacewing import wiring
from lacewing.accounts.tables import sessions
from lacewing.kernel.actor import Actor, Role
from lacewing.kernel.db import transaction
from lacewing.kernel.events.bells import Bells
from lacewing.kernel.events.tables import outbox
from lacewing.notifications.component import Notifications
from lacewing.notifications.live.connection import GOING_AWAY, SESSION_ENDED, Connection
from lacewing.notifications.live.hub import Hub
from lacewing.notifications.rules import SOCKETS_OF_USER_MAX
from tests.kernel.logs import captured_log
from tests.notifications.acts import all_told
from tests.support.house import House, Member
from tests.support.waiting import DEADLINE_SECONDS, until


@pytest.fixture
def hub_behind(house: House) -> Hub:
    """A hub that looks only when the test lets it, as one of another process whose turn is late."""
    return Hub(house.database, Bells(), wiring.DESCRIBERS, house.clock)


def actor_of(member: Member) -> Actor:
    return Actor(member.id, member.username, Role.DEVELOPER, None, None)


def running_hub(house: House) -> Hub:
    notifications: Notifications = house.app.state.notifications
    return notifications.hub


async def write_posts(house: House, author: Member, count: int) -> int:
    """Posts that all have been told of; the number of the last event."""
    for _ in range(count):
        await author.api.post("/api/posts", json={"title": "News", "body": "All of it."})

    last = await all_told(house)

    async def is_told() -> bool:
        return running_hub(house).head == last

    await until(is_told)
    return last


def is_live(hub: Hub) -> Callable[[], Awaitable[bool]]:
    """Whether somebody has caught up."""

    async def is_anybody_live() -> bool:
        return bool(hub._live)  # noqa: SLF001  the hub tells nobody

    return is_anybody_live


async def next_message(connection: Connection, hub: Hub) -> dict[str, Any]:
    """What the client is sent first, when the hub has looked."""
    frames = connection.frames()
    waiting = asyncio.ensure_future(anext(frames))

    async def is_heard() -> bool:
        await hub._pass_on()  # noqa: SLF001  a look, when the test wants one
        return waiting.done()

    await until(is_heard)
    await frames.aclose()
    found: dict[str, Any] = msgspec.json.decode(waiting.result().text)
    return found


async def test_a_client_that_is_ahead_of_a_process_hears_on_without_a_reload(
    house: House, maria: Member, hub_behind: Hub
) -> None:
    """LIVE-2, LIVE-4: it had a message from another process: not that one again, nor ``reload``."""
    last = await write_posts(house, maria, 2)

    connection = hub_behind.connect(actor_of(maria), last)
    newest = await write_posts(house, maria, 1)
    message = await next_message(connection, hub_behind)

    assert (message["type"], message["id"]) == ("post.created", newest)


async def test_a_number_that_was_never_given_means_reload(
    house: House, maria: Member, hub_behind: Hub
) -> None:
    """LIVE-2: as after a restored backup, also where the process is behind."""
    last = await write_posts(house, maria, 1)

    connection = hub_behind.connect(actor_of(maria), last + 1)
    message = await next_message(connection, hub_behind)

    assert message == {"type": "reload", "id": last}


async def spoil(house: House, sequence: int) -> None:
    """Let that event be one that no code of ours can tell."""
    spoilt = update(outbox).where(outbox.c.sequence == bindparam("of")).values(data={})
    async with transaction(house.database) as session:
        await session.execute(spoilt, {"of": sequence})


async def test_an_event_that_can_not_be_told_holds_up_no_other(
    house: House, maria: Member, hub_behind: Hub
) -> None:
    """LIVE-2: whoever listens is told to read anew; those before and after are told as ever."""
    hub_behind.head = before = await all_told(house)
    frames = hub_behind.connect(actor_of(maria), None).frames()
    waiting = asyncio.ensure_future(anext(frames))
    await asyncio.sleep(0)
    await until(is_live(hub_behind))
    await write_posts(house, maria, 3)
    last = await all_told(house)
    await spoil(house, last - 1)

    with captured_log() as log:
        await hub_behind._pass_on()  # noqa: SLF001  a look, when the test wants one
    async with asyncio.timeout(DEADLINE_SECONDS):
        told = [await waiting, await anext(frames), await anext(frames)]
    heard = [msgspec.json.decode(each.text) for each in told]

    assert before == last - 3
    assert [(each["type"], each["id"]) for each in heard] == [
        ("post.created", last - 2),
        ("reload", last - 1),
        ("post.created", last),
    ]
    faults = [line for line in log.lines if line["event"] == "event_not_told"]
    assert [line["event_number"] for line in faults] == [last - 1]


async def test_a_missed_event_that_can_not_be_told_holds_up_no_other(
    house: House, maria: Member
) -> None:
    """LIVE-2: nor does it keep a client from coming again."""
    await write_posts(house, maria, 3)
    last = await all_told(house)
    await spoil(house, last - 1)

    frames = running_hub(house).connect(actor_of(maria), last - 3).frames()
    async with asyncio.timeout(DEADLINE_SECONDS):
        heard = [msgspec.json.decode((await anext(frames)).text) for _ in range(3)]

    assert [(each["type"], each["id"]) for each in heard] == [
        ("post.created", last - 2),
        ("reload", last - 1),
        ("post.created", last),
    ]


async def test_a_logout_is_heard_though_nothing_can_be_passed_on(
    house: House, maria: Member
) -> None:
    """LIVE-1: whatever is wrong with the events."""
    [[session_id]] = await house.rows(select(sessions.c.id).where(sessions.c.user_id == maria.id))
    actor = Actor(maria.id, maria.username, Role.DEVELOPER, session_id=session_id)
    connection = running_hub(house).connect(actor, None)
    async with transaction(house.database) as session:
        await session.execute(text("ALTER TABLE event_cursors RENAME TO lost_cursors"))

    await maria.api.post("/api/auth/logout")

    async with asyncio.timeout(DEADLINE_SECONDS):
        await connection.ended.wait()
    assert connection.ending is SESSION_ENDED


async def test_who_comes_while_the_server_stops_is_sent_away(
    maria: Member, hub_behind: Hub
) -> None:
    """OPS-6: as those are who were there: nobody waits for a stream that would never end."""
    there = hub_behind.connect(actor_of(maria), None)
    hub_behind.end_all()
    late = hub_behind.connect(actor_of(maria), None)

    async with asyncio.timeout(DEADLINE_SECONDS):
        heard = [frame async for frame in late.frames()]

    assert (there.ending, late.ending, heard) == (GOING_AWAY, GOING_AWAY, [])


async def test_a_stream_that_nobody_reads_takes_no_place(house: House, maria: Member) -> None:
    """LIVE-3: its client was gone before the first byte."""
    for _ in range(SOCKETS_OF_USER_MAX):
        await ask_and_be_gone(house, maria)

    hub = running_hub(house)
    places = [hub.connect(actor_of(maria), None) for _ in range(SOCKETS_OF_USER_MAX)]

    assert len(places) == SOCKETS_OF_USER_MAX


async def ask_and_be_gone(house: House, member: Member) -> None:
    """Ask for a stream as the server does for a client that has hung up."""
    scope = {
        "type": "http",
        "asgi": {"version": "3.0", "spec_version": "2.3"},
        "http_version": "1.1",
        "method": "GET",
        "scheme": "http",
        "path": "/api/notifications/stream",
        "raw_path": b"/api/notifications/stream",
        "query_string": b"",
        "root_path": "",
        "headers": [
            (b"host", b"lacewing.test"),
            (b"authorization", f"Bearer {member.access_token}".encode()),
        ],
        "client": ("127.0.0.1", 12345),
        "server": ("lacewing.test", 80),
    }

    async def receive() -> dict[str, Any]:
        return {"type": "http.disconnect"}

    async def send(_message: Any) -> None:
        """It waits, as where the client has not read what it was sent before."""
        await asyncio.sleep(0)

    await house.app(scope, receive, send)
