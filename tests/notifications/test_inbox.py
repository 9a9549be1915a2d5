"""What happened while somebody was away."""

from typing import Any

import pytest
from sqlalchemy import select

from lacewing.notifications.tables import notifications
from tests.content.acts import new_post
from tests.documents.acts import upload_processed
from tests.notifications.acts import Json, all_told, heard, inbox
from tests.support.house import House, Member
from tests.tracker.acts import new_comment, new_issue


async def test_a_reporter_hears_of_comments_and_steps(
    house: House, maria: Member, mona: Member, issue: Json
) -> None:
    """LIVE-5: with what, who, why, when and where; their own acts are no news to them."""
    await all_told(house)
    comment = await new_comment(mona, issue)
    await mona.api.patch(f"/api/issues/{issue['id']}", json={"status": "in_progress"})

    commented, stepped = await inbox(house, maria)

    assert commented["type"] == "comment.created"
    assert commented["reason"] == "watching"
    assert commented["actor"]["username"] == "mona"
    assert commented["title"] == "WEB-1 Login fails"
    assert commented["link"] == f"/api/issues/{issue['id']}"
    assert commented["data"]["comment_id"] == comment["id"]
    assert commented["read_at"] is None
    assert stepped["type"] == "issue.status_changed"
    assert stepped["id"] > commented["id"]
    assert await inbox(house, mona) == []


async def test_an_assignee_and_who_is_mentioned_hear_for_that_reason(
    house: House, maria: Member, noor: Member, mona: Member, project: Json
) -> None:
    """LIVE-1: from the first moment of an issue on."""
    await new_issue(
        mona, project, assignee_id="noor", description="@Maria, `@noor` says so. a@maria.example"
    )

    assert await heard(house, noor) == [("issue.created", "assigned")]
    assert await heard(house, maria) == [("issue.created", "mentioned")]


async def test_whoever_is_mentioned_watches_from_then_on(
    house: House, maria: Member, noor: Member, mona: Member, issue: Json
) -> None:
    """LIVE-1: and hears of an edit only when it names them anew."""
    await all_told(house)
    comment = await new_comment(mona, issue, "What does @noor say?")
    await all_told(house)
    await mona.api.patch(f"/api/comments/{comment['id']}", json={"content": "Well, @noor, @maria?"})

    assert await heard(house, noor) == [
        ("comment.created", "mentioned"),
        ("comment.changed", "watching"),
    ]
    assert await heard(house, maria) == [
        ("comment.created", "watching"),
        ("comment.changed", "mentioned"),
    ]


async def test_a_post_is_told_to_everybody_who_is_here(
    house: House, maria: Member, noor: Member
) -> None:
    """LIVE-1, LIVE-5: but not to who came later, or was let go."""
    gone = await house.member("gone", is_active=False)
    post = await new_post(maria)
    await all_told(house)
    late = await house.member("late")

    [told] = await inbox(house, noor)

    assert (told["type"], told["reason"]) == ("post.created", "post")
    assert (told["title"], told["link"]) == (post["title"], f"/api/posts/{post['id']}")
    assert await inbox(house, maria) == []
    assert await inbox(house, late) == []
    assert gone.id not in {user_id for (user_id,) in await house.rows(_RECIPIENTS)}


_RECIPIENTS = select(notifications.c.user_id)


@pytest.mark.parametrize("what", ["collection", "document"])
async def test_a_private_thing_is_told_to_nobody_else(
    house: House, maria: Member, noor: Member, what: str
) -> None:
    """LIVE-1, CON-2, DOC-11: not even that there is one."""
    if what == "document":
        await upload_processed(maria)
    else:
        await maria.api.post("/api/collections", json={"name": "Mine"})
    await all_told(house)

    assert {user_id for (user_id,) in await house.rows(_RECIPIENTS)} == {maria.id}
    assert await inbox(house, noor) == []


async def test_what_is_gone_is_told_without_its_title(
    house: House, maria: Member, noor: Member
) -> None:
    """LIVE-5: nothing of it is shown any more."""
    post = await new_post(maria)
    await maria.api.delete(f"/api/posts/{post['id']}")

    found = await inbox(house, noor)

    assert [(each["type"], each["title"], each["link"]) for each in found] == [
        ("post.created", None, None),
        ("post.deleted", None, None),
    ]


async def test_one_is_marked_as_read_once(house: House, maria: Member, noor: Member) -> None:
    """LIVE-5: and no longer unread; the first time stays."""
    await new_post(maria)
    await new_post(maria)
    first, second = await inbox(house, noor)

    read = await noor.api.post(f"/api/notifications/{first['id']}/read")
    house.clock.advance(minutes=1)
    again = await noor.api.post(f"/api/notifications/{first['id']}/read")

    assert read.status_code == 200
    assert read.json()["read_at"] is not None
    assert again.json() == read.json()
    assert [each["id"] for each in await inbox(house, noor, "?unread=true")] == [second["id"]]
    assert [each["id"] for each in await inbox(house, noor, "?unread=false")] == [first["id"]]


async def test_all_are_marked_as_read(house: House, maria: Member, noor: Member) -> None:
    """LIVE-5: of the asker's, and of nobody else's."""
    late = await house.member("late")
    await new_post(maria)
    await new_post(maria)
    await all_told(house)

    first = await noor.api.post("/api/notifications/read-all")
    again = await noor.api.post("/api/notifications/read-all")

    assert (first.json(), again.json()) == ({"marked": 2}, {"marked": 0})
    assert await inbox(house, noor, "?unread=true") == []
    assert len(await inbox(house, late, "?unread=true")) == 2


@pytest.mark.parametrize("whose", ["own act", "somebody else's", "nobody's"])
async def test_what_is_not_in_the_inbox_can_not_be_read(
    house: House, maria: Member, noor: Member, issue: Json, whose: str
) -> None:
    """LIVE-5: 404, and nothing changes."""
    await new_comment(noor, issue)
    [told] = await inbox(house, maria)
    asker = {"own act": noor}.get(whose) or await house.member("late")
    number = told["id"] if whose != "nobody's" else told["id"] + 1_000

    answer = await asker.api.post(f"/api/notifications/{number}/read")

    assert (answer.status_code, answer.json()["type"]) == (404, "notification-not-found")
    assert len(await inbox(house, maria, "?unread=true")) == 1


@pytest.mark.parametrize("number", ["0", "9223372036854775808", "x"])
async def test_what_is_no_number_of_a_notification_is_refused(maria: Member, number: str) -> None:
    """API-4, SEC-6: naming the field."""
    answer = await maria.api.post(f"/api/notifications/{number}/read")

    assert answer.status_code == 422
    assert answer.json()["errors"][0]["loc"] == ["path", "notification_id"]


async def test_the_inbox_is_paged(house: House, maria: Member, noor: Member) -> None:
    """API-5: newest first, each once."""
    for _ in range(5):
        await new_post(maria)
    expected = [each["id"] for each in await inbox(house, noor)][::-1]

    found: list[int] = []
    cursor: Any = ""
    while cursor is not None:
        page = (await noor.api.get(f"/api/notifications?limit=2{cursor}")).json()
        found += [each["id"] for each in page["data"]]
        cursor = page["next_cursor"] and f"&cursor={page['next_cursor']}"

    assert found == expected


async def test_nobody_hears_for_a_reason_that_they_do_not_want(
    house: House, maria: Member, noor: Member, issue: Json
) -> None:
    """LIVE-5: from then on; other reasons stay."""
    wanted = {"preferences": [{"reason": "watching", "is_wanted": False}]}
    changed = await maria.api.patch("/api/notifications/preferences", json=wanted)
    await new_comment(noor, issue, "Seen.")
    await new_comment(noor, issue, "@maria, seen.")

    assert {each["reason"]: each["is_wanted"] for each in changed.json()["data"]} == {
        "mentioned": True, "assigned": True, "owner": True, "watching": False, "post": True,
        "own": True,
    }  # fmt: skip
    assert await heard(house, maria) == [("comment.created", "mentioned")]


async def test_preferences_are_changed_by_one_editor_at_a_time(maria: Member) -> None:
    """API-9: 412 for who has read an older state."""
    read = await maria.api.get("/api/notifications/preferences")
    body = {"preferences": [{"reason": "post", "is_wanted": False}]}
    match = {"If-Match": read.headers["etag"]}

    first = await maria.api.patch("/api/notifications/preferences", json=body, headers=match)
    second = await maria.api.patch("/api/notifications/preferences", json=body, headers=match)

    assert (first.status_code, second.status_code) == (200, 412)
