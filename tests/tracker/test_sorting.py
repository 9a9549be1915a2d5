from collections.abc import Callable
from operator import itemgetter
from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, given, settings, strategies as st

from tests.support.house import House, Member
from tests.tracker.acts import (
    Json,
    change,
    new_issue,
    new_project,
    read,
    walk,
    walk_numbered,
)

PRIORITIES = ["low", "medium", "high", "critical"]
DAYS = [None, "2026-01-01", "2026-06-01"]

SORTS: dict[str, Callable[[Json], Any]] = {
    "created_at": itemgetter("created_at"),
    "updated_at": itemgetter("updated_at"),
    "priority": lambda issue: PRIORITIES.index(issue["priority"]),
    "due_date": lambda issue: issue["due_date"] or "9999-12-31",
}


async def _assert_every_order_holds(member: Member, path: str, rows: list[Json]) -> None:
    for field, key in SORTS.items():
        expected = [row["id"] for row in sorted(rows, key=lambda row: (key(row), row["id"]))]
        for limit in (2, 100):
            up = await walk(member, path, sort=field, limit=limit)
            down = await walk(member, path, sort=f"-{field}", limit=limit)
            numbered = await walk_numbered(member, path, sort=f"-{field}", limit=limit)

            assert [row["id"] for row in up] == expected, (field, limit)
            assert down == up[::-1]
            assert numbered == down


async def test_rows_of_one_moment_stand_on_one_page_each(maria: Member, project: Json) -> None:
    """API-6: all created at the same time and alike in all else; ties break by id."""
    rows = [await new_issue(maria, project, f"Twin {number}") for number in range(7)]

    assert len({row["created_at"] for row in rows}) == 1
    await _assert_every_order_holds(maria, f"/api/projects/{project['id']}/issues", rows)


@given(
    rows=st.lists(
        st.tuples(st.sampled_from(PRIORITIES), st.sampled_from(DAYS), st.booleans(), st.booleans()),
        min_size=1,
        max_size=6,
    )
)
@settings(
    derandomize=True,
    max_examples=5,
    deadline=None,
    phases=[Phase.explicit, Phase.generate],
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
async def test_any_rows_are_paged_round(
    house: House, maria: Member, mona: Member, rows: list[tuple[str, str | None, bool, bool]]
) -> None:
    """ISS-1, API-5, API-6: whatever they hold, each row exactly once, in order, both ways."""
    project = await new_project(mona, f"Project {house.clock().timestamp()}")
    made = []
    for priority, due_date, is_later, is_changed in rows:
        house.clock.advance(seconds=is_later)
        issue = await new_issue(maria, project, priority=priority, due_date=due_date)
        if is_changed:
            issue = (await change(maria, issue, title="Changed")).json()
        made.append(issue)
    house.clock.advance(seconds=1)

    await _assert_every_order_holds(maria, f"/api/projects/{project['id']}/issues", made)


async def test_the_newest_comes_first_unless_asked_otherwise(
    house: House, maria: Member, project: Json
) -> None:
    """ISS-1: over all projects and in one."""
    made = []
    for number in range(3):
        made.append(await new_issue(maria, project, f"Number {number}"))
        house.clock.advance(seconds=1)

    for path in ("/api/issues", f"/api/projects/{project['id']}/issues"):
        found = await read(maria, path)
        assert found == {"data": made[::-1], "next_cursor": None, "has_more": False}


async def test_a_page_goes_on_where_it_was_while_others_write(
    house: House, maria: Member, project: Json
) -> None:
    """API-5: keyset paging is stable under inserts."""
    old = [(await new_issue(maria, project, f"Old {number}"))["id"] for number in range(4)]
    first = await read(maria, "/api/issues", limit=2)
    house.clock.advance(seconds=1)
    await new_issue(maria, project, "New")

    rest = await walk(maria, "/api/issues", limit=2, cursor=first["next_cursor"])

    assert sorted(row["id"] for row in [*first["data"], *rest]) == sorted(old)


@pytest.mark.parametrize("searched", [{}, {"search": "twin"}])
async def test_a_cursor_belongs_to_its_list(
    maria: Member, project: Json, searched: dict[str, str]
) -> None:
    """API-5: another path, sort or filter, a cut or a forged one: 400."""
    for number in range(3):
        await new_issue(maria, project, f"Twin {number}")
    page = await read(maria, "/api/issues", limit=1, **searched)
    cursor = page["next_cursor"]
    forged = cursor[:-1] + ("A" if cursor[-1] != "A" else "B")
    path = f"/api/projects/{project['id']}/issues"
    foreign: list[tuple[str, Json]] = [
        ("/api/issues", {"cursor": forged}),
        ("/api/issues", {"cursor": cursor[:-4]}),
        ("/api/issues", {"cursor": "AAAA"}),
        ("/api/issues", {"cursor": "é"}),
        ("/api/issues", {"cursor": ""}),
        ("/api/issues", {"cursor": cursor, "status": "open"}),
        ("/api/issues", {"cursor": cursor, "sort": "priority"}),
        ("/api/issues", {"cursor": cursor, "search": "other"}),
        ("/api/issues", {"cursor": cursor, "page": 1}),
        (path, {"cursor": cursor}),
    ]

    for other, params in foreign:
        answer = await maria.api.get(other, params={**searched, **params})

        assert answer.status_code == 400, params
    again = await read(maria, "/api/issues", limit=2, cursor=cursor, **searched)
    assert len(again["data"]) == 2
