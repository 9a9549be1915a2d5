from tests.support.house import House, Member
from tests.tracker.acts import (
    Json,
    change,
    new_comment,
    nothing_changes,
)


async def _tag(member: Member, path: str) -> str:
    answer = await member.api.get(path)
    assert answer.status_code == 200
    tag = answer.headers["ETag"]
    again = await member.api.get(path, headers={"If-None-Match": tag})
    assert (again.status_code, again.content, again.headers["ETag"]) == (304, b"", tag)
    assert answer.headers["Cache-Control"] == "private, no-cache"
    return str(tag)


async def test_the_tag_of_an_issue_changes_when_and_only_when_the_issue_does(
    house: House, maria: Member, noor: Member, mona: Member, project: Json, issue: Json
) -> None:
    """API-9: strong, the same for everyone, and told by every answer that shows the issue."""
    path = f"/api/issues/{issue['id']}"
    tags = [await _tag(maria, path)]
    assert not tags[0].startswith("W/")
    steps: list[Json] = [
        {"title": "Renamed"},
        {"description": "Text"},
        {"status": "in_progress"},
        {"priority": "critical"},
        {"assignee_id": "noor"},
        {"due_date": "2026-01-01"},
        {"labels": ["ui"]},
    ]

    for fields in steps:
        house.clock.advance(seconds=1)
        answer = await change(maria, issue, **fields)
        tags.append(await _tag(noor, path))
        assert answer.headers["ETag"] == tags[-1]
        assert (await change(maria, issue, **fields)).headers["ETag"] == tags[-1]
    house.clock.advance(seconds=1)
    comment = await new_comment(noor, issue)
    tags.append(await _tag(maria, path))
    comment_path = f"/api/comments/{comment['id']}"
    assert (await noor.api.patch(comment_path, json={"content": "Edited"})).status_code == 200
    assert await _tag(maria, path) == tags[-1]
    await mona.api.patch(f"/api/projects/{project['id']}", json={"description": "Of the project"})
    assert await _tag(maria, path) == tags[-1]
    await mona.api.patch(f"/api/projects/{project['id']}", json={"name": "Shown in the issue"})
    tags.append(await _tag(maria, path))

    assert len(set(tags)) == len(steps) + 3


async def test_the_first_answer_carries_the_tag(maria: Member, mona: Member, issue: Json) -> None:
    """API-9: so that a client need not ask again before it changes what it made."""
    project = await mona.api.post("/api/projects", json={"name": "Till"})
    reported = await maria.api.post(
        f"/api/projects/{project.json()['id']}/issues",
        json={"title": "T", "description": "*D*", "labels": ["b", "a"], "assignee_id": "maria"},
    )
    commented = await maria.api.post(
        f"/api/issues/{issue['id']}/comments", json={"content": "**C**"}
    )

    for answer in (project, reported, commented):
        assert answer.headers["ETag"] == await _tag(maria, answer.headers["Location"])


async def test_a_stale_tag_stops_a_change(
    house: House, maria: Member, mona: Member, project: Json, issue: Json
) -> None:
    """API-9: 412 with the current state and the fields that differ; a fresh one goes through."""
    comment = await new_comment(maria, issue)
    things: list[tuple[Member, str, Json, Json, list[str]]] = [
        (mona, f"/api/projects/{project['id']}", {"name": "A"}, {"name": "B"}, ["name"]),
        (maria, f"/api/issues/{issue['id']}", {"title": "A"}, {"title": "B"}, ["title"]),
        (
            maria,
            f"/api/comments/{comment['id']}",
            {"content": "A"},
            {"content": "B"},
            ["content", "content_html"],
        ),
    ]
    for member, path, first, second, fields in things:
        house.clock.advance(seconds=1)
        stale = {"If-Match": await _tag(member, path)}
        fresh = (await member.api.patch(path, json=first, headers=stale)).headers["ETag"]

        async with nothing_changes(house):
            refused = await member.api.patch(path, json=second, headers=stale)
        taken = await member.api.patch(path, json=second, headers={"If-Match": fresh})

        assert refused.status_code == 412
        assert refused.json()["current"].items() >= first.items()
        assert refused.json()["differing_fields"] == [*fields, "updated_at"]
        assert taken.status_code == 200


async def test_a_stale_tag_stops_archiving(house: House, mona: Member, project: Json) -> None:
    """API-9, PRJ-5: `DELETE` honours it too."""
    path = f"/api/projects/{project['id']}"
    stale = {"If-Match": await _tag(mona, path)}
    await mona.api.patch(path, json={"name": "Renamed"})

    async with nothing_changes(house):
        refused = await mona.api.delete(path, headers=stale)
    taken = await mona.api.delete(path, headers={"If-Match": await _tag(mona, path)})

    assert (refused.status_code, taken.status_code) == (412, 204)


async def test_who_may_not_change_learns_so_before_their_tag_is_judged(
    house: House, noor: Member, issue: Json
) -> None:
    """API-9, PERM-1: 403, whatever they believe the issue to be."""
    path = f"/api/issues/{issue['id']}"

    async with nothing_changes(house):
        answer = await noor.api.patch(path, json={"title": "T"}, headers={"If-Match": '"stale"'})

    assert answer.status_code == 403
