"""What goes through nginx without an end, or without being kept: sockets, streams, large files."""

import asyncio
import hashlib
import json
from collections.abc import AsyncIterator

from websockets.asyncio.client import connect

from tests.delivery.sites import Site
from tests.documents.papers import pdf_of_size
from tests.support.listeners import headers_of
from tests.support.members import tokens_of_new_users
from tests.support.waiting import DEADLINE_SECONDS

FILE_BYTES = 50 * 1024 * 1024
BOUNDARY = "a-boundary"
HEARD_SECONDS_MAX = 10
"""nginx would keep an answer of a few bytes back for as long as it goes on."""


async def write_post(a_site: Site, title: str) -> None:
    async with a_site.proxy.client(a_site.token) as client:
        answer = await client.post("/api/posts", json={"title": title, "body": "News."})
        answer.raise_for_status()


async def test_a_socket_hears_what_happens_through_nginx(a_site: Site) -> None:
    """LIVE-2, OPS-8: a page of the site itself, by a ticket; whichever server it writes to."""
    [token] = await tokens_of_new_users(a_site.environment, ["socketeer"])
    async with a_site.proxy.client(token) as client:
        ticket = (await client.post("/api/notifications/ticket")).json()["ticket"]

    async with connect(
        a_site.proxy.url.replace("https", "wss", 1) + "/ws/notifications",
        ssl=a_site.proxy.tls,
        origin=a_site.proxy.url,  # type: ignore[arg-type]  # a new type of text
        subprotocols=["lacewing", f"ticket.{ticket}"],  # type: ignore[list-item]  # as above
        open_timeout=DEADLINE_SECONDS,
    ) as socket:
        for number in range(4):
            await write_post(a_site, f"Socket {number}")
        async with asyncio.timeout(HEARD_SECONDS_MAX):
            titles = [json.loads(await socket.recv())["data"]["title"] for _ in range(4)]

    assert titles == [f"Socket {number}" for number in range(4)]


async def test_a_stream_is_not_kept_back(a_site: Site) -> None:
    """LIVE-5, OPS-8: a message leaves when it is written, though the answer goes on."""
    [token] = await tokens_of_new_users(a_site.environment, ["streamer"])
    async with (
        a_site.proxy.client(token) as client,
        client.stream("GET", "/api/notifications/stream") as answer,
        asyncio.timeout(HEARD_SECONDS_MAX),
    ):
        lines = answer.aiter_lines()
        assert await anext(lines) == ": ping"
        await write_post(a_site, "Streamed")
        heard = [line async for line in _until_data(lines)]

    assert answer.headers["content-type"].startswith("text/event-stream")
    assert json.loads(heard[-1])["data"]["title"] == "Streamed"


async def _until_data(lines: AsyncIterator[str]) -> AsyncIterator[str]:
    async for line in lines:
        if line.startswith("data:"):
            yield line.removeprefix("data:")
            return


async def test_a_large_file_goes_through_and_is_not_kept_on_the_way(a_site: Site) -> None:
    """DOC-1, OPS-8: 50 MB up and down again; nginx writes none of it to its disk."""
    data = pdf_of_size(FILE_BYTES, "A large paper")
    kept = set[str]()

    async def watch() -> None:
        while True:
            kept.update(str(file) for file in (a_site.proxy.folder / "temp").rglob("*/*"))
            await asyncio.sleep(0.01)

    watching = asyncio.create_task(watch())
    async with a_site.proxy.client(a_site.token) as client:
        files = {"file": ("large.pdf", data, "application/pdf")}
        answer = await client.post("/api/documents/upload", files=files)
        assert answer.status_code == 201, answer.text
        document = answer.json()["document_id"]
        down = await client.get(f"/api/documents/{document}/download")
    watching.cancel()

    assert hashlib.sha256(down.content).digest() == hashlib.sha256(data).digest()
    assert not [file for file in kept if "/cache/" not in file]


async def test_a_file_that_is_too_large_is_refused_before_it_has_come(a_site: Site) -> None:
    """SEC-6: by its length, in the words of the servers."""
    async with a_site.proxy.client(a_site.token) as client:
        answer = await client.post(
            "/api/documents/upload",
            content=b"x" * (FILE_BYTES + 64 * 1024 + 1),
            headers={"Content-Type": f"multipart/form-data; boundary={BOUNDARY}"},
        )

    assert answer.status_code == 413
    assert answer.json()["type"] == "content-too-large"


async def test_an_upload_reaches_the_server_while_it_is_still_coming(a_site: Site) -> None:
    """OPS-8: a stranger's upload is refused after its head; nobody waits for its body."""
    reader, writer = await asyncio.open_connection(
        "localhost", int(a_site.proxy.host.rpartition(":")[2]), ssl=a_site.proxy.tls
    )
    head = (
        f"POST /api/documents/upload HTTP/1.1\r\nHost: {a_site.proxy.host}\r\n"
        f"Content-Type: multipart/form-data; boundary={BOUNDARY}\r\n"
        f"Content-Length: {FILE_BYTES}\r\n\r\n"
    )
    writer.write(head.encode())
    async with asyncio.timeout(5):
        status = await reader.readline()
    writer.close()
    await writer.wait_closed()

    assert status.split()[1] == b"401"


async def test_a_page_of_somewhere_else_opens_no_socket(a_site: Site) -> None:
    """LIVE-3: nginx hides neither the origin nor the refusal."""
    headers = {
        **headers_of(a_site.token), "Origin": "https://evil.example", "Upgrade": "websocket",
        "Connection": "Upgrade", "Sec-WebSocket-Version": "13",
        "Sec-WebSocket-Key": "dGhlIHNhbXBsZSBub25jZQ==",
    }  # fmt: skip
    async with a_site.proxy.client() as client:
        answer = await client.get("/ws/notifications", headers=headers)

    assert answer.status_code == 403
    assert answer.json()["type"] == "foreign-origin"


async def test_other_upgrades_are_not_passed_on(a_site: Site) -> None:
    """SEC-6: `Upgrade: h2c` would open a way past the proxy's rules."""
    headers = {"Upgrade": "h2c", "Connection": "Upgrade, HTTP2-Settings", "HTTP2-Settings": "AAMA"}
    async with a_site.proxy.client(a_site.token) as client:
        answers = [await client.get(path, headers=headers) for path in ("/api/posts", "/ws/x")]

    assert [answer.status_code for answer in answers] == [200, 404]
