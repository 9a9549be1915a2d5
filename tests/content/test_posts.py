from typing import Any

import pytest

from tests.content.acts import NOWHERE, new_post, nothing_changes, path_of, told
from tests.support.house import House, Member
from tests.tracker.acts import Json, faults, read


async def test_a_post_shows_who_wrote_what(house: House, maria: Member, noor: Member) -> None:
    """CON-1, NAME-4: anybody who is signed in writes, and reads what others wrote."""
    answer = await maria.api.post("/api/posts/", json={"title": " News ", "body": "Good *ones*."})

    created = answer.json()
    assert answer.status_code == 201
    assert answer.headers["Location"] == f"/api/posts/{created['id']}"
    assert created == {
        "id": created["id"],
        "title": "News",
        "body": "Good *ones*.",
        "body_html": "<p>Good <em>ones</em>.</p>\n",
        "author": {"id": str(maria.id), "username": "maria", "full_name": None},
        "created_at": created["created_at"],
        "updated_at": created["created_at"],
    }
    for path in (path_of(created), f"{path_of(created)}/"):
        assert await read(noor, path) == created
    told_ids = {"post_id": created["id"], "author_id": str(maria.id)}
    assert await told(house) == [("post.created", told_ids)]


async def test_what_runs_in_a_browser_does_not_survive(maria: Member) -> None:
    """CON-1, SEC-5: the HTML is sanitised, of a new post and of an edited one."""
    body = "<script>alert(1)</script> [x](javascript:alert(1)) <b onclick=x>b</b>"
    post = await new_post(maria, body=body)
    other = await new_post(maria)

    edited = (await maria.api.patch(path_of(other), json={"body": body})).json()

    assert post["body"] == edited["body"] == body
    assert post["body_html"] == edited["body_html"]
    assert "<script" not in post["body_html"]
    assert "<b " not in post["body_html"]
    assert "href" not in post["body_html"]


@pytest.mark.parametrize(
    ("method", "fields", "named"),
    [
        ("PATCH", {"title": "Other"}, ["title"]),
        ("PATCH", {"body": "*Other*"}, ["body"]),
        ("PUT", {"title": "Other", "body": "*Other*"}, ["body", "title"]),
        ("PUT", {"title": "Other", "body": "Good ones."}, ["title"]),
    ],
)
async def test_its_author_changes_a_post(
    house: House, maria: Member, post: Json, method: str, fields: Json, named: list[str]
) -> None:
    """CON-1: what is sent, and nothing else; the same again changes nothing."""
    house.clock.advance(minutes=1)

    changed = (await maria.api.request(method, path_of(post), json=fields)).json()
    async with nothing_changes(house):
        again = (await maria.api.request(method, path_of(post), json=fields)).json()
        nothing = (await maria.api.patch(path_of(post), json={})).json()

    html = "<p><em>Other</em></p>\n" if "body" in named else post["body_html"]
    assert changed["updated_at"] > post["updated_at"]
    assert changed == {
        **post, **fields, "body_html": html, "updated_at": changed["updated_at"]
    }  # fmt: skip
    assert changed == again == nothing == await read(maria, path_of(post))
    told_ids = {"post_id": post["id"], "author_id": str(maria.id)}
    assert await told(house, 1) == [("post.changed", {**told_ids, "fields": named})]


async def test_a_put_needs_the_whole_post(house: House, maria: Member, post: Json) -> None:
    """CON-1: what is left out is named, not kept."""
    async with nothing_changes(house):
        without_body = await maria.api.put(path_of(post), json={"title": "T"})
        without_title = await maria.api.put(path_of(post), json={"body": "B"})

    assert faults(without_body) == [["body", "body"]]
    assert faults(without_title) == [["body", "title"]]


async def test_nobody_else_but_an_admin_changes_or_deletes_a_post(
    house: House, noor: Member, mona: Member, adam: Member, post: Json
) -> None:
    """CON-1: 403 for a developer and a manager; an administrator leaves a trace in the audit."""
    acts: list[tuple[str, Json | None]] = [
        ("PUT", {"title": "T", "body": "B"}),
        ("PATCH", {"title": "Changed"}),
        ("DELETE", None),
    ]
    for method, fields in acts:
        for member in (noor, mona):
            async with nothing_changes(house):
                refused = await member.api.request(method, path_of(post), json=fields)

            assert refused.status_code == 403
            assert refused.json()["type"] == "not-your-post"
        taken = await adam.api.request(method, path_of(post), json=fields)
        assert taken.is_success

    audited = (await adam.api.get("/api/audit")).json()["data"]
    assert [each["action"] for each in audited if each["action"].startswith("post.")] == [
        "post.delete", "post.change", "post.change",
    ]  # fmt: skip
    assert {data["author_id"] for _, data in await told(house)} == {post["author"]["id"]}


async def test_a_deleted_post_is_gone(
    house: House, maria: Member, noor: Member, post: Json
) -> None:
    """CON-1: from lists and lookups, for everyone; a second time it is not there."""
    deleted = await maria.api.delete(path_of(post))

    assert (deleted.status_code, deleted.content) == (204, b"")
    for member in (maria, noor):
        async with nothing_changes(house):
            gone = [
                await member.api.get(path_of(post)),
                await member.api.patch(path_of(post), json={"title": "T"}),
                await member.api.put(path_of(post), json={"title": "T", "body": "B"}),
                await member.api.delete(path_of(post)),
            ]
        assert {answer.status_code for answer in gone} == {404}
        assert {answer.json()["type"] for answer in gone} == {"post-not-found"}
        assert (await read(member, "/api/posts", page=1))["total"] == 0
    told_ids = {"post_id": post["id"], "author_id": str(maria.id)}
    assert await told(house, 1) == [("post.deleted", told_ids)]


LIMITS: list[tuple[str, list[Any], list[Any]]] = [
    (
        "title",
        ["t", "t" * 200, "🚀" * 200],
        ["t" * 201, "", " \t", "two\nlines", "nul\x00", None, 7, ["t"]],
    ),
    (
        "body",
        ["b", "b" * 20_000, "🚀" * 20_000, "  padded\n\n\tout  "],
        ["b" * 20_001, "", " \n\t ", "\u2003", "nul\x00", None, 7, ["b"]],
    ),
]


@pytest.mark.parametrize(("field", "good", "bad"), LIMITS)
async def test_a_post_keeps_its_limits(
    house: House, maria: Member, post: Json, field: str, good: list[Any], bad: list[Any]
) -> None:
    """CON-1: title 1 to 200, body 1 to 20,000 characters; kept at the limit, refused beyond it."""
    path, whole = path_of(post), {"title": "T", "body": "B"}
    for value in good:
        assert (await new_post(maria, **{**whole, field: value}))[field] == value
        assert (await maria.api.patch(path, json={field: value})).json()[field] == value

    for value in bad:
        async with nothing_changes(house):
            answers = [
                await maria.api.post("/api/posts", json={**whole, field: value}),
                await maria.api.put(path, json={**whole, field: value}),
                await maria.api.patch(path, json={field: value}),
            ]
        assert [faults(answer) for answer in answers] == [[["body", field]]] * 3, value


async def test_a_field_that_there_is_none_of_is_named(
    house: House, maria: Member, post: Json
) -> None:
    """API: nobody writes in another's name, or chooses a time."""
    for field in ("author", "author_id", "created_at", "body_html", "id"):
        async with nothing_changes(house):
            made = await maria.api.post("/api/posts", json={"title": "T", "body": "B", field: "x"})
            changed = await maria.api.patch(path_of(post), json={field: "x"})
        assert faults(made) == faults(changed) == [["body", field]]


async def test_a_post_that_is_not_there(house: House, maria: Member) -> None:
    """API-4: 404; 422 for what is no id."""
    for reference, status in ((NOWHERE, 404), ("7", 422)):
        async with nothing_changes(house):
            answers = [
                await maria.api.get(f"/api/posts/{reference}"),
                await maria.api.patch(f"/api/posts/{reference}", json={"title": "T"}),
                await maria.api.delete(f"/api/posts/{reference}"),
            ]
        assert {answer.status_code for answer in answers} == {status}


async def test_the_same_post_sent_twice_is_written_once(house: House, maria: Member) -> None:
    """API-8: with the same key."""
    headers = {"Idempotency-Key": "once"}
    sent = [
        await maria.api.post("/api/posts", json={"title": "T", "body": "B"}, headers=headers)
        for _ in range(2)
    ]

    assert sent[0].json() == sent[1].json()
    assert sent[1].headers["Idempotent-Replayed"] == "true"
    assert [name for name, _ in await told(house)] == ["post.created"]
