import asyncio
from collections import Counter
from collections.abc import Iterator
from typing import Any

import pytest

from lacewing.kernel import pagination
from lacewing.kernel.db import paging
from lacewing.kernel.web import answers
from tests.support.house import Member


async def _report(reporter: Member, path: str, count: int, **fields: Any) -> list[str]:
    ids = []
    for number in range(count):
        answer = await reporter.api.post(path, json={"title": f"Issue {number}", **fields})
        assert answer.status_code == 201, answer.text
        ids.append(answer.json()["id"])
    return ids


async def _walk(reader: Member, path: str, **query: Any) -> list[list[dict[str, Any]]]:
    """All pages by cursor."""
    pages = []
    cursor = None
    while True:
        parameters = query if cursor is None else {**query, "cursor": cursor}
        answer = await reader.api.get(path, params=parameters)
        assert answer.status_code == 200, answer.text
        document = answer.json()
        assert document.keys() == {"data", "next_cursor", "has_more"}
        assert document["has_more"] is (document["next_cursor"] is not None)
        pages.append(document["data"])
        cursor = document["next_cursor"]
        if cursor is None:
            return pages


async def test_a_walk_shows_each_row_once_also_where_all_keys_tie(
    maria: Member, issues_path: str
) -> None:
    """API-6: the clock stands, so every key is the same; ties break by id."""
    made = await _report(maria, issues_path, 11)

    for sort in ("created_at", "-created_at", "priority", "-priority", "due_date", "-due_date"):
        pages = await _walk(maria, issues_path, limit=3, sort=sort)

        assert [len(page) for page in pages] == [3, 3, 3, 2]
        assert Counter(each["id"] for page in pages for each in page) == Counter(made)


@pytest.mark.parametrize(
    ("count", "sizes"), [(0, [0]), (1, [1]), (4, [4]), (5, [4, 1]), (8, [4, 4])]
)
async def test_the_last_page_says_that_it_is_the_last(
    maria: Member, issues_path: str, count: int, sizes: list[int]
) -> None:
    """API-5: none, one, exactly a page, one more, exactly two."""
    await _report(maria, issues_path, count)

    pages = await _walk(maria, issues_path, limit=4)

    assert [len(page) for page in pages] == sizes


async def test_a_walk_while_others_write_shows_what_was_there_throughout_exactly_once(
    maria: Member, noor: Member, mona: Member
) -> None:
    """API-5: cursors are stable under inserts and removals, before and behind the reader."""
    kept: list[str] = []
    going: list[str] = []
    for number in range(24):
        answer = await mona.api.post("/api/projects", json={"name": f"Project {number:02}"})
        (going if number % 4 == 1 else kept).append(answer.json()["id"])

    async def write() -> None:
        for number, project_id in enumerate(going):
            for name in (f"Project {number * 3:02}a", f"A {number}", f"Z {number}"):
                assert (await mona.api.post("/api/projects", json={"name": name})).is_success
            assert (await mona.api.delete(f"/api/projects/{project_id}")).is_success

    async def read(reader: Member) -> list[str]:
        pages = await _walk(reader, "/api/projects", limit=2, is_archived=False)
        return [each["id"] for page in pages for each in page]

    first, second, _ = await asyncio.gather(read(maria), read(noor), write())

    for seen in (first, second):
        counts = Counter(seen)
        assert {project_id: counts[project_id] for project_id in kept} == dict.fromkeys(kept, 1)
        assert max(counts.values()) == 1


async def test_pages_by_number_tell_how_many_there_are(maria: Member, issues_path: str) -> None:
    """API-5: the answer adds page, limit, total and total_is_exact."""
    made = await _report(maria, issues_path, 7)

    pages = [
        (await maria.api.get(issues_path, params={"page": page, "limit": 3, "sort": "created_at"}))
        .json()
        for page in (1, 2, 3, 4)
    ]  # fmt: skip

    assert [each["id"] for page in pages for each in page["data"]] == made
    assert [page["has_more"] for page in pages] == [True, True, False, False]
    for number, page in enumerate(pages, start=1):
        told = {name: page[name] for name in ("page", "limit", "total", "total_is_exact")}
        assert told == {"page": number, "limit": 3, "total": 7, "total_is_exact": True}


@pytest.fixture
def counted_to_five(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """The maximum is a constant of 10,000; here it is 5, so that few rows reach it."""
    assert pagination.TOTAL_COUNTED_MAX == 10_000
    for module in (paging, answers):
        monkeypatch.setattr(module, "TOTAL_COUNTED_MAX", 5)
    paging._count_statement.cache_clear()  # noqa: SLF001  compiled with the maximum in it
    yield
    paging._count_statement.cache_clear()  # noqa: SLF001  the same


@pytest.mark.usefixtures("counted_to_five")
async def test_the_total_is_counted_to_its_maximum_and_no_further(
    maria: Member, issues_path: str
) -> None:
    """API-5: at the maximum the total is exact; one beyond, it is the maximum and not exact."""
    told = []
    for count in (5, 1, 1):
        await _report(maria, issues_path, count)
        answer = (await maria.api.get(issues_path, params={"page": 1, "limit": 2})).json()
        told.append((answer["total"], answer["total_is_exact"]))

    assert told == [(5, True), (5, False), (5, False)]


@pytest.mark.usefixtures("noor")
@pytest.mark.parametrize("query", [{"search": "mar"}, {"role": "developer"}, {"search": "zzz"}])
async def test_a_filtered_list_is_counted_as_it_is_filtered(
    maria: Member, query: dict[str, str]
) -> None:
    """API-5: the total is that of the filter, whatever expression it is made of."""
    by_cursor = (await maria.api.get("/api/users", params=query)).json()["data"]

    by_number = (await maria.api.get("/api/users", params={**query, "page": 1})).json()

    assert by_number["data"] == by_cursor
    assert by_number["total"] == len(by_cursor)


@pytest.mark.parametrize("page", ["0", "-1", "one", "", "100001"])
async def test_a_page_number_that_is_none_is_refused(a_developer: Member, page: str) -> None:
    """API-5: pages count from 1."""
    answer = await a_developer.api.get("/api/users", params={"page": page})

    assert answer.status_code == 422


async def test_a_page_beyond_the_last_is_empty(a_developer: Member) -> None:
    """API-5: also the deepest that may be asked for."""
    answer = await a_developer.api.get("/api/users", params={"page": 100_000, "limit": 100})

    assert answer.status_code == 200
    assert (answer.json()["data"], answer.json()["has_more"]) == ([], False)


async def test_a_cursor_that_comes_with_a_page_number_can_be_followed(
    maria: Member, issues_path: str
) -> None:
    """API-5: whoever begins by number may go on by cursor."""
    made = await _report(maria, issues_path, 5)
    query: dict[str, str | int] = {"limit": 2, "sort": "created_at"}
    first = (await maria.api.get(issues_path, params={**query, "page": 1})).json()

    rest = await maria.api.get(issues_path, params={**query, "cursor": first["next_cursor"]})

    assert [each["id"] for each in rest.json()["data"]] == made[2:4]
