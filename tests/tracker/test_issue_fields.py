from typing import Any

import pytest

from tests.support.house import House, Member
from tests.tracker.acts import Json, change, faults, new_issue, nothing_changes, read


async def test_a_new_issue_shows_all_that_it_is(
    mona: Member, maria: Member, noor: Member, project: Json
) -> None:
    """ISS-2, ISS-3, NAME-4: people and the project stand there as objects."""
    body = {
        "title": "  Login fails  ",
        "description": "After **two** tries.",
        "priority": "high",
        "assignee_id": "noor",
        "due_date": "2026-02-28",
        "labels": ["browser", "login", "browser"],
    }

    answer = await maria.api.post(f"/api/projects/{project['id']}/issues", json=body)

    created = answer.json()
    assert answer.status_code == 201
    assert answer.headers["Location"] == f"/api/issues/{created['id']}"
    assert created == {
        "id": created["id"],
        "key": "WEB-1",
        "title": "Login fails",
        "description": "After **two** tries.",
        "description_html": "<p>After <strong>two</strong> tries.</p>\n",
        "status": "open",
        "priority": "high",
        "project": {"id": project["id"], "key": "WEB", "name": "Web shop"},
        "reporter": {"id": str(maria.id), "username": "maria", "full_name": None},
        "assignee": {"id": str(noor.id), "username": "noor", "full_name": None},
        "due_date": "2026-02-28",
        "labels": ["browser", "login"],
        "created_at": created["created_at"],
        "updated_at": created["created_at"],
        "comment_count": 0,
    }
    for reference in (created["id"], "WEB-1", "web-1", created["id"].upper()):
        assert await read(mona, f"/api/issues/{reference}") == created


async def test_a_title_is_enough(issue: Json) -> None:
    """ISS-2, ISS-6: the rest has a default; a new issue is open."""
    assert issue["title"] == "Login fails"
    assert (issue["status"], issue["priority"]) == ("open", "medium")
    assert (issue["description"], issue["description_html"]) == ("", "")
    assert (issue["assignee"], issue["due_date"], issue["labels"]) == (None, None, [])


AT_THE_LIMIT: list[tuple[str, Any]] = [
    ("title", "t" * 200),
    ("title", "🚀" * 200),
    ("title", "t"),
    ("title", "' OR 1=1; --"),
    ("description", "d" * 5_000),
    ("description", "🚀" * 5_000),
    ("description", "tab\tand\r\nlines"),
    ("description", ""),
    ("priority", "critical"),
    ("due_date", "0001-01-01"),
    ("due_date", "2024-02-29"),
    ("due_date", "9999-12-31"),
    ("due_date", None),
    ("labels", [f"label {number}" for number in range(20)]),
    ("labels", ["l" * 50]),
    ("labels", []),
]


async def test_a_value_at_the_limit_is_kept(maria: Member, project: Json) -> None:
    """ISS-2, ISS-4: a title of 200 characters, a description of 5,000, 20 labels of 50."""
    other = await new_issue(maria, project)

    for field, value in AT_THE_LIMIT:
        created = await new_issue(maria, project, **{"title": "T", field: value})
        changed = await change(maria, other, **{field: value})

        assert created[field] == value
        assert changed.json()[field] == value, changed.text
        assert await read(maria, f"/api/issues/{other['id']}") == changed.json()


BEYOND_THE_LIMIT: list[tuple[str, Any]] = [
    ("title", "t" * 201),
    ("title", ""),
    ("title", " \t "),
    ("title", "two\nlines"),
    ("title", "nul\x00"),
    ("title", None),
    ("title", 42),
    ("title", {"text": "Login"}),
    ("description", "d" * 5_001),
    ("description", "nul\x00"),
    ("description", None),
    ("description", 42),
    ("priority", "urgent"),
    ("priority", "HIGH"),
    ("priority", 3),
    ("priority", None),
    ("due_date", "2025-02-29"),
    ("due_date", "28.02.2026"),
    ("due_date", "2026-02-28T00:00:00"),
    ("due_date", 86_400),
    ("due_date", True),
    ("due_date", ""),
    ("due_date", "10000-01-01"),
    ("labels", None),
    ("labels", "browser"),
    ("labels", [f"label {number}" for number in range(21)]),
    ("assignee_id", 42),
    ("assignee_id", ""),
    ("assignee_id", "a" * 101),
    ("reporter_id", "maria"),
    ("key", "WEB-7"),
    ("number", 7),
    ("comment_count", 7),
    ("description_html", "<script>"),
    ("colour", "red"),
]
BAD_LABELS = ["", "  ", "l" * 51, "a,b", "nul\x00", "two\nlines", None, 42, ["nested"]]


async def test_a_value_beyond_the_limit_is_refused(
    house: House, maria: Member, project: Json, issue: Json
) -> None:
    """ISS-2, ISS-4: too long, blank, NUL, of the wrong type or unknown: 422, naming the field."""
    path = f"/api/projects/{project['id']}/issues"

    for field, value in BEYOND_THE_LIMIT:
        async with nothing_changes(house):
            created = await maria.api.post(path, json={"title": "T", field: value})
            changed = await change(maria, issue, **{field: value})

        assert faults(created) == faults(changed) == [["body", field]], value


async def test_a_bad_label_is_named_by_its_place(house: House, maria: Member, issue: Json) -> None:
    """ISS-4: labels are 1 to 50 visible characters on one line, without a comma."""
    for label in BAD_LABELS:
        async with nothing_changes(house):
            answer = await change(maria, issue, labels=["good", label])

        assert faults(answer) == [["body", "labels", 1]], label


async def test_a_new_issue_takes_no_status(house: House, maria: Member, project: Json) -> None:
    """ISS-6: a new issue is open, nothing else."""
    path = f"/api/projects/{project['id']}/issues"

    async with nothing_changes(house):
        answer = await maria.api.post(path, json={"title": "T", "status": "closed"})

    assert faults(answer) == [["body", "status"]]


async def test_a_body_that_is_no_object_is_refused(
    house: House, maria: Member, issue: Json
) -> None:
    """ISS-4, API-4: 400 for what is no JSON, 422 for no object, 415 for another type."""
    path = f"/api/issues/{issue['id']}"
    headers = {"Content-Type": "application/json"}
    bodies = [(b"{", 400), (b"\xff", 400), (b'{"title": NaN}', 400), (b"[]", 422), (b"null", 422)]

    async with nothing_changes(house):
        for body, status in [*bodies, (rb'{"title": "\udc00"}', 422)]:
            answer = await maria.api.patch(path, content=body, headers=headers)
            assert answer.status_code == status, body
        form = await maria.api.patch(path, data={"title": "T"})

    assert form.status_code == 415


@pytest.mark.usefixtures("issue")
async def test_an_issue_that_is_not_there(house: House, maria: Member) -> None:
    """ISS-2 to ISS-5, ISS-10, COM-1, COM-2: 404; 422 for what is neither an id nor a key."""
    nowhere = "00000000-0000-7000-8000-000000000000"
    references = [(nowhere, 404), ("WEB-2", 404), ("NO-1", 404), ("WEB-999999999", 404)]
    references += [("WEB-0", 422), ("WEB-9999999999", 422), ("WEB", 422), ("-1", 422), ("W-1", 422)]
    calls = [("GET", "", None), ("PATCH", "", {"title": "T"}), ("GET", "/history", None)]
    calls += [("GET", "/transitions", None), ("GET", "/comments", None)]

    async with nothing_changes(house):
        for reference, status in references:
            for method, tail, body in [*calls, ("POST", "/comments", {"content": "C"})]:
                path = f"/api/issues/{reference}{tail}"
                answer = await maria.api.request(method, path, json=body)
                assert answer.status_code == status, (method, path, answer.text)
        path = f"/api/projects/{nowhere}/issues"
        created = await maria.api.post(path, json={"title": "T"})
        listed = await maria.api.get(path)

    assert (created.status_code, listed.status_code) == (404, 404)


async def test_a_change_leaves_the_rest_as_it_was(house: House, maria: Member, issue: Json) -> None:
    """ISS-4: only what is sent is changed; a change to the same changes nothing."""
    house.clock.advance(minutes=1)
    changed = await change(maria, issue, priority="high")
    house.clock.advance(minutes=1)

    async with nothing_changes(house):
        again = await change(maria, issue, priority="high", title="Login fails", labels=[])
        empty = await change(maria, issue)

    updated_at = changed.json()["updated_at"]
    assert updated_at > issue["updated_at"]
    assert changed.json() == {**issue, "priority": "high", "updated_at": updated_at}
    assert again.json() == empty.json() == changed.json()


async def test_an_emptied_description_leaves_no_html_behind(maria: Member, project: Json) -> None:
    """ISS-4, SEC-5: what is shown is always made from what is written."""
    described = await new_issue(maria, project, description="**Secret**")

    for description in ("", "   \n", "New"):
        changed = (await change(maria, described, description=description)).json()

        assert changed["description"] == description
        assert changed["description_html"] == ("<p>New</p>\n" if description == "New" else "")
        assert await read(maria, f"/api/issues/{described['id']}") == changed
