from typing import Any

import msgspec
import pytest

from lacewing.kernel.pagination import PageRequest, Slice
from lacewing.tracker.schemas import IssueView
from lacewing.tracker.store import search
from lacewing.tracker.store.best_first import list_best_first
from tests.support.house import House, Member
from tests.tracker.acts import (
    Json,
    new_comment,
    new_issue,
    read,
    titles,
    walk,
    walk_numbered,
)


async def test_a_match_in_the_title_comes_first(house: House, maria: Member, project: Json) -> None:
    """ISS-1: before any number of mentions elsewhere, however old it is; unless sorted."""
    often = "disk full " * 200
    await new_issue(maria, project, "Disk is full")
    house.clock.advance(seconds=1)
    await new_issue(maria, project, "Server room", description=often)
    house.clock.advance(seconds=1)
    commented = await new_issue(maria, project, "Disk")
    await new_comment(maria, commented, often)

    ranked = await titles(maria, search="full disk")

    assert ranked[0] == "Disk is full"
    assert set(ranked[1:]) == {"Server room", "Disk"}
    by_time = await titles(maria, search="full disk", sort="created_at")
    assert by_time == ["Disk is full", "Server room", "Disk"]


async def test_equal_matches_come_newest_first(maria: Member, project: Json) -> None:
    """ISS-1, API-6: ties break by id, so that pages hold."""
    for number in range(5):
        await new_issue(maria, project, f"Disk {number}")

    assert await titles(maria, search="disk") == [f"Disk {number}" for number in (4, 3, 2, 1, 0)]


@pytest.fixture
async def matches(house: House, maria: Member, project: Json) -> list[Json]:
    """Twelve issues that mention the disk in different places, among others that do not."""
    made = []
    for number in range(12):
        house.clock.advance(seconds=1)
        title = "Disk" if number % 3 == 0 else "Server"
        description = "disk " * (number % 4 + 1)
        made.append(await new_issue(maria, project, f"{title} {number}", description=description))
        await new_issue(maria, project, f"Printer {number}")
    return made


async def test_every_match_stands_on_one_page(maria: Member, matches: list[Json]) -> None:
    """ISS-1, API-5: by cursor and by page."""
    for limit in (1, 5, 6, 100):
        by_cursor = await walk(maria, "/api/issues", search="disk", limit=limit)
        by_page = await walk_numbered(maria, "/api/issues", search="disk", limit=limit)

        assert by_page == by_cursor
        assert sorted(row["id"] for row in by_cursor) == sorted(row["id"] for row in matches)


async def test_matches_beyond_those_that_are_ranked_follow_newest_first(
    house: House, matches: list[Json]
) -> None:
    """ISS-1, API-5: a common word has more matches than are ranked; none is lost or doubled."""
    session = house.database.session()
    words = search.search_parameters(session, "disk")
    newest_first = [match["id"] for match in matches[::-1]]

    async def page_of(limit: int, ranked_max: int, **place: Any) -> Slice[IssueView]:
        page = PageRequest(limit, **place)
        return await list_best_first(
            session, (), page, words, only_what_not=False, ranked_max=ranked_max
        )

    for ranked_max in (1, 4, 6, 11, 12):
        whole = [str(issue.id) for issue in (await page_of(100, ranked_max)).items]
        assert sorted(whole[:ranked_max]) == sorted(newest_first[:ranked_max])
        assert whole[ranked_max:] == newest_first[ranked_max:]
        for limit in (1, 2, 3, 4, 5):
            by_cursor: list[str] = []
            place: dict[str, Any] | None = {}
            while place is not None:
                found = await page_of(limit, ranked_max, **place)
                by_cursor += [str(issue.id) for issue in found.items]
                key = msgspec.json.decode(msgspec.json.encode(found.last_key))
                place = key and {"after": key}
            pages = [await page_of(limit, ranked_max, page=1 + at) for at in range(12 // limit + 1)]
            by_page = [str(issue.id) for page in pages for issue in page.items]

            assert by_cursor == whole, (ranked_max, limit)
            assert by_page == whole
            assert {page.total for page in pages} == {12}


async def test_pages_hold_while_others_write(
    maria: Member, project: Json, matches: list[Json]
) -> None:
    """ISS-1, API-5: new matches push none of the others out of the pages to come, nor twice in."""
    page = await read(maria, "/api/issues", search="disk", limit=3)
    rows = page["data"]
    while page["has_more"]:
        await new_issue(maria, project, "Disk again", description="disk")
        cursor = page["next_cursor"]
        page = await read(maria, "/api/issues", search="disk", limit=3, cursor=cursor)
        rows += page["data"]

    old = [row["id"] for row in rows if row["title"] != "Disk again"]
    assert sorted(old) == sorted(row["id"] for row in matches)
    assert len({row["id"] for row in rows}) == len(rows)


async def test_a_numbered_page_goes_on_by_cursor(maria: Member, matches: list[Json]) -> None:
    """API-5: its `next_cursor` leads to what stands on the next page."""
    first = await read(maria, "/api/issues", search="disk", limit=4, page=1)

    rest = await walk(maria, "/api/issues", search="disk", limit=4, cursor=first["next_cursor"])

    assert (first["total"], first["total_is_exact"], first["page"]) == (12, True, 1)
    assert len(first["data"] + rest) == len(matches)
    assert len({row["id"] for row in first["data"] + rest}) == len(matches)
