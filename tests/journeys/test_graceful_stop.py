import asyncio
import signal
from pathlib import Path

import httpx
import pytest

from tests.support.processes import admin_token, environment_of, serving

pytestmark = pytest.mark.system

REQUESTS = 20


async def test_no_request_in_flight_is_cut_off(database_url: str, tmp_path: Path) -> None:
    """OPS-6: logins under way (each hashes for 20 ms, two at a time) end well after SIGTERM."""
    environment = environment_of(database_url, tmp_path)
    with serving(environment) as server:
        admin_token(server, environment)
        limits = httpx.Limits(max_connections=REQUESTS)
        async with httpx.AsyncClient(base_url=server.url, limits=limits, timeout=30) as client:
            await asyncio.gather(*(client.get("/health/live") for _ in range(REQUESTS)))
            body = {"username": "root", "password": "Correct-Horse-7"}
            logins = [
                asyncio.create_task(client.post("/api/auth/login", json=body))
                for _ in range(REQUESTS)
            ]
            await asyncio.wait(logins, return_when=asyncio.FIRST_COMPLETED)
            exit_code = await asyncio.to_thread(server.stop)
            answers = await asyncio.gather(*logins)

    assert [answer.status_code for answer in answers] == [200] * REQUESTS
    assert exit_code in {0, -signal.SIGTERM}
    assert "Traceback" not in server.log.read_text(encoding="utf-8")
