"""What comes in is like what was written here: read, paged, discussed and closed."""

import json

import pytest

from lacewing.kernel.records import BadRecord
from lacewing.tracker.importing.archive import read_archive
from lacewing.tracker.importing.github import read_github
from tests.support.house import House, Member
from tests.support.importing import bring_in
from tests.tracker.acts import new_comment, new_issue, nothing_changes, walk, walk_numbered
from tests.tracker.importing.test_import import archive_of, archived_issue, comment, github_issue


@pytest.mark.parametrize("sort", ["created_at", "-updated_at", "priority", "-due_date"])
async def test_imported_issues_are_paged_without_loss(
    house: House, adam: Member, sort: str
) -> None:
    """API-5, API-6, UX-2: though all were made and changed at the same moment."""
    records = [github_issue(number) for number in range(1, 31)]
    await bring_in(house, read_github(json.dumps(records).encode()), "SHOP")
    wanted = sorted(f"SHOP-{number}" for number in range(1, 31))

    by_cursor = await walk(adam, "/api/issues", sort=sort, limit=7)
    by_page = await walk_numbered(adam, "/api/issues", sort=sort, limit=7)

    assert sorted(issue["key"] for issue in by_cursor) == wanted
    assert [issue["key"] for issue in by_page] == [issue["key"] for issue in by_cursor]


async def test_work_of_our_own_survives_a_second_run(house: House, adam: Member) -> None:
    """UX-2: what was changed here is not overwritten by the file."""
    data = archive_of(archived_issue(1))
    await bring_in(house, read_archive(data), "SHOP")
    issue = (await adam.api.get("/api/issues/SHOP-1")).json()
    await adam.api.patch("/api/issues/SHOP-1", json={"title": "Ours", "status": "reopened"})
    await new_comment(adam, issue, "Ours too.")

    async with nothing_changes(house):
        report = await bring_in(house, read_archive(data), "SHOP")

    assert (report.issues_known, report.comments_known) == (1, 1)
    found = (await adam.api.get("/api/issues/SHOP-1")).json()
    assert (found["title"], found["status"], found["comment_count"]) == ("Ours", "reopened", 2)


async def test_an_import_goes_on_with_the_numbers_of_its_project(
    house: House, adam: Member
) -> None:
    """ISS numbering: without gap or double beside our own issues."""
    project = (await adam.api.post("/api/projects", json={"key": "SHOP", "name": "Shop"})).json()
    first = await new_issue(adam, project)

    await bring_in(house, read_archive(archive_of(archived_issue(40))), "SHOP")
    third = await new_issue(adam, project)

    assert (first["key"], third["key"]) == ("SHOP-1", "SHOP-3")
    assert (await adam.api.get("/api/issues/SHOP-2")).json()["title"] == "Trouble 40"


async def test_a_new_comment_on_a_known_issue_is_found(house: House, adam: Member) -> None:
    """UX-2, ISS-1: search knows what a newer file has added."""
    await bring_in(house, read_archive(archive_of(archived_issue(1))), "SHOP")
    later = [*archived_issue(1)["comments"], comment("bo", "Zebra!", "2016-01-01T00:00:00Z")]

    await bring_in(house, read_archive(archive_of(archived_issue(1, comments=later))), "SHOP")

    found = (await adam.api.get("/api/issues?search=zebra")).json()["data"]
    assert [issue["key"] for issue in found] == ["SHOP-1"]


async def test_the_same_tracker_may_come_into_two_projects(house: House) -> None:
    """UX-2: what is known is known within its project."""
    data = archive_of(archived_issue(1))
    await bring_in(house, read_archive(data), "SHOP")

    other = await bring_in(house, read_archive(data), "WEB")

    assert (other.issues_added, other.comments_added, other.users_added) == (1, 1, 0)


def test_a_pull_request_is_told_apart_though_its_mark_is_null() -> None:
    """UX-2: what counts is whether the record has the member; broken ones stay broken."""
    records = [github_issue(1, pull_request=None), {"pull_request": {}}, github_issue(3)]

    found = list(read_github(json.dumps(records).encode()).records)

    assert type(found[0]).__name__ == "PullRequest"
    assert isinstance(found[1], BadRecord)
    assert found[1].place == 2


async def test_several_assignees_are_counted_and_the_first_is_kept(
    house: House, adam: Member
) -> None:
    """UX-2: an issue has one assignee here; nobody is left out unsaid."""
    issue = archived_issue(1, assignees=["anke", "bo", "cy"])

    report = await bring_in(house, read_archive(archive_of(issue)), "SHOP")

    assert report.assignees_left_out == 2
    found = (await adam.api.get("/api/issues/SHOP-1")).json()
    assert found["assignee"]["username"] == "anke"
