"""300 connections that do as slowly as they may; other clients notice nothing."""

import asyncio
import re
import time
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import suppress
from dataclasses import dataclass, field
from uuid import uuid4

import httpx
import pytest

from tests.delivery.sites import Site, needing_programs, running
from tests.documents.papers import pdf_of_size
from tests.support.members import tokens_of_new_users
from tests.support.proxy import WIDE_OPEN
from tests.support.tools import debian_tool

CONNECTIONS = 300
MADE_MIN = CONNECTIONS * 3 // 4
"""Of them by the attacker's own count: it makes all 300, but where two cores are asked for twelve
times what they have its time was over at 267 once, as each costs a TLS handshake on both sides."""
ATTACK_SECONDS = 15
"""nginx cuts who is silent for ten; a busy machine needs most of it to open all connections."""
UPLOADED_EVERY_SECONDS = 3
STILL_HELD = b"no answer yet"
CLIENTS = 4
REQUESTS_MIN = 5
"""Of each of them, while the attack lasts."""
PAUSE_SECONDS = 0.5
ANSWERED_SECONDS_MAX = 30.0
"""Of the slowest answer, on a machine that does much else; alone it is some tens of ms."""

ATTACKS = {
    "slow headers": ["-H", "-i", "5", "-x", "24"],
    "slow bodies": ["-B", "-i", "5", "-s", "1000000", "-x", "24", "-t", "POST"],
    "slow readers": ["-X", "-w", "10", "-y", "20", "-n", "5", "-z", "32", "-k", "3"],
    "slow downloads": ["-X", "-w", "10", "-y", "20", "-n", "5", "-z", "32", "-k", "1"],
}
PATHS = {
    "slow headers": "/api/posts",
    "slow bodies": "/api/auth/login",
    "slow readers": "/api/docs/assets/swagger-ui-bundle.js",
    "slow downloads": "/api/documents/{document}/download",
}
"""Downloads are kept nowhere on the way: there the servers wait for the slow too."""
DOWNLOADED_BYTES = 5 * 1024 * 1024
"""More than sockets and buffers take off the server's hands."""


@pytest.fixture(scope="module")
async def a_site(
    a_database: str, redis_url: str, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[Site]:
    """One that lets the attackers tell where they come from."""
    variables = {**WIDE_OPEN, "LACEWING_PROXY_TRUSTED": "127.0.0.1"}
    folder = tmp_path_factory.mktemp("attacked")
    with running(folder, a_database, redis_url, variables) as (proxy, environment):
        [token] = await tokens_of_new_users(environment, ["attacker"])
        yield Site(proxy, environment, token)


@dataclass
class Seen:
    """What the other clients were answered."""

    failures: list[str] = field(default_factory=list)
    seconds: list[float] = field(default_factory=list)


async def _ask(site: Site, seen: Seen, ended: asyncio.Event) -> None:
    """Read and write, every time by a connection of its own: as somebody who just came."""
    while not ended.is_set():
        async with site.proxy.client(site.token) as client:
            for method, body in (("GET", None), ("POST", {"title": uuid4().hex, "body": "x"})):
                started = time.monotonic()
                try:
                    answer = await client.request(method, "/api/posts", json=body)
                except httpx.HTTPError as error:
                    seen.failures.append(repr(error))
                    continue
                seen.seconds.append(time.monotonic() - started)
                if answer.is_error:
                    seen.failures.append(answer.text)
        await asyncio.sleep(PAUSE_SECONDS)


async def attack(site: Site, kind: str) -> str:
    """Attack until it ends by itself; what the attacker says at the end. It has an account."""
    with needing_programs():
        program = str(debian_tool("slowhttptest", "slowhttptest"))
    path = PATHS[kind].format(document=await _a_document(site) if "{" in PATHS[kind] else "")
    process = await asyncio.create_subprocess_exec(
        program, *ATTACKS[kind], "-c", str(CONNECTIONS), "-r", "150", "-l", str(ATTACK_SECONDS),
        "-p", "3", "-u", f"{site.proxy.url}{path}",
        # The one header that it lets one write, and so the next one.
        "-j", f"none=\r\nAuthorization: Bearer {site.token}",
        stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.STDOUT,
    )  # fmt: skip
    async with asyncio.timeout(ATTACK_SECONDS * 6):
        output, _ = await process.communicate()
    coloured = output.decode(errors="replace")
    return re.sub(r" +", " ", re.sub(r"\x1b\[[0-9;]*[A-Za-z]", "", coloured))


async def _a_document(site: Site) -> str:
    async with site.proxy.client(site.token) as client:
        files = {"file": ("large.pdf", pdf_of_size(DOWNLOADED_BYTES, "Large"), "application/pdf")}
        answer = await client.post("/api/documents/upload", files=files)
        assert answer.status_code == 201, answer.text
        document: str = answer.json()["document_id"]
        return document


@pytest.mark.parametrize("kind", ATTACKS)
async def test_other_clients_do_not_notice_an_attack_by(a_site: Site, kind: str) -> None:
    """OPS-8, SEC-2: every one of their requests succeeds. The limits per address are wide open
    here, as the attack might come from 300 addresses: what helps is that nginx waits for the
    slow, not the servers, and for so long only."""
    seen, ended = Seen(), asyncio.Event()
    others = [asyncio.create_task(_ask(a_site, seen, ended)) for _ in range(CLIENTS)]

    told = await attack(a_site, kind)

    ended.set()
    await asyncio.gather(*others)
    assert most_made(told) >= MADE_MIN, told[-2_000:]
    lines = [line for line in a_site.proxy.logged() if line["path"].endswith("/download")]
    assert not {line["status"] for line in lines} & {401, 403, 404, 429}
    _nobody_noticed(seen)


async def test_other_clients_do_not_notice_slow_uploads(a_site: Site) -> None:
    """OPS-8, DOC-1: nothing of an upload is kept on the way, so here it is the servers that wait.
    By hand, as the tool sends no form that a server would go on to read."""
    seen, ended = Seen(), asyncio.Event()
    others = [asyncio.create_task(_ask(a_site, seen, ended)) for _ in range(CLIENTS)]

    answers = await asyncio.gather(*(_upload_slowly(a_site, at) for at in range(CONNECTIONS)))

    ended.set()
    await asyncio.gather(*others)
    assert Counter(answers)[STILL_HELD] == CONNECTIONS
    _nobody_noticed(seen)


async def _upload_slowly(site: Site, number: int) -> bytes:
    """Send a byte now and then, as one of many addresses; how the server puts an end to it."""
    host, port = site.proxy.host.split(":")
    reader, writer = await asyncio.open_connection(host, int(port), ssl=site.proxy.tls)
    writer.write(
        f"POST /api/documents/upload HTTP/1.1\r\nHost: {site.proxy.host}\r\n"
        f"Authorization: Bearer {site.token}\r\nContent-Length: 1000000\r\n"
        f"X-Forwarded-For: 203.0.{number // 250}.{number % 250}\r\n"
        "Content-Type: multipart/form-data; boundary=a-boundary\r\n\r\n--a-boundary\r\n"
        'Content-Disposition: form-data; name="file"; filename="slow.pdf"\r\n'
        "Content-Type: application/pdf\r\n\r\n%PDF-1.7\n".encode()
    )
    answer = STILL_HELD
    ends = time.monotonic() + ATTACK_SECONDS
    while time.monotonic() < ends and answer == STILL_HELD:
        writer.write(b"%")
        with suppress(TimeoutError):
            async with asyncio.timeout(UPLOADED_EVERY_SECONDS):
                answer = await reader.readline()
    writer.transport.abort()
    return answer


def _nobody_noticed(seen: Seen) -> None:
    assert seen.failures == []
    assert len(seen.seconds) > CLIENTS * REQUESTS_MIN
    assert max(seen.seconds) < ANSWERED_SECONDS_MAX


def most_made(told: str) -> int:
    """How many connections the attacker had made by the end: held, or cut off by then."""
    samples = re.findall(r"connected: (\d+).*?closed: (\d+)", told, re.DOTALL)
    return max((int(held) + int(cut) for held, cut in samples), default=0)
