import json
from typing import Any

import pytest

from lacewing.kernel.records import UnreadableFile
from lacewing.tracker import errors
from lacewing.tracker.importing.archive import read_archive
from lacewing.tracker.importing.github import read_github
from lacewing.tracker.rules import DESCRIPTION_LENGTH_MAX, TITLE_LENGTH_MAX
from tests.support.house import House, Member
from tests.support.importing import bring_in


def github_issue(number: int, **fields: Any) -> dict[str, Any]:
    return {
        "repository_url": "https://api.example.com/repos/team/shop",
        "number": number,
        "title": f"Trouble {number}",
        "body": "It happens **often**.",
        "state": "open",
        "user": {"login": "tove"},
        "labels": [{"name": "bug"}, "plain"],
        "assignees": [],
        "created_at": "2020-01-02T03:04:05Z",
        "updated_at": "2020-02-03T04:05:06Z",
        "closed_at": None,
        **fields,
    }


def archive_of(*issues: dict[str, Any]) -> bytes:
    return json.dumps({"magic": "x", "repo": "team/shop", "issues": issues}).encode()


def archived_issue(number: int, **fields: Any) -> dict[str, Any]:
    return {
        "number": number,
        "title": f"Trouble {number}",
        "state": "CLOSED",
        "author": "tove",
        "assignees": ["anke"],
        "labels": ["parked"],
        "body": "Words.",
        "createdAt": "2014-04-17T18:38:34Z",
        "updatedAt": "2017-04-17T00:48:53Z",
        "closedAt": "2017-04-16T17:21:21Z",
        "comments": [comment("anke", "I agree.", "2015-01-01T00:00:00Z")],
        **fields,
    }


def comment(author: str | None, body: str, at: str) -> dict[str, Any]:
    return {"author": author, "body": body, "createdAt": at, "updatedAt": at}


async def test_people_labels_states_and_times_are_kept(house: House, adam: Member) -> None:
    """UX-2: GitHub's format."""
    records = [
        github_issue(7, state="closed", closed_at="2020-02-01T00:00:00Z"),
        github_issue(9, assignees=[{"login": "anke"}, {"login": "bo"}]),
    ]

    report = await bring_in(house, read_github(json.dumps(records).encode()), "SHOP")

    first = (await adam.api.get("/api/issues/SHOP-1")).json()
    second = (await adam.api.get("/api/issues/SHOP-2")).json()
    assert (first["title"], first["status"], first["labels"]) == (
        "Trouble 7", "closed", ["bug", "plain"],
    )  # fmt: skip
    assert first["reporter"]["username"] == "tove"
    assert first["created_at"] == "2020-01-02T03:04:05Z"
    assert first["updated_at"] == "2020-02-03T04:05:06Z"
    assert second["assignee"]["username"] == "anke"
    assert (report.issues_added, report.assignees_left_out, report.users_added) == (2, 1, 2)
    history = (await adam.api.get("/api/issues/SHOP-1/history")).json()["data"]
    assert [(each["after"], each["at"]) for each in history] == [("closed", "2020-02-01T00:00:00Z")]


async def test_imported_people_can_not_log_in_until_they_are_let_in(
    house: House, adam: Member
) -> None:
    """UX-2, AUTH-18: an import opens no door."""
    await bring_in(house, read_github(json.dumps([github_issue(1)]).encode()), "SHOP")

    users = (await adam.api.get("/api/users", params={"search": "tove"})).json()["data"]

    assert [(user["username"], user["is_active"]) for user in users] == [("tove", False)]


async def test_broken_records_are_named_and_the_rest_goes_in(house: House) -> None:
    """UX-2: each by its place and the reason."""
    records = [
        github_issue(1),
        github_issue(2, title=None),
        "no record at all",
        github_issue(4, state="odd"),
        github_issue(5, created_at="2020-01-02T03:04:05"),
        github_issue(6, title="  "),
        github_issue(7, pull_request={"url": "x"}),
        github_issue(8),
    ]

    report = await bring_in(house, read_github(json.dumps(records).encode()), "SHOP")

    assert (report.issues_added, report.pull_requests_left_out) == (2, 1)
    reasons = {bad.place: bad.reason for bad in report.bad_records}
    assert set(reasons) == {2, 3, 4, 5, 6}
    assert "title" in reasons[2]
    assert "odd" in reasons[4]
    assert "zone" in reasons[5]


@pytest.mark.parametrize("data", [b"", b"{", b'{"issues": 1}', b"\xff", b"null"])
def test_a_file_in_another_format_is_refused_whole(data: bytes) -> None:
    """UX-2: in words, not with a stack trace."""
    with pytest.raises(UnreadableFile):
        read_github(data)
    with pytest.raises(UnreadableFile):
        read_archive(data)


async def test_nothing_is_cut_off(house: House, adam: Member) -> None:
    """UX-2: what is imported may be longer than what is newly written."""
    title, body = "t" * (TITLE_LENGTH_MAX + 50), "b\x00" + "b" * (DESCRIPTION_LENGTH_MAX * 2)
    label = "l" * 80 + ", with a comma"
    records = [github_issue(1, title=title, body=body, labels=[label])]

    await bring_in(house, read_github(json.dumps(records).encode()), "SHOP")
    issue = (await adam.api.get("/api/issues/SHOP-1")).json()

    assert (issue["title"], issue["labels"]) == (title, [label])
    assert issue["description"] == body.replace("\x00", "\N{REPLACEMENT CHARACTER}")
    moved = await adam.api.patch("/api/issues/SHOP-1", json={"status": "in_progress"})
    assert moved.status_code == 200


async def test_a_newer_file_adds_what_is_new(house: House, adam: Member) -> None:
    """UX-2: new issues, and new comments on known ones."""
    old = archived_issue(1)
    await bring_in(house, read_archive(archive_of(old)), "SHOP")
    later = [
        comment("anke", "I agree.", "2015-01-01T00:00:00Z"),
        comment("anke", "Me again.", "2015-01-01T00:00:00Z"),
        comment(None, "Who am I?", "2016-01-01T00:00:00Z"),
    ]
    newer = archive_of(archived_issue(1, comments=later), archived_issue(2))

    report = await bring_in(house, read_archive(newer), "SHOP")
    again = await bring_in(house, read_archive(newer), "SHOP")

    assert (report.issues_added, report.issues_known, report.comments_added) == (1, 1, 3)
    assert (again.issues_added, again.comments_added, again.comments_known) == (0, 0, 4)
    comments = (await adam.api.get("/api/issues/SHOP-1/comments")).json()["data"]
    assert [each["content"] for each in comments] == ["I agree.", "Me again.", "Who am I?"]
    assert comments[2]["author"]["username"] == "ghost"
    assert (await adam.api.get("/api/issues/SHOP-1")).json()["comment_count"] == 3


async def test_work_goes_on_with_imported_issues(house: House, adam: Member) -> None:
    """UX-2, ISS-1, ISS-6: searched by title, text and comment, filtered, reopened and closed."""
    await bring_in(house, read_archive(archive_of(archived_issue(1), archived_issue(2))), "SHOP")

    for query in ("search=agree", "search=trouble", "label=parked", "reporter=tove",
                  "assignee=anke", "status=closed"):  # fmt: skip
        found = (await adam.api.get(f"/api/issues?{query}")).json()["data"]
        assert {each["key"] for each in found} == {"SHOP-1", "SHOP-2"}, query
    for status in ("reopened", "in_progress", "resolved", "closed"):
        answer = await adam.api.patch("/api/issues/SHOP-1", json={"status": status})
        assert answer.json()["status"] == status


async def test_an_archived_project_takes_no_import(house: House, adam: Member) -> None:
    """ISS-8: read-only means that too."""
    await bring_in(house, read_archive(archive_of(archived_issue(1))), "SHOP")
    project = (await adam.api.get("/api/projects")).json()["data"][0]
    await adam.api.delete(f"/api/projects/{project['id']}")

    with pytest.raises(errors.ProjectArchived):
        await bring_in(house, read_archive(archive_of(archived_issue(2))), "SHOP")

    assert len((await adam.api.get("/api/issues")).json()["data"]) == 1
