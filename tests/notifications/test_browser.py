"""Live messages in a page, in a real browser."""

import asyncio
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import httpx
import msgspec
import pytest

from tests.support.browser import browsing
from tests.support.cannot import cannot_test
from tests.support.listeners import headers_of, write_post
from tests.support.members import tokens_of_new_users
from tests.support.processes import Server, environment_of, serving
from tests.support.servers import CannotStart, free_port
from tests.support.waiting import DEADLINE_SECONDS

pytestmark = pytest.mark.system

HEADLINE = "Release <b>2.0</b> is out"

PAGE = """<!doctype html>
<meta charset="utf-8">
<title>Board</title>
<ul id="news"></ul>
<script>
const say = (what) => fetch("/said", {method: "POST", body: JSON.stringify(what)});
const news = document.getElementById("news");
const socket = new WebSocket("SOCKET", ["lacewing", "ticket.TICKET"]);
socket.onopen = () => say({opened: socket.protocol});
socket.onclose = (event) => say({closed: event.code});
socket.onmessage = (event) => {
  const item = document.createElement("li");
  item.textContent = JSON.parse(event.data).data.title;
  news.append(item);
  requestAnimationFrame(() => say({shown: news.innerText}));
};
</script>
"""


class PageServer:
    """Serves one page, and takes what it says."""

    def __init__(self, page: str) -> None:
        self._page = page.encode()
        self._said: asyncio.Queue[dict[str, Any]] = asyncio.Queue()

    async def said(self) -> dict[str, Any]:
        async with asyncio.timeout(DEADLINE_SECONDS):
            return await self._said.get()

    async def answer(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = (await reader.readuntil(b"\r\n\r\n")).lower()
        if head.startswith(b"post"):
            length = int(head.partition(b"content-length:")[2].partition(b"\r\n")[0])
            self._said.put_nowait(msgspec.json.decode(await reader.readexactly(length)))
            body = b""
        else:
            body = self._page
        writer.write(
            b"HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nConnection: close\r\n"
            b"Content-Length: %d\r\n\r\n%b" % (len(body), body)
        )
        await writer.drain()
        writer.close()


@asynccontextmanager
async def page_shown(server: Server, token: str, port: int) -> AsyncGenerator[PageServer]:
    """The page in a browser, with a ticket that was got for it."""
    async with httpx.AsyncClient(base_url=server.url, timeout=60) as api:
        made = await api.post("/api/notifications/ticket", headers=headers_of(token))
    socket_url = f"{server.url.replace('http', 'ws', 1)}/ws/notifications/"
    page = PAGE.replace("SOCKET", socket_url).replace("TICKET", made.json()["ticket"])
    pages = PageServer(page)
    async with await asyncio.start_server(pages.answer, "127.0.0.1", port):
        try:
            with browsing(f"http://127.0.0.1:{port}/"):
                yield pages
        except CannotStart as error:
            cannot_test(error)


async def test_a_page_of_an_allowed_origin_shows_what_another_user_did(
    database_url: str, tmp_path: Path
) -> None:
    """LIVE-1: as text, whatever it looks like; the socket was opened with a ticket."""
    port = free_port()
    environment = environment_of(
        database_url, tmp_path, LACEWING_CORS_ORIGINS=f"http://127.0.0.1:{port}"
    )
    reader, author = await tokens_of_new_users(environment, ["reader", "author"])
    with serving(environment) as server:
        async with (
            page_shown(server, reader, port) as page,
            httpx.AsyncClient(base_url=server.url, headers=headers_of(author), timeout=60) as api,
        ):
            opened = await page.said()
            await write_post(api, HEADLINE)
            shown = await page.said()

    assert opened == {"opened": "lacewing"}
    assert shown == {"shown": HEADLINE}


@pytest.mark.one_database
async def test_a_page_of_a_foreign_origin_is_refused(database_url: str, tmp_path: Path) -> None:
    """LIVE-1: though its ticket is good."""
    environment = environment_of(
        database_url, tmp_path, LACEWING_CORS_ORIGINS="https://board.example"
    )
    (reader,) = await tokens_of_new_users(environment, ["reader"])
    with serving(environment) as server:
        async with page_shown(server, reader, free_port()) as page:
            said = await page.said()
        log = server.log.read_text(encoding="utf-8")

    assert said == {"closed": 1006}
    assert "foreign-origin" in log
