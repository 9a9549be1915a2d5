"""Real trackers, as they were exported; skipped where they are not at hand."""

import json
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from lacewing.tracker.importing.archive import read_archive
from lacewing.tracker.importing.github import read_github
from lacewing.tracker.importing.records import ImportFile
from tests.support.house import House, Member
from tests.support.importing import bring_in

DATA = Path(__file__).parents[3] / "shared" / "data"
ARCHIVE = DATA / "ietf-archive-tls13.json"
GITHUB = DATA / "github-issues-quic.json"
ARCHIVE_DATA = ARCHIVE.read_bytes() if ARCHIVE.is_file() else b""
GITHUB_DATA = GITHUB.read_bytes() if GITHUB.is_file() else b""

pytestmark = pytest.mark.skipif(
    not ARCHIVE.is_file(), reason="the real trackers lie beside the repository, not in it"
)


async def _all(member: Member, path: str) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = []
    cursor: dict[str, str] = {}
    while True:
        answer = await member.api.get(path, params={"limit": 100, **cursor})
        page = answer.json()
        found += page["data"]
        if page["next_cursor"] is None:
            return found
        cursor = {"cursor": page["next_cursor"]}


async def test_the_archive_comes_in_whole(house: House, adam: Member) -> None:
    """UX-2: 446 issues and 963 comments, with authors, labels, states and times as in the file."""
    data = ARCHIVE_DATA
    wanted = json.loads(data)["issues"]

    report = await bring_in(house, read_archive(data), "TLS")

    assert (report.issues_added, report.comments_added, report.bad_records) == (446, 963, [])
    issues = await _all(adam, "/api/issues?sort=created_at")
    by_title = Counter(_shape_of_archived(each) for each in wanted)
    assert Counter(_shape(each) for each in issues) == by_title
    longest = max(wanted, key=lambda each: len(each["body"]))
    assert longest["body"] in {each["description"] for each in issues}
    await _comments_are_as_in(adam, issues, wanted)


async def _comments_are_as_in(
    adam: Member, issues: list[dict[str, Any]], wanted: list[dict[str, Any]]
) -> None:
    discussed = max(wanted, key=lambda each: len(each["comments"]))
    issue = next(each for each in issues if each["title"] == discussed["title"])
    comments = await _all(adam, f"/api/issues/{issue['key']}/comments")
    assert [
        (each["author"]["username"], each["content"], each["created_at"]) for each in comments
    ] == [(each["author"], each["body"], each["createdAt"]) for each in discussed["comments"]]


def _shape(issue: dict[str, Any]) -> tuple[Any, ...]:
    return (
        issue["title"],
        issue["status"],
        issue["reporter"]["username"],
        tuple(issue["labels"]),
        issue["created_at"],
        issue["updated_at"],
        issue["comment_count"],
    )


def _shape_of_archived(issue: dict[str, Any]) -> tuple[Any, ...]:
    return (
        issue["title"],
        issue["state"].lower(),
        issue["author"],
        tuple(issue["labels"]),
        issue["createdAt"],
        issue["updatedAt"],
        len(issue["comments"]),
    )


@pytest.mark.parametrize(
    ("data", "read", "known"),
    [(ARCHIVE_DATA, read_archive, 446), (GITHUB_DATA, read_github, 262)],
    ids=["archive", "github"],
)
async def test_a_second_run_adds_nothing(house: House, data: bytes, read: Any, known: int) -> None:
    """UX-2: run again it adds only what is new."""
    await bring_in(house, read(data), "REAL")

    second = await bring_in(house, read(data), "REAL")

    assert (second.issues_added, second.comments_added, second.users_added) == (0, 0, 0)
    assert second.issues_known == known


async def test_pull_requests_of_github_are_told_apart(house: House, adam: Member) -> None:
    """UX-2: 479 records, of which 217 are pull requests, left out and counted."""
    found: ImportFile = read_github(GITHUB_DATA)

    report = await bring_in(house, found, "QUIC")

    assert (report.records, report.issues_added, report.pull_requests_left_out) == (479, 262, 217)
    numbers = sorted(
        int(each["key"].removeprefix("QUIC-")) for each in await _all(adam, "/api/issues")
    )
    assert numbers == list(range(1, 263))
