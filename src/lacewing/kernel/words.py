"""The words of a search: how they are read, folded, and shown where they were found."""

import re
import unicodedata
from functools import lru_cache
from typing import Final

ACCENTS: Final = "[\u0300-\u036f]+"
"""Combining marks, which a search leaves out: ``cafe`` finds what ``café`` finds."""
PUNCTUATION: Final = "[!-/:-@\\[-`{-~«»¡¿·、。「」\u2010-\u205f]+"
"""What parts words for a search, so that ``login`` is found in ``shop/login.py``.

Both are regular expressions that Python and PostgreSQL read alike.
"""

SNIPPET_CHARACTERS: Final = 200
"""About how much of a text is shown around what was found in it."""
_BEFORE: Final = 60
_STEM_MIN: Final = 4
_ENDINGS: Final = re.compile(r"(?:(?<=(.))\1(?:ing|ed)|ings?|ed|ies|ees|es|s|e|y)$")


def search_terms(text: str) -> tuple[list[str], list[str]]:
    """The words and phrases that must be found, and those that must not (``-word``).

    A term is words with one space between them: ``log-in`` is the phrase ``log in``.
    """
    wanted: list[str] = []
    unwanted: list[str] = []
    for minus, phrase, word in re.findall(r'(-?)(?:"([^"]*)"|([^\s"]+))', text):
        term = " ".join(re.sub(PUNCTUATION, " ", phrase or word).split())
        if any(character.isalnum() for character in term):
            (unwanted if minus else wanted).append(term)
    return wanted, unwanted


def says_only_what_not(text: str) -> bool:
    """Whether ``text`` has words that must not be found, and no others."""
    wanted, unwanted = search_terms(text)
    return bool(unwanted) and not wanted


def without_accents(text: str) -> str:
    """``text`` in its plainest spelling, for a database that does not see to that itself."""
    plain = re.sub(ACCENTS, "", unicodedata.normalize("NFKD", text))
    return re.sub(PUNCTUATION, " ", plain)


def snippet_of(text: str, wanted: list[str]) -> str | None:
    """Some words of ``text`` around the first of ``wanted`` in it, on one line; none: ``None``.

    Case, accents and the commonest English endings make no difference, as when searching.
    """
    text = unicodedata.normalize("NFC", text)
    found = _pattern(tuple(wanted)).search(_folded(text)) if wanted else None
    if found is None:
        return None
    start = max(0, found.start() - _BEFORE)
    end = min(len(text), start + SNIPPET_CHARACTERS)
    if start > 0:
        start = _next_space(text, start, found.start())
    if end < len(text):
        end = max(text.rfind(" ", found.end(), end), found.end())
    shown = " ".join(text[start:end].split())
    return f"{'… ' if start > 0 else ''}{shown}{' …' if end < len(text) else ''}"


def _next_space(text: str, start: int, end: int) -> int:
    space = text.find(" ", start, end)
    return start if space < 0 else space + 1


@lru_cache(maxsize=100)
def _pattern(wanted: tuple[str, ...]) -> re.Pattern[str]:
    """Any of the words, at its beginning and with any ending."""
    words = [word for term in wanted for word in _folded(without_accents(term)).split()]
    stems = [_ENDINGS.sub("", word) if len(word) > _STEM_MIN else word for word in words]
    return re.compile(r"\b(?:" + "|".join(map(re.escape, stems)) + ")")


class _Plain(dict[int, str]):  # ruff: ignore[subclass-builtin]  `translate` is fast with a true dict
    """Each character's plainest form, of one character: places in the text stay the same."""

    def __missing__(self, code: int) -> str:
        plain = without_accents(chr(code)).lower()[:1] or " "
        self[code] = plain
        return plain


_PLAIN: Final = _Plain()


def _folded(text: str) -> str:
    return text.translate(_PLAIN)
