"""How lists are carried out where few of many issues are wanted."""

import sqlite3

import pytest

from lacewing.kernel.db.statements import StatementCache
from tests.support.house import House, Member
from tests.tracker.acts import Json, new_issue, new_project, read


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> list[tuple[str, list[object]]]:
    """Every statement that is carried out, with its values."""
    found: list[tuple[str, list[object]]] = []
    compiled = StatementCache.compiled

    def record(self: StatementCache, statement: object, parameters: object) -> object:
        made = compiled(self, statement, parameters)  # type: ignore[arg-type]  # passed on
        found.append((made.sql, made.arguments(parameters)))  # type: ignore[arg-type]
        return made

    monkeypatch.setattr(StatementCache, "compiled", record)
    return found


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
    asked: list[tuple[str, list[object]]],
    query: Json,
    index: str,
) -> None:
    """ISS-1, API-5: a page costs what it shows, however many issues others have."""
    url = house.settings.database.database_url or ""
    await new_issue(maria, await new_project(mona, "Web"), assignee_id="maria")
    asked.clear()

    await read(maria, "/api/issues", **query)

    [(sql, values)] = [each for each in asked if "FROM issues" in each[0]]
    with sqlite3.connect(url.removeprefix("sqlite:///")) as database:
        plan = [step for *_, step in database.execute(f"EXPLAIN QUERY PLAN {sql}", values)]
    assert f"SEARCH issues USING INDEX {index}" in plan
    assert "USE TEMP B-TREE FOR ORDER BY" not in plan
