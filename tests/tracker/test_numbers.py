import asyncio
from typing import Any

from tests.support.house import Member


async def test_forty_clients_at_once_get_numbers_without_gap_or_double(
    maria: Member, project: dict[str, Any]
) -> None:
    """ISS numbering: 1 to N within the project, under concurrency too."""
    path = f"/api/projects/{project['id']}/issues"

    async def report(client: int) -> list[str]:
        keys = []
        for number in range(5):
            body = {"title": f"Issue {number} of client {client}"}
            answer = await maria.api.post(path, json=body)
            assert answer.status_code == 201, answer.text
            keys.append(answer.json()["key"])
        return keys

    keys = await asyncio.gather(*(report(client) for client in range(40)))

    numbers = sorted(int(key.removeprefix("WEB-")) for each in keys for key in each)
    assert numbers == list(range(1, 201))


async def test_a_refused_issue_takes_no_number(maria: Member, project: dict[str, Any]) -> None:
    """ISS numbering: a refusal leaves no gap."""
    path = f"/api/projects/{project['id']}/issues"
    refused = await maria.api.post(path, json={"title": "A", "assignee_id": "nobody"})
    assert refused.status_code == 422

    first = await maria.api.post(path, json={"title": "B"})

    assert first.json()["key"] == "WEB-1"
