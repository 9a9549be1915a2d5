"""What people do with documents in these tests, and how to see that nothing was kept."""

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Final
from urllib.parse import unquote, urlsplit

import httpx
from sqlalchemy import select

from lacewing.documents.rules import PROCESS_DOCUMENT
from lacewing.documents.tables import document_results, document_texts, documents, files
from lacewing.kernel.audit.tables import audit_log
from lacewing.kernel.events.tables import outbox
from lacewing.kernel.jobs.runner import Runner
from lacewing.kernel.jobs.tables import jobs
from lacewing.tracker.tables import issue_history
from lacewing.wiring import job_kinds
from tests.documents.papers import pdf
from tests.support.house import House, Member
from tests.support.uploading import BOUNDARY, form_of
from tests.tracker.acts import Json

UPLOAD: Final = "/api/documents/upload"
FORM_TYPE: Final = f"multipart/form-data; boundary={BOUNDARY.decode()}"
PAPER: Final = pdf("Quarterly report")
DEADLINE_SECONDS: Final = 20
"""After so long a document that is not processed never will be."""
ASK_SECONDS: Final = 0.05

_STATE: Final = {
    "documents": select(documents).order_by(documents.c.id),
    "files": select(files).order_by(files.c.sha256),
    "results": select(document_results).order_by(document_results.c.document_id),
    "texts": select(document_texts).order_by(document_texts.c.document_id, document_texts.c.part),
    "jobs": select(jobs.c.id).where(jobs.c.kind == PROCESS_DOCUMENT).order_by(jobs.c.id),
    "history": select(issue_history).order_by(issue_history.c.id),
    "events": select(outbox.c.id, outbox.c.name).order_by(outbox.c.id),
    # That somebody was refused is kept too, and is no change.
    "audit": select(audit_log.c.id)
    .where(audit_log.c.action != "access.denied")
    .order_by(audit_log.c.id),
}


def stored_files(house: House) -> list[str]:
    """All files of the storage by their path in it, those too that are still coming in."""
    url = house.settings.documents.storage_url
    assert url is not None
    folder = Path(unquote(urlsplit(url).path))
    return sorted(str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file())


def stored_path(house: House, document: Json) -> Path:
    """Where the bytes of the document lie."""
    url = house.settings.documents.storage_url
    assert url is not None
    sha256: str = document["sha256"]
    return Path(unquote(urlsplit(url).path)) / sha256[:2] / sha256


@asynccontextmanager
async def nothing_is_kept(house: House) -> AsyncGenerator[None, None]:
    """What happens in the block leaves no record, no file, no job, and tells nobody anything."""
    before = {name: await house.rows(statement) for name, statement in _STATE.items()}
    files_before = stored_files(house)
    yield  # ruff: ignore[fallible-context-manager]  a test that failed already compares nothing
    after = {name: await house.rows(statement) for name, statement in _STATE.items()}
    assert after == before
    assert stored_files(house) == files_before


async def send_form(
    member: Member,
    body: bytes | AsyncIterator[bytes],
    headers: Mapping[str, str] | None = None,
) -> httpx.Response:
    """Send this very body as a form."""
    wanted = {"Content-Type": FORM_TYPE, **(headers or {})}
    return await member.api.post(UPLOAD, content=body, headers=wanted)


async def try_upload(
    member: Member,
    content: bytes = PAPER,
    filename: str = "report.pdf",
    headers: Mapping[str, str] | None = None,
    **fields: str,
) -> httpx.Response:
    return await send_form(member, form_of(content, filename, **fields), headers)


async def upload(
    member: Member, content: bytes = PAPER, filename: str = "report.pdf", **fields: str
) -> Json:
    """The record of the new document."""
    answer = await send_form(member, form_of(content, filename, **fields))
    assert answer.status_code == 201, answer.text
    made: Json = answer.json()
    return made


def path_of(document: Json, what: str = "") -> str:
    return f"/api/documents/{document['document_id']}{what}"


async def start(member: Member, document: Json) -> httpx.Response:
    return await member.api.post(path_of(document, "/process"))


async def get(member: Member, document: Json, what: str = "") -> Json:
    """The record of the document, or what there is below it."""
    answer = await member.api.get(path_of(document, what))
    assert answer.status_code == 200, answer.text
    found: Json = answer.json()
    return found


async def wait_until_processed(member: Member, document: Json) -> Json:
    """The status of the document, once no worker is at it any more."""
    async with asyncio.timeout(DEADLINE_SECONDS):
        while True:
            status = await get(member, document, "/status")
            if status["status"] != "PROCESSING":
                return status
            await asyncio.sleep(ASK_SECONDS)


async def process(member: Member, document: Json) -> Json:
    """Start processing; the status at its end."""
    answer = await start(member, document)
    assert answer.status_code == 202, answer.text
    return await wait_until_processed(member, document)


async def upload_processed(
    member: Member, content: bytes = PAPER, filename: str = "report.pdf", **fields: str
) -> Json:
    """The record of a new document that is COMPLETED."""
    document = await upload(member, content, filename, **fields)
    status = await process(member, document)
    assert status["status"] == "COMPLETED", status
    return await get(member, document)


async def delete(member: Member, document: Json) -> None:
    answer = await member.api.delete(path_of(document))
    assert answer.status_code == 204, answer.text


async def run_jobs(house: House) -> None:
    """Run all that is due in a house without a worker."""
    runner = Runner(house.database, job_kinds(house.app.state.documents), house.clock)
    while await runner.run_next():
        pass


async def events(house: House) -> list[str]:
    """The names of all events about documents, in the order in which they came."""
    rows = await house.rows(
        select(outbox.c.name).where(outbox.c.name.like("document.%")).order_by(outbox.c.id)
    )
    return [name for (name,) in rows]
