"""Issues as GitHub's REST API gives them: a JSON array (``GET /repos/{owner}/{repo}/issues``)."""

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
    ImportedIssue,
    ImportFile,
    PullRequest,
    Record,
)

_REPOSITORY_MARK = "/repos/"


class _User(msgspec.Struct):
    login: str


class _Label(msgspec.Struct):
    name: str


class _Issue(msgspec.Struct):
    number: int
    title: str
    state: str
    created_at: datetime
    updated_at: datetime
    body: str | None = None
    user: _User | None = None
    labels: list[_Label | str] = []
    assignee: _User | None = None
    assignees: list[_User] = []
    closed_at: datetime | None = None
    pull_request: msgspec.Raw | msgspec.UnsetType = msgspec.UNSET
    repository_url: str = ""


def read_github(data: bytes) -> ImportFile:
    """The issues of ``data``; pull requests are told apart.

    Raises:
        UnreadableFile: it is no JSON array.
    """
    try:
        raws = read_json(data, list[msgspec.Raw])
    except (msgspec.MsgspecError, UnicodeDecodeError) as error:
        raise UnreadableFile(f"This is no JSON array of issues: {error}") from error
    return ImportFile(_source(raws), len(raws), _records(raws))


def _source(raws: list[msgspec.Raw]) -> str:
    for raw in raws:
        try:
            url = msgspec.json.decode(raw, type=_Issue).repository_url
        except (msgspec.MsgspecError, UnicodeDecodeError):
            continue
        return plain(url.partition(_REPOSITORY_MARK)[2]) or "github"
    return "github"


def _records(raws: list[msgspec.Raw]) -> Iterator[Record]:
    for place, raw in enumerate(raws, start=1):
        try:
            issue = msgspec.json.decode(raw, type=_Issue)
            require_moments(issue.created_at, issue.updated_at, issue.closed_at)
        except (msgspec.MsgspecError, ValueError) as error:
            yield BadRecord(place, str(error))
            continue
        if issue.pull_request is not msgspec.UNSET:
            yield PullRequest(place)
        elif issue.state not in {"open", "closed"}:
            yield BadRecord(place, f"the state {issue.state!r} is neither open nor closed")
        elif not issue.title.strip():
            yield BadRecord(place, f"issue {issue.number} has no title")
        else:
            yield _imported(issue)


def _imported(issue: _Issue) -> ImportedIssue:
    repository = issue.repository_url.partition(_REPOSITORY_MARK)[2] or "github"
    assignees = issue.assignees or ([issue.assignee] if issue.assignee else [])
    return ImportedIssue(
        external_id=f"{plain(repository)}#{issue.number}",
        number=issue.number,
        title=plain(issue.title),
        description=plain(issue.body or ""),
        is_closed=issue.state == "closed",
        author=plain((issue.user and issue.user.login) or GHOST),
        assignees=[plain(user.login) for user in assignees],
        labels=[plain(label if isinstance(label, str) else label.name) for label in issue.labels],
        created_at=issue.created_at,
        updated_at=issue.updated_at,
        closed_at=issue.closed_at,
        comments=[],
    )
