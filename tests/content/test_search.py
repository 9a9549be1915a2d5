import pytest

from lacewing.content.jobs import BATCH, index_all_posts
from lacewing.content.store.search import post_search, post_search_rows, post_words
from lacewing.kernel.db import transaction
from tests.content.acts import many_post_ids, new_post, nothing_changes, path_of, titles
from tests.support.house import House, Member
from tests.tracker.acts import Json, read
from tests.tracker.test_search_hostile import SYNTAX

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
    ("login", {SAFARI, SLOW, CRASH}),
    ("login safari", {SAFARI}),
    ("cookie fails", {SAFARI}),
    ("login -safari", {SLOW, CRASH}),
    ("-login", {CAFE, SNOW, TEST}),
    ("-login -safari", {SNOW, TEST}),
    ('"fails on safari"', {SAFARI}),
    ('"fails safari"', set()),
    ('login -"on safari"', {SLOW, CRASH}),
    ("not", {SAFARI}),
    ("cafe", {CAFE}),
    ("CAFÉ", {CAFE}),
    ("cafe\u0301", {CAFE}),
    ("naive", {CAFE}),
    ("login_form.py", {CRASH}),
    ("err-4711", {CRASH}),
    ("user@example.org", {CRASH}),
    ("https://example.com/safari", {CAFE}),
    ("v17.2", {CRASH}),
    ("СНЕГ", {SNOW}),
    ("елка", {SNOW}),
    ("テスト", {TEST}),
    ("logi", set()),
    ("nothing like it", set()),
    ("safari or payment", set()),
]


@pytest.fixture
async def written(house: House, maria: Member) -> dict[str, Json]:
    made = {}
    for title, body in SHELF:
        made[title] = await new_post(maria, title, body)
        house.clock.advance(seconds=1)
    return made


@pytest.mark.usefixtures("written")
async def test_words_are_found_alike_on_both_databases(maria: Member) -> None:
    """CON-1: whole words of title and body in any order, phrases, `-without`; the newest first."""
    for words, expected in FOUND:
        found = await titles(maria, search=words)

        assert found == [title for title, _ in SHELF[::-1] if title in expected], words
        counted = await read(maria, "/api/posts", search=words, page=1)
        assert counted["total"] == len(expected)


@pytest.mark.usefixtures("written")
async def test_a_search_shows_where_it_found(maria: Member) -> None:
    """CON-1: some words of the body, or null; without a search there is no such member."""
    found = {
        post["title"]: post for post in (await read(maria, "/api/posts", search="login"))["data"]
    }

    assert found[SLOW]["snippet"] == "Logins take 30 seconds, connections are lost."
    assert found[SAFARI]["snippet"] is None
    assert all("snippet" not in post for post in (await read(maria, "/api/posts"))["data"])


async def test_what_is_no_longer_written_is_no_longer_found(
    house: House, maria: Member, noor: Member, written: dict[str, Json]
) -> None:
    """CON-1: the index says what the post says; a refused change is not found."""
    await maria.api.patch(path_of(written[SAFARI]), json={"title": "Signup fails"})
    await maria.api.patch(path_of(written[CRASH]), json={"body": "A proxy."})
    async with nothing_changes(house):
        await noor.api.patch(path_of(written[SLOW]), json={"title": "Hijacked"})
    await maria.api.delete(path_of(written[CAFE]))

    for gone in ("safari", "4711", "cafe", "hijacked", "prices"):
        assert await titles(maria, search=gone) == []
    assert await titles(maria, search="signup cookies") == ["Signup fails"]
    assert await titles(maria, search="proxy crash") == [CRASH]
    index = post_search if house.database.dialect == "postgresql" else post_search_rows
    assert len(await house.rows(index.select())) == len(SHELF) - 1


async def test_no_syntax_of_a_database_shines_through(maria: Member) -> None:
    """CON-1, API-4: any text is words to be found, never an error."""
    await new_post(maria, "Login fails", "a b c")

    for text in SYNTAX:
        answer = await maria.api.get("/api/posts", params={"search": text})
        assert answer.status_code == 200, (text, answer.text)
    for text in ("login*", "^login", '"login', "(login)", "login;"):
        assert await titles(maria, search=text) == ["Login fails"], text


@pytest.mark.parametrize("unit", ["word{} ", "{}x", "\ufdfa", "漢{}字 ", "\u0301", "('\\' & !) "])
async def test_the_longest_bodies_are_kept_and_found(maria: Member, unit: str) -> None:
    """CON-1: whatever they are made of."""
    body = "zebra " + "".join(unit.format(number) for number in range(20_000))

    await new_post(maria, "Long", body[:20_000])

    assert await titles(maria, search="zebra") == ["Long"]


async def test_an_index_is_made_anew(house: House, maria: Member) -> None:
    """UX-3: as after an import of everything; twice is as once, over several batches."""
    await new_post(maria, "Zebra", "Stripes.")
    await many_post_ids(house, maria, BATCH)
    assert await titles(maria, search="post") == []

    counts = [await index_all_posts(lambda: transaction(house.database)) for _ in range(2)]

    assert counts == [BATCH + 1] * 2
    assert await titles(maria, search="zebra stripes") == ["Zebra"]
    assert await titles(maria, search="post 7") == ["Post 7"]
    if house.database.dialect == "sqlite":
        assert len(await house.rows(post_words.select())) == BATCH + 1
