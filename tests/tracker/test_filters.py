from typing import Any

import pytest

from tests.support.house import Member
from tests.tracker.acts import Json, change, faults, move, new_issue, new_project, titles


@pytest.fixture
async def issues(maria: Member, noor: Member, mona: Member, project: Json) -> dict[str, Json]:
    """One of each, named by what is special about it."""
    made: dict[str, Json] = {
        "a": await new_issue(maria, project, "a", priority="low", labels=["ui", "café"]),
        "b": await new_issue(maria, project, "b", priority="critical", assignee_id="noor"),
        "c": await new_issue(noor, project, "c", due_date="2026-03-01", labels=["ui & co"]),
        "d": await new_issue(noor, project, "d", due_date="2026-03-02", assignee_id="maria"),
        "e": await new_issue(mona, project, "e", labels=["UI"], assignee_id="mona"),
    }
    await move(maria, made["b"], "in_progress")
    await move(mona, made["e"], "in_progress", "resolved")
    other = await new_project(mona, "Till", key="TILL")
    made["x"] = await new_issue(maria, other, "x", priority="high", assignee_id="noor")
    return made


FILTERS: list[tuple[dict[str, str], str]] = [
    ({}, "abcdex"),
    ({"status": "open"}, "acdx"),
    ({"status": "open,resolved"}, "acdex"),
    ({"status": " in_progress , resolved "}, "be"),
    ({"status": "closed"}, ""),
    ({"status": "open,open"}, "acdx"),
    ({"priority": "low"}, "a"),
    ({"priority": "low,critical,high"}, "abx"),
    ({"assignee": "me"}, "d"),
    ({"assignee": "none"}, "ac"),
    ({"assignee": "me,none"}, "acd"),
    ({"assignee": "noor"}, "bx"),
    ({"assignee": "NOOR,none,mona"}, "abcex"),
    ({"assignee": "00000000-0000-7000-8000-000000000000"}, ""),
    ({"assignee_not": "noor"}, "acde"),
    ({"assignee_not": "NOOR,none"}, "de"),
    ({"assignee_not": "none"}, "bdex"),
    ({"assignee_not": "me,none"}, "bex"),
    ({"assignee_not": "00000000-0000-7000-8000-000000000000"}, "abcdex"),
    ({"assignee_not": "mona", "assignee": "mona,none"}, "ac"),
    ({"reporter": "me"}, "abx"),
    ({"reporter": "me,noor"}, "abcdx"),
    ({"label": "ui"}, "a"),
    ({"label": "ui,UI"}, "ae"),
    ({"label": "ui & co"}, "c"),
    ({"label": "café"}, "a"),
    ({"label": "%"}, ""),
    ({"label": ""}, ""),
    ({"due_before": "2026-03-01"}, ""),
    ({"due_before": "2026-03-02"}, "c"),
    ({"due_before": "9999-12-30"}, "cd"),
    ({"due_before": "9999-12-31"}, "cd"),
    ({"status": "open", "assignee": "me,none", "priority": "medium,low"}, "acd"),
    ({"status": "open", "reporter": "noor", "due_before": "2026-04-01", "assignee": "me"}, "d"),
    ({"label": "ui", "assignee": "noor"}, ""),
]


@pytest.mark.usefixtures("issues")
async def test_filters_narrow_the_list(maria: Member, noor: Member, project: Json) -> None:
    """ISS-1: several values of one filter mean any of them, several filters all of them."""
    of_project = f"/api/projects/{project['id']}/issues"
    for params, expected in FILTERS:
        found = await titles(maria, sort="created_at", **params)
        found_in_project = await titles(maria, of_project, sort="created_at", **params)

        assert "".join(found) == expected, params
        assert "".join(found_in_project) == expected.replace("x", ""), params
    assert await titles(noor, assignee="me", sort="created_at") == ["b", "x"]


@pytest.mark.usefixtures("issues")
async def test_people_are_found_by_id_too(maria: Member, noor: Member) -> None:
    """ISS-1: an id, a username, `me` and `none`, in one filter."""
    found = await titles(maria, assignee=f"{noor.id},me,none", sort="created_at")

    assert "".join(found) == "abcdx"
    assert "".join(await titles(maria, reporter=str(noor.id), sort="created_at")) == "cd"


async def test_a_changed_issue_is_found_by_what_it_is_now(
    maria: Member, issues: dict[str, Json]
) -> None:
    """ISS-1: labels and days of before no longer count."""
    await change(maria, issues["a"], labels=["server"], due_date="2026-01-01")
    await change(maria, issues["d"], due_date=None)

    assert await titles(maria, label="ui,café") == []
    assert await titles(maria, label="server") == ["a"]
    assert await titles(maria, due_before="2026-12-31", sort="due_date") == ["a", "c"]


async def test_fifty_values_are_taken_and_no_more(maria: Member) -> None:
    """ISS-1: each filter has a limit."""
    cases = {
        **dict.fromkeys(("assignee", "assignee_not", "reporter"), "me"),
        "label": "x",
        "status": "open",
        "priority": "low",
    }
    for parameter, value in cases.items():
        path = "/api/issues"
        taken = await maria.api.get(path, params={parameter: ",".join([value] * 50)})
        refused = await maria.api.get(path, params={parameter: ",".join([value] * 51)})

        assert taken.status_code == 200
        assert faults(refused) == [["query", parameter]]


SENSELESS: list[tuple[str, Any]] = [
    ("status", "done"),
    ("status", "open,done"),
    ("status", ""),
    ("priority", "urgent"),
    ("assignee", "nobody"),
    ("assignee", "me,nobody"),
    ("assignee", ""),
    ("assignee", "a\x00b"),
    ("assignee_not", "nobody"),
    ("assignee_not", ""),
    ("reporter", "none"),
    ("reporter", "nobody"),
    ("label", "a\x00b"),
    ("due_before", "soon"),
    ("due_before", "1700006400"),
    ("due_before", "2026-02-30"),
    ("created_from", "2026-02-28T12:00:00Z"),
    ("created_before", "1700006400"),
    ("closed_from", "today"),
    ("closed_before", ""),
    ("search", ""),
    ("search", "s" * 201),
    ("search", "a\x00b"),
    ("sort", "title"),
    ("sort", "description"),
    ("sort", "created_at;drop table issues"),
    ("state", "open"),
    ("limit", "101"),
]


async def test_a_filter_that_makes_no_sense_is_named(maria: Member) -> None:
    """ISS-1, API-7: 422, an unknown person too; never an empty list that looks like an answer."""
    for parameter, value in SENSELESS:
        answer = await maria.api.get("/api/issues", params={parameter: value})

        assert [loc[:2] for loc in faults(answer)] == [["query", parameter]], (parameter, value)
