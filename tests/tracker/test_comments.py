from typing import Any

from tests.support.house import House, Member
from tests.tracker.acts import (
    Json,
    faults,
    new_comment,
    nothing_changes,
    read,
    walk,
    walk_numbered,
)


async def _edit(member: Member, comment: Json, **fields: Any) -> Any:
    return await member.api.patch(f"/api/comments/{comment['id']}", json=fields)


async def test_a_comment_shows_who_said_what(house: House, noor: Member, issue: Json) -> None:
    """COM-2, NAME-4: anybody who is signed in may say something; the issue counts it."""
    house.clock.advance(minutes=1)

    answer = await noor.api.post("/api/issues/web-1/comments", json={"content": "Me *too*."})

    created = answer.json()
    assert answer.status_code == 201
    assert answer.headers["Location"] == f"/api/comments/{created['id']}"
    assert created == {
        "id": created["id"],
        "issue": issue["id"],
        "author": {"id": str(noor.id), "username": "noor", "full_name": None},
        "content": "Me *too*.",
        "content_html": "<p>Me <em>too</em>.</p>\n",
        "created_at": created["created_at"],
        "updated_at": created["created_at"],
    }
    assert await read(noor, f"/api/comments/{created['id']}") == created
    after = await read(noor, f"/api/issues/{issue['id']}")
    assert after == {**issue, "comment_count": 1, "updated_at": created["created_at"]}


async def test_its_author_edits_a_comment(house: House, maria: Member, issue: Json) -> None:
    """COM-3: text, HTML and time change, nothing else; the same text changes nothing."""
    comment = await new_comment(maria, issue, "Frist")
    house.clock.advance(minutes=1)

    edited = (await _edit(maria, comment, content="**First**")).json()
    async with nothing_changes(house):
        again = (await _edit(maria, comment, content="**First**")).json()

    assert edited["updated_at"] > comment["updated_at"]
    assert edited == again
    assert edited == {
        **comment,
        "content": "**First**",
        "content_html": "<p><strong>First</strong></p>\n",
        "updated_at": edited["updated_at"],
    }


async def test_nobody_else_edits_a_comment(
    house: House, maria: Member, noor: Member, mona: Member, adam: Member, issue: Json
) -> None:
    """COM-3: no reporter, manager or administrator."""
    comment = await new_comment(noor, issue)

    for member in (maria, mona, adam):
        async with nothing_changes(house):
            answer = await _edit(member, comment, content="Changed")

        assert answer.status_code == 403
        assert answer.json()["type"] == "not-your-comment"


async def test_nobody_deletes_a_comment(
    house: House, maria: Member, adam: Member, issue: Json
) -> None:
    """COM-4: 405 for everyone, its author too."""
    comment = await new_comment(maria, issue)

    for member in (maria, adam):
        async with nothing_changes(house):
            answer = await member.api.delete(f"/api/comments/{comment['id']}")

        assert answer.status_code == 405
        assert "GET" in answer.headers["Allow"] or "PATCH" in answer.headers["Allow"]


async def test_a_comment_holds_two_thousand_characters(
    house: House, maria: Member, issue: Json
) -> None:
    """COM-2, COM-3: at the limit it is kept; blank or one beyond it is refused."""
    comment = await new_comment(maria, issue)
    path = f"/api/issues/{issue['id']}/comments"
    for content in ("c" * 2_000, "🚀" * 2_000, "c", "  padded  ", "two\n\nparagraphs"):
        assert (await new_comment(maria, issue, content))["content"] == content
        assert (await _edit(maria, comment, content=content)).json()["content"] == content

    for bad in ("c" * 2_001, "", " \n\t ", "\u2003", "nul\x00", None, 42, ["c"]):
        async with nothing_changes(house):
            created = await maria.api.post(path, json={"content": bad})
            edited = await _edit(maria, comment, content=bad)

        assert faults(created) == faults(edited) == [["body", "content"]]
    async with nothing_changes(house):
        unknown = await maria.api.post(path, json={"content": "c", "author": "noor"})
        missing = await maria.api.post(path, json={})
    assert faults(unknown) == [["body", "author"]]
    assert faults(missing) == [["body", "content"]]


async def test_comments_are_listed_oldest_first(maria: Member, issue: Json) -> None:
    """COM-1, API-5: also those of one moment, each exactly once, by cursor and by page."""
    said = [(await new_comment(maria, issue, f"Number {number}"))["id"] for number in range(7)]
    path = f"/api/issues/{issue['id']}/comments"

    by_cursor = await walk(maria, path, limit=2)
    by_page = await walk_numbered(maria, path, limit=3)

    assert [comment["id"] for comment in by_cursor] == said
    assert by_page == by_cursor


async def test_a_comment_that_is_not_there(house: House, maria: Member) -> None:
    """COM-3: 404; 422 for what is no id."""
    for reference, status in (("00000000-0000-7000-8000-000000000000", 404), ("7", 422)):
        async with nothing_changes(house):
            answer = await _edit(maria, {"id": reference}, content="C")

        assert answer.status_code == status
