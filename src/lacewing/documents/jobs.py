"""What happens later: processing, and removing files that nobody refers to."""

from collections.abc import Awaitable, Callable, Sequence
from contextlib import AbstractAsyncContextManager
from datetime import datetime, timedelta
from typing import Final
from uuid import UUID

from lacewing.documents.component import Documents
from lacewing.documents.rules import PROCESS_DOCUMENT, REMOVE_FILE, SWEEP_FILES, Status
from lacewing.documents.service import processing, sweeping
from lacewing.documents.store import documents as documents_store, results, search
from lacewing.kernel.db import Session
from lacewing.kernel.jobs import JobKind, Lease, enqueue
from lacewing.kernel.work import Origin, Work

TAKEN_UP_AT_ONCE: Final = 50
SWEPT_EVERY: Final = timedelta(days=1)


def job_kinds(documents: Documents) -> Sequence[JobKind]:
    """The kinds of jobs of this domain."""

    async def process(lease: Lease) -> None:
        await processing.process(documents, lease)

    async def remove_file(lease: Lease) -> None:
        await sweeping.remove_file(documents.storage, lease.work, lease.payload["sha256"])

    async def sweep(lease: Lease) -> None:
        await sweeping.sweep(documents.storage, lease)
        async with lease.finishing() as work:
            await _ask_for_sweep(work, work.now + SWEPT_EVERY)

    return (
        JobKind(PROCESS_DOCUMENT, process, processing.give_up),
        JobKind(REMOVE_FILE, remove_file),
        JobKind(SWEEP_FILES, sweep),
    )


async def take_up_all(
    transaction: Callable[[], AbstractAsyncContextManager[Session]], now: datetime
) -> int:
    """After an import: index every document anew, and begin anew what was being processed."""

    async def begin_anew(session: Session, document_id: UUID, status: Status) -> None:
        if status is Status.PROCESSING:
            work = Work(session=session, now=now, origin=Origin())
            await enqueue(work, PROCESS_DOCUMENT, {"document_id": str(document_id)})

    return await index_all_documents(transaction, begin_anew)


async def index_all_documents(
    transaction: Callable[[], AbstractAsyncContextManager[Session]],
    also: Callable[[Session, UUID, Status], Awaitable[None]] | None = None,
) -> int:
    """Make anew what is searched, and do what ``also`` does; how many documents there are."""
    after: UUID | None = None
    count = 0
    while True:
        async with transaction() as session:
            batch = await documents_store.documents_after(session, after, TAKEN_UP_AT_ONCE)
            for document_id, filename, status in batch:
                parts = results.parts_of(await results.read_text(session, document_id))
                await search.index_document(session, document_id, filename, parts)
                if also is not None:
                    await also(session, document_id, status)
        if not batch:
            return count
        count += len(batch)
        after = batch[-1][0]


async def ensure_sweep(session: Session, now: datetime) -> int:
    """See to it that a sweep waits somewhere; each one asks for the next."""
    work = Work(session=session, now=now, origin=Origin())
    return int(await _ask_for_sweep(work, now))


async def _ask_for_sweep(work: Work, due_at: datetime) -> bool:
    return await enqueue(work, SWEEP_FILES, {}, key=SWEEP_FILES, due_at=due_at)
