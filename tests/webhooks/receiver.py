"""A real receiver of webhooks on this machine, which answers as a test tells it to."""

import asyncio
import ssl
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

import msgspec

LOOPBACK = "127.0.0.1"


@dataclass
class Received:
    """One request."""

    path: str
    headers: dict[str, str]
    body: bytes

    @property
    def payload(self) -> dict[str, Any]:
        return msgspec.json.decode(self.body, type=dict[str, Any])

    @property
    def message_id(self) -> str:
        return self.headers["webhook-id"]


Behaviour = Callable[["Receiver", asyncio.StreamWriter], Awaitable[None]]


@dataclass
class Receiver:
    """``respond`` answers whatever comes; ``of_path`` goes before it."""

    port: int = 0
    respond: Behaviour = field(default_factory=lambda: answering(204))
    of_path: dict[str, Behaviour] = field(default_factory=dict)
    received: list[Received] = field(default_factory=list)
    connections: int = 0
    held: int = 0
    """Requests that hang at this moment."""
    released: asyncio.Event = field(default_factory=asyncio.Event)
    """Lets go of those that hang."""

    def url(self, path: str = "/", host: str = LOOPBACK, scheme: str = "http") -> str:
        return f"{scheme}://{host}:{self.port}{path}"

    def at(self, path: str) -> list[Received]:
        return [each for each in self.received if each.path == path]

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        try:
            request = await _read(reader)
            self.received.append(request)
            await self.of_path.get(request.path, self.respond)(self, writer)
        except (ConnectionError, asyncio.IncompleteReadError, ssl.SSLError):
            pass  # the sender went away
        finally:
            writer.close()


async def _read(reader: asyncio.StreamReader) -> Received:
    head = (await reader.readuntil(b"\r\n\r\n")).decode().split("\r\n")
    headers = {
        name.lower(): value.strip() for name, _, value in (line.partition(":") for line in head[1:])
    }
    body = await reader.readexactly(int(headers.get("content-length", 0)))
    return Received(head[0].split(" ")[1], headers, body)


@asynccontextmanager
async def receiving(
    host: str = LOOPBACK, tls: ssl.SSLContext | None = None, port: int = 0
) -> AsyncGenerator[Receiver, None]:
    """A receiver that listens while the block lasts."""
    receiver = Receiver()
    server = await asyncio.start_server(receiver.serve, host, port, ssl=tls)
    receiver.port = server.sockets[0].getsockname()[1]
    try:
        yield receiver
    finally:
        receiver.released.set()
        server.close()
        await server.wait_closed()


def answering(status: int, body: bytes = b"", **headers: str) -> Behaviour:
    """Answer with that status."""

    async def respond(_receiver: Receiver, writer: asyncio.StreamWriter) -> None:
        lines = [f"HTTP/1.1 {status} Whatever", f"Content-Length: {len(body)}"]
        lines += [f"{name.replace('_', '-')}: {value}" for name, value in headers.items()]
        writer.write("\r\n".join(lines).encode() + b"\r\n\r\n" + body)
        await writer.drain()

    return respond


async def hang(receiver: Receiver, writer: asyncio.StreamWriter) -> None:
    """Say nothing until released; then take the message."""
    receiver.held += 1
    await receiver.released.wait()
    receiver.held -= 1
    await answering(204)(receiver, writer)


async def hang_up(_receiver: Receiver, writer: asyncio.StreamWriter) -> None:
    """End the connection without a word."""
    writer.transport.abort()


async def talk_nonsense(_receiver: Receiver, writer: asyncio.StreamWriter) -> None:
    """Answer something that is no HTTP."""
    writer.write(b"220 mail.example.com ESMTP\r\n\r\n")
    await writer.drain()


def without_end(status: int) -> Behaviour:
    """Answer with that status, and a body that never ends."""

    async def respond(_receiver: Receiver, writer: asyncio.StreamWriter) -> None:
        writer.write(f"HTTP/1.1 {status} Whatever\r\n\r\n".encode())
        while True:
            writer.write(b"more and " * 1_000)
            await writer.drain()

    return respond


async def break_off(_receiver: Receiver, writer: asyncio.StreamWriter) -> None:
    """Take the message, and promise more of an answer than comes."""
    writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\nthank")
    await writer.drain()


async def stall(receiver: Receiver, writer: asyncio.StreamWriter) -> None:
    """Take the message, and let the rest of the answer wait."""
    writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\nthank")
    await writer.drain()
    await receiver.released.wait()
