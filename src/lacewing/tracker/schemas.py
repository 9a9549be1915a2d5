"""What goes over the wire."""

import re
from datetime import date, datetime
from enum import StrEnum
from typing import Annotated, Any, Final
from uuid import UUID

import msgspec
from pydantic import AfterValidator, BeforeValidator, Field, StrictBool
from pydantic_core import PydanticCustomError

from lacewing.accounts.public import Person
from lacewing.kernel.schemas import (
    Input,
    Line,
    PagedQuery,
    SearchText,
    Text,
    not_blank,
    split_values,
)
from lacewing.tracker import rules
from lacewing.tracker.rules import Priority, Status

_DAY: Final = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")


def _upper(value: Any) -> Any:
    return value.strip().upper() if isinstance(value, str) else value


def _check_project_key(key: str) -> str:
    if not rules.PROJECT_KEY.fullmatch(key):
        raise PydanticCustomError(
            "project_key", "must be 2 to 10 letters and digits, beginning with a letter"
        )
    return key


def _check_label(label: str) -> str:
    if "," in label:
        raise PydanticCustomError("label", "must not contain a comma")
    return label


def _check_day(value: Any) -> Any:
    """Only RFC 3339's full-date: pydantic alone would take a number for seconds since 1970."""
    if isinstance(value, date) or (isinstance(value, str) and _DAY.fullmatch(value)):
        return value
    raise PydanticCustomError("day", "must be a day, as in 2026-01-31")


def _without_doubles(labels: list[str]) -> list[str]:
    return list(dict.fromkeys(labels))


Day = Annotated[date, BeforeValidator(_check_day)]
ProjectKey = Annotated[
    str, BeforeValidator(_upper), AfterValidator(_check_project_key), Field(examples=["WEB"])
]
ProjectName = Annotated[
    Line, Field(max_length=rules.PROJECT_NAME_LENGTH_MAX, examples=["Web shop"])
]
ProjectDescription = Annotated[Text, Field(max_length=rules.PROJECT_DESCRIPTION_LENGTH_MAX)]
Title = Annotated[
    Line, Field(max_length=rules.TITLE_LENGTH_MAX, examples=["Login fails on Safari"])
]
Description = Annotated[
    Text,
    Field(max_length=rules.DESCRIPTION_LENGTH_MAX, examples=["After **two** tries."]),
]
Label = Annotated[Line, Field(max_length=rules.LABEL_LENGTH_MAX), AfterValidator(_check_label)]
Labels = Annotated[
    list[Label],
    Field(max_length=rules.LABELS_MAX, examples=[["browser", "login"]]),
    AfterValidator(_without_doubles),
]
Content = Annotated[
    Text,
    AfterValidator(not_blank),
    Field(max_length=rules.COMMENT_LENGTH_MAX, examples=["Seen on version 17 too."]),
]
Assignee = Annotated[Line, Field(max_length=100, examples=["maria"])]
"""A user's id or username."""


class NewProject(Input):
    name: ProjectName
    key: ProjectKey | None = Field(None, description="Made from the name when left out.")
    description: ProjectDescription = ""


class ProjectChange(Input):
    """Only what is sent is changed."""

    name: ProjectName = ""
    description: ProjectDescription = ""
    is_archived: StrictBool = False


class NewIssue(Input):
    title: Title
    description: Description = ""
    priority: Priority = Priority.MEDIUM
    assignee_id: Assignee | None = None
    due_date: Day | None = None
    labels: Labels = Field(default_factory=list)


class IssueChange(Input):
    """Only what is sent is changed; ``assignee_id`` and ``due_date`` may be set to null."""

    title: Title = ""
    description: Description = ""
    status: Status = Status.OPEN
    priority: Priority = Priority.MEDIUM
    assignee_id: Assignee | None = None
    due_date: Day | None = None
    labels: Labels = Field(default_factory=list)


class NewComment(Input):
    content: Content


class CommentChange(Input):
    content: Content


class ProjectSort(StrEnum):
    NAME = "name"
    NAME_DESC = "-name"
    KEY = "key"
    KEY_DESC = "-key"
    CREATED = "created_at"
    CREATED_DESC = "-created_at"
    UPDATED = "updated_at"
    UPDATED_DESC = "-updated_at"


class ProjectQuery(PagedQuery):
    search: SearchText | None = Field(
        None, description="Part of the key or name, without regard to case."
    )
    is_archived: bool | None = None
    sort: ProjectSort = ProjectSort.NAME


class IssueSort(StrEnum):
    CREATED = "created_at"
    CREATED_DESC = "-created_at"
    UPDATED = "updated_at"
    UPDATED_DESC = "-updated_at"
    PRIORITY = "priority"
    PRIORITY_DESC = "-priority"
    DUE = "due_date"
    DUE_DESC = "-due_date"


_Several = Field(max_length=rules.FILTER_VALUES_MAX)


class IssueQuery(PagedQuery):
    status: Annotated[list[Status], BeforeValidator(split_values), _Several] | None = Field(
        None, description="One or more statuses, comma-separated."
    )
    priority: Annotated[list[Priority], BeforeValidator(split_values), _Several] | None = Field(
        None, description="One or more priorities, comma-separated."
    )
    assignee: Annotated[list[Text], BeforeValidator(split_values), _Several] | None = Field(
        None, description="Ids, usernames, `me` or `none`, comma-separated."
    )
    assignee_not: Annotated[list[Text], BeforeValidator(split_values), _Several] | None = Field(
        None, description="As `assignee`: those that are assigned to none of these."
    )
    reporter: Annotated[list[Text], BeforeValidator(split_values), _Several] | None = Field(
        None, description="Ids, usernames or `me`, comma-separated."
    )
    label: Annotated[list[Text], BeforeValidator(split_values), _Several] | None = Field(
        None, description="One or more labels, comma-separated; any of them."
    )
    search: SearchText | None = Field(
        None,
        description="Words over title, description, comments and documents; "
        '`"a phrase"`, `-without`. '
        "Best match first unless sorted.",
    )
    due_before: Day | None = Field(None, description="Due on an earlier day than this one.")
    created_from: Day | None = Field(None, description="Reported on this day (in UTC) or later.")
    created_before: Day | None = Field(None, description="Reported on an earlier day (in UTC).")
    closed_from: Day | None = Field(
        None,
        description="Closed, and last moved there on this day (in UTC) or later.",
    )
    closed_before: Day | None = Field(
        None, description="Closed, and last moved there on an earlier day (in UTC)."
    )
    sort: IssueSort | None = Field(
        None, description="Newest first (`-created_at`) when neither sorted nor searched."
    )


class ProjectRef(msgspec.Struct, frozen=True):
    """A project as things in it show it."""

    id: UUID
    key: str
    name: str


class IssueRef(msgspec.Struct, frozen=True):
    """An issue as things that belong to it show it."""

    id: UUID
    key: str
    title: str


class ProjectView(msgspec.Struct, frozen=True):
    id: UUID
    key: str
    name: str
    description: str
    created_by: Person
    created_at: datetime
    updated_at: datetime
    is_archived: bool


class IssueView(msgspec.Struct, frozen=True):
    id: UUID
    key: str
    title: str
    description: str
    """Markdown."""
    description_html: str
    """Rendered and sanitised."""
    status: Status
    priority: Priority
    project: ProjectRef
    reporter: Person
    assignee: Person | None
    due_date: date | None
    labels: list[str]
    created_at: datetime
    updated_at: datetime
    comment_count: int
    snippet: str | msgspec.UnsetType | None = msgspec.UNSET
    """Only in a search: some words around what was found below the title."""


class CommentView(msgspec.Struct, frozen=True):
    id: UUID
    issue: UUID
    author: Person
    content: str
    """Markdown."""
    content_html: str
    """Rendered and sanitised."""
    created_at: datetime
    updated_at: datetime


class HistoryEntry(msgspec.Struct, frozen=True):
    """One field that somebody changed; for an edited comment ``field`` is ``comment``."""

    id: UUID
    at: datetime
    actor: Person | None
    field: str
    before: Any
    after: Any
    comment_id: UUID | None


class Transition(msgspec.Struct, frozen=True):
    """A status, whether the asker may move the issue there now, and if not, why."""

    status: Status
    allowed: bool
    reason: str | None


class Transitions(msgspec.Struct, frozen=True):
    data: list[Transition]


class Watch(msgspec.Struct, frozen=True):
    is_watching: bool
    """Whether the asker hears of what happens to the issue."""
