"""``lacewing jobs``: what waits, what was given up, and trying it again."""

import json
from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest

from lacewing.kernel.clock import utc_now
from lacewing.kernel.db import Database, open_database, transaction
from lacewing.kernel.errors import Conflict
from lacewing.kernel.ids import new_id
from lacewing.kernel.jobs import JobKind, Lease, enqueue, store
from lacewing.kernel.jobs.runner import LEASE, Runner
from lacewing.kernel.pagination import PageRequest
from lacewing.kernel.work import Origin, Work
from lacewing.settings import load_settings
from tests.support.processes import lacewing

pytestmark = pytest.mark.system

EVERYTHING = PageRequest(100)


def an_hour_ahead() -> datetime:
    """So that what failed waits for longer than any test takes."""
    return utc_now() + timedelta(hours=1)


@dataclass
class Table:
    """The jobs of an installation in which nobody works."""

    database: Database

    async def ask(self, number: int) -> UUID:
        async with transaction(self.database) as session:
            work = Work(session, utc_now(), Origin())
            assert await enqueue(work, "test.task", {"number": number})
        page = await store.list_jobs(self.database.session(), EVERYTHING)
        return next(job.id for job in page.items if job.payload == {"number": number})

    async def fail(self, job_id: UUID, *, attempts_max: int) -> None:
        async def run(_lease: Lease) -> None:
            raise Conflict("No such luck.")

        kind = JobKind("test.task", run, attempts_max=attempts_max)
        assert await Runner(self.database, [kind], an_hour_ahead).run_this(job_id)

    async def lease(self) -> None:
        """The one that is due, to a worker that is at it."""
        now = utc_now()
        async with transaction(self.database) as session:
            until = now + LEASE * 100
            assert await store.lease_next(session, ["test.task"], new_id(), now, until)


@dataclass
class Jobs:
    running: UUID
    failed: UUID
    dead: UUID
    dead_too: UUID


@pytest.fixture
async def jobs(environment: dict[str, str]) -> AsyncIterator[Jobs]:
    """One that runs, one that failed and waits, two that were given up."""
    settings = load_settings(environment)
    database = await open_database(settings.database, settings.general.data_dir)
    table = Table(database)
    dead, dead_too = await table.ask(1), await table.ask(2)
    await table.fail(dead, attempts_max=1)
    await table.fail(dead_too, attempts_max=1)
    failed = await table.ask(3)
    await table.fail(failed, attempts_max=5)
    running = await table.ask(4)
    await table.lease()
    yield Jobs(running, failed, dead, dead_too)
    await database.close()


def listed(environment: dict[str, str], *options: str) -> dict[str, list[dict[str, Any]]]:
    done = lacewing("jobs", "list", "--json", *options, environment=environment)
    assert done.returncode == 0, done.stderr
    found: dict[str, list[dict[str, Any]]] = json.loads(done.stdout)
    return found


def ids(listing: list[dict[str, Any]]) -> list[UUID]:
    return [UUID(job["id"]) for job in listing]


def test_where_there_are_none_that_is_said(environment: dict[str, str]) -> None:
    """UX-1: in words, and for scripts as empty lists."""
    told = lacewing("jobs", "list", environment=environment)

    assert (told.returncode, told.stdout) == (0, "There are no jobs.\n")
    assert listed(environment) == {"jobs": [], "dead": []}


def test_jobs_are_listed_for_scripts(environment: dict[str, str], jobs: Jobs) -> None:
    """UX-1: alive and dead, the oldest first, each with its payload and reason."""
    found = listed(environment)
    first = listed(environment, "--limit", "1")

    failed, running = found["jobs"]
    assert ids(found["jobs"]) == [jobs.failed, jobs.running]
    assert ids(found["dead"]) == [jobs.dead, jobs.dead_too]
    assert (failed["attempts"], failed["is_leased"]) == (1, False)
    assert failed["last_error"] == "conflict: No such luck."
    assert (running["payload"], running["is_leased"]) == ({"number": 4}, True)
    assert found["dead"][0]["reason"] == "conflict: No such luck."
    assert found["dead"][0]["attempts"] == 1
    assert (ids(first["jobs"]), ids(first["dead"])) == ([jobs.failed], [jobs.dead])


def test_jobs_are_listed_for_people(environment: dict[str, str], jobs: Jobs) -> None:
    """UX-1: a line each, with what it is at and why it failed."""
    told = lacewing("jobs", "list", environment=environment)

    lines = {UUID(line.split()[0]): line for line in told.stdout.splitlines()}
    assert told.returncode == 0
    assert lines.keys() == {jobs.running, jobs.failed, jobs.dead, jobs.dead_too}
    assert all("test.task" in line for line in lines.values())
    assert "runs" in lines[jobs.running]
    assert "waits" in lines[jobs.failed]
    assert "DEAD" in lines[jobs.dead]
    assert all("No such luck." in lines[each] for each in (jobs.failed, jobs.dead, jobs.dead_too))


def test_a_dead_job_is_tried_again(environment: dict[str, str], jobs: Jobs) -> None:
    """UX-1, DOC-9: that one alone, from its first attempt."""
    done = lacewing("jobs", "retry", str(jobs.dead), "--json", environment=environment)

    found = listed(environment)
    anew = next(job for job in found["jobs"] if UUID(job["id"]) == jobs.dead)
    assert (done.returncode, json.loads(done.stdout)) == (0, {"retried": 1})
    assert (anew["attempts"], anew["payload"]) == (0, {"number": 1})
    assert ids(found["dead"]) == [jobs.dead_too]


def test_a_job_that_waits_after_a_failure_is_tried_now(
    environment: dict[str, str], jobs: Jobs
) -> None:
    """UX-1: its pause is cut short."""
    (before,) = (job for job in listed(environment)["jobs"] if UUID(job["id"]) == jobs.failed)

    done = lacewing("jobs", "retry", str(jobs.failed), environment=environment)

    (after,) = (job for job in listed(environment)["jobs"] if UUID(job["id"]) == jobs.failed)
    assert done.returncode == 0
    assert "1" in done.stdout
    assert after["due_at"] < before["due_at"]


def test_all_dead_jobs_are_tried_again(environment: dict[str, str], jobs: Jobs) -> None:
    """UX-1: run again there is nothing left to do, which is no fault."""
    done = lacewing("jobs", "retry", "--all", "--json", environment=environment)
    again = lacewing("jobs", "retry", "--all", "--json", environment=environment)

    found = listed(environment)
    assert (done.returncode, json.loads(done.stdout)) == (0, {"retried": 2})
    assert (again.returncode, json.loads(again.stdout)) == (0, {"retried": 0})
    assert found["dead"] == []
    assert {jobs.dead, jobs.dead_too} < set(ids(found["jobs"]))


def test_jobs_are_dropped(environment: dict[str, str], jobs: Jobs) -> None:
    """UX-1: dead, waiting or running; the others stay."""
    wanted = [jobs.dead, jobs.failed, jobs.running]

    dropped = [lacewing("jobs", "drop", str(each), environment=environment) for each in wanted]

    found = listed(environment)
    assert [done.returncode for done in dropped] == [0, 0, 0]
    assert all(str(each) in done.stdout for each, done in zip(wanted, dropped, strict=True))
    assert (found["jobs"], ids(found["dead"])) == ([], [jobs.dead_too])


def test_what_is_no_job_is_refused(environment: dict[str, str], jobs: Jobs) -> None:
    """UX-1: exit code 1 and its id, never a stack trace; a job that runs has its worker."""
    unknown = str(uuid4())
    before = listed(environment)

    done = {
        each: lacewing("jobs", *each, environment=environment)
        for each in (
            ("retry", unknown),
            ("retry", str(jobs.running)),
            ("drop", unknown),
        )
    }

    for (_, job_id), refused in done.items():
        assert (refused.returncode, refused.stdout) == (1, "")
        assert job_id in refused.stderr
        assert "Traceback" not in refused.stderr
    assert listed(environment) == before


@pytest.mark.one_database
def test_a_retry_names_one_job_or_all(environment: dict[str, str]) -> None:
    """UX-1: neither none nor both; what is no id at all is told as every wrong argument."""
    neither = lacewing("jobs", "retry", environment=environment)
    both = lacewing("jobs", "retry", str(uuid4()), "--all", environment=environment)
    no_id = lacewing("jobs", "retry", "the-third", environment=environment)

    assert [done.returncode for done in (neither, both, no_id)] == [1, 1, 2]
    assert "--all" in neither.stderr
    assert "--all" in both.stderr
    assert "Traceback" not in no_id.stderr


def test_the_doctor_tells_of_dead_jobs(environment: dict[str, str], jobs: Jobs) -> None:
    """UX-1: a warning that counts them, with the cure; without them all is well."""
    ill = lacewing("doctor", "--json", environment=environment)
    for job_id in (jobs.dead, jobs.dead_too):
        lacewing("jobs", "drop", str(job_id), environment=environment)
    well = lacewing("doctor", "--json", environment=environment)

    found, cured = (
        next(each for each in json.loads(done.stdout) if each["subject"] == "jobs")
        for done in (ill, well)
    )
    assert (ill.returncode, well.returncode) == (0, 0)
    assert (found["state"], cured["state"]) == ("warning", "ok")
    assert "2" in found["detail"]
    assert "lacewing jobs retry" in found["mend"]
