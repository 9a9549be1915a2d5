import asyncio
from pathlib import Path

import httpx
import pytest

from tests.support.processes import Server, admin_token, environment_of, serving

pytestmark = pytest.mark.system

CLIENTS = 8
CREATES = 200
KILLED_AFTER = 100


async def test_what_was_acknowledged_outlives_a_kill(database_url: str, tmp_path: Path) -> None:
    """OPS-6, ISS-2: ``kill -9`` during 200 creates; no acknowledged issue is lost."""
    environment = environment_of(database_url, tmp_path)
    with serving(environment) as server:
        headers = {"Authorization": f"Bearer {admin_token(server, environment)}"}
        async with httpx.AsyncClient(base_url=server.url, headers=headers) as client:
            project = await client.post("/api/projects", json={"key": "WEB", "name": "Web"})
            path = f"/api/projects/{project.json()['id']}/issues"
            acknowledged = await _create_until_killed(client, path, server)

    with serving(environment) as again:
        kept = await _all_keys(again, headers, path)

    assert len(acknowledged) >= KILLED_AFTER
    assert acknowledged <= kept
    numbers = sorted(int(key.removeprefix("WEB-")) for key in kept)
    assert numbers == list(range(1, len(kept) + 1))


async def _create_until_killed(client: httpx.AsyncClient, path: str, server: Server) -> set[str]:
    acknowledged: set[str] = set()

    async def create(number: int) -> None:
        for turn in range(CREATES // CLIENTS):
            try:
                answer = await client.post(path, json={"title": f"Issue {number}.{turn}"})
            except httpx.TransportError:
                return
            acknowledged.add(answer.json()["key"])
            if len(acknowledged) == KILLED_AFTER:
                server.kill()

    await asyncio.gather(*(create(number) for number in range(CLIENTS)))
    return acknowledged


async def _all_keys(server: Server, headers: dict[str, str], path: str) -> set[str]:
    keys: set[str] = set()
    parameters: dict[str, str | int] = {"limit": 100}
    async with httpx.AsyncClient(base_url=server.url, headers=headers) as client:
        while True:
            page = (await client.get(path, params=parameters)).json()
            keys |= {issue["key"] for issue in page["data"]}
            if page["next_cursor"] is None:
                return keys
            parameters["cursor"] = page["next_cursor"]
