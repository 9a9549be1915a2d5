"""Processing a document: begun once, in the background, its result kept once (DOC-3, DOC-10)."""

import asyncio
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager, suppress
from typing import Any, Final
from uuid import UUID

import msgspec
import structlog

from lacewing.documents import events, metrics
from lacewing.documents.component import Documents
from lacewing.documents.processing.extraction import Extraction, ProcessingFailed
from lacewing.documents.processing.processor import Report, Source
from lacewing.documents.rules import PROCESS_DOCUMENT, Failure, Kind, Status, can_start
from lacewing.documents.schemas import DocumentView, Started
from lacewing.documents.service.documents import PAGE_END, get_document, lock_document
from lacewing.documents.store import documents as store, results, search
from lacewing.documents.store.results import FoundResult, parts_of
from lacewing.kernel.errors import Unavailable
from lacewing.kernel.events import emit
from lacewing.kernel.jobs import Lease, enqueue
from lacewing.kernel.work import Work
from lacewing.tracker.public import attach_text, lock_issue

PROGRESS_EVERY_SECONDS: Final = 1.0
"""Progress is written no more often than people look."""
_PER_CENT: Final = 100

_log = structlog.get_logger(__name__)


async def start_processing(work: Work, document_id: UUID) -> Started:
    """Let a worker process the document, unless one does or has done so.

    Raises:
        DocumentNotFound: there is none, or it is not the actor's to see.
    """
    await get_document(work, document_id)
    document = await lock_document(work, document_id)
    if not can_start(document.status):
        return Started(document_id, started=False, status=document.status)
    await store.set_status(
        work.session, document_id, Status.PROCESSING, "Waits for a worker.", work.now
    )
    await enqueue(work, PROCESS_DOCUMENT, {"document_id": str(document_id)})
    await emit(work, events.DocumentProcessStarted(**events.about(document)))
    _log.info("process_started", document_id=str(document_id))
    return Started(document_id, started=True, status=Status.PROCESSING)


async def process(documents: Documents, lease: Lease) -> None:
    """Carry one attempt out, as the kind of job that ``start_processing`` asks for."""
    document_id = UUID(lease.payload["document_id"])
    document = await store.find_document(lease.database.session(), document_id)
    if document is None or document.status is Status.COMPLETED:
        return
    if document.status is Status.FAILED:
        await _begin_again(lease, document_id)
    try:
        async with _reporting(lease, document_id) as report:
            extraction = await _extract(documents, document, report)
    except ProcessingFailed as failed:
        async with lease.finishing() as work:
            await _fail(work, document_id, failed.failure, failed.message, failed.step)
        return
    async with lease.finishing() as work:
        await _complete(work, documents, document_id, extraction)


async def _begin_again(lease: Lease, document_id: UUID) -> None:
    """A job that was given up is tried once more."""
    async with lease.work() as work:
        document = await store.lock_document(work.session, document_id)
        if document is not None and document.status is Status.FAILED:
            await store.set_status(
                work.session, document_id, Status.PROCESSING, "Is tried again.", work.now
            )


async def give_up(work: Work, payload: dict[str, Any], reason: str) -> None:
    """All attempts have failed; ``lacewing jobs retry`` or ``process`` try again."""
    message = f"Gave up after many tries: {reason}"
    await _fail(work, UUID(payload["document_id"]), Failure.GAVE_UP, message, None)


async def _extract(documents: Documents, document: DocumentView, report: Report) -> Extraction:
    async with documents.storage.fetched(document.sha256) as path:
        source = Source(path, Kind(document.content_type), document.filename)
        return await documents.processor.process(source, report)


@asynccontextmanager
async def _reporting(lease: Lease, document_id: UUID) -> AsyncGenerator[Report, None]:
    """Notes what is reported; how far it is, is written every so often, beside the work."""
    newest: tuple[str, float] | None = None

    async def report(step: str, done: float) -> None:
        nonlocal newest
        newest = (step, done)

    async def write() -> None:
        nonlocal newest
        if newest is None:
            return
        (step, done), newest = newest, None
        progress = max(0, min(_PER_CENT - 1, int(done * _PER_CENT)))
        with suppress(Unavailable):
            async with lease.work() as work:
                await store.note_progress(work.session, document_id, step, progress, work.now)

    async def go_on_writing() -> None:
        while True:
            await asyncio.sleep(PROGRESS_EVERY_SECONDS)
            await write()

    writing = asyncio.create_task(go_on_writing())
    try:
        yield report
    except Exception:
        await write()  # it will be tried again: how far it came is worth knowing
        raise
    finally:
        writing.cancel()


def _cleaned(value: Any) -> Any:
    """What a processor has found, without characters that a database or UTF-8 refuses."""
    if isinstance(value, str):
        return value.replace("\x00", "").encode("utf-8", "replace").decode()
    if isinstance(value, dict):
        return {_cleaned(name): _cleaned(each) for name, each in value.items()}
    if isinstance(value, list):
        return [_cleaned(each) for each in value]
    return value


async def _complete(
    work: Work, documents: Documents, document_id: UUID, extraction: Extraction
) -> None:
    seen = await store.find_document(work.session, document_id)
    if seen is not None and seen.issue is not None:
        await lock_issue(work, seen.issue.id)  # before the document, as everybody does
    document = await store.lock_document(work.session, document_id)
    if document is None or document.status is Status.COMPLETED:
        return  # removed meanwhile, or another job of the same document was quicker
    found = _cleaned(msgspec.to_builtins(extraction))
    text = PAGE_END.join(found.pop("pages"))
    parts = parts_of(text)
    processor = documents.processor
    result = FoundResult(document_id, processor.name, processor.version, work.now, found)
    await results.replace_result(work.session, result, parts)
    await search.index_document(work.session, document_id, document.filename, parts)
    if document.issue is not None:
        await attach_text(work, document.issue.id, document_id, document.filename, text)
    await store.set_status(
        work.session, document_id, Status.COMPLETED, "Processed.", work.now, progress=_PER_CENT
    )
    await emit(work, events.DocumentProcessCompleted(**events.about(document)))
    metrics.PROCESSED.labels(metrics.COMPLETED).inc()
    _log.info("process_completed", document_id=str(document_id), counts=extraction.counts)


async def _fail(
    work: Work, document_id: UUID, failure: Failure, message: str, step: str | None
) -> None:
    document = await store.lock_document(work.session, document_id)
    if document is None or document.status is Status.COMPLETED:
        return
    await store.set_status(
        work.session, document_id, Status.FAILED, message, work.now, step=step, failure=failure
    )
    failed = events.DocumentProcessFailed(**events.about(document), failure=failure.value)
    await emit(work, failed)
    metrics.PROCESSED.labels(failure.value).inc()
    _log.warning(
        "process_failed",
        document_id=str(document_id),
        failure=failure.value,
        step=step,
        reason=message,
    )
