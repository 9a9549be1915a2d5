import pytest

from tests.support.house import House, Member
from tests.tracker.acts import Json, change, move, new_comment, new_issue, new_project, titles

SHELF = [
    ("Login fails on Safari", "The **cookie** is not set."),
    ("Payment is slow", "Logins take 30 seconds, connections are lost."),
    ("Café menu", "Prices in the naïve rounding mode; see https://example.com/safari/help"),
    ("Crash in shop/login_form.py", "ERR-4711 with user@example.org, v17.2"),
    ("Ёлка и снег", "Снег идёт"),
    ("検索 テスト", "日本語 の 説明"),
]
SAFARI, SLOW, CAFE, CRASH, SNOW, TEST = (title for title, _ in SHELF)

FOUND: list[tuple[str, set[str]]] = [
    ("safari", {SAFARI, CAFE}),
    ("SAFARI", {SAFARI, CAFE}),
    ("cookies", {SAFARI}),
    ("failing", {SAFARI}),
    ("login", {SAFARI, SLOW, CRASH}),
    ("logins", {SAFARI, SLOW, CRASH}),
    ("connection", {SLOW}),
    ("login safari", {SAFARI}),
    ("safari login", {SAFARI}),
    ("login cookie", {SAFARI}),
    ("login -safari", {SLOW, CRASH}),
    ("-safari login -py", {SLOW}),
    ("-login", {CAFE, SNOW, TEST}),
    ("-login -safari", {SNOW, TEST}),
    ('"fails on safari"', {SAFARI}),
    ('"fails safari"', set()),
    ('"on safari" cookie', {SAFARI}),
    ('login -"on safari"', {SLOW, CRASH}),
    ("not", {SAFARI}),
    ("the is", {SAFARI}),
    ("cafe", {CAFE}),
    ("CAFÉ", {CAFE}),
    ("cafe\u0301", {CAFE}),
    ("naive", {CAFE}),
    ("login_form.py", {CRASH}),
    ("form", {CRASH}),
    ("shop/login_form", {CRASH}),
    ("err-4711", {CRASH}),
    ("4711", {CRASH}),
    ("example", {CAFE, CRASH}),
    ("user@example.org", {CRASH}),
    ("https://example.com/safari", {CAFE}),
    ("v17.2", {CRASH}),
    ("снег", {SNOW}),
    ("СНЕГ", {SNOW}),
    ("日本語", {TEST}),
    ("テスト", {TEST}),
    ("logi", set()),
    ("nothing like it", set()),
    ("or", set()),
    ("safari or payment", set()),
]


@pytest.fixture
async def shelf(house: House, maria: Member, project: Json) -> dict[str, Json]:
    made = {}
    for title, description in SHELF:
        made[title] = await new_issue(maria, project, title, description=description)
        house.clock.advance(seconds=1)
    return made


@pytest.mark.usefixtures("shelf")
async def test_words_are_found_alike_on_both_databases(maria: Member) -> None:
    """ISS-1: words in any order, their stems, phrases, `-without`; case and accents aside."""
    for words, expected in FOUND:
        ranked = await titles(maria, search=words)
        newest_first = await titles(maria, search=words, sort="-created_at")

        assert set(ranked) == expected, words
        assert newest_first == [title for title, _ in SHELF[::-1] if title in expected], words


async def test_comments_are_searched(
    house: House, maria: Member, noor: Member, shelf: dict[str, Json]
) -> None:
    """ISS-1: words may be spread over title, description and comments."""
    house.clock.advance(seconds=1)
    await new_comment(noor, shelf[SLOW], "Only on Wednesdays, says the datacentre.")
    await new_comment(maria, shelf[SLOW], "Another **rollback** helped.")

    for words in ("wednesday", "rollback", "payment seconds wednesdays rollback"):
        assert await titles(maria, search=words) == [SLOW]
    assert await titles(maria, search="payment -rollback") == []


async def test_what_is_no_longer_written_is_no_longer_found(
    maria: Member, noor: Member, shelf: dict[str, Json]
) -> None:
    """ISS-1: edited titles, descriptions and comments are found by what they say now."""
    comment = await new_comment(noor, shelf[SLOW], "Perhaps a firewall.")
    path = f"/api/comments/{comment['id']}"

    await change(maria, shelf[SAFARI], title="Signup fails", description="The token is lost.")
    await noor.api.patch(path, json={"content": "No, a proxy."})

    for gone in ("safari -help", "cookie", "firewall"):
        assert await titles(maria, search=gone) == []
    assert await titles(maria, search="signup") == ["Signup fails"]
    assert await titles(maria, search="tokens") == ["Signup fails"]
    assert await titles(maria, search="proxy") == [SLOW]


async def test_a_refused_change_is_not_found(
    maria: Member, noor: Member, shelf: dict[str, Json]
) -> None:
    """ISS-1: the index says what the issue says."""
    refused = await change(noor, shelf[SAFARI], title="Hijacked")
    impossible = await change(maria, shelf[SAFARI], title="Hijacked", status="closed")

    assert (refused.status_code, impossible.status_code) == (403, 409)
    assert await titles(maria, search="hijacked") == []
    assert await titles(maria, search="cookie") == [SAFARI]


@pytest.mark.usefixtures("shelf")
async def test_a_search_goes_with_every_filter(
    maria: Member, noor: Member, mona: Member, project: Json
) -> None:
    """ISS-1: what is found is narrowed, ranked or sorted."""
    other = await new_project(mona, "Till", key="TILL")
    special = await new_issue(
        noor,
        other,
        "Login is special",
        priority="critical",
        assignee_id="noor",
        due_date="2026-01-01",
        labels=["vip"],
    )
    await move(noor, special, "in_progress")
    narrow = {
        "status": "in_progress,closed",
        "priority": "critical",
        "assignee": "noor,none",
        "reporter": "noor",
        "label": "vip",
        "due_before": "2026-01-02",
    }

    for name, value in narrow.items():
        found = await titles(maria, search="login", **{name: value})
        expected = {special["title"]} | ({SAFARI, SLOW, CRASH} if name == "assignee" else set())
        assert set(found) == expected, name
    for sort in (None, "priority", "-due_date"):
        order = {} if sort is None else {"sort": sort}
        assert await titles(maria, search="login", **narrow, **order) == [special["title"]]
    of_project = await titles(maria, f"/api/projects/{project['id']}/issues", search="login")
    assert set(of_project) == {SAFARI, SLOW, CRASH}
