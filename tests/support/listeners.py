"""Clients that hear live messages, alone or a thousand of them in a process of their own.

Whoever writes a post for them puts the time into its title (``stamp``): processes of one machine
share its monotonic clock, so listeners can tell how long each message took.
"""

import asyncio
import json
import multiprocessing
import resource
import time
from collections.abc import AsyncGenerator, Generator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager, contextmanager, suppress
from itertools import starmap
from multiprocessing.connection import Connection
from typing import NamedTuple

import httpx
from websockets.asyncio.client import ClientConnection, connect

from tests.support.waiting import DEADLINE_SECONDS

OPENED_AT_ONCE = 50
SPARE_FILES = 200


class Heard(NamedTuple):
    """What one client has heard."""

    ids: list[int]
    seconds: list[float]
    """From the writing of each post to its arrival."""


def headers_of(token: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {token}"}


def stamp() -> str:
    """A title that tells when it was written."""
    return str(time.monotonic())


async def write_post(client: httpx.AsyncClient, title: str | None = None) -> None:
    """A post that tells when it was written, unless it has a title."""
    answer = await client.post("/api/posts", json={"title": title or stamp(), "body": "News."})
    answer.raise_for_status()


@asynccontextmanager
async def opened_socket(
    url: str, token: str, last_event_id: int | None = None
) -> AsyncGenerator[ClientConnection]:
    query = "" if last_event_id is None else f"?last_event_id={last_event_id}"
    async with connect(
        f"{url.replace('http', 'ws', 1)}/ws/notifications{query}",
        additional_headers=headers_of(token),
        compression=None,
        open_timeout=DEADLINE_SECONDS,
        close_timeout=1,
        max_queue=None,
    ) as socket:
        yield socket


async def hear(socket: ClientConnection, count: int) -> Heard:
    """The next events, as many as that; ``reload`` and ``resync`` are errors."""
    heard = Heard([], [])
    async with asyncio.timeout(DEADLINE_SECONDS):
        while len(heard.ids) < count:
            message = json.loads(await socket.recv())
            arrived = time.monotonic()
            if "data" not in message:
                raise AssertionError(message)
            heard.ids.append(message["id"])
            with suppress(ValueError):
                heard.seconds.append(arrived - float(message["data"]["title"]))
    return heard


def percentile(values: Sequence[float], part: float) -> float:
    """As many values are no greater."""
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(len(ordered) * part))]


class Listeners:
    """Many clients, all of them open."""

    def __init__(self, pipe: Connection) -> None:
        self._pipe = pipe

    async def heard(self) -> list[Heard]:
        """What each has heard, when all have heard as much as they wait for."""
        found = await asyncio.to_thread(self._received)
        if isinstance(found, str):
            raise AssertionError(found)  # noqa: TRY004  what a listener says of its failure
        return list(starmap(Heard, found))

    def _received(self) -> list[tuple[list[int], list[float]]] | str:
        if not self._pipe.poll(DEADLINE_SECONDS):
            raise TimeoutError("The listeners say nothing.")
        received: list[tuple[list[int], list[float]]] | str = self._pipe.recv()
        return received


@contextmanager
def listening(
    url: str, tokens: Sequence[str], sockets_each: int, posts: int
) -> Generator[Listeners]:
    """Clients in a process of their own, which each hear so many posts."""
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload([__name__])
    here, there = context.Pipe()
    process = context.Process(target=_listen, args=(there, url, list(tokens), sockets_each, posts))
    process.start()
    there.close()
    try:
        if not here.poll(DEADLINE_SECONDS) or (said := here.recv()) != "open":
            raise AssertionError(said)
        yield Listeners(here)
    finally:
        here.close()
        process.terminate()
        process.join()


def _listen(pipe: Connection, url: str, tokens: list[str], sockets_each: int, posts: int) -> None:
    need = len(tokens) * sockets_each + SPARE_FILES
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (max(soft, need), hard))
    try:
        asyncio.run(
            _listen_all(pipe, url, [each for each in tokens for _ in range(sockets_each)], posts)
        )
    except Exception as error:  # noqa: BLE001  told to the test, whatever it is
        pipe.send(repr(error))


async def _listen_all(pipe: Connection, url: str, tokens: list[str], posts: int) -> None:
    opening = asyncio.Semaphore(OPENED_AT_ONCE)
    async with AsyncExitStack() as stack:

        async def open_one(token: str) -> ClientConnection:
            async with opening:
                return await stack.enter_async_context(opened_socket(url, token))

        sockets = await asyncio.gather(*map(open_one, tokens))
        pipe.send("open")
        heard = await asyncio.gather(*(hear(socket, posts) for socket in sockets))
        pipe.send([tuple(each) for each in heard])
        stack.pop_all()  # the process ends, and all of them with it
