import asyncio
import re
import signal
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.support.processes import admin_token, environment_of, serving

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
