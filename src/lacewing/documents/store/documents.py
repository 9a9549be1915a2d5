from datetime import datetime
from functools import lru_cache
from typing import Any, Final
from uuid import UUID

import msgspec
from sqlalchemy import ColumnElement, Select, Uuid, bindparam, delete, insert, or_, select, update

from lacewing.accounts.public import Person, person_columns, users_as
from lacewing.documents.rules import Failure, Status
from lacewing.documents.schemas import DocumentView, StatusView
from lacewing.documents.store import search
from lacewing.documents.tables import documents, files
from lacewing.kernel.db import Session
from lacewing.kernel.db.expressions import also_any_of
from lacewing.kernel.db.paging import Order, keyset_page
from lacewing.kernel.pagination import PageRequest, Slice
from lacewing.tracker.public import (
    issue_columns,
    issue_of,
    issues_as,
    project_columns,
    project_of,
    projects_as,
)


class Reach(msgspec.Struct, frozen=True):
    """Which documents are there for the asker (DOC-11)."""

    owner_id: UUID | None
    """Whose documents without a project are seen; ``None`` for everybody's."""
    project_ids: frozenset[UUID] | None
    """The projects that the asker is held to; then no document without one is seen."""


class DocumentFilter(msgspec.Struct, frozen=True):
    """What a list is narrowed to; ``None`` where it is not."""

    reach: Reach
    status: list[Status] | None = None
    project_id: UUID | None = None
    issue_id: UUID | None = None
    search: str | None = None


_owner = users_as("owner")
_project = projects_as("project")
_issue = issues_as("issue")
_ALL: Final = (
    select(
        documents.c.id,
        documents.c.filename,
        documents.c.status,
        documents.c.created_at,
        documents.c.updated_at,
        files.c.size_bytes,
        documents.c.content_type,
        documents.c.sha256,
        *project_columns(_project),
        *issue_columns(_issue),
        *person_columns(_owner),
    )
    .select_from(documents)
    .join(files, files.c.sha256 == documents.c.sha256)
    .join(_owner, _owner.c.id == documents.c.owner_id)
    .outerjoin(_project, _project.c.id == documents.c.project_id)
    .outerjoin(_issue, _issue.c.id == documents.c.issue_id)
)
_BY_ID: Final = documents.c.id == bindparam("document_id")
_ONE = _ALL.where(_BY_ID)
_ONE_LOCKED = _ONE.with_for_update(of=documents)
_STATUS = select(
    documents.c.id,
    documents.c.status,
    documents.c.progress,
    documents.c.message,
    documents.c.step,
    documents.c.failure,
    documents.c.updated_at,
).where(_BY_ID)
_FIRST = (
    select(documents.c.id, documents.c.filename, documents.c.status)
    .order_by(documents.c.id)
    .limit(bindparam("batch"))
    .with_for_update()
)
_NEXT = _FIRST.where(documents.c.id > bindparam("after", type_=Uuid()))
_INSERT = insert(documents)
_UPDATE = update(documents).where(_BY_ID)
_NOTE_PROGRESS = update(documents).where(_BY_ID, documents.c.status == Status.PROCESSING.value)
_DELETE = delete(documents).where(_BY_ID)
_NEWEST_FIRST: Final = Order(documents.c.created_at, documents.c.id, descending=True)

_CONDITIONS: Final[dict[str, ColumnElement[bool]]] = {
    "owner_id": or_(
        documents.c.owner_id == bindparam("owner_id"), documents.c.project_id.is_not(None)
    ),
    "project_ids": also_any_of(documents.c.project_id, "project_ids"),
    "status": also_any_of(documents.c.status, "status"),
    "project_id": documents.c.project_id == bindparam("project_id"),
    "issue_id": documents.c.issue_id == bindparam("issue_id"),
}


def _document(
    document_id: UUID,
    filename: str,
    status: str,
    created_at: datetime,
    updated_at: datetime,
    size_bytes: int,
    content_type: str,
    sha256: str,
    project_id: UUID | None,
    project_key: str | None,
    project_name: str | None,
    issue_id: UUID | None,
    issue_number: int | None,
    issue_title: str | None,
    owner_id: UUID,
    owner_username: str,
    owner_full_name: str | None,
) -> DocumentView:
    project = project_of(project_id, project_key, project_name)
    return DocumentView(
        document_id,
        filename,
        Status(status),
        created_at,
        updated_at,
        size_bytes,
        content_type,
        sha256,
        project,
        issue_of(project, issue_id, issue_number, issue_title),
        Person(owner_id, owner_username, owner_full_name),
    )


def _status(
    document_id: UUID,
    status: str,
    progress: int,
    message: str,
    step: str | None,
    failure: str | None,
    updated_at: datetime,
) -> StatusView:
    why = None if failure is None else Failure(failure)
    return StatusView(document_id, Status(status), progress, message, step, why, updated_at)


async def insert_document(session: Session, view: DocumentView, message: str) -> None:
    row = {
        "id": view.document_id,
        "owner_id": view.owner.id,
        "project_id": None if view.project is None else view.project.id,
        "issue_id": None if view.issue is None else view.issue.id,
        "filename": view.filename,
        "content_type": view.content_type,
        "sha256": view.sha256,
        "created_at": view.created_at,
        "updated_at": view.updated_at,
        "status": view.status.value,
        "progress": 0,
        "message": message,
    }
    await session.execute(_INSERT, row)


async def find_document(session: Session, document_id: UUID) -> DocumentView | None:
    return await session.one(_document, _ONE, {"document_id": document_id})


async def lock_document(session: Session, document_id: UUID) -> DocumentView | None:
    """The document, which nobody else changes until the transaction ends."""
    return await session.one(_document, _ONE_LOCKED, {"document_id": document_id})


async def find_status(session: Session, document_id: UUID) -> StatusView | None:
    return await session.one(_status, _STATUS, {"document_id": document_id})


async def set_status(
    session: Session,
    document_id: UUID,
    status: Status,
    message: str,
    now: datetime,
    *,
    progress: int = 0,
    step: str | None = None,
    failure: Failure | None = None,
) -> None:
    values = {
        "document_id": document_id,
        "status": status.value,
        "message": message,
        "progress": progress,
        "step": step,
        "failure": None if failure is None else failure.value,
        "updated_at": now,
    }
    await session.execute(_UPDATE, values)


async def note_progress(
    session: Session, document_id: UUID, step: str, progress: int, now: datetime
) -> None:
    """Tell how far processing is; nothing when it is over."""
    values = {
        "document_id": document_id,
        "step": step,
        "progress": progress,
        "message": "Is being processed.",
        "updated_at": now,
    }
    await session.execute(_NOTE_PROGRESS, values)


async def documents_after(
    session: Session, after: UUID | None, batch: int
) -> list[tuple[UUID, str, Status]]:
    """The next documents in the order of their ids, locked, with their names and statuses."""
    statement, values = (_FIRST, {}) if after is None else (_NEXT, {"after": after})
    return await session.all(
        lambda document_id, filename, status: (document_id, filename, Status(status)),
        statement,
        {**values, "batch": batch},
    )


async def delete_document(session: Session, document_id: UUID) -> None:
    """Remove the record with its result; the file stays for others."""
    await search.forget_document(session, document_id)
    await session.execute(_DELETE, {"document_id": document_id})


@lru_cache(maxsize=200)
def _list_statement(dialect: str, filters: frozenset[str]) -> Select[Any]:
    narrowed = [_CONDITIONS[name] for name in sorted(filters & set(_CONDITIONS))]
    return _ALL.where(*narrowed, *search.conditions(dialect, filters))


async def list_documents(
    session: Session, wanted: DocumentFilter, page: PageRequest
) -> Slice[DocumentView]:
    """One page, the newest first."""
    values: dict[str, Any] = {
        "owner_id": wanted.reach.owner_id,
        "project_ids": None
        if wanted.reach.project_ids is None
        else sorted(wanted.reach.project_ids),
        "status": wanted.status,
        "project_id": wanted.project_id,
        "issue_id": wanted.issue_id,
    }
    values = {name: value for name, value in values.items() if value is not None}
    if wanted.search is not None:
        values |= search.search_parameters(session, wanted.search)
    statement = _list_statement(session.dialect, frozenset(values))
    return await keyset_page(session, _document, statement, _NEWEST_FIRST, page, values)
