"""Every hostile file there is, through upload and processing: none completes that should not."""

import hashlib
from collections import Counter
from pathlib import Path
from tempfile import gettempdir

import pytest
from sqlalchemy import select

from lacewing.documents.processing.limits import TEXT_CHARACTERS_MAX
from lacewing.documents.rules import Failure
from lacewing.documents.tables import document_results, documents, files
from lacewing.kernel.jobs.tables import dead_jobs
from tests.documents.acts import (
    events,
    get,
    nothing_is_kept,
    path_of,
    process,
    start,
    stored_files,
    try_upload,
    upload,
    upload_processed,
    wait_until_processed,
)
from tests.documents.hostile import HOSTILE, HostileFile
from tests.documents.papers import docx, pdf
from tests.support.house import House, Member
from tests.tracker.acts import Json

SECONDS_MAX = 3
SECRET = "root:x:0:0"
"""How the file begins that some of them try to read from the server."""
INNER_MATTERS = (
    "Traceback",
    "site-packages",
    "/usr/",
    gettempdir(),
    str(Path(__file__).parents[2]),
)
"""What no message to people holds."""
REASONS = {failure.value for failure in Failure} - {Failure.GAVE_UP.value}

pytestmark = [pytest.mark.system, pytest.mark.one_database]


@pytest.fixture(scope="module")
def shared_variables() -> dict[str, str]:
    """What never ends is stopped soon."""
    return {"LACEWING_PROCESSING_SECONDS_MAX": str(SECONDS_MAX)}


REFUSED = [name for name, each in HOSTILE.items() if each.expected == "refused"]
OTHERS = [name for name, each in HOSTILE.items() if each.expected != "refused"]


@pytest.mark.parametrize("name", REFUSED)
async def test_what_can_be_told_at_once_is_refused(
    shared_house: House, a_developer: Member, name: str
) -> None:
    """DOC-8: 415 or 422 that says why; nothing is stored."""
    content = HOSTILE[name].make()

    async with nothing_is_kept(shared_house):
        answer = await try_upload(a_developer, content, HOSTILE[name].filename)

    assert answer.status_code in {415, 422}, HOSTILE[name].why
    assert answer.json()["errors"][0]["loc"] == ["body", "file"]
    assert SECRET not in answer.text


@pytest.mark.parametrize("name", OTHERS)
async def test_what_looks_good_from_outside_does_no_harm(
    shared_house: House, a_developer: Member, name: str
) -> None:
    """DOC-8, DOC-9: refused with nothing stored, or FAILED with a reason; read if that is safe."""
    content = HOSTILE[name].make()

    answer = await try_upload(a_developer, content, HOSTILE[name].filename)

    if answer.status_code == 201:
        status = await process(a_developer, answer.json())
        await _check_end(a_developer, answer.json(), status, HOSTILE[name])
    else:
        assert answer.status_code in {415, 422}, HOSTILE[name].why
        assert not await _is_kept(shared_house, content)


async def _is_kept(house: House, content: bytes) -> bool:
    """Whether anything is left of these bytes."""
    sha256 = hashlib.sha256(content).hexdigest()
    known = await house.rows(select(files.c.sha256).where(files.c.sha256 == sha256))
    return bool(known) or any(sha256 in path for path in stored_files(house))


async def _check_end(member: Member, document: Json, status: Json, hostile: HostileFile) -> None:
    """FAILED with a reason for people and for programs, or a result that tells no secret."""
    answer = await member.api.get(path_of(document, "/result"))
    assert SECRET not in answer.text
    if hostile.expected == "either" and status["status"] == "COMPLETED":
        assert answer.status_code == 200
        assert len(answer.json()["text"]) <= TEXT_CHARACTERS_MAX
        return
    assert status["status"] == "FAILED", hostile.why
    assert status["failure"] in REASONS
    assert status["step"]
    assert status["message"]
    assert not [inner for inner in INNER_MATTERS if inner in status["message"]]
    assert answer.status_code == 409


async def test_a_good_document_is_still_completed(shared_house: House, a_developer: Member) -> None:
    """DOC-9: whatever came before, the worker lives; no job is given up."""
    bad = HOSTILE["pdf_heavy_pages"]
    hanging = [await upload(a_developer, bad.make(), bad.filename) for _ in range(2)]
    for document in hanging:
        await start(a_developer, document)

    made = [
        await upload_processed(a_developer, pdf("A good paper"), "good.pdf"),
        await upload_processed(a_developer, docx("A good paper"), "good.docx"),
    ]

    results = [await get(a_developer, document, "/result") for document in made]
    assert [result["text"] for result in results] == ["A good paper"] * 2
    for document in hanging:
        assert (await wait_until_processed(a_developer, document))["status"] == "FAILED"
    assert await shared_house.rows(select(dead_jobs.c.id)) == []


async def test_each_document_was_told_of_once(shared_house: House, a_developer: Member) -> None:
    """DOC-8, DOC-10: one end for each start, and one result for each that was COMPLETED."""
    await upload_processed(a_developer)

    told = Counter(await events(shared_house))
    ended = told["document.process_completed"] + told["document.process_failed"]
    results = await shared_house.rows(select(document_results.c.document_id))
    uploaded = await shared_house.rows(select(documents.c.id))
    assert told["document.uploaded"] == len(uploaded)
    assert told["document.process_started"] == ended
    assert told["document.process_completed"] == len(results)
