"""Looking documents up, and removing them."""

from itertools import starmap
from uuid import UUID

import msgspec
import structlog

from lacewing.documents import errors, events
from lacewing.documents.permissions import may_delete_document, may_see_document, may_see_private
from lacewing.documents.rules import REMOVE_FILE, Status
from lacewing.documents.schemas import (
    DocumentQuery,
    DocumentView,
    PageText,
    ProcessorRef,
    ResultView,
    StatusView,
)
from lacewing.documents.store import documents as store, results, search
from lacewing.documents.store.documents import DocumentFilter, Reach
from lacewing.kernel import audit
from lacewing.kernel.events import emit
from lacewing.kernel.jobs import enqueue
from lacewing.kernel.pagination import PageRequest, Slice
from lacewing.kernel.preconditions import Precondition
from lacewing.kernel.words import search_terms, snippet_of
from lacewing.kernel.work import Work
from lacewing.tracker.public import Place, detach_text, find_place, hold_place, note_in_history

PAGE_END = "\f"
"""Stands between the pages of a text."""

_log = structlog.get_logger(__name__)


async def get_document(work: Work, document_id: UUID) -> DocumentView:
    """The record.

    Raises:
        DocumentNotFound: there is none, or it is not the actor's to see.
    """
    return _seen(work, await store.find_document(work.session, document_id))


def _seen(work: Work, found: DocumentView | None) -> DocumentView:
    project_id = None if found is None or found.project is None else found.project.id
    if found is None or not may_see_document(work.actor, found.owner.id, project_id):
        raise errors.DocumentNotFound
    return found


async def lock_document(work: Work, document_id: UUID) -> DocumentView:
    """As ``get_document``; nobody else changes it until the transaction ends."""
    return _seen(work, await store.lock_document(work.session, document_id))


async def list_documents(
    work: Work, query: DocumentQuery, page: PageRequest
) -> Slice[DocumentView]:
    """One page of those that the actor may see, the newest first (DOC-2).

    Raises:
        ProjectNotFound, IssueNotFound: what is filtered by is not there for the actor.
    """
    issue_id = None
    if query.project_id is not None or query.issue_id is not None:
        place = await find_place(work, query.project_id, query.issue_id)
        issue_id = None if place.issue is None else place.issue.id
    actor = work.actor
    wanted = DocumentFilter(
        reach=Reach(
            owner_id=None if may_see_private(actor) else actor.id,
            project_ids=actor.project_ids,
        ),
        status=query.status,
        project_id=query.project_id,
        issue_id=issue_id,
        search=query.search,
    )
    found = await store.list_documents(work.session, wanted, page)
    if query.search is None or not found.items:
        return found
    return await _with_snippets(work, found, query.search)


async def _with_snippets(work: Work, found: Slice[DocumentView], words: str) -> Slice[DocumentView]:
    ids = [document.document_id for document in found.items]
    texts = await search.texts_found(work.session, ids, words)
    wanted, _ = search_terms(words)
    return found.mapped(
        lambda document: msgspec.structs.replace(
            document, snippet=snippet_of(texts.get(document.document_id, ""), wanted)
        )
    )


async def get_status(work: Work, document_id: UUID) -> StatusView:
    """How far its processing is (DOC-4).

    Raises:
        DocumentNotFound: as ``get_document``.
    """
    await get_document(work, document_id)
    found = await store.find_status(work.session, document_id)
    if found is None:
        raise errors.DocumentNotFound
    return found


async def get_result(work: Work, document_id: UUID) -> ResultView:
    """What was found in it (DOC-5).

    Raises:
        ResultNotReady: it is not processed, with its status.
    """
    document = await get_document(work, document_id)
    found = await results.find_result(work.session, document_id)
    if document.status is not Status.COMPLETED or found is None:
        raise errors.ResultNotReady(
            f"The document is {document.status.value}.", document_status=document.status.value
        )
    text = await results.read_text(work.session, document_id)
    pages = list(starmap(PageText, enumerate(text.split(PAGE_END), start=1)))
    return ResultView(
        document_id=document_id,
        text=text,
        pages=pages,
        processor=ProcessorRef(found.processor, found.processor_version),
        completed_at=found.completed_at,
        **found.found,
    )


async def delete_document(work: Work, document_id: UUID, precondition: Precondition) -> None:
    """Remove the record, its result and, if no other record needs it, the file (DOC-6).

    Raises:
        NotYourDocument: somebody else owns it.
        ProjectArchived: its project is read-only.
        PreconditionFailed: it has changed since the client read it.
    """
    seen = await get_document(work, document_id)
    if not may_delete_document(work.actor, seen.owner.id):
        raise errors.NotYourDocument
    if seen.project is not None:
        await hold_place(work, Place(seen.project, seen.issue))
    document = await lock_document(work, document_id)
    precondition.check(document)
    await store.delete_document(work.session, document_id)
    if document.issue is not None:
        await detach_text(work, document.issue.id, document_id)
        note = {"id": str(document_id), "filename": document.filename}
        await note_in_history(work, document.issue.id, "document", note, None)
    await enqueue(work, REMOVE_FILE, {"sha256": document.sha256})
    await emit(work, events.DocumentDeleted(**events.about(document)))
    await audit.record(work, "document.delete", f"document:{document_id}")
    _log.info("deleted", document_id=str(document_id))
