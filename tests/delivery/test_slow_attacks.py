"""300 connections that do as slowly as they may; other clients notice nothing."""

import asyncio
import re
import time
from dataclasses import dataclass, field
from uuid import uuid4

import httpx
import pytest

from tests.delivery.sites import Site, needing_programs
from tests.support.tools import debian_tool

CONNECTIONS = 300
ATTACK_SECONDS = 40
"""A busy machine needs most of it to open all connections."""
CLIENTS = 4
PAUSE_SECONDS = 0.5
ANSWERED_SECONDS_MAX = 30.0
"""Of the slowest answer, on a machine that does much else; alone it is some tens of ms."""

ATTACKS = {
    "slow headers": ["-H", "-i", "5", "-x", "24"],
    "slow bodies": ["-B", "-i", "5", "-s", "1000000", "-x", "24", "-t", "POST"],
    "slow readers": ["-X", "-w", "10", "-y", "20", "-n", "5", "-z", "32", "-k", "3"],
}
PATHS = {
    "slow headers": "/api/posts",
    "slow bodies": "/api/auth/login",
    "slow readers": "/api/docs/assets/swagger-ui-bundle.js",
}


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
    """Attack until it ends by itself; what the attacker says at the end."""
    with needing_programs():
        program = str(debian_tool("slowhttptest", "slowhttptest"))
    process = await asyncio.create_subprocess_exec(
        program, *ATTACKS[kind], "-c", str(CONNECTIONS), "-r", "150", "-l", str(ATTACK_SECONDS),
        "-p", "3", "-u", f"{site.proxy.url}{PATHS[kind]}",
        stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.STDOUT,
    )  # fmt: skip
    async with asyncio.timeout(ATTACK_SECONDS * 6):
        output, _ = await process.communicate()
    coloured = output.decode(errors="replace")
    return re.sub(r" +", " ", re.sub(r"\x1b\[[0-9;]*[A-Za-z]", "", coloured))


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
    assert most_made(told) > CONNECTIONS / 2, told[-2_000:]
    assert seen.failures == []
    assert len(seen.seconds) > CLIENTS * 10
    assert max(seen.seconds) < ANSWERED_SECONDS_MAX


def most_made(told: str) -> int:
    """How many connections the attacker had made by the end: held, or cut off by then."""
    samples = re.findall(r"connected: (\d+).*?closed: (\d+)", told, re.DOTALL)
    return max((int(held) + int(cut) for held, cut in samples), default=0)
