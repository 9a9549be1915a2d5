"""The words of a row and the index of words agree, whatever letters there are."""

import pytest
from hypothesis import HealthCheck, Phase, given, settings, strategies as st

from lacewing.catalogue.rules import words_of
from lacewing.catalogue.store import listing
from lacewing.kernel.words import search_terms
from tests.catalogue.acts import PATH, new_product
from tests.support.house import Member
from tests.tracker.acts import Json, walk

LETTERS = "aAbBéÉßİ\u0131ñ10½²ⅷжЖё日本ガラーट्टि็ก่🐛€™'\"-_.,/*&|!:()<>\\ \u2011ﬁŉ"
TEXTS = st.text(LETTERS, min_size=1, max_size=12).filter(str.strip)


def expected(name: str, text: str) -> bool:
    """CAT-3, in words of our own: the name has every word, or one that begins so."""
    wanted, unwanted = (
        [words for term in terms if (words := words_of(term))] for terms in search_terms(text)
    )
    words = words_of(name)
    found = all(each in words for each in wanted) and not any(each in words for each in unwanted)
    return found and bool(wanted or unwanted)


@pytest.fixture
def shelf() -> list[Json]:
    """What was added so far: each example adds to those before."""
    return []


@given(names=st.lists(TEXTS, min_size=8, max_size=8), searched=st.lists(TEXTS, max_size=12))
@settings(
    derandomize=True,
    max_examples=10,
    deadline=None,
    phases=[Phase.explicit, Phase.generate],
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
async def test_both_ways_of_searching_find_the_same(
    maria: Member,
    shelf: list[Json],
    monkeypatch: pytest.MonkeyPatch,
    names: list[str],
    searched: list[str],
) -> None:
    """CAT-3: asked of the next products, and looked up; alike on both databases."""
    shelf += [await new_product(maria, name) for name in names]
    beginnings = [name[: len(name) // 2 + 1] for name in names]

    for text in [*searched, *names, *beginnings, *(f"-{name}" for name in names)]:
        if not text.strip():
            continue
        wanted = {row["id"] for row in shelf if expected(row["name"], text)}
        for window in (1_000, 0):
            monkeypatch.setattr(listing, "WINDOW", window)
            found = {row["id"] for row in await walk(maria, PATH, limit=100, search=text)}

            assert found == wanted, (window, text)
