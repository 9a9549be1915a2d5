"""What goes over the wire."""

from datetime import datetime
from typing import Annotated, Any
from uuid import UUID

import msgspec
from pydantic import BeforeValidator, Field

from lacewing.accounts.public import Person
from lacewing.documents.processing.extraction import Heading, Link
from lacewing.documents.rules import FILTER_VALUES_MAX, Failure, Status
from lacewing.kernel.schemas import Input, PagedQuery, SearchText, Text, split_values
from lacewing.tracker.public import IssueRef, ProjectRef

ISSUE_REFERENCE_LENGTH_MAX = 40


IssueReference = Annotated[
    Text, Field(min_length=1, max_length=ISSUE_REFERENCE_LENGTH_MAX, examples=["WEB-42"])
]
"""An issue's id or key."""


class UploadFields(Input):
    """What may stand beside the file in the form."""

    project_id: UUID | None = None
    issue_id: IssueReference | None = None


class DocumentQuery(PagedQuery):
    status: (
        Annotated[list[Status], BeforeValidator(split_values), Field(max_length=FILTER_VALUES_MAX)]
        | None
    ) = Field(None, description="One or more statuses, comma-separated.")
    project_id: UUID | None = Field(None, description="Of this project or its issues.")
    issue_id: IssueReference | None = Field(None, description="Of this issue, by id or key.")
    search: SearchText | None = Field(
        None, description='Words of the name and the text; `"a phrase"`, `-without`.'
    )


class DocumentView(msgspec.Struct, frozen=True):
    document_id: UUID
    filename: str
    status: Status
    created_at: datetime
    updated_at: datetime
    size_bytes: int
    content_type: str
    sha256: str
    project: ProjectRef | None
    issue: IssueRef | None
    owner: Person
    snippet: str | msgspec.UnsetType | None = msgspec.UNSET
    """Only in a search: some words around what was found in the text."""


class StatusView(msgspec.Struct, frozen=True):
    document_id: UUID
    status: Status
    progress: int
    """In per cent."""
    message: str
    step: str | None
    """What is being done, or what failed."""
    failure: Failure | None
    """Why it failed."""
    updated_at: datetime


class Started(msgspec.Struct, frozen=True):
    document_id: UUID
    started: bool
    """Whether this very request started it."""
    status: Status


class PageText(msgspec.Struct, frozen=True):
    number: int
    text: str


class ProcessorRef(msgspec.Struct, frozen=True):
    """What made a result."""

    name: str
    version: str


class ResultView(msgspec.Struct, frozen=True):
    document_id: UUID
    text: str
    """All pages, with a form feed between one and the next."""
    pages: list[PageText]
    metadata: dict[str, str]
    outline: list[Heading]
    links: list[Link]
    counts: dict[str, int]
    data: dict[str, Any]
    """What a processor has found beyond all that; empty for the built-in one."""
    processor: ProcessorRef
    completed_at: datetime
