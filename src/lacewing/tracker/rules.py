"""What is true of projects and issues without a database."""

import re
import string
import unicodedata
from collections.abc import Iterable, Mapping
from datetime import date, datetime, timedelta
from enum import StrEnum
from typing import Any, Final
from uuid import UUID

from lacewing.kernel.markdown import plain_texts

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
MENTIONS_MAX: Final = 50
"""People that one text tells of it; further names are only text."""

NO_DUE_DATE: Final = date(9999, 12, 30)
"""Where an issue without a due date sorts: last. (A driver takes the 31st for infinity.)"""

PROJECT_KEY: Final = re.compile(r"[A-Z][A-Z0-9]{1,9}")
ISSUE_KEY: Final = re.compile(r"([A-Za-z][A-Za-z0-9]{1,9})-([1-9][0-9]{0,8})")

_MENTION: Final = re.compile(r"(?<![\w@./-])@([A-Za-z0-9](?:[A-Za-z0-9._-]*[A-Za-z0-9_])?)")


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


OPEN_STATUSES: Final = (Status.OPEN, Status.IN_PROGRESS, Status.REOPENED)
"""What waits for somebody."""
RESOLVED_STATUSES: Final = (Status.RESOLVED, Status.CLOSED)
"""What has a time to resolve."""

EVERYWHERE: Final = UUID(int=0)
"""The scope of what is counted over all projects; a project is a scope of its own."""

DAYS_TOLD: Final = 30
"""Days, today the last, of which it is told how many issues were opened and closed."""
AGES: Final = ((0, 0), (1, 6), (7, 29), (30, 89), (90, None))
"""First and last age of open issues that are told together, in days since that of their report."""


def name_of_age(first: int, last: int | None) -> str:
    if last is None:
        return f"{first}+"
    return str(first) if first == last else f"{first}-{last}"


def marks_of(status: Status, created_at: datetime, now: datetime) -> dict[str, Any]:
    """The columns that tell when an issue was done, as a move to ``status`` sets them."""
    match status:
        case Status.RESOLVED:
            return {"resolve_seconds": seconds_between(created_at, now)}
        case Status.CLOSED:
            return {"closed_at": now}
        case Status.REOPENED:
            return {"resolve_seconds": None, "closed_at": None}
        case _:
            return {}


def seconds_between(start: datetime, end: datetime) -> int:
    """Whole seconds; none where clocks say that it ended before it began."""
    return max(0, (end - start) // timedelta(seconds=1))


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


def mentioned_names(text: str) -> list[str]:
    """The usernames behind an ``@`` in a Markdown text, each once; code means nobody."""
    if "@" not in text:
        return []
    found = dict.fromkeys(name for piece in plain_texts(text) for name in _MENTION.findall(piece))
    return list(found)[:MENTIONS_MAX]


def watchers_of(involved: Iterable[UUID], choices: Mapping[UUID, bool]) -> frozenset[UUID]:
    """Who watches an issue: whoever is involved or has chosen to, and has not chosen not to."""
    chosen = {user_id for user_id, is_watching in choices.items() if is_watching}
    return frozenset({*involved, *chosen} - (choices.keys() - chosen))
