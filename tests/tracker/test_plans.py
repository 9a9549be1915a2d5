"""How lists are carried out where few of many issues are wanted."""

import pytest

from tests.support.house import House, Member
from tests.support.plans import is_sorted, plan_of, record_statements
from tests.tracker.acts import Json, new_issue, new_project, read


# PostgreSQL chooses by what it knows of the rows, of which there are none.
@pytest.mark.one_database
@pytest.mark.parametrize(
    ("query", "index"),
    [
        ({"assignee": "me"}, "ix_issues_assignee_id_created_at_id (assignee_id=?)"),
        ({"assignee": "none"}, "ix_issues_assignee_id_created_at_id (assignee_id=?)"),
        ({"reporter": "me"}, "ix_issues_reporter_id_created_at_id (reporter_id=?)"),
    ],
)
async def test_issues_of_one_person_are_found_and_sorted_by_an_index(
    house: House,
    maria: Member,
    mona: Member,
    monkeypatch: pytest.MonkeyPatch,
    query: Json,
    index: str,
) -> None:
    """ISS-1, API-5: a page costs what it shows, however many issues others have."""
    await new_issue(maria, await new_project(mona, "Web"), assignee_id="maria")
    statements = record_statements(monkeypatch)

    await read(maria, "/api/issues", **query)

    [asked] = [each for each in statements if "FROM issues" in each[0]]
    plan = await plan_of(house, *asked)
    assert {"detail": f"SEARCH issues USING INDEX {index}"} in plan
    assert not is_sorted(plan)
