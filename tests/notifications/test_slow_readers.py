"""Clients that stop reading: they are sent away, and neither slow others nor fill the memory."""

import asyncio
import base64
import os
import socket
from collections.abc import AsyncIterator, Callable, Generator
from contextlib import AsyncExitStack, contextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from uuid import UUID

import httpx
import pytest

from lacewing.content.events import PostChanged
from lacewing.kernel.db import Database, open_database, transaction
from lacewing.kernel.events import emit
from lacewing.kernel.work import Origin, Work
from lacewing.settings import load_settings
from tests.support.listeners import headers_of, hear, opened_socket
from tests.support.members import tokens_of_new_users
from tests.support.processes import Server, environment_of, serving
from tests.support.uploading import memory_kib
from tests.support.waiting import DEADLINE_SECONDS

pytestmark = pytest.mark.system

OTHERS = 5
CHANGES_AT_ONCE = 400
EVENTS_MAX = 20_000
FLOOD_SECONDS = 3
GROWTH_KIB_MAX = 20 * 1024
LONG_TITLE = "\N{BELL}" * 190
"""Four bytes each: so fewer messages fill what the kernel keeps of a connection."""
PING = b"\x89\xfd\x00\x00\x00\x00" + b"p" * 125
"""One with the longest payload, masked with zeros."""
TEXT = b"\x81\x81\x00\x00\x00\x00x"
FIRST_FRAGMENT = b"\x01\x80\x00\x00\x00\x00"
NEXT_FRAGMENT = b"\x00\x80\x00\x00\x00\x00"
"""Neither holds a byte."""
FLOODS = {
    "pings": (b"", PING),
    "texts between the pings": (b"", PING * 50 + TEXT),
    "empty fragments": (FIRST_FRAGMENT, NEXT_FRAGMENT),
}
FLOOD_BYTES = 64 * 1024 * 1024
FLOODED_AT_ONCE = 128 * 1024


@dataclass
class Scene:
    server: Server
    database: Database
    api: httpx.AsyncClient
    """Speaks as an author."""
    slow: str
    """The token of whoever will stop reading."""
    others: list[str]

    def log(self) -> str:
        return self.server.log.read_text(encoding="utf-8")

    def memory(self) -> int:
        return memory_kib(self.server.process.pid, "VmRSS")

    async def write(self, changes: int) -> int:
        """A post and so many changes of it, written at once: how many events that is."""
        body = {"title": LONG_TITLE, "body": "News."}
        post = (await self.api.post("/api/posts", json=body)).json()
        change = PostChanged(UUID(post["id"]), UUID(post["author"]["id"]), ["body"])
        async with transaction(self.database) as session:
            work = Work(session, datetime.now(UTC), Origin())
            for _ in range(changes):
                await emit(work, change)
        return changes + 1


@pytest.fixture
async def scene(database_url: str, tmp_path: Path) -> AsyncIterator[Scene]:
    environment = environment_of(database_url, tmp_path)
    names = ["author", "slow", *(f"other-{number}" for number in range(OTHERS))]
    author, slow, *others = await tokens_of_new_users(environment, names)
    database = await open_database(load_settings(environment).database, tmp_path)
    with serving(environment) as server:
        async with httpx.AsyncClient(
            base_url=server.url, headers=headers_of(author), timeout=60
        ) as api:
            yield Scene(server, database, api, slow, others)
    await database.close()


@contextmanager
def unread(server: Server, head: bytes) -> Generator[socket.socket]:
    """A connection whose answer nobody reads beyond its head."""
    with socket.socket() as connection:
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        connection.settimeout(DEADLINE_SECONDS)
        connection.connect(("127.0.0.1", int(server.url.rpartition(":")[2])))
        connection.sendall(head)
        read = b""
        while not read.endswith(b"\r\n\r\n"):
            read += connection.recv(1)
        yield connection


def handshake_of(token: str) -> bytes:
    key = base64.b64encode(os.urandom(16)).decode()
    return (
        "GET /ws/notifications HTTP/1.1\r\nHost: lacewing\r\nUpgrade: websocket\r\n"
        f"Connection: Upgrade\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: {key}\r\n"
        f"Authorization: Bearer {token}\r\n\r\n"
    ).encode()


def stream_request_of(token: str) -> bytes:
    return (
        "GET /api/notifications/stream HTTP/1.1\r\nHost: lacewing\r\nConnection: close\r\n"
        f"Authorization: Bearer {token}\r\n\r\n"
    ).encode()


@pytest.mark.parametrize(
    ("head_of", "said_at_end"),
    [(handshake_of, "socket_closed"), (stream_request_of, "/api/notifications/stream")],
    ids=["socket", "stream"],
)
async def test_a_reader_that_stops_is_dropped_and_others_miss_nothing(
    scene: Scene, head_of: Callable[[str], bytes], said_at_end: str
) -> None:
    """LIVE-3: while hundreds of messages wait for it, which cost the server next to no memory."""
    async with AsyncExitStack() as stack:
        others = [
            await stack.enter_async_context(opened_socket(scene.server.url, token))
            for token in scene.others
        ]
        slow = stack.enter_context(unread(scene.server, head_of(scene.slow)))
        ids: list[list[int]] = [[] for _ in others]

        async def write_and_hear() -> None:
            count = await scene.write(CHANGES_AT_ONCE)
            for found, heard in zip(
                ids, await asyncio.gather(*(hear(each, count) for each in others)), strict=True
            ):
                found.extend(heard.ids)

        await write_and_hear()
        before = scene.memory()
        while said_at_end not in scene.log():
            await write_and_hear()
            assert len(ids[0]) < EVENTS_MAX, "It is still there."
        after = scene.memory()
        await asyncio.to_thread(read_to_the_end, slow)

    assert ids[0] == sorted(set(ids[0]))
    assert all(each == ids[0] for each in ids)
    assert after - before < GROWTH_KIB_MAX
    assert "Traceback" not in scene.log()


@pytest.mark.parametrize("kind", FLOODS)
async def test_what_a_client_that_reads_nothing_sends_fills_no_memory(
    scene: Scene, kind: str
) -> None:
    """LIVE-3: it is sent away for it; somebody else hears on."""
    (other, *_) = scene.others
    async with opened_socket(scene.server.url, other) as listener:
        await scene.write(changes=0)
        before = scene.memory()
        with unread(scene.server, handshake_of(scene.slow)) as flooding:
            flooding.settimeout(FLOOD_SECONDS)
            await asyncio.to_thread(flood, flooding, *FLOODS[kind])
            after = scene.memory()
            await scene.write(changes=0)
            heard = await hear(listener, 2)

    assert len(heard.ids) == 2
    assert after - before < GROWTH_KIB_MAX
    assert "Traceback" not in scene.log()


def flood(connection: socket.socket, first: bytes, frame: bytes) -> None:
    """Send frames until the server takes no more for a while, or has taken far too many."""
    frames = frame * (FLOODED_AT_ONCE // len(frame))
    with suppress(TimeoutError, ConnectionError):
        connection.sendall(first)
        for _ in range(FLOOD_BYTES // len(frames)):
            connection.sendall(frames)


def read_to_the_end(connection: socket.socket) -> None:
    with suppress(ConnectionResetError):
        while connection.recv(1 << 20):
            pass
