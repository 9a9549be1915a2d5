"""Live messages as Server-Sent Events, from a server as it is run."""

import asyncio
import re
import signal
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable
from contextlib import (
    AbstractAsyncContextManager,
    AsyncExitStack,
    asynccontextmanager,
    suppress,
)
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import msgspec
import pytest
from starlette.types import Message
from websockets.asyncio.client import ClientConnection
from websockets.exceptions import InvalidStatus

from lacewing.kernel.web.protocol import CUT
from lacewing.kernel.web.streams import LiveStream
from lacewing.notifications.rules import SOCKETS_OF_USER_MAX
from tests.support.listeners import headers_of, opened_socket, write_post
from tests.support.members import tokens_of_new_users
from tests.support.processes import Server, environment_of, serving
from tests.support.waiting import DEADLINE_SECONDS, until

pytestmark = pytest.mark.system

PATH = "/api/notifications/stream"
POSTS = 3
BEGINNING = re.compile(r": ping|id: [0-9]+")
"""Of what comes where nothing has happened."""


@dataclass
class Stream:
    """An open answer, read line by line."""

    answer: httpx.Response

    async def messages(self, count: int) -> list[tuple[int, Any]]:
        """The next messages, each with the id of its event."""
        found: list[tuple[int, Any]] = []
        event_id = 0
        async with asyncio.timeout(DEADLINE_SECONDS):
            async for line in self._lines:
                name, _, value = line.partition(": ")
                if name == "id":
                    event_id = int(value)
                if name == "data":
                    found.append((event_id, msgspec.json.decode(value)))
                if len(found) == count:
                    break
        return found

    async def rest(self) -> list[str]:
        """What still comes until it ends well."""
        async with asyncio.timeout(DEADLINE_SECONDS):
            return [line async for line in self._lines if line]

    async def lines(self, count: int) -> list[str]:
        """The next lines."""
        async with asyncio.timeout(DEADLINE_SECONDS):
            return [await anext(self._lines) for _ in range(count)]

    def __post_init__(self) -> None:
        self._lines = self.answer.aiter_lines()


@dataclass
class Scene:
    server: Server
    api: httpx.AsyncClient
    author: httpx.AsyncClient
    reader: str
    """The token of somebody who hears of what the author writes."""

    @asynccontextmanager
    async def stream(self, **headers: str) -> AsyncGenerator[Stream]:
        headers = {**headers_of(self.reader), **headers}
        async with self.api.stream("GET", PATH, headers=headers) as answer:
            answer.raise_for_status()
            yield Stream(answer)

    def socket(self) -> AbstractAsyncContextManager[ClientConnection]:
        return opened_socket(self.server.url, self.reader)

    async def write(self, count: int) -> None:
        for _ in range(count):
            await write_post(self.author)


@pytest.fixture
async def scene(database_url: str, tmp_path: Path) -> AsyncIterator[Scene]:
    environment = environment_of(database_url, tmp_path)
    author, reader = await tokens_of_new_users(environment, ["author", "reader"])
    with serving(environment) as server:
        async with (
            httpx.AsyncClient(base_url=server.url, timeout=60) as api,
            httpx.AsyncClient(
                base_url=server.url, timeout=60, headers=headers_of(author)
            ) as authors,
        ):
            yield Scene(server, api, authors, reader)


async def test_a_stream_tells_what_a_socket_tells_and_goes_on_where_it_was_left(
    scene: Scene,
) -> None:
    """LIVE-1, LIVE-2: each message with its id, from which ``Last-Event-ID`` goes on."""
    async with scene.socket() as socket:
        async with scene.stream() as stream:
            await scene.write(POSTS)
            heard = await stream.messages(POSTS)
        told = [msgspec.json.decode(await socket.recv()) for _ in range(POSTS)]
    await scene.write(POSTS)
    async with scene.stream(**{"Last-Event-ID": str(heard[0][0])}) as stream:
        after_the_first = await stream.messages(2 * POSTS - 1)

    assert [message for _, message in heard] == told
    assert [event_id for event_id, _ in heard] == [message["id"] for message in told]
    assert after_the_first[: POSTS - 1] == heard[1:]
    assert sorted(after_the_first) == after_the_first


async def test_a_client_that_has_had_no_message_misses_nothing_either(scene: Scene) -> None:
    """LIVE-2: the stream, the handshake and the ticket each tell from where to go on."""
    ticket = await scene.api.post("/api/notifications/ticket", headers=headers_of(scene.reader))
    async with scene.stream() as stream, scene.socket() as socket:
        _, beginning = await stream.lines(2)
        assert socket.response is not None
        handshake = socket.response.headers["Last-Event-ID"]
    await scene.write(POSTS)

    heard = []
    for position in (ticket.json()["last_event_id"], handshake, beginning.removeprefix("id: ")):
        async with scene.stream(**{"Last-Event-ID": str(position)}) as again:
            heard.append(await again.messages(POSTS))

    assert heard[0] == heard[1] == heard[2]
    assert [message["type"] for _, message in heard[0]] == ["post.created"] * POSTS


async def test_the_time_of_a_stream_is_no_time_of_a_request(scene: Scene) -> None:
    """OPS-4: it lasts as long as somebody listens, and would spoil all that is told of others."""
    async with scene.stream() as stream:
        await stream.lines(1)

    async def is_counted() -> bool:
        metrics = (await scene.api.get("/metrics")).text
        assert f'duration_seconds_count{{method="GET",route="{PATH}"' not in metrics
        return f'streams_ended_total{{route="{PATH}",status="200"}} 1.0' in metrics

    await until(is_counted)


async def test_a_stream_that_nobody_reads_is_cut() -> None:
    """LIVE-3: where no message waits for it too, as while it catches up."""
    gone = asyncio.Event()

    async def content() -> AsyncGenerator[bytes]:
        while True:
            yield b": news\n\n"

    async def send(_message: Message) -> None:
        """As the server: it returns when the client has read, or is cut."""
        await gone.wait()
        raise OSError

    async def receive() -> Message:
        await gone.wait()
        return {"type": "http.disconnect"}

    stream = LiveStream(content(), asyncio.Event(), lambda: None, 60, send_seconds=0.01)
    scope = {"type": "http", "asgi": {"spec_version": "2.3"}, CUT: gone.set}

    async with asyncio.timeout(DEADLINE_SECONDS):
        with suppress(BaseExceptionGroup, OSError):
            await stream(scope, receive, send)

    assert gone.is_set()


async def test_a_stream_ends_with_its_session(scene: Scene) -> None:
    """LIVE-1: and well, so that the client asks again, and is told to sign in."""
    async with scene.stream() as stream:
        left = await scene.api.post("/api/auth/logout", headers=headers_of(scene.reader))
        rest = await stream.rest()
    again = await scene.api.get(PATH, headers=headers_of(scene.reader))

    assert left.status_code == 204
    assert all(map(BEGINNING.fullmatch, rest))
    assert again.status_code == 401


async def test_streams_and_sockets_of_a_user_are_counted_together(scene: Scene) -> None:
    """LIVE-3: at the limit and one beyond; whoever closes one may open another."""
    async with AsyncExitStack() as stack:
        for _ in range(SOCKETS_OF_USER_MAX - 1):
            await stack.enter_async_context(scene.socket())
        async with scene.stream():
            refused = await scene.api.get(PATH, headers=headers_of(scene.reader))
            with pytest.raises(InvalidStatus) as refused_socket:
                await stack.enter_async_context(scene.socket())
        await until(scene_takes_one_more(scene, stack))
        with pytest.raises(InvalidStatus):
            await stack.enter_async_context(scene.socket())

    assert (refused.status_code, refused.json()["type"]) == (409, "too-many-sockets")
    assert refused_socket.value.response.status_code == 409


def scene_takes_one_more(scene: Scene, stack: AsyncExitStack) -> Callable[[], Awaitable[bool]]:
    async def takes_one_more() -> bool:
        try:
            await stack.enter_async_context(scene.socket())
        except InvalidStatus:
            return False
        return True

    return takes_one_more


async def test_a_client_that_is_gone_at_once_takes_no_place(scene: Scene) -> None:
    """LIVE-3: as many as there are places, each gone before, or while, its answer begins."""
    for number in range(2 * SOCKETS_OF_USER_MAX):
        await go_at_once(scene, number)

    async with AsyncExitStack() as stack:
        for _ in range(SOCKETS_OF_USER_MAX):
            await until(scene_takes_one_more(scene, stack))


async def go_at_once(scene: Scene, turns: int) -> None:
    """Ask for a stream, and cut the connection some turns of the loop later."""
    port = int(scene.server.url.rpartition(":")[2])
    _, writer = await asyncio.open_connection("127.0.0.1", port)
    head = f"GET {PATH} HTTP/1.1\r\nHost: lacewing\r\nAuthorization: Bearer {scene.reader}\r\n\r\n"
    writer.write(head.encode())
    for _ in range(turns):
        await asyncio.sleep(0)
    writer.transport.abort()


async def test_a_server_that_stops_ends_sockets_and_streams_at_once(scene: Scene) -> None:
    """OPS-6: with 1012, and well: clients come again; the server waits for none of them."""
    async with scene.socket() as socket, scene.stream() as stream:
        exit_code = await asyncio.to_thread(scene.server.stop)
        rest = await stream.rest()
        async with asyncio.timeout(DEADLINE_SECONDS):
            await socket.wait_closed()

    assert exit_code in {0, -signal.SIGTERM}
    assert socket.close_code == 1012
    assert all(map(BEGINNING.fullmatch, rest))
    log = scene.server.log.read_text(encoding="utf-8")
    assert "timeout graceful shutdown exceeded" not in log
    assert "Traceback" not in log
