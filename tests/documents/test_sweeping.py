"""Files and records stay together: what nobody refers to goes, and nothing else does."""

import asyncio
import os
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import asynccontextmanager
from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import column, func, select, table

from lacewing.documents.files import Storage
from lacewing.documents.files.draft import open_draft
from lacewing.documents.files.local import LocalStorage
from lacewing.documents.jobs import SWEPT_EVERY, ensure_sweep
from lacewing.documents.rules import REMOVE_FILE, SWEEP_FILES, Kind
from lacewing.documents.service import uploads
from lacewing.documents.service.sweeping import find_missing, remove_file
from lacewing.documents.store import files as files_store
from lacewing.documents.tables import files
from lacewing.kernel.actor import Actor, Role
from lacewing.kernel.backup.store import begin_backup, finish_backup
from lacewing.kernel.db import transaction
from lacewing.kernel.ids import new_id
from lacewing.kernel.jobs.runner import PAUSE_MAX_SECONDS
from lacewing.kernel.jobs.tables import jobs
from lacewing.kernel.work import Origin, Work
from tests.documents.acts import (
    ASK_SECONDS,
    DEADLINE_SECONDS,
    PAPER,
    delete,
    path_of,
    run_jobs,
    stored_files,
    stored_path,
    try_upload,
    upload,
)
from tests.documents.papers import pdf
from tests.documents.test_storages import draft_of, key_of, put
from tests.support.house import House, Member

MINUTE = 60
HOUR = 60 * MINUTE

pg_stat_activity = table("pg_stat_activity", column("datname"), column("wait_event_type"))


@pytest.fixture
async def dora(idle_house: House) -> Member:
    """A developer in the house without a worker."""
    return await idle_house.member("dora")


def storage_of(house: House) -> Storage:
    storage: Storage = house.app.state.documents.storage
    return storage


def make_older(house: House, path: Path, seconds: float) -> None:
    """As if it had been written so long ago."""
    then = house.clock().timestamp() - seconds
    os.utime(path, (then, then))


async def sweep(house: House) -> None:
    async with transaction(house.database) as session:
        await ensure_sweep(session, house.clock())
    await run_jobs(house)


async def known(house: House) -> list[tuple[str, int]]:
    """What the database says is there."""
    return [tuple(row) for row in await house.rows(select(files.c.sha256, files.c.size_bytes))]


# Removing


async def test_the_file_stays_while_any_document_has_it(idle_house: House, dora: Member) -> None:
    """DOC-7: the last record takes it along, with what the database knows of it."""
    first, second = await upload(dora), await upload(dora, filename="copy.pdf")

    await delete(dora, first)
    await run_jobs(idle_house)
    after_one = stored_files(idle_house), await known(idle_house)
    download = await dora.api.get(path_of(second, "/download"))
    await delete(dora, second)
    await run_jobs(idle_house)

    key = key_of(PAPER)
    assert after_one == ([f"{key[:2]}/{key}"], [(key, len(PAPER))])
    assert download.content == PAPER
    assert (stored_files(idle_house), await known(idle_house)) == ([], [])


async def test_bytes_that_were_removed_can_be_uploaded_again(
    idle_house: House, dora: Member
) -> None:
    """DOC-7: before the file is gone and afterwards."""
    await delete(dora, await upload(dora))
    await upload(dora)
    await run_jobs(idle_house)
    before = await find_missing(idle_house.database, storage_of(idle_house))

    documents = (await dora.api.get("/api/documents")).json()["data"]
    await delete(dora, documents[0])
    await run_jobs(idle_house)
    again = await upload(dora)

    assert before == []
    assert stored_path(idle_house, again).read_bytes() == PAPER


async def test_a_file_that_cannot_be_removed_now_is_removed_later(
    idle_house: House, dora: Member
) -> None:
    """DOC-7, DOC-10: nothing that was asked for is forgotten."""
    document = await upload(dora)
    path = stored_path(idle_house, document)
    path.unlink()
    path.mkdir()  # which no unlink removes
    await delete(dora, document)

    await run_jobs(idle_house)
    waiting = await idle_house.rows(select(jobs.c.attempts).where(jobs.c.kind == REMOVE_FILE))
    path.rmdir()
    path.write_bytes(PAPER)
    idle_house.clock.advance(seconds=PAUSE_MAX_SECONDS)
    await run_jobs(idle_house)

    assert waiting == [(1,)]
    assert (stored_files(idle_house), await known(idle_house)) == ([], [])


async def test_a_file_that_is_used_is_never_removed(idle_house: House, dora: Member) -> None:
    """DOC-7: whoever asks for it."""
    document = await upload(dora)

    removed = await remove_file(
        storage_of(idle_house), lambda: work_of(idle_house, dora), document["sha256"]
    )

    assert not removed
    assert stored_path(idle_house, document).read_bytes() == PAPER


# Sweeping


async def test_strays_are_swept_once_they_are_an_hour_old(idle_house: House, dora: Member) -> None:
    """DOC-7: a younger one may be of an upload that is under way; one with a record stays."""
    storage = storage_of(idle_house)
    document = await upload(dora)
    make_older(idle_house, stored_path(idle_house, document), 365 * 24 * HOUR)
    root = stored_path(idle_house, document).parents[1]
    for content, age in ((b"stray", HOUR + MINUTE), (b"young", HOUR - MINUTE)):
        key = await put(storage, content)
        make_older(idle_house, root / key[:2] / key, age)
    for draft in storage.drafts_dir.iterdir():
        draft.unlink()

    await sweep(idle_house)

    kept = [document["sha256"], key_of(b"young")]
    assert stored_files(idle_house) == sorted(f"{key[:2]}/{key}" for key in kept)
    assert await known(idle_house) == [(document["sha256"], len(PAPER))]


async def test_drafts_that_a_crash_left_are_swept(idle_house: House) -> None:
    """DOC-7: a day after anything was last written to them."""
    storage = storage_of(idle_house)
    old, half_put, young = (draft_of(storage, b"x") for _ in range(3))
    half_put = half_put.rename(half_put.with_suffix(".put"))
    for draft, age in ((old, 25 * HOUR), (half_put, 25 * HOUR), (young, 23 * HOUR)):
        make_older(idle_house, draft, age)

    await sweep(idle_house)

    assert list(storage.drafts_dir.iterdir()) == [young]


async def test_many_strays_are_swept_in_batches(
    idle_house: House, dora: Member, monkeypatch: pytest.MonkeyPatch
) -> None:
    """DOC-7: however many there are, among however many others."""
    monkeypatch.setattr("lacewing.documents.service.sweeping.LOOKED_AT_ONCE", 2)
    kept = [await upload(dora, pdf(f"Report {number}")) for number in range(5)]
    for number in range(5):
        await put(storage_of(idle_house), b"stray %d" % number)
    idle_house.clock.advance(days=2)

    await sweep(idle_house)

    assert stored_files(idle_house) == sorted(
        f"{document['sha256'][:2]}/{document['sha256']}" for document in kept
    )


async def test_each_sweep_asks_for_the_next(idle_house: House) -> None:
    """DOC-7: one waits at any time, and the next comes a day later."""
    waiting = select(jobs.c.due_at).where(jobs.c.kind == SWEEP_FILES)
    await sweep(idle_house)
    first = await idle_house.rows(waiting)

    async with transaction(idle_house.database) as session:
        asked = await ensure_sweep(session, idle_house.clock())
    idle_house.clock.advance(seconds=SWEPT_EVERY.total_seconds())
    await run_jobs(idle_house)

    assert asked == 0
    assert first == [(idle_house.clock(),)]
    assert await idle_house.rows(waiting) == [(idle_house.clock() + SWEPT_EVERY,)]


# At once


class SlowStorage(LocalStorage):
    """A storage that takes its time to delete, as those over a network do."""

    def __init__(self, folder: Path) -> None:
        super().__init__(folder)
        self.asked = asyncio.Event()
        self.gate = asyncio.Event()

    async def delete(self, key: str) -> None:
        self.asked.set()
        await self.gate.wait()
        await super().delete(key)


async def eventually(is_so: Callable[[], Awaitable[bool]]) -> None:
    async with asyncio.timeout(DEADLINE_SECONDS):
        while not await is_so():  # noqa: ASYNC110  it is found by asking the database
            await asyncio.sleep(ASK_SECONDS)


async def wait_until_somebody_waits(house: House) -> None:
    """For a lock of PostgreSQL; on SQLite whoever writes waits for whoever does so."""
    if house.database.dialect == "sqlite":
        for _ in range(100):
            await asyncio.sleep(0.001)
        return
    waiting = select(func.count()).where(
        pg_stat_activity.c.datname == func.current_database(),
        pg_stat_activity.c.wait_event_type == "Lock",
    )

    async def is_somebody_waiting() -> bool:
        return await house.rows(waiting) == [(1,)]

    await eventually(is_somebody_waiting)


@asynccontextmanager
async def work_of(house: House, member: Member) -> AsyncGenerator[Work, None]:
    async with transaction(house.database) as session:
        actor = Actor(member.id, member.username, Role.DEVELOPER)
        yield Work(session, house.clock(), Origin(), actor)


async def test_an_upload_while_the_same_bytes_are_being_removed_keeps_them(
    idle_house: House, dora: Member
) -> None:
    """DOC-7: it waits until they are gone, and stores them anew; nobody else waits meanwhile."""
    first = await upload(dora)
    await delete(dora, first)
    slow = SlowStorage(stored_path(idle_house, first).parents[1])

    removing = asyncio.create_task(
        remove_file(slow, lambda: work_of(idle_house, dora), first["sha256"])
    )
    await slow.asked.wait()
    uploading = asyncio.create_task(upload(dora))
    other = await upload(dora, pdf("Something else"))
    was_waiting = not uploading.done()
    slow.gate.set()
    removed = await removing
    document = await uploading
    await slow.close()

    download = await dora.api.get(path_of(document, "/download"))
    assert was_waiting
    assert removed
    assert download.content == PAPER
    assert sorted(await known(idle_house)) == sorted(
        (each["sha256"], each["size_bytes"]) for each in (document, other)
    )
    assert await find_missing(idle_house.database, storage_of(idle_house)) == []


async def test_a_removal_that_was_cut_off_is_finished_before_the_bytes_come_again(
    idle_house: House, dora: Member, monkeypatch: pytest.MonkeyPatch
) -> None:
    """DOC-7: an upload meanwhile is asked to come again; the job of the removal is still there."""
    monkeypatch.setattr(uploads, "CLAIM_TRIES", 2)
    first = await upload(dora)
    await delete(dora, first)
    async with work_of(idle_house, dora) as work:
        begun = await files_store.begin_removal(work.session, first["sha256"], work.now)

    refused = await try_upload(dora)
    await run_jobs(idle_house)
    document = await upload(dora)

    assert begun
    assert (refused.status_code, refused.json()["type"]) == (503, "storage-unavailable")
    assert await known(idle_house) == [(document["sha256"], len(PAPER))]
    assert await find_missing(idle_house.database, storage_of(idle_house)) == []


async def test_a_file_whose_upload_crashed_is_swept_when_its_claim_has_ended(
    idle_house: House, dora: Member
) -> None:
    """DOC-7: its row was there, its record never came; meanwhile nobody calls it missing."""
    storage = storage_of(idle_house)
    async with work_of(idle_house, dora) as work:
        await files_store.claim_file(
            work.session, key_of(PAPER), len(PAPER), work.now, work.now + uploads.CLAIMED_FOR
        )
    await put(storage, PAPER)

    await sweep(idle_house)
    while_claimed = await known(idle_house)
    await storage.delete(key_of(PAPER))
    missing = await find_missing(idle_house.database, storage)
    idle_house.clock.advance(seconds=SWEPT_EVERY.total_seconds())
    await run_jobs(idle_house)

    assert while_claimed == [(key_of(PAPER), len(PAPER))]
    assert missing == []
    assert await known(idle_house) == []


async def test_a_removal_waits_for_an_upload_of_the_same_bytes(
    idle_house: House, dora: Member
) -> None:
    """DOC-7: and leaves the file, as it is used by then."""
    storage = storage_of(idle_house)
    first = await upload(dora)
    await delete(dora, first)

    async def remove() -> bool:
        return await remove_file(storage, lambda: work_of(idle_house, dora), first["sha256"])

    async with open_draft(storage.drafts_dir, len(PAPER)) as draft:
        draft.write(PAPER)
        async with work_of(idle_house, dora) as work:
            await uploads.upload(
                work, idle_house.database, storage, draft, Kind.PDF, "report.pdf", None
            )
            removing = asyncio.create_task(remove())
            await wait_until_somebody_waits(idle_house)
    removed = await removing

    assert not removed
    assert stored_path(idle_house, first).read_bytes() == PAPER
    assert await find_missing(idle_house.database, storage) == []


async def test_a_sweep_leaves_a_file_alone_whose_record_is_about_to_come(
    idle_house: House, dora: Member
) -> None:
    """DOC-7: it has no record yet, and took long; the upload has claimed it."""
    storage = storage_of(idle_house)
    idle_house.clock.advance(hours=2)

    async with open_draft(storage.drafts_dir, len(PAPER)) as draft:
        draft.write(PAPER)
        async with work_of(idle_house, dora) as work:
            await uploads.upload(
                work, idle_house.database, storage, draft, Kind.PDF, "report.pdf", None
            )
            sweeping = asyncio.create_task(sweep(idle_house))
    await sweeping

    assert await known(idle_house) == [(key_of(PAPER), len(PAPER))]
    assert await find_missing(idle_house.database, storage) == []


async def test_uploads_and_removals_of_the_same_bytes_at_once_lose_nothing(
    idle_house: House, dora: Member
) -> None:
    """DOC-7: each record has its file at the end; with the last record the file is gone."""
    kept = []

    async def come_and_go(number: int) -> None:
        for turn in range(6):
            document = await upload(dora, filename=f"{number}-{turn}.pdf")
            if turn % 3:
                await delete(dora, document)
            else:
                kept.append(document)

    async def run_jobs_meanwhile(uploading: "asyncio.Future[list[None]]") -> None:
        while not uploading.done():
            await run_jobs(idle_house)
            await asyncio.sleep(0.001)

    uploading = asyncio.ensure_future(asyncio.gather(*map(come_and_go, range(5))))
    await run_jobs_meanwhile(uploading)
    await uploading
    await run_jobs(idle_house)
    missing = await find_missing(idle_house.database, storage_of(idle_house))
    for document in kept:
        await delete(dora, document)
    await run_jobs(idle_house)

    assert len(kept) == 10
    assert missing == []
    assert (stored_files(idle_house), await known(idle_house)) == ([], [])


# Looking


async def test_files_that_are_missing_or_cut_off_are_found(
    idle_house: House, dora: Member, monkeypatch: pytest.MonkeyPatch
) -> None:
    """DOC-7, UX-1: by their keys, in order; a stray is no fault."""
    monkeypatch.setattr("lacewing.documents.service.sweeping.LOOKED_AT_ONCE", 2)
    documents = [await upload(dora, pdf(f"Report {number}")) for number in range(7)]
    await put(storage_of(idle_house), b"stray")
    gone, cut_off, *_ = documents
    stored_path(idle_house, gone).unlink()
    path = stored_path(idle_house, cut_off)
    path.chmod(0o600)
    os.truncate(path, 10)

    missing = await find_missing(idle_house.database, storage_of(idle_house))

    assert missing == sorted([gone["sha256"], cut_off["sha256"]])


async def test_where_all_files_are_there_none_is_missing(idle_house: House, dora: Member) -> None:
    """DOC-7: with no document, and with two of the same bytes."""
    storage = storage_of(idle_house)
    without_any = await find_missing(idle_house.database, storage)
    await upload(dora)
    await upload(dora)

    assert without_any == []
    assert await find_missing(idle_house.database, storage) == []


async def test_no_file_is_removed_while_a_backup_is_under_way(
    idle_house: House, dora: Member
) -> None:
    """OPS-13: its one state of the database may know the document; the sweep comes back to it."""
    first = await upload(dora)
    backup_id = new_id()
    async with transaction(idle_house.database) as session:
        now = idle_house.clock()
        await begin_backup(session, backup_id, now, now + timedelta(hours=1), is_sealed=False)
    await delete(dora, first)
    await run_jobs(idle_house)
    while_held = await storage_of(idle_house).size(first["sha256"])

    async with transaction(idle_house.database) as session:
        await finish_backup(session, backup_id, idle_house.clock(), 1)
    idle_house.clock.advance(seconds=SWEPT_EVERY.total_seconds())
    await sweep(idle_house)

    assert while_held == first["size_bytes"]
    assert await storage_of(idle_house).size(first["sha256"]) is None
