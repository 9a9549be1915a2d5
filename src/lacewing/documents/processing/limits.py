"""Bounds of what is taken from one document, whatever it holds."""

import unicodedata
from typing import Final

from lacewing.documents.processing.extraction import ProcessingFailed
from lacewing.documents.rules import Failure

TEXT_CHARACTERS_MAX: Final = 5_000_000
"""Of one document: some two thousand pages."""
PAGES_MAX: Final = 10_000
OUTLINE_MAX: Final = 5_000
LINKS_MAX: Final = 5_000
VALUE_CHARACTERS_MAX: Final = 1_000
"""Of one heading, address or value of the metadata; longer ones are cut."""


class Text:
    """The pages as they are found, up to ``TEXT_CHARACTERS_MAX``."""

    def __init__(self, step: str) -> None:
        self.pages: list[str] = []
        self._characters = 0
        self._step = step

    def add_page(self, text: str) -> None:
        """Take the text of the next page.

        Raises:
            ProcessingFailed: it is too much.
        """
        self._characters += len(text) + 1
        if self._characters > TEXT_CHARACTERS_MAX:
            raise ProcessingFailed(
                Failure.TOO_LARGE,
                f"Its text has more than {TEXT_CHARACTERS_MAX} characters.",
                self._step,
            )
        self.pages.append(plain(text))


def plain(text: str) -> str:
    """``text`` as people type it: no forms of print alone, nothing that databases refuse."""
    text = "".join(map(_as_typed, text))
    lines = [line.rstrip() for line in text.splitlines()]
    return unicodedata.normalize("NFC", "\n".join(lines)).strip()


def value(text: object) -> str:
    """A heading, an address or such, on one line and of bounded length."""
    return " ".join(plain(str(text))[:VALUE_CHARACTERS_MAX].split())


_FIRST_PRINTABLE: Final = 0x20
_SURROGATES: Final = range(0xD800, 0xE000)
_LIGATURES: Final = range(0xFB00, 0xFB07)
_ARABIC_FORMS: Final = (range(0xFB50, 0xFE00), range(0xFE70, 0xFEFF))


def _as_typed(character: str) -> str:
    code = ord(character)
    if code < _FIRST_PRINTABLE:
        return character if character in "\n\t" else "\n" if character in "\r\v\f" else " "
    if code in _SURROGATES:
        return "\N{REPLACEMENT CHARACTER}"
    if code in _LIGATURES or any(code in forms for forms in _ARABIC_FORMS):
        return unicodedata.normalize("NFKC", character)
    return character


def count_words(pages: list[str]) -> int:
    return sum(len(page.split()) for page in pages)
