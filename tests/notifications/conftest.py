from typing import Any

import pytest

from tests.support.house import Member
from tests.tracker.acts import new_issue, new_project


@pytest.fixture
async def project(mona: Member) -> dict[str, Any]:
    """A project of Mona's."""
    return await new_project(mona, "Web shop", key="WEB")


@pytest.fixture
async def issue(maria: Member, project: dict[str, Any]) -> dict[str, Any]:
    """An open issue in it that Maria has reported."""
    return await new_issue(maria, project)
