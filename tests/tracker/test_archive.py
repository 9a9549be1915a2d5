from tests.support.house import House, Member
from tests.tracker.acts import (
    Json,
    archive,
    change,
    new_comment,
    new_issue,
    nothing_changes,
    read,
)


async def test_nothing_in_an_archived_project_can_be_changed(
    house: House, maria: Member, mona: Member, adam: Member, project: Json
) -> None:
    """ISS-8: 409 for everything and everyone."""
    issue = await new_issue(maria, project)
    comment = await new_comment(maria, issue)
    await archive(mona, project)
    by_key = f"/api/issues/{issue['key']}"
    calls = [
        ("POST", f"/api/projects/{project['id']}/issues", {"title": "T"}),
        ("POST", f"{by_key}/comments", {"content": "C"}),
        ("PATCH", f"/api/issues/{issue['id']}", {"title": "T"}),
        ("PATCH", by_key, {"status": "in_progress"}),
        ("PATCH", by_key, {"status": "closed"}),
        ("PATCH", by_key, {"assignee_id": "maria"}),
        ("PATCH", by_key, {"labels": ["new"]}),
        ("PATCH", by_key, {"due_date": "2026-01-01"}),
        ("PATCH", f"/api/comments/{comment['id']}", {"content": "C"}),
    ]
    own = ("PATCH", f"/api/comments/{comment['id']}", {"content": "C"})

    for method, path, body in calls:
        people = [maria] if (method, path, body) == own else [maria, mona, adam]
        for member in people:
            async with nothing_changes(house):
                answer = await member.api.request(method, path, json=body)

            assert answer.status_code == 409, (path, body)
            assert answer.json()["type"] == "project-archived"
    for change_of_it in (
        {"name": "Shop"},
        {"description": "New."},
        {"is_archived": True, "name": "S"},
    ):
        async with nothing_changes(house):
            path = f"/api/projects/{project['id']}"
            assert (await mona.api.patch(path, json=change_of_it)).status_code == 409


async def test_an_archived_project_is_still_read(
    maria: Member, mona: Member, project: Json, issue: Json
) -> None:
    """ISS-8: read-only, not gone."""
    await new_comment(maria, issue, "Still here.")
    await archive(mona, project)

    listed = await read(maria, f"/api/projects/{project['id']}/issues", search="still")
    comments = await read(maria, "/api/issues/WEB-1/comments")

    assert [found["id"] for found in listed["data"]] == [issue["id"]]
    assert [found["content"] for found in comments["data"]] == ["Still here."]


async def test_who_may_not_is_told_so_before_the_archive_is(
    house: House, maria: Member, noor: Member, mona: Member, project: Json, issue: Json
) -> None:
    """ISS-8, PERM-1: 403 comes first: coming back later would not help."""
    comment = await new_comment(maria, issue)
    await archive(mona, project)

    async with nothing_changes(house):
        issue_answer = await change(noor, issue, title="T")
        path = f"/api/comments/{comment['id']}"
        comment_answer = await noor.api.patch(path, json={"content": "C"})

    assert (issue_answer.status_code, comment_answer.status_code) == (403, 403)


async def test_brought_back_all_goes_on(maria: Member, mona: Member, project: Json) -> None:
    """PRJ-5, ISS-8: and numbers go on where they stood."""
    issue = await new_issue(maria, project)
    await archive(mona, project)

    back = await mona.api.patch(f"/api/projects/{project['id']}", json={"is_archived": False})

    assert back.json()["is_archived"] is False
    assert (await new_issue(maria, project))["key"] == "WEB-2"
    assert (await change(maria, issue, title="Renamed")).status_code == 200
    await new_comment(maria, issue)
