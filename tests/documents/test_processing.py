import asyncio
from collections import Counter
from uuid import UUID

import pytest
from sqlalchemy import func, select, text

from lacewing.documents.rules import PROCESS_DOCUMENT
from lacewing.documents.store.search import document_search
from lacewing.documents.tables import document_results, document_texts
from lacewing.kernel.actor import Role
from lacewing.kernel.db import transaction
from lacewing.kernel.events.tables import outbox
from lacewing.kernel.jobs import enqueue
from lacewing.kernel.jobs.tables import dead_jobs, jobs
from lacewing.kernel.work import Origin, Work
from tests.documents.acts import (
    ASK_SECONDS,
    DEADLINE_SECONDS,
    PAPER,
    delete,
    events,
    get,
    nothing_is_kept,
    path_of,
    process,
    run_jobs,
    start,
    stored_files,
    stored_path,
    upload,
    upload_processed,
    wait_until_processed,
)
from tests.documents.hostile import HOSTILE
from tests.documents.papers import PAGE_BREAK, docx, encrypted_pdf, pdf
from tests.kernel.logs import Log
from tests.support.house import House, Member
from tests.tracker.acts import Json, archive, new_issue, new_project

LINK = "https://example.com/read-on"
LIFE = ["document.uploaded", "document.process_started", "document.process_completed"]


@pytest.fixture
async def dora(idle_house: House) -> Member:
    """A developer in the house without a worker."""
    return await idle_house.member("dora")


@pytest.fixture
def secret() -> bytes:
    """A PDF that nobody reads without its password."""
    return encrypted_pdf("Quarterly report", "swordfish")


async def _waiting_jobs(house: House) -> int:
    rows = await house.rows(
        select(func.count()).select_from(jobs).where(jobs.c.kind == PROCESS_DOCUMENT)
    )
    count: int = rows[0][0]
    return count


async def _dead_jobs(house: House) -> int:
    return len(await house.rows(select(dead_jobs.c.id)))


# Starting


async def test_processing_is_started_once_while_it_runs(idle_house: House, dora: Member) -> None:
    """DOC-3: 202 for who starts it, 200 for who comes later; one job, told once."""
    document = await upload(dora)

    first = await start(dora, document)
    async with nothing_is_kept(idle_house):
        second = await start(dora, document)

    named = {"document_id": document["document_id"], "status": "PROCESSING"}
    assert (first.status_code, first.json()) == (202, {**named, "started": True})
    assert (second.status_code, second.json()) == (200, {**named, "started": False})
    assert await _waiting_jobs(idle_house) == 1


async def test_processing_is_not_started_again_when_it_is_done(house: House, maria: Member) -> None:
    """DOC-3: 200, and the result stays."""
    document = await upload_processed(maria)
    result = await get(maria, document, "/result")

    async with nothing_is_kept(house):
        again = await start(maria, document)

    assert again.status_code == 200
    assert again.json() == {
        "document_id": document["document_id"],
        "started": False,
        "status": "COMPLETED",
    }
    assert await get(maria, document, "/result") == result


async def test_ten_calls_at_once_start_one_job(idle_house: House, dora: Member) -> None:
    """DOC-3: one of them is told that it was the one."""
    document = await upload(dora)

    answers = await asyncio.gather(*(start(dora, document) for _ in range(10)))

    assert Counter(answer.status_code for answer in answers) == {202: 1, 200: 9}
    assert Counter(answer.json()["started"] for answer in answers) == {True: 1, False: 9}
    assert await _waiting_jobs(idle_house) == 1
    assert (await events(idle_house)).count("document.process_started") == 1


async def test_processing_does_not_hold_up_the_request(idle_house: House, dora: Member) -> None:
    """DOC-3, DOC-9: it is done in the background, whenever a worker comes."""
    document = await upload(dora)

    await start(dora, document)

    before = await get(dora, document, "/status")
    await run_jobs(idle_house)
    after = await get(dora, document, "/status")
    assert (before["status"], after["status"]) == ("PROCESSING", "COMPLETED")


# How far it is


async def test_the_status_tells_each_step(idle_house: House, dora: Member) -> None:
    """DOC-4: with progress and a message for people, from the upload to the end."""
    document = await upload(dora)
    uploaded = await get(dora, document, "/status")
    idle_house.clock.advance(seconds=1)
    await start(dora, document)
    started = await get(dora, document, "/status")
    idle_house.clock.advance(seconds=1)
    await run_jobs(idle_house)
    done = await get(dora, document, "/status")

    fields = {"document_id", "status", "progress", "message", "step", "failure", "updated_at"}
    told = [(each["status"], each["progress"]) for each in (uploaded, started, done)]
    assert told == [("UPLOADED", 0), ("PROCESSING", 0), ("COMPLETED", 100)]
    for each in (uploaded, started, done):
        assert set(each) == fields
        assert each["document_id"] == document["document_id"]
        assert each["message"]
        assert each["failure"] is None
    assert uploaded["updated_at"] < started["updated_at"] < done["updated_at"]


async def test_the_record_and_the_list_tell_the_status_too(maria: Member) -> None:
    """DOC-2, DOC-4: of what is processed."""
    document = await upload_processed(maria)

    listed = (await maria.api.get("/api/documents")).json()["data"]

    assert document["status"] == "COMPLETED"
    assert listed == [document]


# The result


async def test_there_is_no_result_before_it_is_ready(dora: Member) -> None:
    """DOC-5: 409 with the status; the file can be had all the while."""
    document = await upload(dora)
    before = await dora.api.get(path_of(document, "/result"))
    await start(dora, document)

    while_it_waits = await dora.api.get(path_of(document, "/result"))

    for answer, status in ((before, "UPLOADED"), (while_it_waits, "PROCESSING")):
        problem = answer.json()
        assert (answer.status_code, problem["type"]) == (409, "result-not-ready")
        assert (problem["status"], problem["document_status"]) == (409, status)
        assert status in problem["detail"]
    assert (await dora.api.get(path_of(document, "/download"))).content == PAPER


async def test_the_result_of_a_pdf_is_what_stands_in_it(maria: Member) -> None:
    """DOC-5: its text page by page, metadata, outline, links and counts."""
    content = pdf(
        "Alpha beta\ngamma",
        "Delta (epsilon) naïve",
        title="Quarterly report: 報告",
        author="Maria",
        outline=[("Beginning", 0), ("End", 1)],
        link=LINK,
    )

    document = await upload_processed(maria, content)

    result = await get(maria, document, "/result")
    processor = result.pop("processor")
    assert set(processor) == {"name", "version"}
    assert result == {
        "document_id": document["document_id"],
        "text": "Alpha beta\ngamma\fDelta (epsilon) naïve",
        "pages": [
            {"number": 1, "text": "Alpha beta\ngamma"},
            {"number": 2, "text": "Delta (epsilon) naïve"},
        ],
        "metadata": {"title": "Quarterly report: 報告", "author": "Maria"},
        "outline": [
            {"title": "Beginning", "level": 1, "page": 1},
            {"title": "End", "level": 1, "page": 2},
        ],
        "links": [{"url": LINK, "page": 1}],
        "counts": {
            "pages": 2,
            "words": 6,
            "characters": len("Alpha beta\ngamma") + len("Delta (epsilon) naïve"),
            "links": 1,
            "images": 0,
            "attachments": 0,
        },
        "data": {},
        "completed_at": document["updated_at"],
    }


async def test_the_result_of_a_docx_is_what_stands_in_it(maria: Member) -> None:
    """DOC-5: its text page by page, tables too, metadata, outline, links and counts."""
    content = docx(
        "Alpha beta gamma",
        PAGE_BREAK,
        "Delta naïve 報告",
        title="Quarterly report",
        author="Maria",
        headings=["Beginning"],
        link=LINK,
        table=[["north", "south"], ["11", "22"]],
    )

    document = await upload_processed(maria, content, "report.docx")

    result = await get(maria, document, "/result")
    first, second = (page["text"] for page in result["pages"])
    assert result["text"] == f"{first}\f{second}"
    assert first.splitlines() == ["Beginning", "Alpha beta gamma"]
    lines = [line for line in second.splitlines() if line]
    assert lines == ["Delta naïve 報告", "Read on", "north\tsouth", "11\t22"]
    told = result["metadata"]
    assert (told["title"], told["author"]) == ("Quarterly report", "Maria")
    assert result["outline"] == [{"title": "Beginning", "level": 1, "page": None}]
    assert result["links"] == [{"url": LINK, "page": None}]
    counts = result["counts"]
    assert (counts["pages"], counts["words"], counts["links"]) == (2, 13, 1)
    assert (counts["tables"], counts["images"]) == (1, 0)
    assert counts["characters"] == len(first) + len(second)


@pytest.mark.parametrize(
    ("content", "filename"),
    [(pdf(""), "empty.pdf"), (docx(), "empty.docx")],
    ids=["pdf", "docx"],
)
async def test_a_document_of_no_words_has_a_result(
    maria: Member, content: bytes, filename: str
) -> None:
    """DOC-5: one page without text is no failure."""
    document = await upload_processed(maria, content, filename)

    result = await get(maria, document, "/result")

    assert (result["text"], result["pages"]) == ("", [{"number": 1, "text": ""}])
    assert (result["outline"], result["links"]) == ([], [])
    assert result["counts"]["words"] == 0


@pytest.mark.parametrize(
    "name", ["pdf_nul_in_title", "pdf_nul_in_text", "pdf_lone_surrogates", "pdf_long_title"]
)
async def test_a_text_that_a_database_chokes_on_is_kept_on_both(maria: Member, name: str) -> None:
    """DOC-5, SEC-6: NUL and halves of characters are left out, what is too long is cut."""
    document = await upload_processed(maria, HOSTILE[name].make())

    result = await maria.api.get(path_of(document, "/result"))

    assert "Quarterly" in result.json()["text"] or name == "pdf_lone_surrogates"
    assert "\\u0000" not in result.text
    assert all(len(value) <= 1_000 for value in result.json()["metadata"].values())


async def test_documents_of_the_same_bytes_have_each_their_result(
    house: House, maria: Member, noor: Member
) -> None:
    """DOC-5, DOC-10: stored once for each."""
    one, other = await upload(maria), await upload(noor)

    await asyncio.gather(process(maria, one), process(noor, other))

    rows = await house.rows(select(document_results.c.document_id))
    wanted = {UUID(each["document_id"]) for each in (one, other)}
    assert len(rows) == 2
    assert {document_id for (document_id,) in rows} == wanted


async def test_many_documents_are_processed_each_once(house: House, maria: Member) -> None:
    """DOC-10, DOC-12: whatever the order in which workers come to them."""
    papers = [pdf(f"Report number {number}") for number in range(12)]
    documents = [await upload(maria, paper) for paper in papers]

    await asyncio.gather(*(process(maria, document) for document in documents))

    for number, document in enumerate(documents):
        result = await get(maria, document, "/result")
        assert result["text"] == f"Report number {number}"
    assert Counter(await events(house)) == dict.fromkeys(LIFE, 12)


# What fails


async def test_an_encrypted_document_fails_with_its_reason(
    house: House, maria: Member, secret: bytes
) -> None:
    """DOC-4, DOC-9: FAILED, why, at which step, and in words; no result, and no dead job."""
    document = await upload(maria, secret)

    status = await process(maria, document)

    assert (status["status"], status["failure"]) == ("FAILED", "encrypted")
    assert status["step"]
    assert "password" in status["message"]
    answer = await maria.api.get(path_of(document, "/result"))
    assert (answer.status_code, answer.json()["type"]) == (409, "result-not-ready")
    assert "FAILED" in answer.json()["detail"]
    assert await house.rows(select(document_results.c.document_id)) == []
    assert await _dead_jobs(house) == 0


async def test_after_it_has_failed_it_can_be_started_again(
    house: House, maria: Member, secret: bytes
) -> None:
    """DOC-3: 202 each time; each try is told."""
    document = await upload(maria, secret)
    await process(maria, document)

    again = await start(maria, document)

    assert (again.status_code, again.json()["started"]) == (202, True)
    assert (await wait_until_processed(maria, document))["failure"] == "encrypted"
    tries = ["document.process_started", "document.process_failed"] * 2
    assert await events(house) == ["document.uploaded", *tries]


async def test_a_new_try_forgets_why_the_last_one_failed(
    idle_house: House, dora: Member, secret: bytes
) -> None:
    """DOC-4: what is told is of this try."""
    document = await upload(dora, secret)
    await start(dora, document)
    await run_jobs(idle_house)

    await start(dora, document)

    status = await get(dora, document, "/status")
    assert (status["status"], status["progress"]) == ("PROCESSING", 0)
    assert (status["failure"], status["step"]) == (None, None)


async def test_a_failure_of_one_document_is_none_of_another(maria: Member, secret: bytes) -> None:
    """DOC-9: a bad file never takes the worker with it."""
    bad, good = await upload(maria, secret), await upload(maria)

    statuses = await asyncio.gather(process(maria, bad), process(maria, good))

    assert [status["status"] for status in statuses] == ["FAILED", "COMPLETED"]


async def test_a_file_that_the_storage_lost_is_waited_for(idle_house: House, dora: Member) -> None:
    """DOC-10: the job is tried again later; when the file is there again it is processed."""
    document = await upload(dora)
    path = stored_path(idle_house, document)
    path.unlink()
    await start(dora, document)
    await run_jobs(idle_house)
    meanwhile = await get(dora, document, "/status")

    path.write_bytes(PAPER)
    idle_house.clock.advance(seconds=60)
    await run_jobs(idle_house)

    assert meanwhile["status"] == "PROCESSING"
    assert await _dead_jobs(idle_house) == 0
    rows = await idle_house.rows(select(document_results.c.document_id))
    assert rows == [(UUID(document["document_id"]),)]


# What is told and kept


async def test_the_life_of_a_document_is_told_once(house: House, maria: Member) -> None:
    """DOC-1, DOC-3: each event once, in order, of this document; nothing more comes later."""
    document = await upload_processed(maria)
    await start(maria, document)

    rows = await house.rows(
        select(outbox.c.name, outbox.c.data, outbox.c.actor_id)
        .where(outbox.c.name.like("document.%"))
        .order_by(outbox.c.id)
    )
    assert [name for name, _, _ in rows] == LIFE
    assert {data["document_id"] for _, data, _ in rows} == {document["document_id"]}
    assert [actor for _, _, actor in rows] == [maria.id, maria.id, None]


async def test_the_life_of_a_document_stands_in_the_logs(maria: Member, log: Log) -> None:
    """OPS-5: ``document_id`` and each event once; API-10: with the request that asked for it."""
    document = await upload_processed(maria)

    lines = [line for line in log.lines if line.get("document_id") == document["document_id"]]
    told = [line["event"] for line in lines]
    assert told == ["uploaded", "process_started", "process_completed"]
    of_requests = {each["request_id"]: each["route"] for each in log.requests()}
    routes = [of_requests.get(line.get("request_id")) for line in lines[:2]]
    assert routes == ["/api/documents/upload", "/api/documents/{document_id}/process"]


async def test_a_failure_stands_in_the_logs(maria: Member, log: Log, secret: bytes) -> None:
    """OPS-5: ``process_failed`` with its reason, and nothing of the text."""
    document = await upload(maria, secret)
    await process(maria, document)

    lines = [line for line in log.lines if line.get("document_id") == document["document_id"]]
    assert [line["event"] for line in lines] == ["uploaded", "process_started", "process_failed"]
    assert lines[-1]["failure"] == "encrypted"


async def test_what_a_document_says_stands_in_no_log(maria: Member, log: Log) -> None:
    """SEC-8: neither its text nor its name: both may be private."""
    await upload_processed(maria, pdf("Rumpelstiltskin"), "zanzibar.pdf")

    written = log.getvalue()
    assert "Rumpelstiltskin" not in written
    assert "zanzibar" not in written


async def test_a_result_is_stored_once_however_often_the_job_runs(
    idle_house: House, dora: Member
) -> None:
    """DOC-10: a job that is carried twice, as after a crash, changes nothing the second time."""
    document = await upload(dora)
    await start(dora, document)
    await run_jobs(idle_house)
    rows = select(document_results).order_by(document_results.c.document_id)
    before = await idle_house.rows(rows)

    idle_house.clock.advance(minutes=1)
    await _enqueue_again(idle_house, document)
    await run_jobs(idle_house)

    assert len(before) == 1
    assert await idle_house.rows(rows) == before
    assert len(await idle_house.rows(select(document_texts.c.part))) == 1
    assert await events(idle_house) == LIFE


async def test_two_workers_at_one_document_store_one_result(
    idle_house: House, dora: Member
) -> None:
    """DOC-10: also when its owner starts it anew while a dead job of it is retried by command."""
    document = await upload(dora)
    await start(dora, document)
    await _enqueue_again(idle_house, document)

    await asyncio.gather(run_jobs(idle_house), run_jobs(idle_house))

    assert len(await idle_house.rows(select(document_results.c.document_id))) == 1
    assert (await events(idle_house)).count("document.process_completed") == 1
    assert await _dead_jobs(idle_house) == 0


async def _enqueue_again(house: House, document: Json) -> None:
    async with transaction(house.database) as session:
        work = Work(session, house.clock(), Origin())
        await enqueue(work, PROCESS_DOCUMENT, {"document_id": document["document_id"]})


async def test_a_document_that_is_removed_while_it_waits_disappears(
    idle_house: House, dora: Member
) -> None:
    """DOC-6, DOC-10: its job finds nothing to do, and fails at nothing; its file goes too."""
    document = await upload(dora)
    await start(dora, document)

    await delete(dora, document)
    await run_jobs(idle_house)

    assert await _waiting_jobs(idle_house) == 0
    assert await _dead_jobs(idle_house) == 0
    assert await idle_house.rows(select(document_results.c.document_id)) == []
    assert stored_files(idle_house) == []
    assert await events(idle_house) == [*LIFE[:2], "document.deleted"]


async def test_a_document_that_is_removed_while_it_is_read_disappears(
    house: House, maria: Member
) -> None:
    """DOC-6, DOC-10: whenever the removal comes, nothing of it is left, and nobody fails."""
    content = pdf(*[f"Page {number}" for number in range(300)])
    documents = [await upload(maria, content) for _ in range(6)]

    for document in documents:
        await start(maria, document)
    await asyncio.gather(*(delete(maria, document) for document in documents))
    afterwards = await upload_processed(maria)

    assert await _dead_jobs(house) == 0
    rows = await house.rows(select(document_results.c.document_id))
    assert rows == [(UUID(afterwards["document_id"]),)]


async def test_a_removal_and_the_end_of_processing_do_not_stop_each_other(
    idle_house: House, dora: Member
) -> None:
    """DOC-6, DOC-10: of an issue's document: the one that comes later waits, and then goes on."""
    boss = await idle_house.member("boss", Role.MANAGER)
    issue = await new_issue(boss, await new_project(boss, "Web", key="WEB"))
    document = await upload(dora, issue_id=issue["id"])
    await start(dora, document)

    async with transaction(idle_house.database) as session:
        # PostgreSQL lets both begin; SQLite never does.
        is_held = session.dialect == "postgresql"
        if is_held:
            await session.all(lambda _: None, select(document_search.c.part).with_for_update())
        ending = asyncio.create_task(run_jobs(idle_house))
        await _wait_for_waiting(idle_house, 1 if is_held else 0)
        removing = asyncio.create_task(dora.api.delete(path_of(document)))
        await _wait_for_waiting(idle_house, 2 if is_held else 0)
    answer, _ = await asyncio.gather(removing, ending)

    assert answer.status_code == 204, answer.text
    assert await _waiting_jobs(idle_house) == 0
    assert (await events(idle_house))[-1] == "document.deleted"


async def _wait_for_waiting(house: House, count: int) -> None:
    """Until so many transactions wait for a lock."""
    waiting = text(
        "SELECT 1 FROM pg_stat_activity"
        " WHERE datname = current_database() AND wait_event_type = 'Lock'"
    )
    async with asyncio.timeout(DEADLINE_SECONDS):
        while True:
            if count == 0 or len(await house.rows(waiting)) >= count:
                return
            await asyncio.sleep(ASK_SECONDS)


async def test_what_waits_while_its_project_is_archived_is_still_processed(
    idle_house: House, dora: Member
) -> None:
    """DOC-10, ISS-8: what was begun is ended."""
    boss = await idle_house.member("boss", Role.MANAGER)
    project = await new_project(boss, "Web", key="WEB")
    document = await upload(dora, project_id=project["id"])
    await start(dora, document)

    await archive(boss, project)
    await run_jobs(idle_house)

    assert (await get(dora, document, "/status"))["status"] == "COMPLETED"
