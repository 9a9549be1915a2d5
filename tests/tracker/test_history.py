from typing import Any

from tests.support.house import House, Member
from tests.tracker.acts import (
    Json,
    change,
    move,
    new_comment,
    nothing_changes,
    read,
    walk,
    walk_numbered,
)


async def _history(member: Member, issue: Json) -> list[Json]:
    return await walk(member, f"/api/issues/{issue['id']}/history", limit=100)


def _person(member: Member) -> Json:
    return {"id": str(member.id), "username": member.username}


async def test_every_changed_field_is_kept_with_what_it_was(
    house: House, maria: Member, noor: Member, issue: Json
) -> None:
    """ISS-5: who changed which field from what to what, when."""
    house.clock.advance(minutes=1)
    wanted: Json = {
        "title": "Login fails on Safari",
        "description": "**Always**",
        "status": "in_progress",
        "priority": "high",
        "assignee_id": "noor",
        "due_date": "2026-02-28",
        "labels": ["login", "ui"],
    }

    changed = (await change(maria, issue, **wanted)).json()

    entries = await _history(noor, issue)
    found = {entry["field"]: (entry["before"], entry["after"]) for entry in entries}
    assert found == {
        "title": ("Login fails", "Login fails on Safari"),
        "description": ("", "**Always**"),
        "status": ("open", "in_progress"),
        "priority": ("medium", "high"),
        "assignee": (None, _person(noor)),
        "due_date": (None, "2026-02-28"),
        "labels": ([], ["login", "ui"]),
    }
    author = {**_person(maria), "full_name": None}
    assert all(entry["actor"] == author for entry in entries)
    assert {entry["at"] for entry in entries} == {changed["updated_at"]}
    assert {entry["comment_id"] for entry in entries} == {None}


async def test_the_way_back_is_kept_too(maria: Member, noor: Member, issue: Json) -> None:
    """ISS-5: also what was taken away."""
    await change(maria, issue, assignee_id="noor", due_date="2026-02-28", labels=["ui"])

    await change(noor, issue, due_date=None, labels=[])
    await change(maria, issue, assignee_id=None)

    kept: list[tuple[str, Any, Any]] = [
        (entry["field"], entry["before"], entry["after"])
        for entry in (await _history(maria, issue))[3:]
    ]
    assert sorted(kept[:2]) == [("due_date", "2026-02-28", None), ("labels", ["ui"], [])]
    assert kept[2:] == [("assignee", _person(noor), None)]


async def test_what_changes_nothing_leaves_no_entry(
    house: House, maria: Member, noor: Member, issue: Json
) -> None:
    """ISS-5: the same again, and what was refused."""
    async with nothing_changes(house):
        await change(maria, issue, title="Login fails", priority="medium", labels=[])
        await change(maria, issue, title="New", status="closed")
        await change(noor, issue, title="New")

    assert await _history(maria, issue) == []


async def test_an_edited_comment_keeps_every_earlier_text(
    house: House, maria: Member, noor: Member, issue: Json
) -> None:
    """COM-4, ISS-5: in the history of its issue."""
    comment = await new_comment(noor, issue, "First")
    path = f"/api/comments/{comment['id']}"
    for text in ("Second", "Second", "Third"):
        house.clock.advance(seconds=1)
        assert (await noor.api.patch(path, json={"content": text})).status_code == 200

    entries = await _history(maria, issue)

    kept = [(entry["field"], entry["before"], entry["after"]) for entry in entries]
    assert kept == [("comment", "First", "Second"), ("comment", "Second", "Third")]
    assert {entry["comment_id"] for entry in entries} == {comment["id"]}
    assert {entry["actor"]["username"] for entry in entries} == {"noor"}
    assert entries[0]["at"] < entries[1]["at"]


async def test_the_history_is_read_in_pages_oldest_first(maria: Member, issue: Json) -> None:
    """ISS-5, API-5: each entry exactly once, also those of one moment."""
    way = ["in_progress", "resolved", "closed", "reopened", "in_progress", "resolved", "closed"]
    await move(maria, issue, *way)
    path = f"/api/issues/{issue['key']}/history"

    by_cursor = await walk(maria, path, limit=2)
    by_page = await walk_numbered(maria, path, limit=3)

    assert [entry["after"] for entry in by_cursor] == way
    assert [entry["before"] for entry in by_cursor] == ["open", *way[:-1]]
    assert by_page == by_cursor
    page = await read(maria, path, limit=7)
    assert page == {"data": by_cursor, "next_cursor": None, "has_more": False}
