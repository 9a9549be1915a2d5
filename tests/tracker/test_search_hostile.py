from typing import Final
from uuid import UUID

from hypothesis import HealthCheck, Phase, given, settings, strategies as st

from lacewing.kernel.db import transaction
from lacewing.kernel.ids import new_id
from lacewing.kernel.words import search_terms
from lacewing.tracker.rules import key_from_name
from lacewing.tracker.schemas import NewProject
from lacewing.tracker.store.comments import insert_comments
from lacewing.tracker.store.search import SEARCHED_CHARACTERS
from tests.support.house import House, Member
from tests.tracker.acts import Json, new_comment, new_issue, titles

SYNTAX: Final = [
    "*", ":", "(", ")", "&", "|", "!", '"', "^", "'", "\\", "-", "--", "+", "~", "<->", "{}",
    "()", '""', '"""', '-"', '-""', "''", "NEAR", "NEAR(a b)", "AND", "OR", "NOT", "a AND",
    "AND a", "a OR OR b", "NOT NOT", "title:", "title: login", "{title body}: login", "^login",
    "login*", "log*", "lo:*", "login:A", "login & ", "login | !", "!login", "login <-> fails",
    '"login', 'login"', '"login fails', 'a"b"c', '-"login', "-login", "- login", "-(login)",
    "login;", "'; DROP TABLE issues; --", "%", "_", "\\x00", "\t\n", " ", "\u2003", "🚀", "\u0301",
    "ﬁ", "İ", "ß", "א", "한국어", "\U0001e900", "\uffff", "a" * 200, '"' * 200, "(" * 200,
    "a " * 100, "-a " * 66, '"a" ' * 50, "*" * 200, "OR " * 66, "NOT " * 50, "\u202e", "<b>", "$$",
    "$1", ":words", "?", "%(words)s", "1e309", "-1", "0x1F", "a.b.c", "a@b", "//", "C:\\temp",
]  # fmt: skip


async def test_no_syntax_of_a_database_shines_through(maria: Member, issue: Json) -> None:
    """ISS-1, API-4: any text is words to be found, never an error."""
    await new_comment(maria, issue, "a b c")

    for text in SYNTAX:
        for order in ({}, {"sort": "priority"}, {"page": "1"}):
            answer = await maria.api.get("/api/issues", params={"search": text, **order})

            assert answer.status_code == 200, (text, answer.text)
    for text in ("login*", "^login", "title:login -title", '"login', "-", "(login)", "login;"):
        found = [] if text == "title:login -title" else ["Login fails"]
        assert await titles(maria, search=text) == (found if text != "-" else []), text
    assert await titles(maria, search="title:login") == []


@given(text=st.text(min_size=1, max_size=200))
@settings(
    derandomize=True,
    max_examples=60,
    deadline=None,
    phases=[Phase.explicit, Phase.generate],
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
async def test_any_text_may_be_written_and_searched(
    maria: Member, project: Json, text: str
) -> None:
    """ISS-1, API-4: kept or refused, found or not, but never a server's error."""
    path = f"/api/projects/{project['id']}/issues"

    made = await maria.api.post(path, json={"title": "T", "description": text})
    found = await maria.api.get("/api/issues", params={"search": text})

    assert made.status_code == (422 if "\x00" in text else 201)
    assert found.status_code == (422 if "\x00" in text else 200)


@given(text=st.text(max_size=200))
@settings(derandomize=True, max_examples=300)
def test_search_terms_hold_no_syntax(text: str) -> None:
    """ISS-1: every term is words with single spaces between them."""
    wanted, unwanted = search_terms(text)

    for term in wanted + unwanted:
        assert term == " ".join(term.split())
        assert not set(term) & set('"()*:^|&!{}-')


@given(name=st.text(min_size=1, max_size=100), attempt=st.integers(0, 999))
@settings(derandomize=True, max_examples=300)
def test_a_made_key_is_a_valid_key(name: str, attempt: int) -> None:
    """PRJ-2: from any name, and different for each attempt."""
    key = key_from_name(name, attempt)

    assert NewProject(name="N", key=key).key == key
    assert key != key_from_name(name, attempt + 1)


async def test_an_issue_that_says_much_is_kept_and_found(
    house: House, maria: Member, project: Json
) -> None:
    """ISS-1: what is searched of one issue has a bound; the newest comments are within it."""
    issue = await new_issue(maria, project, "Much ado", description="An early needle.")
    await new_comment(maria, issue, "A needle that is covered.")
    rows = []
    for number in range(SEARCHED_CHARACTERS // 2_000 + 2):
        house.clock.advance(seconds=1)
        words = (f"{chr(0x20000 + number * 500 + at)}-{chr(0x3000 + at)}" for at in range(500))
        row = {"id": new_id(), "issue_id": UUID(issue["id"]), "author_id": maria.id}
        text = " ".join(words)
        times = {"created_at": house.clock(), "updated_at": house.clock(), "external_id": None}
        rows.append({**row, "content": text, "content_html": text, **times})
    async with transaction(house.database) as session:
        await insert_comments(session, rows)
    house.clock.advance(seconds=1)

    await new_comment(maria, issue, "A last one.")

    for found in ("ado", "early", "last one"):
        assert await titles(maria, search=found) == ["Much ado"]
    assert await titles(maria, search="covered") == []
