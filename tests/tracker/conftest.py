from typing import Any

import pytest

from tests.support.house import Member


@pytest.fixture
async def project(mona: Member) -> dict[str, Any]:
    """A project that Mona, a manager, has created."""
    answer = await mona.api.post("/api/projects", json={"name": "Web shop", "key": "WEB"})
    assert answer.status_code == 201, answer.text
    created: dict[str, Any] = answer.json()
    return created


@pytest.fixture
async def issue(maria: Member, project: dict[str, Any]) -> dict[str, Any]:
    """An open issue in it that Maria, a developer, has reported."""
    answer = await maria.api.post(
        f"/api/projects/{project['id']}/issues", json={"title": "Login fails"}
    )
    assert answer.status_code == 201, answer.text
    created: dict[str, Any] = answer.json()
    return created
