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
        kept = await _all_titles(again, headers, path)
        async with httpx.AsyncClient(base_url=again.url, headers=headers) as client:
            later = await client.post(path, json={"title": "Later"})

    assert len(acknowledged) >= KILLED_AFTER
    assert acknowledged.items() <= kept.items()
    numbers = sorted(int(key.removeprefix("WEB-")) for key in kept)
    assert numbers == list(range(1, len(kept) + 1))
    assert later.json()["key"] == f"WEB-{len(kept) + 1}"


async def _create_until_killed(
    client: httpx.AsyncClient, path: str, server: Server
) -> dict[str, str]:
    acknowledged: dict[str, str] = {}

    async def create(number: int) -> None:
        for turn in range(CREATES // CLIENTS):
            try:
                answer = await client.post(path, json={"title": f"Issue {number}.{turn}"})
            except httpx.TransportError:
                return
            assert answer.status_code == 201, answer.text
            issue = answer.json()
            assert issue["key"] not in acknowledged
            acknowledged[issue["key"]] = issue["title"]
            if len(acknowledged) == KILLED_AFTER:
                server.kill()

    await asyncio.gather(*(create(number) for number in range(CLIENTS)))
    return acknowledged


async def _all_titles(server: Server, headers: dict[str, str], path: str) -> dict[str, str]:
    titles: dict[str, str] = {}
    parameters: dict[str, str | int] = {"limit": 100}
    async with httpx.AsyncClient(base_url=server.url, headers=headers) as client:
        while True:
            page = (await client.get(path, params=parameters)).json()
            titles |= {issue["key"]: issue["title"] for issue in page["data"]}
            if page["next_cursor"] is None:
                return titles
            parameters["cursor"] = page["next_cursor"]
