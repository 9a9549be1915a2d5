"""What an importer makes of a file: issues, and what is none."""

from collections.abc import Iterator
from datetime import datetime

import msgspec

from lacewing.kernel.records import BadRecord

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


class PullRequest(msgspec.Struct, frozen=True):
    """A record that is no issue; counted and left out."""

    place: int


Record = ImportedIssue | BadRecord | PullRequest


class ImportFile(msgspec.Struct, frozen=True):
    """The records of one file, and the name of the tracker that it comes from."""

    source: str
    count: int
    records: Iterator[Record]
