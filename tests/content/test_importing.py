import asyncio
import json
from typing import Any

import pytest
from sqlalchemy import select

from lacewing.accounts.rules import username_fault
from lacewing.accounts.tables import users
from lacewing.catalogue.importing.service import IMPORTER
from lacewing.content.importing import (
    BATCH,
    Import,
    ImportedPost,
    ImportReport,
    read_posts,
)
from lacewing.content.rules import author_name
from lacewing.content.tables import posts
from lacewing.kernel.db import transaction
from lacewing.kernel.records import UnreadableFile
from lacewing.kernel.work import Origin, Work
from tests.content.acts import nothing_changes, path_of, titles, told
from tests.support.house import House, Member
from tests.tracker.acts import Json, read, walk


def record(number: Any, **fields: Any) -> Json:
    return {
        "id": number,
        "title": f"Post {number}",
        "body": f"Body **{number}**.",
        "tags": ["news"],
        "reactions": {"likes": 1, "dislikes": 0},
        "views": 7,
        "userId": 40 + (number % 2 if isinstance(number, int) else 0),
        **fields,
    }


def file_of(*records: Any) -> bytes:
    return json.dumps(records).encode()


async def bring_in(house: House, data: bytes, source: str = "posts") -> ImportReport:
    """Import as the command does, batch by batch."""
    run = Import(read_posts(data), source)
    for batch in run.batches():
        async with transaction(house.database) as session:
            await run.bring_in(Work(session, house.clock(), Origin()), batch)
    return run.report


async def test_posts_come_in_with_their_authors(house: House, adam: Member) -> None:
    """CON-1, UX-2: shown, found and told of as one event, not one a post."""
    report = await bring_in(house, file_of(*map(record, range(1, 6))))

    assert report == ImportReport("posts", 5, 5, 0, 2, [])
    found = await walk(adam, "/api/posts", sort="created_at", limit=2)
    assert [post["title"] for post in found] == [f"Post {number}" for number in range(1, 6)]
    assert found[0]["body_html"] == "<p>Body <strong>1</strong>.</p>\n"
    assert [post["author"]["username"] for post in found[:2]] == [
        "imported/posts#41", "imported/posts#40",
    ]  # fmt: skip
    assert await titles(adam, search="body 3") == ["Post 3"]
    assert await told(house) == [("posts.imported", {"source": "posts", "counts": {"posts": 5}})]
    [entry] = (await read(adam, "/api/audit", action="posts.import"))["data"]
    assert (entry["resource"], entry["details"]) == ("source:posts", {"posts": 5})


async def test_their_authors_can_not_log_in_until_they_are_let_in(house: House) -> None:
    """UX-2: they have no password, and are not active."""
    await bring_in(house, file_of(record(1)))

    found = await house.rows(select(users.c.is_active, users.c.password_hash))

    assert found == [(False, None)]


async def test_a_second_run_adds_only_what_is_new(house: House, maria: Member) -> None:
    """UX-2: what was changed here stays as it is; nothing is told when nothing is new."""
    await bring_in(house, file_of(record(1), record(2)))
    adam_sees = await house.rows(select(posts.c.id).where(posts.c.title == "Post 1"))

    async with nothing_changes(house):
        again = await bring_in(house, file_of(record(1, title="Other"), record(2)))
    more = await bring_in(house, file_of(record(2), record(3)))

    assert again == ImportReport("posts", 2, 0, 2, 0, [])
    assert more == ImportReport("posts", 2, 1, 1, 0, [])
    assert (await read(maria, f"/api/posts/{adam_sees[0][0]}"))["title"] == "Post 1"


async def test_ids_of_two_sources_do_not_mix(house: House) -> None:
    """UX-2: else the posts of the second would be taken for those of the first, and lost."""
    await bring_in(house, file_of(record(1)), "blog")

    other = await bring_in(house, file_of(record(1, title="Another")), "wiki")

    assert (other.posts_added, other.posts_known) == (1, 0)


async def test_a_post_that_stands_twice_in_a_file_comes_in_once(
    house: House, maria: Member
) -> None:
    """UX-2: the first of them; the sum of the report is the number of records."""
    report = await bring_in(house, file_of(record(1), record(1, title="Again"), record(2)))

    assert report == ImportReport("posts", 3, 2, 1, 2, [])
    assert await titles(maria) == ["Post 2", "Post 1"]


BAD: list[tuple[Any, str]] = [
    (7, "object"),
    (["id"], "object"),
    ({}, "id: "),
    (record(2, id="two"), "id: "),
    (record(2, id=True), "id: "),
    (record(2, id=-1), "id: "),
    (record(2, id=2**63), "id: "),
    (record(2, title=None), "title: "),
    (record(2, title=" \n"), "title: must not be blank"),
    (record(2, title="t" * 201), "title: "),
    (record(2, title="two\nlines"), "title: must be one line"),
    (record(2, body=""), "body: must not be blank"),
    (record(2, body="b" * 20_001), "body: "),
    (record(2, body="nul\x00"), "body: must not contain the NUL character"),
    (record(2, userId=None), "userId: "),
]


@pytest.mark.parametrize(("bad", "reason"), BAD)
async def test_a_bad_record_is_named_and_the_rest_goes_in(
    house: House, maria: Member, bad: Any, reason: str
) -> None:
    """UX-2: by its place and the reason, never by what it holds."""
    report = await bring_in(house, file_of(record(1), bad, record(3)))

    assert (report.records, report.posts_added, report.posts_known) == (3, 2, 0)
    [named] = report.bad_records
    assert named.place == 2
    assert reason in named.reason
    assert len(named.reason) < 200
    assert sorted(await titles(maria)) == ["Post 1", "Post 3"]


def test_bytes_that_are_no_text_spoil_their_own_record_only() -> None:
    """UX-2: a mark of the order of bytes spoils nothing; half a character is replaced."""
    data = file_of(record(1), record(2, title="BROKEN"), record(3, title="Half \ud83d"))

    found = read_posts(b"\xef\xbb\xbf" + data.replace(b"BROKEN", b"\xff\xfe"))

    assert [type(each).__name__ for each in found] == ["ImportedPost", "BadRecord", "ImportedPost"]
    assert isinstance(found[2], ImportedPost)
    assert found[2].title == "Half \N{REPLACEMENT CHARACTER}"


@pytest.mark.parametrize("odd", [b"9" * 5_000, b"[" * 3_000 + b"]" * 3_000, b"1e999"])
def test_an_odd_value_spoils_its_own_record_at_the_most(odd: bytes) -> None:
    """UX-2: a number of very many digits, and what is nested very deep."""
    data = file_of(record(1, title="ODD"), record(2, views="ODD"), record("ODD"), record(4))

    found = read_posts(data.replace(b'"ODD"', odd))

    assert [isinstance(each, ImportedPost) for each in found] == [False, True, False, True]


@pytest.mark.parametrize("data", [b"", b"{", b'{"id": 1}', b"7", b"[" * 100_000, b"[NaN]"])
def test_a_file_that_is_no_list_is_refused(data: bytes) -> None:
    """UX-2: as a whole, in one sentence."""
    with pytest.raises(UnreadableFile, match="JSON"):
        read_posts(data)


async def test_a_file_of_several_batches_comes_in_whole(house: House, maria: Member) -> None:
    """UX-2: each batch is a transaction, and tells of itself."""
    numbers = range(1, BATCH + 2)

    report = await bring_in(house, file_of(*map(record, numbers)))

    assert (report.records, report.posts_added, report.users_added) == (BATCH + 1, BATCH + 1, 2)
    assert (await read(maria, "/api/posts", page=1))["total"] == BATCH + 1
    assert [data["counts"]["posts"] for _, data in await told(house)] == [BATCH, 1]


async def test_two_imports_at_once_add_each_post_once(house: House) -> None:
    """UX-2: the one waits for the other, also for the people whom both bring along."""
    data = file_of(*map(record, range(1, 21)))

    reports = await asyncio.gather(*(bring_in(house, data) for _ in range(3)))

    assert sorted(report.posts_added for report in reports) == [0, 0, 20]
    assert sum(report.users_added for report in reports) == 2


async def test_an_imported_post_is_a_post_like_others(house: House, adam: Member) -> None:
    """CON-1, CON-2: collected, edited and deleted by an administrator."""
    await bring_in(house, file_of(record(1)))
    [post] = (await read(adam, "/api/posts"))["data"]

    collected = await adam.api.post(
        "/api/collections", json={"name": "N", "post_ids": [post["id"]]}
    )
    edited = await adam.api.patch(path_of(post), json={"title": "Edited"})
    deleted = await adam.api.delete(path_of(post))

    assert [each.status_code for each in (collected, edited, deleted)] == [201, 200, 204]


async def test_what_is_deleted_here_is_not_brought_back(house: House, adam: Member) -> None:
    """UX-2: by the same source; another one's post of that number is another post."""
    await bring_in(house, file_of(record(1), record(2)))
    for post in (await read(adam, "/api/posts", search="2"))["data"]:
        await adam.api.delete(path_of(post))

    async with nothing_changes(house):
        again = await bring_in(house, file_of(record(1), record(2)))
    other = await bring_in(house, file_of(record(2)), "wiki")

    assert (again.posts_added, again.posts_known) == (0, 2)
    assert other.posts_added == 1


async def test_people_of_two_sources_are_two_people(house: House) -> None:
    """UX-2: whatever the sources are called, also where they differ in case or at the end only."""
    sources = ["blog", "Blog", "s" * 18, "s" * 99 + "a", "s" * 99 + "b"]
    for source in sources:
        report = await bring_in(house, file_of(record(1, userId=2**63 - 1)), source)
        assert (report.posts_added, report.users_added) == (1, 1), source

    found = [name for (name,) in await house.rows(select(users.c.username))]
    assert len(found) == len(sources)
    assert {f"imported/{source}#{2**63 - 1}" for source in ("blog", "s" * 18)} < set(found)


def test_nobody_can_take_the_name_of_somebody_who_is_imported() -> None:
    """UX-2, CON-1: who registers is never the author of what somebody else wrote elsewhere."""
    for source in ("blog", "Blog", "s" * 100):
        assert username_fault(author_name(source, 7)) is not None
    assert username_fault(IMPORTER) is not None
