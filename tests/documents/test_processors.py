"""Another processor plugs in by its name, and whatever it does no document is lost."""

from collections.abc import AsyncGenerator, AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select

from lacewing.documents.rules import PROCESS_DOCUMENT
from lacewing.documents.tables import document_results, documents
from lacewing.kernel.actor import Role
from lacewing.kernel.db import transaction
from lacewing.kernel.jobs.kind import ATTEMPTS_MAX
from lacewing.kernel.jobs.queue import retry_job
from lacewing.kernel.jobs.runner import PAUSE_MAX_SECONDS
from lacewing.kernel.jobs.tables import dead_jobs, jobs
from lacewing.kernel.work import Origin, Work
from lacewing.main import create_app
from lacewing.settings import InvalidSettings, Settings
from tests.documents.acts import events, get, path_of, run_jobs, start, upload
from tests.documents.tiny_processor import HOPELESS, CountWords, Moody
from tests.support.house import House, Member, open_house
from tests.support.processes import environment_of, lacewing
from tests.tracker.acts import Json

pytestmark = pytest.mark.usefixtures("log")  # drawn for people, each trace takes half a second

HERE = "tests.documents.tiny_processor"


@asynccontextmanager
async def house_with(
    make_settings: Callable[..., Settings], processor: str
) -> AsyncGenerator[House, None]:
    """A house without a worker, and with this processor."""
    settings = make_settings(
        LACEWING_DOCUMENT_PROCESSOR=processor, LACEWING_WORKER_IN_SERVER="false"
    )
    async with open_house(settings) as house:
        yield house


@pytest.fixture
async def moody_house(
    make_settings: Callable[..., Settings], monkeypatch: pytest.MonkeyPatch
) -> AsyncIterator[House]:
    """Its processor fails, for now, as nobody expects."""
    monkeypatch.setattr(Moody, "raises", ConnectionError("the model does not answer"))
    async with house_with(make_settings, f"{HERE}:Moody") as house:
        yield house


@pytest.fixture
async def maria(moody_house: House) -> Member:
    return await moody_house.member("maria")


async def try_so_often(house: House, times: int) -> None:
    """Each time after the longest pause there may be."""
    for _ in range(times):
        await run_jobs(house)
        house.clock.advance(seconds=PAUSE_MAX_SECONDS)


async def started(member: Member) -> Json:
    document = await upload(member)
    answer = await start(member, document)
    assert answer.status_code == 202, answer.text
    return document


async def status_of(house: House) -> tuple[Any, ...]:
    """Of the only document; past the sessions, which end when the clock moves."""
    columns = documents.c
    (row,) = await house.rows(select(columns.status, columns.failure, columns.step))
    return tuple(row)


async def jobs_of(house: House) -> list[Any]:
    statement = select(jobs.c.attempts, jobs.c.last_error).where(jobs.c.kind == PROCESS_DOCUMENT)
    return [tuple(row) for row in await house.rows(statement)]


async def results_of(house: House) -> list[str]:
    return [name for (name,) in await house.rows(select(document_results.c.processor))]


# Plugged in


async def test_another_processor_is_plugged_in_by_its_name(
    make_settings: Callable[..., Settings],
) -> None:
    """DOC-9: its name, version and data stand in the result, beside what the built-in one found."""
    async with house_with(make_settings, f"{HERE}:CountWords") as house:
        maria = await house.member("maria")
        document = await started(maria)

        await run_jobs(house)
        status = await get(maria, document, "/status")
        result = await get(maria, document, "/result")

    assert status["status"] == "COMPLETED"
    assert result["processor"] == {"name": "count-words", "version": "2026.7"}
    assert result["data"] == {
        "long": ["Quarterly"],
        "file": {"name": "report.pdf", "kind": "application/pdf", "is_there": True},
        "none": None,
    }
    assert result["text"] == "Quarterly report"


async def test_a_processor_is_made_once_and_closed_at_the_end(
    make_settings: Callable[..., Settings],
) -> None:
    """OPS-6: what it holds (models, connections) is let go."""
    async with house_with(make_settings, f"{HERE}:CountWords") as house:
        processor = house.app.state.documents.processor
        was_closed = processor.is_closed

    assert isinstance(processor, CountWords)
    assert not was_closed
    assert processor.is_closed


# What it can't do


async def test_a_document_that_a_processor_refuses_has_failed_at_once(
    moody_house: House, maria: Member, monkeypatch: pytest.MonkeyPatch
) -> None:
    """DOC-9: with its own reason; to try again would give the same."""
    monkeypatch.setattr(Moody, "raises", HOPELESS)
    document = await started(maria)

    await run_jobs(moody_house)

    status = await get(maria, document, "/status")
    told = {name: status[name] for name in ("status", "failure", "message", "step")}
    assert told == {
        "status": "FAILED",
        "failure": "unsupported",
        "message": "It is a drawing.",
        "step": "thinking",
    }
    assert await jobs_of(moody_house) == []
    assert await moody_house.rows(select(dead_jobs.c.id)) == []


async def test_what_nobody_expected_is_tried_again_later(
    moody_house: House, maria: Member, monkeypatch: pytest.MonkeyPatch
) -> None:
    """DOC-9: the document waits meanwhile, and tells how far it came."""
    monkeypatch.setattr("lacewing.documents.service.processing.PROGRESS_EVERY_SECONDS", 0.0)
    document = await started(maria)

    await run_jobs(moody_house)

    status = await get(maria, document, "/status")
    again = await start(maria, document)
    told = (status["status"], status["failure"], status["step"], status["progress"])
    assert told == ("PROCESSING", None, "thinking", 50)
    assert await jobs_of(moody_house) == [(1, "ConnectionError: the model does not answer")]
    assert (again.status_code, again.json()["started"]) == (200, False)


async def test_when_the_processor_is_well_again_so_is_the_document(
    moody_house: House, maria: Member, monkeypatch: pytest.MonkeyPatch
) -> None:
    """DOC-9, DOC-10: nobody has to ask for it; one result, told once."""
    await started(maria)
    await try_so_often(moody_house, ATTEMPTS_MAX - 1)
    before = await status_of(moody_house), len(await jobs_of(moody_house))

    monkeypatch.setattr(Moody, "raises", None)
    await try_so_often(moody_house, 2)

    assert before == (("PROCESSING", None, "thinking"), 1)
    assert (await status_of(moody_house))[0] == "COMPLETED"
    assert await results_of(moody_house) == ["moody"]
    assert await jobs_of(moody_house) == []
    assert (await events(moody_house)).count("document.process_completed") == 1


async def _give_up(house: House, member: Member) -> Json:
    document = await started(member)
    await try_so_often(house, ATTEMPTS_MAX)
    return document


async def test_after_many_tries_it_is_given_up(moody_house: House, maria: Member) -> None:
    """DOC-9: FAILED as ``gave_up``, with the reason; the job waits for a person."""
    document = await _give_up(moody_house, maria)

    adam = await moody_house.member("adam", Role.ADMIN)
    status = await get(adam, document, "/status")
    (dead,) = await moody_house.rows(select(dead_jobs.c.attempts, dead_jobs.c.reason))
    assert (status["status"], status["failure"]) == ("FAILED", "gave_up")
    assert "the model does not answer" in status["message"]
    assert tuple(dead) == (ATTEMPTS_MAX, "ConnectionError: the model does not answer")
    assert await jobs_of(moody_house) == []
    assert await results_of(moody_house) == []
    assert (await events(moody_house)).count("document.process_failed") == 1


async def test_what_was_given_up_can_be_asked_for_again(
    moody_house: House, maria: Member, monkeypatch: pytest.MonkeyPatch
) -> None:
    """DOC-3: by whoever sees the document."""
    document = await _give_up(moody_house, maria)
    monkeypatch.setattr(Moody, "raises", None)
    adam = await moody_house.member("adam", Role.ADMIN)

    answer = await start(adam, document)
    await run_jobs(moody_house)

    assert answer.status_code == 202
    assert (await get(adam, document, "/result"))["text"] == "All well with report.pdf"


async def test_what_was_given_up_can_be_retried_by_whoever_keeps_the_server(
    moody_house: House, maria: Member, monkeypatch: pytest.MonkeyPatch
) -> None:
    """UX-1: as ``lacewing jobs retry`` does; the status tells what goes on."""
    document = await _give_up(moody_house, maria)
    ((job_id,),) = await moody_house.rows(select(dead_jobs.c.id))

    async def retry() -> bool:
        async with transaction(moody_house.database) as session:
            return await retry_job(Work(session, moody_house.clock(), Origin()), [], job_id)

    retried = await retry()
    await run_jobs(moody_house)
    tried_in_vain = await status_of(moody_house)
    monkeypatch.setattr(Moody, "raises", None)
    await try_so_often(moody_house, 2)

    adam = await moody_house.member("adam", Role.ADMIN)
    assert retried
    assert tried_in_vain[:2] == ("PROCESSING", None)
    assert (await get(adam, document, "/result"))["processor"]["name"] == "moody"
    assert await moody_house.rows(select(dead_jobs.c.id)) == []


async def test_a_document_that_was_removed_meanwhile_is_not_given_up(
    moody_house: House, maria: Member
) -> None:
    """DOC-6: its job ends with nothing."""
    document = await started(maria)
    await run_jobs(moody_house)

    answer = await maria.api.delete(path_of(document))
    await try_so_often(moody_house, ATTEMPTS_MAX)

    assert answer.status_code == 204
    assert await jobs_of(moody_house) == []
    assert await moody_house.rows(select(dead_jobs.c.id)) == []


# Named wrongly

UNKNOWN = [
    f"{HERE}:Nobody",
    f"{HERE}.deeper:CountWords",
    "no_such_module_at_all:Processor",
    f"{HERE}:NO_CLASS",
]


@pytest.mark.one_database
@pytest.mark.parametrize("name", UNKNOWN)
def test_a_processor_that_is_not_there_is_told_at_start(
    make_settings: Callable[..., Settings], name: str
) -> None:
    """DOC-9: with the variable, before anything is served."""
    settings = make_settings(LACEWING_DOCUMENT_PROCESSOR=name)

    with pytest.raises(InvalidSettings, match="LACEWING_DOCUMENT_PROCESSOR"):
        create_app(settings)


@pytest.mark.one_database
@pytest.mark.parametrize("name", ["ExtractText", "a:b:c", "module:", ":Class", "os:system('x')"])
def test_what_can_name_no_processor_is_refused(
    make_settings: Callable[..., Settings], name: str
) -> None:
    """DOC-9, UX-1: as every other setting."""
    with pytest.raises(InvalidSettings) as raised:
        make_settings(LACEWING_DOCUMENT_PROCESSOR=name)

    assert [reason.partition(":")[0] for reason in raised.value.reasons] == [
        "LACEWING_DOCUMENT_PROCESSOR"
    ]


@pytest.mark.system
@pytest.mark.one_database
@pytest.mark.parametrize("command", [["worker"], ["serve", "--port", "0"]], ids=["worker", "serve"])
def test_the_program_names_the_setting_and_ends(
    database_url: str, tmp_path: Path, command: list[str]
) -> None:
    """DOC-9, UX-1: exit code 3, one clear line, never a stack trace."""
    environment = environment_of(
        database_url, tmp_path, LACEWING_DOCUMENT_PROCESSOR="no_such_module_at_all:Processor"
    )

    refused = lacewing(*command, environment=environment)

    assert refused.returncode == 3
    assert "LACEWING_DOCUMENT_PROCESSOR" in refused.stderr
    assert "no_such_module_at_all" in refused.stderr
    assert "Traceback" not in refused.stderr
