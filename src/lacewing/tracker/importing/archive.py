"""The archive format of the IETF's repositories: ``issues`` with their ``comments``."""

from collections.abc import Iterator
from datetime import datetime

import msgspec

from lacewing.kernel.records import (
    BadRecord,
    UnreadableFile,
    plain,
    read_json,
    require_moments,
)
from lacewing.tracker.importing.records import (
    GHOST,
    ImportedComment,
    ImportedIssue,
    ImportFile,
    Record,
)


class _Comment(msgspec.Struct, rename="camel"):
    created_at: datetime
    body: str | None = None
    author: str | None = None
    updated_at: datetime | None = None


class _Issue(msgspec.Struct, rename="camel"):
    number: int
    title: str
    state: str
    created_at: datetime
    updated_at: datetime
    body: str | None = None
    author: str | None = None
    assignees: list[str] = []
    labels: list[str] = []
    closed_at: datetime | None = None
    comments: list[_Comment] = []


class _Archive(msgspec.Struct):
    issues: list[msgspec.Raw]
    repo: str = "archive"


def read_archive(data: bytes) -> ImportFile:
    """The issues of ``data``, with their comments.

    Raises:
        UnreadableFile: it is no JSON object with ``issues``.
    """
    try:
        archive = read_json(data, _Archive)
    except (msgspec.MsgspecError, UnicodeDecodeError) as error:
        raise UnreadableFile(f"This is no archive of issues: {error}") from error
    return ImportFile(plain(archive.repo), len(archive.issues), _records(archive))


def _records(archive: _Archive) -> Iterator[Record]:
    for place, raw in enumerate(archive.issues, start=1):
        try:
            issue = msgspec.json.decode(raw, type=_Issue)
            require_moments(issue.created_at, issue.updated_at, issue.closed_at)
            for comment in issue.comments:
                require_moments(comment.created_at, comment.updated_at)
        except (msgspec.MsgspecError, ValueError) as error:
            yield BadRecord(place, str(error))
            continue
        if issue.state.lower() not in {"open", "closed"}:
            yield BadRecord(place, f"the state {issue.state!r} is neither open nor closed")
        elif not issue.title.strip():
            yield BadRecord(place, f"issue {issue.number} has no title")
        else:
            yield _imported(archive.repo, issue)


def _imported(repository: str, issue: _Issue) -> ImportedIssue:
    return ImportedIssue(
        external_id=f"{plain(repository)}#{issue.number}",
        number=issue.number,
        title=plain(issue.title),
        description=plain(issue.body or ""),
        is_closed=issue.state.lower() == "closed",
        author=plain(issue.author or GHOST),
        assignees=[plain(username) for username in issue.assignees],
        labels=[plain(label) for label in issue.labels],
        created_at=issue.created_at,
        updated_at=issue.updated_at,
        closed_at=issue.closed_at,
        comments=[
            ImportedComment(
                author=plain(comment.author or GHOST),
                body=plain(comment.body or ""),
                created_at=comment.created_at,
                updated_at=comment.updated_at or comment.created_at,
            )
            for comment in issue.comments
        ],
    )
