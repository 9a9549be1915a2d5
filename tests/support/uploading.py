"""Many clients that upload at the same moment, each on a connection of its own."""

import asyncio
import json
import resource
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

BOUNDARY = b"lacewing-test-boundary"
CONNECTS_AT_ONCE = 200
SPARE_FILES = 200


@dataclass
class Answer:
    status: int
    body: dict[str, object]


def form_of(content: bytes, filename: str, **fields: str) -> bytes:
    """A multipart form with one file, ``file``."""
    parts = [
        b'--%b\r\nContent-Disposition: form-data; name="%b"\r\n\r\n%b\r\n'
        % (BOUNDARY, name.encode(), text.encode())
        for name, text in fields.items()
    ]
    parts.append(
        b'--%b\r\nContent-Disposition: form-data; name="file"; filename="%b"\r\n\r\n'
        b"%b\r\n--%b--\r\n" % (BOUNDARY, filename.encode(), content, BOUNDARY)
    )
    return b"".join(parts)


def request_of(url: str, token: str, form: bytes) -> bytes:
    """The whole request, as it goes over the wire."""
    head = (
        f"POST /api/documents/upload HTTP/1.1\r\nHost: {urlsplit(url).netloc}\r\n"
        f"Authorization: Bearer {token}\r\n"
        f"Content-Type: multipart/form-data; boundary={BOUNDARY.decode()}\r\n"
        f"Content-Length: {len(form)}\r\nConnection: close\r\n\r\n"
    )
    return head.encode() + form


async def send_at_once(url: str, requests: Sequence[Callable[[], bytes]]) -> list[Answer]:
    """Connect all, then send all at the same moment; the answers in the same order."""
    need = len(requests) + SPARE_FILES
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft < need:
        resource.setrlimit(resource.RLIMIT_NOFILE, (need, hard))
    parts = urlsplit(url)
    connecting = asyncio.Semaphore(CONNECTS_AT_ONCE)
    go = asyncio.Event()
    connected = 0

    async def one(make: Callable[[], bytes]) -> Answer:
        nonlocal connected
        async with connecting:
            reader, writer = await asyncio.open_connection(parts.hostname, parts.port)
        connected += 1
        if connected == len(requests):
            go.set()
        await go.wait()
        writer.write(make())
        answer = await reader.read()
        writer.close()
        head, _, body = answer.partition(b"\r\n\r\n")
        status = int(head.split(b" ", 2)[1])
        return Answer(status, json.loads(body) if body.startswith(b"{") else {})

    return list(await asyncio.gather(*map(one, requests)))


def memory_kib(pid: int, what: str) -> int:
    """``VmRSS`` (now) or ``VmHWM`` (at the most) of a process."""
    for line in Path(f"/proc/{pid}/status").read_text(encoding="ascii").splitlines():
        name, _, value = line.partition(":")
        if name == what:
            return int(value.split()[0])
    raise LookupError(what)
