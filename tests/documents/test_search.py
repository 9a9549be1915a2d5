"""Finding documents by their names and texts, and issues by the texts of their documents."""

import asyncio

import pytest

from lacewing.documents.store.results import PART_CHARACTERS
from tests.documents.acts import delete, path_of, process, upload, upload_processed
from tests.documents.papers import docx, encrypted_pdf, pdf
from tests.support.house import House, Member
from tests.tracker.acts import (
    Json,
    change,
    faults,
    new_comment,
    new_issue,
    new_project,
    read,
    titles,
    walk,
    walk_numbered,
)

LIST = "/api/documents"
SHELF = {
    "handbook.pdf": pdf("Connections to the database are lost\nat night"),
    "menu.docx": docx("Café prices in the naïve rounding mode", "Снег идёт"),
    "minutes.pdf": pdf("The server failed", "Logins were slow, said user@example.org"),
    "lease_contract.docx": docx("Rental of the server room, v17.2", headings=["ERR-4711"]),
}
HANDBOOK, MENU, MINUTES, LEASE = SHELF

FOUND: list[tuple[str, set[str]]] = [
    ("database", {HANDBOOK}),
    ("DATABASE", {HANDBOOK}),
    ("databases", {HANDBOOK}),
    ("connection", {HANDBOOK}),
    ("connect", {HANDBOOK}),
    ("failing", {MINUTES}),
    ("login", {MINUTES}),
    ("server", {MINUTES, LEASE}),
    ("servers", {MINUTES, LEASE}),
    ("server slow", {MINUTES}),
    ("slow server", {MINUTES}),
    ("server -slow", {LEASE}),
    ("-slow server -room", set()),
    ("-server", {HANDBOOK, MENU}),
    ("-server -cafe", {HANDBOOK}),
    ("-nothing", {HANDBOOK, MENU, MINUTES, LEASE}),
    ('"server room"', {LEASE}),
    ('"room server"', set()),
    ('"lost at night"', {HANDBOOK}),
    ('server -"server room"', {MINUTES}),
    ('-"server room"', {HANDBOOK, MENU, MINUTES}),
    ("cafe", {MENU}),
    ("CAFÉ", {MENU}),
    ("cafe\u0301", {MENU}),
    ("naive", {MENU}),
    ("СНЕГ", {MENU}),
    ("user@example.org", {MINUTES}),
    ("example", {MINUTES}),
    ("v17.2", {LEASE}),
    ("err-4711", {LEASE}),
    ("handbook", {HANDBOOK}),
    ("handbook.pdf", {HANDBOOK}),
    ("handbook night", {HANDBOOK}),
    ("handbook server", set()),
    ("lease", {LEASE}),
    ("contract room", {LEASE}),
    ("docx", {MENU, LEASE}),
    ("-docx", {HANDBOOK, MINUTES}),
    ("datab", set()),
    ("nothing like it", set()),
]
HOSTILE_WORDS = [
    '"',
    '""',
    "-",
    '-"',
    "*",
    "(",
    "NEAR(a b)",
    "a AND",
    "OR",
    "NOT",
    "words:server",
    "server*",
    "^server",
    "'; DROP TABLE documents; --",
    "\\",
    "%",
    "a:*",
    "!server & |",
    "\u200b",
    "'",
    "{server}",
    "+",
]


async def _names(member: Member, **params: object) -> list[str]:
    """The names of the documents on the first page."""
    return [each["filename"] for each in (await read(member, LIST, **params))["data"]]


async def _snippets(member: Member, words: str) -> list[str | None]:
    return [each["snippet"] for each in (await read(member, LIST, search=words))["data"]]


@pytest.fixture
async def shelf(maria: Member) -> dict[str, Json]:
    """Four documents, processed."""
    made = await asyncio.gather(
        *(upload_processed(maria, content, name) for name, content in SHELF.items())
    )
    return dict(zip(SHELF, made, strict=True))


# What is found


@pytest.mark.usefixtures("shelf")
async def test_words_are_found_alike_on_both_databases(maria: Member) -> None:
    """DOC-2: words in any order, their stems, phrases, `-without`; case and accents aside."""
    for words, expected in FOUND:
        assert set(await _names(maria, search=words)) == expected, words


@pytest.mark.usefixtures("shelf")
async def test_no_words_break_the_search(maria: Member) -> None:
    """DOC-2, SEC-6: what is the database's own language is text like any other."""
    for words in HOSTILE_WORDS:
        answer = await maria.api.get(LIST, params={"search": words})
        assert answer.status_code == 200, words


@pytest.mark.parametrize("words", ["", "x" * 201, "a\x00b"], ids=["none", "long", "NUL"])
async def test_a_search_of_no_or_too_many_words_is_refused(a_developer: Member, words: str) -> None:
    """DOC-2, SEC-6: 422 that names the parameter."""
    answer = await a_developer.api.get(LIST, params={"search": words})

    assert faults(answer) == [["query", "search"]]


async def test_before_it_is_processed_a_document_is_found_by_its_name(maria: Member) -> None:
    """DOC-2: by its text as soon as it is COMPLETED, and by its name still."""
    document = await upload(maria, SHELF[MINUTES], "quarterly-report.pdf")
    by_name_before = await _names(maria, search="quarterly")
    by_text_before = await _names(maria, search="logins")

    await process(maria, document)

    assert by_name_before == ["quarterly-report.pdf"]
    assert by_text_before == []
    for words in ("quarterly", "logins", "quarterly logins"):
        assert await _names(maria, search=words) == ["quarterly-report.pdf"], words


async def test_a_document_that_has_failed_is_found_by_its_name(maria: Member) -> None:
    """DOC-2: so that it can be looked after."""
    document = await upload(maria, encrypted_pdf("Logins", "swordfish"), "locked.pdf")

    await process(maria, document)

    assert await _names(maria, search="locked", status="FAILED") == ["locked.pdf"]
    assert await _names(maria, search="logins") == []


async def test_documents_that_are_found_are_the_newest_first(house: House, maria: Member) -> None:
    """DOC-2: as in every list of them."""
    for number in range(3):
        await upload(maria, filename=f"report-{number}.pdf")
        house.clock.advance(seconds=1)

    newest_first = ["report-2.pdf", "report-1.pdf", "report-0.pdf"]
    assert await _names(maria) == newest_first
    assert await _names(maria, search="report") == newest_first


# Where it is found


@pytest.mark.usefixtures("shelf")
async def test_a_search_shows_where_the_words_stand(maria: Member) -> None:
    """DOC-2: on one line, as it is written; none where only the name was found."""
    assert await _snippets(maria, "CONNECTION") == ["Connections to the database are lost at night"]
    assert await _snippets(maria, "cafe") == ["Café prices in the naïve rounding mode Снег идёт"]
    assert await _snippets(maria, "handbook") == [None]
    assert await _snippets(maria, "-server -cafe") == [None]


@pytest.mark.usefixtures("shelf")
async def test_only_a_search_shows_a_snippet(maria: Member) -> None:
    """DOC-2: a list without a search has none."""
    page = await read(maria, LIST)

    assert len(page["data"]) == 4
    assert all("snippet" not in each for each in page["data"])


def _long_text() -> str:
    """More than one part of a text, with a word at the beginning, in the middle and at the end."""
    filling = "filling words of no use " * (PART_CHARACTERS // 24 + 100)
    return f"alphaword {filling} middleword {filling} omegaword"


@pytest.fixture
async def long_paper(maria: Member) -> Json:
    """A text of more than 200,000 characters."""
    return await upload_processed(maria, docx(_long_text()), "long.docx")


@pytest.mark.parametrize("word", ["alphaword", "middleword", "omegaword", "OMEGAWORDS"])
@pytest.mark.usefixtures("long_paper")
async def test_a_word_is_found_wherever_it_stands_in_a_long_text(maria: Member, word: str) -> None:
    """DOC-2: beyond the first 100,000 characters too, with its snippet; once."""
    found = (await read(maria, LIST, search=word, page=1))["data"]

    assert [each["filename"] for each in found] == ["long.docx"]
    assert word.lower().rstrip("s") in found[0]["snippet"]


@pytest.mark.usefixtures("long_paper")
async def test_a_word_of_every_part_finds_a_long_text_once(maria: Member) -> None:
    """DOC-2, API-5: listed and counted once."""
    page = await read(maria, LIST, search="filling", page=1)

    assert [each["filename"] for each in page["data"]] == ["long.docx"]
    assert page["total"] == 1


@pytest.mark.parametrize("words", ["-omegaword", "alphaword -omegaword", "long -omegaword"])
@pytest.mark.usefixtures("long_paper")
async def test_a_word_anywhere_in_a_long_text_keeps_it_out(maria: Member, words: str) -> None:
    """DOC-2: `-without` is of the whole document, not of the part where the others stand."""
    assert await _names(maria, search=words) == []


async def test_the_whole_of_a_long_text_is_its_result(maria: Member, long_paper: Json) -> None:
    """DOC-5: put together from its parts, not a character lost."""
    result = (await maria.api.get(path_of(long_paper, "/result"))).json()

    assert result["text"] == _long_text()


async def test_what_is_removed_is_not_found(
    maria: Member, shelf: dict[str, Json], long_paper: Json
) -> None:
    """DOC-2, DOC-6: neither by its name nor by any part of its text; others are."""
    await delete(maria, shelf[MINUTES])
    await delete(maria, long_paper)

    assert await _names(maria, search="server") == [LEASE]
    for words in ("minutes", "logins", "long", "alphaword", "omegaword"):
        assert await _names(maria, search=words) == [], words
    assert set(await _names(maria, search="-room")) == {HANDBOOK, MENU}


# Issues by their documents


async def test_an_issue_is_found_by_the_text_of_its_document(
    maria: Member, noor: Member, project: Json, issue: Json
) -> None:
    """ISS-1, DOC-2: with a snippet of the text; by words of title and document together too."""
    await new_issue(maria, project, "Signup fails")
    document = await upload(maria, SHELF[HANDBOOK], HANDBOOK, issue_id=issue["id"])
    before = await titles(noor, search="database")

    await process(maria, document)

    found = (await read(noor, "/api/issues", search="databases"))["data"]
    assert before == []
    assert [each["id"] for each in found] == [issue["id"]]
    assert "Connections to the database are lost" in found[0]["snippet"]
    for words in ("login connection", "handbook", '"lost at night"'):
        assert await titles(noor, search=words) == [issue["title"]], words
    assert await titles(noor, search="fails -database") == ["Signup fails"]


async def test_a_document_of_a_project_finds_none_of_its_issues(
    maria: Member, project: Json, issue: Json
) -> None:
    """ISS-1: it belongs to no issue."""
    await upload_processed(maria, SHELF[HANDBOOK], HANDBOOK, project_id=project["id"])

    assert issue["title"] in await titles(maria)
    assert await titles(maria, search="database") == []


async def test_an_issue_is_not_found_by_a_document_that_was_removed(
    maria: Member, issue: Json
) -> None:
    """ISS-1, DOC-6: by those that are left it is."""
    gone = await upload_processed(maria, SHELF[HANDBOOK], HANDBOOK, issue_id=issue["id"])
    await upload_processed(maria, SHELF[MINUTES], MINUTES, issue_id=issue["id"])

    await delete(maria, gone)

    assert await titles(maria, search="database") == []
    assert await titles(maria, search="handbook") == []
    assert await titles(maria, search="server") == [issue["title"]]
    assert await titles(maria, search="login") == [issue["title"]]


async def test_a_changed_issue_is_still_found_by_its_document(
    maria: Member, mona: Member, issue: Json
) -> None:
    """ISS-1: a new title or comment does not push the document out."""
    await upload_processed(maria, SHELF[HANDBOOK], HANDBOOK, issue_id=issue["id"])

    await change(mona, issue, title="Renamed")
    await new_comment(maria, issue, "A rollback helped.")

    for words in ("database", "rollback", "renamed", "renamed rollback database"):
        assert await titles(maria, search=words) == ["Renamed"], words


# Filters and pages


@pytest.fixture
async def sorted_papers(maria: Member, mona: Member, project: Json, issue: Json) -> Json:
    """Documents of two projects, of an issue and of none; a new and a processed one of each."""
    other = await new_project(mona, "Till", key="TILL")
    places: dict[str, dict[str, str]] = {
        "none": {},
        "web": {"project_id": project["id"]},
        "issue": {"issue_id": issue["id"]},
        "till": {"project_id": other["id"]},
    }
    for name, place in places.items():
        await upload(maria, pdf("New words"), f"new-{name}.pdf", **place)
        await upload_processed(maria, pdf("Done words"), f"done-{name}.pdf", **place)
    return other


async def test_filters_narrow_the_list_together(
    maria: Member, project: Json, issue: Json, sorted_papers: Json
) -> None:
    """DOC-2: status, project and issue, alone, with each other and with a search."""
    web = {"new-web.pdf", "done-web.pdf", "new-issue.pdf", "done-issue.pdf"}
    till = {"new-till.pdf", "done-till.pdf"}
    of_issue = {"new-issue.pdf", "done-issue.pdf"}
    none = {"new-none.pdf", "done-none.pdf"}
    done = {f"done-{name}.pdf" for name in ("none", "web", "issue", "till")}
    in_web, in_till = {"project_id": project["id"]}, {"project_id": sorted_papers["id"]}
    expected: list[tuple[Json, set[str]]] = [
        ({}, web | till | none),
        ({"status": "COMPLETED"}, done),
        ({"status": "UPLOADED,COMPLETED"}, web | till | none),
        ({"status": "FAILED,PROCESSING"}, set()),
        (in_web, web),
        (in_till, till),
        ({"issue_id": issue["id"]}, of_issue),
        ({"issue_id": issue["key"]}, of_issue),
        ({"issue_id": issue["key"], **in_web}, of_issue),
        ({"status": "COMPLETED", **in_web}, web & done),
        ({"status": "COMPLETED", "issue_id": issue["key"]}, {"done-issue.pdf"}),
        ({"search": "done", **in_till}, {"done-till.pdf"}),
        ({"search": "words"}, done),
        ({"search": "-words"}, {"new-none.pdf", "new-web.pdf", "new-issue.pdf", "new-till.pdf"}),
        ({"search": "words", "status": "UPLOADED"}, set()),
        ({"search": "pdf -words", **in_web}, {"new-web.pdf", "new-issue.pdf"}),
        (
            {"search": "words", "status": "COMPLETED", **in_web, "issue_id": issue["id"]},
            {"done-issue.pdf"},
        ),
    ]

    for params, names in expected:
        page = await read(maria, LIST, page=1, **params)
        assert {each["filename"] for each in page["data"]} == names, params
        assert page["total"] == len(names), params


async def test_a_place_that_is_not_there_is_told(maria: Member, mona: Member, issue: Json) -> None:
    """DOC-2: 404, rather than an empty list that looks like an answer."""
    other = await new_project(mona, "Till", key="TILL")
    nobodys_id = "019a0000-0000-7000-8000-000000000000"
    wanted: tuple[Json, ...] = (
        {"project_id": nobodys_id},
        {"issue_id": nobodys_id},
        {"issue_id": "WEB-999"},
        {"issue_id": "nonsense"},
        {"issue_id": issue["key"], "project_id": other["id"]},
    )

    answers = [await maria.api.get(LIST, params=params) for params in wanted]

    assert [answer.status_code for answer in answers] == [404] * len(wanted)


@pytest.mark.parametrize(
    ("query", "name"),
    [
        ("status=DONE", "status"),
        ("status=completed", "status"),
        ("status=", "status"),
        ("status=FAILED&status=UPLOADED", "status"),
        ("status=" + ",".join(["FAILED"] * 11), "status"),
        ("project_id=WEB", "project_id"),
        ("issue_id=", "issue_id"),
        ("issue_id=" + "x" * 41, "issue_id"),
        ("sort=filename", "sort"),
        ("owner_id=me", "owner_id"),
        ("limit=0", "limit"),
        ("limit=101", "limit"),
        ("page=0", "page"),
    ],
)
async def test_parameters_that_are_none_are_refused(
    a_developer: Member, query: str, name: str
) -> None:
    """API-5, API-7: 422 that names the parameter."""
    answer = await a_developer.api.get(f"{LIST}?{query}")

    assert {tuple(loc[:2]) for loc in faults(answer)} == {("query", name)}


async def _upload_25(house: House, member: Member) -> list[str]:
    """The ids of 25 documents, the newest first; some are of the same moment."""
    made = []
    for number in range(25):
        made.append((await upload(member, filename=f"paper {number}.pdf"))["document_id"])
        if number % 3 == 0:
            house.clock.advance(seconds=1)
    return made


@pytest.mark.parametrize("params", [{}, {"search": "paper"}, {"search": "-absent"}], ids=str)
async def test_all_pages_together_show_each_document_once(
    house: House, maria: Member, params: Json
) -> None:
    """API-5, DOC-2: by cursor and by page number, searched or not; the newest first."""
    made = await _upload_25(house, maria)

    by_cursor = await walk(maria, LIST, limit=7, **params)
    by_number = await walk_numbered(maria, LIST, limit=7, **params)

    ids = [each["document_id"] for each in by_cursor]
    moments = [each["created_at"] for each in by_cursor]
    assert sorted(ids) == sorted(made)
    assert moments == sorted(moments, reverse=True)
    assert by_number == by_cursor


async def test_a_walk_shows_each_document_once_while_others_come_and_go(
    house: House, maria: Member
) -> None:
    """API-5: what was there all the while is shown exactly once."""
    made = await _upload_25(house, maria)
    page = await read(maria, LIST, limit=10)
    seen = [each["document_id"] for each in page["data"]]

    house.clock.advance(seconds=1)
    await upload(maria, filename="late.pdf")
    await maria.api.delete(f"{LIST}/{seen[0]}")
    rest = await walk(maria, LIST, limit=10, cursor=page["next_cursor"])

    assert sorted([*seen, *(each["document_id"] for each in rest)]) == sorted(made)


async def test_a_cursor_is_good_for_its_own_list_alone(house: House, maria: Member) -> None:
    """API-5: 400 for one that is forged, of other filters, or beside a page number."""
    await _upload_25(house, maria)
    cursor = (await read(maria, LIST, search="paper", limit=5))["next_cursor"]
    wrong: tuple[Json, ...] = (
        {"cursor": cursor},
        {"cursor": cursor, "search": "other"},
        {"cursor": cursor, "search": "paper", "status": "UPLOADED"},
        {"cursor": cursor[:-2], "search": "paper"},
        {"cursor": "nonsense", "search": "paper"},
        {"cursor": cursor, "search": "paper", "page": 2},
    )

    answers = [await maria.api.get(LIST, params=params) for params in wrong]

    assert [answer.status_code for answer in answers] == [400] * len(wrong)
