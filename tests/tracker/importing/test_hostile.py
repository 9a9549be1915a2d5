"""Files that no tracker writes, and some that one does: nothing of them stops the rest."""

import json
from typing import Any

import pytest

from lacewing.accounts.rules import USERNAME_LENGTH_MAX
from lacewing.kernel.records import BadRecord
from lacewing.tracker.importing.archive import read_archive
from lacewing.tracker.importing.github import read_github
from lacewing.tracker.importing.records import ImportedIssue
from lacewing.tracker.importing.service import BATCH
from tests.support.house import House, Member
from tests.support.importing import bring_in
from tests.tracker.importing.test_import import archive_of, archived_issue, comment, github_issue

REPLACED = "\N{REPLACEMENT CHARACTER}"


def github_file(*records: Any) -> bytes:
    return json.dumps(records).encode()


@pytest.mark.parametrize(
    ("fields", "named"),
    [
        ({"number": "seven"}, "number"),
        ({"title": None}, "title"),
        ({"title": " \n"}, "title"),
        ({"state": "parked"}, "parked"),
        ({"createdAt": "yesterday"}, "createdAt"),
        ({"createdAt": "2014-04-17T18:38:34"}, "zone"),
        ({"labels": "parked"}, "labels"),
        ({"comments": [{"author": "anke", "body": "No time."}]}, "comments"),
        ({"comments": [comment("anke", "No zone.", "2015-01-01T00:00:00")]}, "zone"),
        ({"createdAt": "0001-01-01T00:00:00+14:00"}, "0001"),
        ({"createdAt": "9999-12-31T23:59:59-12:00"}, "9999"),
    ],
)
async def test_a_broken_record_of_an_archive_is_named_and_the_rest_goes_in(
    house: House, fields: dict[str, Any], named: str
) -> None:
    """UX-2: by its place and the reason, whatever is broken in it."""
    data = archive_of(archived_issue(1), archived_issue(2) | fields, archived_issue(3))

    report = await bring_in(house, read_archive(data), "SHOP")

    assert (report.records, report.issues_added) == (3, 2)
    assert [bad.place for bad in report.bad_records] == [2]
    assert named in report.bad_records[0].reason


def test_bytes_that_are_no_text_spoil_their_own_record_only() -> None:
    """UX-2: a broken byte is its record's trouble."""
    data = github_file(github_issue(1), github_issue(2, title="BROKEN"), github_issue(3))

    records = list(read_github(data.replace(b"BROKEN", b"\xff\xfe")).records)

    assert [isinstance(record, BadRecord) for record in records] == [False, True, False]


async def test_nul_is_replaced_wherever_it_stands(house: House, adam: Member) -> None:
    """UX-2: no database keeps NUL; the record goes in all the same."""
    remark = comment("an\x00ke", "I\x00 agree.", "2015-01-01T00:00:00Z")
    issue = archived_issue(
        1, title="T\x00", body="B\x00", author="to\x00ve", assignees=["b\x00o"],
        labels=["l\x00"], comments=[remark],
    )  # fmt: skip
    data = json.dumps({"repo": "team/\x00shop", "issues": [issue]}).encode()

    report = await bring_in(house, read_archive(data), "SHOP")
    again = await bring_in(house, read_archive(data), "SHOP")

    assert (report.issues_added, report.comments_added) == (1, 1)
    assert (again.issues_added, again.comments_added, again.users_added) == (0, 0, 0)
    found = (await adam.api.get("/api/issues/SHOP-1")).json()
    assert (found["title"], found["description"]) == (f"T{REPLACED}", f"B{REPLACED}")
    assert found["reporter"]["username"] == f"to{REPLACED}ve"
    assert found["assignee"]["username"] == f"b{REPLACED}o"
    assert found["labels"] == [f"l{REPLACED}"]


@pytest.mark.parametrize(
    ("written", "kept"),
    [
        (r"cut \ud83d", f"cut {REPLACED}"),
        (r"cut \ud83d off", f"cut {REPLACED} off"),
        (r"\udc1b first", f"{REPLACED} first"),
        (r"\ud83d\ud83d\udc1b", f"{REPLACED}\N{BUG}"),
        (r"whole \uD83D\uDC1B", "whole \N{BUG}"),
        (r"told as \\ud83d", r"told as \ud83d"),
    ],
)
def test_half_a_character_spoils_nothing(written: str, kept: str) -> None:
    """UX-2: where a tracker cut a text in the middle of a character, the rest is kept."""
    data = github_file(github_issue(1, title="TITLE"), github_issue(2))

    first, second = read_github(data.replace(b"TITLE", written.encode())).records

    assert isinstance(first, ImportedIssue)
    assert isinstance(second, ImportedIssue)
    assert first.title == kept


async def test_what_a_deleted_account_wrote_is_the_ghosts(house: House, adam: Member) -> None:
    """UX-2: in both formats, in issues and comments; one ghost for all."""
    remark = comment(None, "Who?", "2015-01-01T00:00:00Z")
    archived = archive_of(archived_issue(1, author=None, assignees=[], comments=[remark]))

    await bring_in(house, read_archive(archived), "SHOP")
    await bring_in(house, read_github(github_file(github_issue(1, user=None))), "WEB")

    reporters = {
        (await adam.api.get(f"/api/issues/{key}")).json()["reporter"]["id"]
        for key in ("SHOP-1", "WEB-1")
    }
    comments = (await adam.api.get("/api/issues/SHOP-1/comments")).json()["data"]
    assert reporters == {comments[0]["author"]["id"]}
    assert comments[0]["author"]["username"] == "ghost"


async def test_people_are_one_without_regard_to_case(house: House, adam: Member) -> None:
    """UX-2, AUTH: a username is unique without regard to case; who is here already is meant."""
    records = [
        github_issue(1, user={"login": "Tove"}),
        github_issue(2, user={"login": "tove"}),
        github_issue(3, user={"login": "ADAM"}),
    ]

    report = await bring_in(house, read_github(github_file(*records)), "SHOP")

    assert report.users_added == 1
    third = (await adam.api.get("/api/issues/SHOP-3")).json()
    assert third["reporter"]["id"] == str(adam.id)
    me = (await adam.api.get("/api/auth/me")).json()
    assert (me["role"], me["is_active"]) == ("admin", True)


async def test_a_name_longer_than_ours_is_shortened(house: House, adam: Member) -> None:
    """UX-2: rather than lost; a username has at most 50 characters here."""
    name = "n" * USERNAME_LENGTH_MAX
    records = [
        github_issue(1, user={"login": name}),
        github_issue(2, user={"login": f"{name}[bot]"}),
    ]

    await bring_in(house, read_github(github_file(*records)), "SHOP")

    for key in ("SHOP-1", "SHOP-2"):
        found = (await adam.api.get(f"/api/issues/{key}")).json()
        assert found["reporter"]["username"] == name


async def test_an_issue_that_stands_twice_in_a_file_comes_in_once(house: House) -> None:
    """UX-2: and is counted, so that the sum of the report is the number of records."""
    records = [github_issue(1), github_issue(1), github_issue(2)]

    report = await bring_in(house, read_github(github_file(*records)), "SHOP")

    assert (report.records, report.issues_added, report.issues_known) == (3, 2, 1)


async def test_the_numbers_follow_the_age_over_the_whole_file(house: House, adam: Member) -> None:
    """UX-2: GitHub gives the newest first; the oldest is our first all the same."""
    last = BATCH + 2
    records = [github_issue(number) for number in range(last, 0, -1)]

    report = await bring_in(house, read_github(github_file(*records)), "SHOP")

    assert report.issues_added == last
    for number in (1, 2, BATCH, last):
        found = (await adam.api.get(f"/api/issues/SHOP-{number}")).json()
        assert found["title"] == f"Trouble {number}"
