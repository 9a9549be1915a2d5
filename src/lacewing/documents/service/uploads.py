"""Taking a file in: it is in the storage before its record is in the database (DOC-7)."""

import asyncio
from datetime import datetime, timedelta
from typing import Final

import structlog

from lacewing.accounts.public import Person
from lacewing.documents import events, metrics
from lacewing.documents.errors import StorageUnavailable
from lacewing.documents.files import Storage
from lacewing.documents.files.draft import Draft
from lacewing.documents.rules import Kind, Status
from lacewing.documents.schemas import DocumentView, UploadFields
from lacewing.documents.store import documents as store, files, search
from lacewing.kernel.db import Database, transaction
from lacewing.kernel.errors import NotFound, invalid_field
from lacewing.kernel.events import emit
from lacewing.kernel.ids import new_id
from lacewing.kernel.work import Work
from lacewing.tracker.public import (
    IssueNotFound,
    Place,
    ProjectArchived,
    ProjectNotFound,
    find_place,
    hold_place,
    note_in_history,
)

CLAIMED_FOR: Final = timedelta(hours=1)
"""Longer than any upload takes from here on; a claim of a crashed one ends by itself."""
CLAIM_TRIES: Final = 60
CLAIM_PAUSE_SECONDS: Final = 0.05
BEING_REMOVED: Final = "The same file is being removed at this moment: send it again."

_log = structlog.get_logger(__name__)


async def find_upload_place(work: Work, wanted: UploadFields) -> Place | None:
    """Where the document shall belong, if anywhere.

    Raises:
        Invalid: there is no such project or issue, or it is out of the actor's reach.
        ProjectArchived: the place is read-only.
    """
    if wanted.project_id is None and wanted.issue_id is None:
        if work.actor.project_ids is not None:
            raise invalid_field(
                "body", "project_id", "is needed: this token is held to projects", "missing"
            )
        return None
    try:
        place = await find_place(work, wanted.project_id, wanted.issue_id)
    except (ProjectNotFound, IssueNotFound) as error:
        raise _unknown_place(wanted, error) from error
    if place.in_archive:
        raise ProjectArchived
    return place


def _unknown_place(wanted: UploadFields, error: NotFound) -> Exception:
    field = "project_id" if wanted.issue_id is None else "issue_id"
    return invalid_field("body", field, error.detail, "unknown_place")


async def upload(
    work: Work,
    database: Database,
    storage: Storage,
    draft: Draft,
    kind: Kind,
    filename: str,
    place: Place | None,
) -> DocumentView:
    """A new document; its file is stored once, however many documents have these bytes (DOC-1).

    Raises:
        ProjectArchived: the place is read-only.
        StorageFull, StorageUnavailable: nothing was kept.
    """
    document = _document(work, draft, kind, filename, place)
    await _store(work, database, storage, draft, place)
    await store.insert_document(work.session, document, "Not processed yet.")
    await search.index_document(work.session, document.document_id, filename, [])
    await emit(work, events.DocumentUploaded(**events.about(document)))
    if document.issue is not None:
        note = {"id": str(document.document_id), "filename": filename}
        await note_in_history(work, document.issue.id, "document", None, note)
    metrics.UPLOADED_BYTES.labels(kind.name.lower()).observe(draft.size_bytes)
    _log.info("uploaded", document_id=str(document.document_id), size_bytes=draft.size_bytes)
    return document


def _document(
    work: Work, draft: Draft, kind: Kind, filename: str, place: Place | None
) -> DocumentView:
    actor = work.actor
    return DocumentView(
        document_id=new_id(),
        filename=filename,
        status=Status.UPLOADED,
        created_at=work.now,
        updated_at=work.now,
        size_bytes=draft.size_bytes,
        content_type=kind.value,
        sha256=draft.sha256,
        project=None if place is None else place.project,
        issue=None if place is None else place.issue,
        owner=Person(actor.id, actor.username, actor.full_name),
    )


async def _store(
    work: Work, database: Database, storage: Storage, draft: Draft, place: Place | None
) -> None:
    """The file is in the storage, and stays there if the transaction of ``work`` commits.

    Raises:
        StorageUnavailable: the last record of these bytes is being removed, and it takes long.
    """
    await _claim(database, draft, work.now)
    if await storage.size(draft.sha256) != draft.size_bytes:
        await storage.put(draft.sha256, draft.path)
    if place is not None:
        await hold_place(work, place)
    if not await files.settle_claim(work.session, draft.sha256, work.now):
        raise StorageUnavailable(BEING_REMOVED)


async def _claim(database: Database, draft: Draft, now: datetime) -> None:
    """Let nobody remove the file; in a transaction of its own, as none is open while bytes move."""
    for _ in range(CLAIM_TRIES):
        async with transaction(database) as session:
            until = now + CLAIMED_FOR
            if await files.claim_file(session, draft.sha256, draft.size_bytes, now, until):
                return
        await asyncio.sleep(CLAIM_PAUSE_SECONDS)
    raise StorageUnavailable(BEING_REMOVED)
