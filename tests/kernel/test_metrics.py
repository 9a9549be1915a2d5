"""What is measured, and that it is right and bounded (OPS-4)."""

import asyncio
import re
from collections.abc import AsyncIterator, Callable
from pathlib import Path

import pytest
from sqlalchemy import select

from lacewing.accounts.tables import users
from lacewing.kernel.db import open_database, transaction
from lacewing.kernel.db.database import DatabaseSettings
from lacewing.kernel.db.failures import DatabaseUnavailable
from lacewing.kernel.events import store as events
from lacewing.kernel.ids import new_id
from lacewing.kernel.jobs import enqueue, store as jobs
from lacewing.kernel.queues import Queues
from lacewing.kernel.web.rate_limits import RateLimiter
from lacewing.kernel.work import Origin, Work
from lacewing.settings import Settings
from lacewing.webhooks.rules import DELIVER
from lacewing.wiring import JOB_NAMES, PeriodicTask, job_kinds, sending_job_kinds
from lacewing.worker import Worker
from tests.accounts.acts import fail_to_log_in, log_in
from tests.support.house import House, Member, open_house
from tests.support.measuring import Growth, measured
from tests.support.servers import free_port
from tests.support.waiting import until

POOL = 5
"""Connections of the settings of tests."""


async def test_a_method_that_a_stranger_made_up_is_no_label(shared_house: House) -> None:
    """OPS-4: neither where there is such a path nor where there is none."""
    for path in ("/api/users", "/health/live", "/nothing"):
        await shared_house.anonymous.request("BREW", path)

    told = (await shared_house.anonymous.get("/metrics")).text

    assert "BREW" not in told
    assert 'method="OTHER",route="/api/users",status="405"' in told


async def test_labels_are_few(shared_house: House) -> None:
    """OPS-4: of all that was asked in these tests, no label has a value that looks like an id."""
    told = (await shared_house.anonymous.get("/metrics")).text
    values = set(re.findall(r'\w+="([^"]*)"', told))

    assert not [value for value in values if re.search(r"[0-9a-f]{8}-[0-9a-f]{4}|@", value)]


@pytest.fixture
async def idle_house(make_settings: Callable[..., Settings]) -> AsyncIterator[House]:
    """One whose jobs nobody runs."""
    async with open_house(make_settings(LACEWING_WORKER_IN_SERVER="false")) as opened:
        yield opened


async def has_measured_itself(house: House) -> None:
    """Return when it has; the next time is longer away than the test takes."""
    done_at = "lacewing_task_last_success_timestamp_seconds"

    async def has() -> bool:
        return measured(done_at, task="queue-depths") == house.clock().timestamp()

    await until(has)


async def test_queues_tell_how_much_waits_and_for_how_long(idle_house: House) -> None:
    """OPS-4: by kind and state; kinds of which there are none are told of too."""
    house = idle_house
    await has_measured_itself(house)
    session = house.database.session()
    now = house.clock()
    async with transaction(house.database) as writing:
        work = Work(writing, now, Origin())
        for due_in in (0, 0, 3_600):
            house.clock.now = now
            house.clock.advance(seconds=due_in)
            await enqueue(work, DELIVER, {}, due_at=house.clock())
    house.clock.now = now
    house.clock.advance(seconds=40)
    queues = Queues(JOB_NAMES)

    await queues.measure(session, house.clock())

    assert measured("lacewing_jobs", kind=DELIVER, state="waiting") == 2
    assert measured("lacewing_jobs", kind=DELIVER, state="scheduled") == 1
    assert measured("lacewing_jobs_oldest_seconds", kind=DELIVER) == pytest.approx(40)
    assert measured("lacewing_jobs_waiting") == sum(
        measured("lacewing_jobs", kind=name, state="waiting") for name in JOB_NAMES
    )

    async with transaction(house.database) as writing:
        until_then = house.clock.now.replace(year=2100)
        await jobs.lease_next(writing, [DELIVER], new_id(), house.clock(), until_then)
    await queues.measure(session, house.clock())

    assert measured("lacewing_jobs", kind=DELIVER, state="running") == 1
    assert measured("lacewing_jobs", kind=DELIVER, state="waiting") == 1
    assert measured("lacewing_jobs", kind="documents.remove-file", state="waiting") == 0


async def test_every_kind_of_job_is_told_of(shared_house: House) -> None:
    """OPS-4: also before the first of its kind was asked for."""
    parts = shared_house.app.state

    kinds = [*job_kinds(parts.documents), *sending_job_kinds(parts.webhooks)]

    assert {kind.name for kind in kinds} == set(JOB_NAMES)


async def test_consumers_that_are_behind_tell_since_when(house: House) -> None:
    """OPS-4: the age of the first event that was not dealt with; 0 when there is none."""
    await has_measured_itself(house)
    async with transaction(house.database) as session:
        await events.start_cursor(session, "slowest")
        row = {
            "id": new_id(),
            "name": "test.happened",
            "version": 1,
            "at": house.clock(),
            "data": {},
        }
        await events.insert_events(session, [row])

    async def is_numbered() -> bool:
        return await events.last_sequence(house.database.session()) > 0

    await until(is_numbered)
    house.clock.advance(seconds=90)
    await Queues(()).measure(house.database.session(), house.clock())

    assert measured("lacewing_events_behind", consumer="slowest") == 1
    assert measured("lacewing_events_behind_seconds", consumer="slowest") == pytest.approx(90)
    assert measured("lacewing_outbox_oldest_seconds") == 0


async def test_the_pool_tells_who_holds_and_who_waits(house: House) -> None:
    """OPS-4: on PostgreSQL of all connections, on SQLite of the one that writes."""
    size = POOL if house.database.dialect == "postgresql" else 1
    statement = select(users.c.id).with_for_update()
    waits = Growth("lacewing_db_pool_wait_seconds_count")
    statements = Growth("lacewing_db_statement_duration_seconds_count", operation="select")
    before = measured("lacewing_db_pool_in_use")
    held = [house.database.session() for _ in range(size)]
    late = house.database.session()

    async def none_else_is_held() -> bool:
        return measured("lacewing_db_pool_in_use") == before

    await until(none_else_is_held)
    for session in held:
        await session.all(lambda *row: row, statement)
    in_use = measured("lacewing_db_pool_in_use")
    waiting = asyncio.create_task(late.all(lambda *row: row, statement))

    async def one_waits() -> bool:
        return measured("lacewing_db_pool_waiting") >= 1

    await until(one_waits)
    for session in held:
        await session.rollback()
    await waiting
    await late.rollback()

    assert in_use >= size
    assert waits() >= size + 1
    assert statements() >= size + 1
    await until(none_else_is_held)


async def test_a_database_that_does_not_answer_is_counted(
    database_kind: str, tmp_path: Path
) -> None:
    """OPS-4: by the driver's own word for what is wrong."""
    if database_kind == "sqlite":
        failures = Growth("lacewing_db_errors_total", kind="OperationalError")
        url = f"sqlite:///{tmp_path}"
    else:
        failures = Growth("lacewing_db_errors_total", kind="ConnectionRefusedError")
        url = f"postgresql://nobody@127.0.0.1:{free_port()}/nothing"

    with pytest.raises(DatabaseUnavailable):
        await open_database(DatabaseSettings(database_url=url), tmp_path)

    assert failures() == 1


async def test_logins_and_lockouts_are_counted(house: House, maria: Member) -> None:
    """OPS-4, AUTH-16: where they are audited."""
    names = {"action": "auth.login"}
    failed = Growth("lacewing_audit_entries_total", **names, outcome="failure")
    entered = Growth("lacewing_audit_entries_total", **names, outcome="success")
    locked = Growth("lacewing_audit_entries_total", action="auth.account_locked", outcome="success")

    await log_in(house, maria.username)
    await fail_to_log_in(house, maria.username, 10)

    assert (entered(), failed(), locked()) == (1, 10, 1)


@pytest.mark.one_database
async def test_tries_that_are_too_many_are_counted_by_their_limit() -> None:
    """OPS-4, SEC-2."""
    refused = Growth("lacewing_rate_limited_total", limit="of-a-test")
    limiter = RateLimiter()

    for _ in range(5):
        await limiter.hit("of-a-test", 3, "somebody")

    assert refused() == 2


@pytest.mark.one_database
async def test_a_redis_that_is_lost_is_told_of() -> None:
    """OPS-4: counted, and seen as a state until it is back."""
    errors = Growth("lacewing_redis_errors_total", used_for="rate-limits")
    limiter = RateLimiter(f"redis://127.0.0.1:{free_port()}/0")

    await limiter.hit("all", 3, "somebody")
    await limiter.close()

    assert errors() >= 1
    assert measured("lacewing_redis_lost", used_for="rate-limits") == 1


async def test_housekeeping_that_fails_is_counted_and_the_rest_goes_on(house: House) -> None:
    """OPS-4: a bug, and a database that is away, are told apart; both wait for their next time."""

    async def stumble(*_: object) -> int:
        raise LookupError

    async def find_nothing(*_: object) -> int:
        raise DatabaseUnavailable

    async def do_well(*_: object) -> int:
        return 1

    bugs = Growth("lacewing_task_failures_total", task="stumbles", reason="bug")
    away = Growth("lacewing_task_failures_total", task="waits", reason="database-unavailable")
    tasks = [
        PeriodicTask("stumbles", 600, stumble),
        PeriodicTask("waits", 600, find_nothing),
        PeriodicTask("does-well", 600, do_well),
    ]

    async def carry(stopping: asyncio.Event) -> None:
        await stopping.wait()

    async with Worker(house.database, tasks, house.clock, carry).running():

        async def all_were_tried() -> bool:
            done_at = measured("lacewing_task_last_success_timestamp_seconds", task="does-well")
            return bugs() >= 1 and away() >= 1 and done_at == house.clock().timestamp()

        await until(all_were_tried)

    assert (bugs(), away()) == (1, 1)


async def test_a_process_tells_how_it_is_doing(make_settings: Callable[..., Settings]) -> None:
    """OPS-4: its version, its event loop, its disk."""
    looks = Growth("lacewing_event_loop_lag_seconds_count")
    before = measured("lacewing_processes")

    async with open_house(make_settings()) as house:
        assert measured("lacewing_processes") == before + 1

        async def has_looked() -> bool:
            return looks() >= 1 and measured("lacewing_disk_free_bytes") > 0

        await until(has_looked)
        told = (await house.anonymous.get("/metrics")).text

    assert 'lacewing_build_info{python="3.' in told
    assert measured("lacewing_disk_size_bytes") > measured("lacewing_disk_free_bytes")
    assert measured("lacewing_processes") == before
