from datetime import UTC, datetime

import pytest

from lacewing.kernel.actor import Role
from tests.support.house import House, Member
from tests.tracker.acts import Json, move, new_issue, new_project, titles, walk

LATE = datetime(2026, 2, 28, 23, 55, tzinfo=UTC)

FILTERS: list[tuple[dict[str, str], str]] = [
    ({"created_from": "2026-02-28"}, "abcd"),
    ({"created_from": "2026-03-01"}, "cd"),
    ({"created_from": "2026-03-02"}, ""),
    ({"created_before": "2026-02-28"}, ""),
    ({"created_before": "2026-03-01"}, "ab"),
    ({"created_from": "2026-02-28", "created_before": "2026-03-01"}, "ab"),
    ({"created_from": "2026-03-01", "created_before": "2026-03-01"}, ""),
    ({"created_from": "0001-01-01", "created_before": "9999-12-31"}, "abcd"),
    ({"closed_from": "2026-02-28"}, "ac"),
    ({"closed_from": "2026-03-01"}, "c"),
    ({"closed_before": "2026-03-01"}, "a"),
    ({"closed_from": "0001-01-01", "closed_before": "9999-12-31"}, "ac"),
    ({"created_before": "2026-03-01", "closed_before": "2026-03-02", "search": "a"}, "a"),
]


@pytest.fixture
async def manager(house: House) -> Member:
    """Whose token is good around midnight, when February becomes March."""
    house.clock.now = LATE
    return await house.member("mona", Role.MANAGER)


@pytest.fixture
async def project(house: House, manager: Member) -> Json:
    """Two issues of the last day of February, two of the first of March; some are closed then."""
    project = await new_project(manager, "Web")
    steps = ("in_progress", "resolved", "closed")
    a, b = [await new_issue(manager, project, title) for title in "ab"]
    await move(manager, a, *steps)
    await move(manager, b, *steps)
    house.clock.advance(minutes=10)
    await move(manager, b, "reopened")
    c, d = [await new_issue(manager, project, title) for title in "cd"]
    await move(manager, c, *steps)
    await move(manager, d, "in_progress", "resolved")
    return project


async def test_issues_are_found_by_the_days_of_their_report_and_end(
    manager: Member, project: Json
) -> None:
    """ISS-1: days in UTC; a reopened issue has no day on which it was closed."""
    for params, expected in FILTERS:
        found = await titles(manager, sort="created_at", **params)
        path = f"/api/projects/{project['id']}/issues"
        in_project = await walk(manager, path, sort="created_at", limit=1, **params)

        assert "".join(found) == expected, params
        assert "".join(issue["title"] for issue in in_project) == expected, params
