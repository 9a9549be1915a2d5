import asyncio
import re
import signal
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.support.processes import Server, admin_token, environment_of, lacewing, serving

pytestmark = pytest.mark.system

REQUESTS = 60


async def test_no_request_in_flight_is_cut_off(database_url: str, tmp_path: Path) -> None:
    """OPS-6: logins under way (each hashes for 20 ms, two at a time) end well after SIGTERM."""
    environment = environment_of(database_url, tmp_path)
    with serving(environment) as server:
        admin_token(server, environment)
        limits = httpx.Limits(max_connections=REQUESTS + 1)
        async with httpx.AsyncClient(base_url=server.url, limits=limits, timeout=60) as client:
            body = {"username": "root", "password": "Correct-Horse-7"}
            logins = [
                asyncio.create_task(client.post("/api/auth/login", json=body))
                for _ in range(REQUESTS)
            ]
            await _all_arrived(client, logins)
            exit_code = await asyncio.to_thread(server.stop)
            answers = await asyncio.gather(*logins)

    assert [answer.status_code for answer in answers] == [200] * REQUESTS
    assert exit_code in {0, -signal.SIGTERM}
    assert "Traceback" not in server.log.read_text(encoding="utf-8")


async def _all_arrived(client: httpx.AsyncClient, logins: list[asyncio.Task[Any]]) -> None:
    """Return when the server has every login in hand, or has answered it already."""
    while True:
        told = (await client.get("/metrics")).text
        in_flight = re.search(r"^lacewing_http_requests_in_flight (\S+)", told, re.MULTILINE)
        assert in_flight is not None
        answered = sum(login.done() for login in logins)
        if float(in_flight[1]) - 1 + answered >= REQUESTS:
            return


async def test_a_request_that_is_half_sent_is_still_heard_out(
    database_url: str, tmp_path: Path
) -> None:
    """OPS-6: its body comes in after SIGTERM; it is answered, kept, and only then all ends."""
    environment = environment_of(database_url, tmp_path)
    with serving(environment) as server:
        headers = {"Authorization": f"Bearer {admin_token(server, environment)}"}
        told_to_stop, half_sent = asyncio.Event(), asyncio.Event()

        async def body() -> AsyncIterator[bytes]:
            yield b'{"key": "WEB", '
            half_sent.set()
            await told_to_stop.wait()
            yield b'"name": "Web shop"}'

        async with httpx.AsyncClient(base_url=server.url, headers=headers, timeout=30) as client:
            as_json = {"Content-Type": "application/json"}
            creating = asyncio.create_task(
                client.post("/api/projects", content=body(), headers=as_json)
            )
            await half_sent.wait()
            await client.get("/health/live")  # the server has read what came before
            server.process.send_signal(signal.SIGTERM)
            await _until_it_listens_no_more(server)
            told_to_stop.set()
            answer = await creating
        exit_code = await asyncio.to_thread(server.process.wait, 30)

    assert answer.status_code == 201
    assert exit_code in {0, -signal.SIGTERM}
    exported = lacewing("export", "-", environment=environment)
    assert answer.json()["id"] in exported.stdout


async def _until_it_listens_no_more(server: Server) -> None:
    """The signal has been heard: nobody new is let in."""
    async with asyncio.timeout(30):
        while True:
            try:
                async with httpx.AsyncClient(base_url=server.url) as late:
                    await late.get("/health/live")
            except httpx.TransportError:
                return
