"""What an importer makes of a file: issues, and what could not be read."""

from collections.abc import Iterator
from datetime import datetime

import msgspec

GHOST = "ghost"
"""Who wrote what a deleted account wrote, after GitHub's own name for them."""


class ImportedComment(msgspec.Struct, frozen=True):
    author: str
    body: str
    created_at: datetime
    updated_at: datetime


class ImportedIssue(msgspec.Struct, frozen=True):
    """One issue, in the words of no tracker in particular."""

    external_id: str
    """Where it comes from: ``owner/repository#number``."""
    number: int
    title: str
    description: str
    is_closed: bool
    author: str
    assignees: list[str]
    labels: list[str]
    created_at: datetime
    updated_at: datetime
    closed_at: datetime | None
    comments: list[ImportedComment]


class BadRecord(msgspec.Struct, frozen=True):
    """A record that can't be imported: its place in the file (from 1), and why."""

    place: int
    reason: str


class PullRequest(msgspec.Struct, frozen=True):
    """A record that is no issue; counted and left out."""

    place: int


Record = ImportedIssue | BadRecord | PullRequest


class UnreadableFile(Exception):  # noqa: N818  the file is at fault
    """The file as a whole is not in the format."""


class ImportFile(msgspec.Struct, frozen=True):
    """The records of one file, and the name of the tracker that it comes from."""

    source: str
    count: int
    records: Iterator[Record]


def plain(text: str) -> str:
    """``text`` without NUL, which no database keeps; nothing else is changed."""
    return text.replace("\x00", "\N{REPLACEMENT CHARACTER}")


def require_aware(*moments: datetime | None) -> None:
    """Refuse a time without its zone: nobody knows which moment it is.

    Raises:
        ValueError: in words for the report.
    """
    for moment in moments:
        if moment is not None and moment.tzinfo is None:
            raise ValueError(f"the time {moment.isoformat()} has no zone")
