"""What is true of projects and issues without a database."""

import re
import string
import unicodedata
from datetime import date
from enum import StrEnum
from typing import Final

PROJECT_KEY_LENGTH_MAX: Final = 10
PROJECT_NAME_LENGTH_MAX: Final = 100
PROJECT_DESCRIPTION_LENGTH_MAX: Final = 1_000
TITLE_LENGTH_MAX: Final = 200
DESCRIPTION_LENGTH_MAX: Final = 5_000
COMMENT_LENGTH_MAX: Final = 2_000
LABEL_LENGTH_MAX: Final = 50
LABELS_MAX: Final = 20
FILTER_VALUES_MAX: Final = 50
"""Values that one filter takes, as in ``status=open,reopened``."""

ACCENTS: Final = "[\u0300-\u036f]+"
"""Combining marks, which a search leaves out: ``cafe`` finds what ``café`` finds."""
PUNCTUATION: Final = "[!-/:-@\\[-`{-~«»¡¿·、。「」\u2010-\u205f]+"
"""What parts words for a search, so that ``login`` is found in ``shop/login.py``.

Both are regular expressions that Python and PostgreSQL read alike.
"""

NO_DUE_DATE: Final = date(9999, 12, 30)
"""Where an issue without a due date sorts: last. (A driver takes the 31st for infinity.)"""

PROJECT_KEY: Final = re.compile(r"[A-Z][A-Z0-9]{1,9}")
ISSUE_KEY: Final = re.compile(r"([A-Za-z][A-Za-z0-9]{1,9})-([1-9][0-9]{0,8})")


class Status(StrEnum):
    OPEN = "open"
    IN_PROGRESS = "in_progress"
    RESOLVED = "resolved"
    CLOSED = "closed"
    REOPENED = "reopened"


class Priority(StrEnum):
    """From the least to the most pressing; the database keeps the rank."""

    LOW = "low"
    MEDIUM = "medium"
    HIGH = "high"
    CRITICAL = "critical"


STEPS: Final = frozenset(
    {
        (Status.OPEN, Status.IN_PROGRESS),
        (Status.IN_PROGRESS, Status.RESOLVED),
        (Status.RESOLVED, Status.CLOSED),
        (Status.RESOLVED, Status.REOPENED),
        (Status.CLOSED, Status.REOPENED),
        (Status.REOPENED, Status.IN_PROGRESS),
    }
)
"""The steps that an issue may take (ISS-6)."""


def needs_comment(status: Status, priority: Priority, comment_count: int) -> bool:
    """Whether an issue may not come to be so without a comment that tells why (ISS-7)."""
    return status is Status.CLOSED and priority is Priority.CRITICAL and comment_count == 0


def name_key(name: str) -> str:
    """The form in which two spellings of a project's name are the same."""
    return unicodedata.normalize("NFKC", name).casefold()


def key_from_name(name: str, attempt: int) -> str:
    """A project key that resembles ``name``; each ``attempt`` (from 0) gives another one."""
    words = re.findall(r"[A-Za-z0-9]+", name.upper())
    letters = "".join(word[0] for word in words) if len(words) > 1 else "".join(words)[:4]
    letters = letters.lstrip(string.digits)[:6]
    base = letters if len(letters) > 1 else f"{letters}PR"[:3]
    return base if attempt == 0 else f"{base}{attempt + 1}"


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


def without_accents(text: str) -> str:
    """``text`` in its plainest spelling, for a database that does not see to that itself."""
    plain = re.sub(ACCENTS, "", unicodedata.normalize("NFKD", text))
    return re.sub(PUNCTUATION, " ", plain)
