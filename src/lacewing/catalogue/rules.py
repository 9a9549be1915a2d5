"""What is true of products without a database."""

import unicodedata
from decimal import Decimal
from typing import Final

from lacewing.kernel.words import without_accents

NAME_LENGTH_MAX: Final = 200
CATEGORY_LENGTH_MAX: Final = 100
PRICE_MAX: Final = Decimal("999999999.99")
"""Below a billion: a typing error, rather than a product, costs more."""
RATING_MAX: Final = 5
FILTER_VALUES_MAX: Final = 50
"""Values that one filter takes, as in ``category=beauty,furniture``."""
FACET_VALUES_MAX: Final = 100
"""Categories that are counted in one answer, the largest first."""

UNRATED: Final = Decimal("-0.01")
"""Where a product without a rating sorts: below the worst that has one."""


def words_of(text: str) -> str:
    """The words of ``text`` without case and accents, a space before each.

    So a name has a word, a beginning of one, or words that follow each other, if and only if its
    words contain those (CAT-3). Marks that are no accents (the vowels of हिन्दी, what makes カ a ガ)
    belong to the letter before.
    """
    plain = without_accents(text).casefold()
    kept = "".join(each if each.isalnum() or _is_mark(each) else " " for each in plain)
    words = (word.lstrip(_marks_in(word)) for word in kept.split())
    return "".join(f" {word}" for word in words if word)


def _is_mark(character: str) -> bool:
    return unicodedata.category(character).startswith("M")


def _marks_in(word: str) -> str:
    return "".join(filter(_is_mark, word))
