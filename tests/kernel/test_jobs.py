"""Jobs: asked for in a transaction, leased to one worker at a time, tried again, given up.

What a job writes stands here as another job, of a kind that nobody runs.
"""

import asyncio
from collections import Counter
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest

from lacewing.kernel import tracing
from lacewing.kernel.db import Database, open_database, transaction
from lacewing.kernel.errors import Conflict
from lacewing.kernel.ids import new_id
from lacewing.kernel.jobs import JobEnded, JobKind, Lease, LeaseLost, enqueue, enqueue_all, store
from lacewing.kernel.jobs.embedded import EmbeddedCarrier
from lacewing.kernel.jobs.kind import ATTEMPTS_MAX
from lacewing.kernel.jobs.queue import drop_job, retry_job
from lacewing.kernel.jobs.runner import (
    LEASE,
    PAUSE_MAX_SECONDS,
    RUNNING_IN_LANE_MAX,
    Runner,
    pause_before,
)
from lacewing.kernel.jobs.store import DeadJob, JobLine
from lacewing.kernel.pagination import PageRequest
from lacewing.kernel.spans import Spans
from lacewing.kernel.work import Origin, Work
from lacewing.settings import Settings
from tests.support.collector import collecting
from tests.support.house import TestClock

TASK = "test.task"
WRITTEN = "test.written"
DEADLINE_SECONDS = 20
EVERYTHING = PageRequest(1_000)


Run = Callable[[Lease], Awaitable[None]]
GiveUp = Callable[[Work, dict[str, Any], str], Awaitable[None]]


@dataclass
class Bench:
    """A table of jobs, and a clock for those who run them."""

    settings: Settings
    database: Database
    clock: TestClock = field(default_factory=TestClock)

    @asynccontextmanager
    async def work(self) -> AsyncGenerator[Work, None]:
        async with transaction(self.database) as session:
            yield Work(session, self.clock(), Origin(request_id="asked-by-this"))

    async def ask(self, *, key: str | None = None, lane: str | None = None, **payload: Any) -> bool:
        async with self.work() as work:
            return await enqueue(work, TASK, payload, key=key, lane=lane)

    def runner(
        self,
        run: Run,
        give_up: GiveUp | None = None,
        attempts_max: int = ATTEMPTS_MAX,
        pauses: tuple[timedelta, ...] | None = None,
    ) -> Runner:
        kind = JobKind(TASK, run, give_up, attempts_max, pauses)
        return Runner(self.database, [kind], self.clock)

    async def die_at(self, times: int = 1) -> None:
        """As so many workers that take the job one after another and are never heard of again."""
        for _ in range(times):
            now = self.clock()
            async with transaction(self.database) as session:
                taken = await store.lease_next(session, [TASK], new_id(), now, now + LEASE)
            assert taken is not None
            self.let_lease_run_out()

    def let_lease_run_out(self) -> None:
        self.clock.advance(seconds=LEASE.total_seconds() + 1)

    async def alive(self, kind: str = TASK) -> list[JobLine]:
        found = await store.list_jobs(self.database.session(), EVERYTHING)
        return [job for job in found.items if job.kind == kind]

    async def is_done(self) -> bool:
        return await self.alive() == []

    async def the_job(self) -> JobLine:
        (job,) = await self.alive()
        return job

    async def written(self) -> list[Any]:
        return [job.payload["what"] for job in await self.alive(WRITTEN)]

    async def dead(self) -> list[DeadJob]:
        return (await store.list_dead(self.database.session(), EVERYTHING)).items


async def eventually(is_so: Callable[[], Awaitable[bool]]) -> None:
    """Return when it is; fail when it does not become so."""
    async with asyncio.timeout(DEADLINE_SECONDS):
        while not await is_so():  # noqa: ASYNC110  it is found by asking the database
            await asyncio.sleep(0.005)


async def write(work: Work, what: Any) -> None:
    assert await enqueue(work, WRITTEN, {"what": what})


async def do_nothing(_lease: Lease) -> None:
    """Well done."""


async def fail(_lease: Lease) -> None:
    raise LookupError("no such luck")


class Gated:
    """A job that waits, when it has begun, until it is let go; then it writes its word."""

    def __init__(self, word: str = "done") -> None:
        self.word = word
        self.begun = asyncio.Event()
        self.gate = asyncio.Event()
        self.raised: BaseException | None = None

    async def __call__(self, lease: Lease) -> None:
        self.begun.set()
        try:
            await self.gate.wait()
            async with lease.finishing() as work:
                await write(work, self.word)
        except BaseException as error:
            self.raised = error
            raise

    @asynccontextmanager
    async def under_way(self, runner: Runner) -> AsyncGenerator["asyncio.Task[bool]", None]:
        """It runs while the block lasts, and is let go at its end."""
        task = asyncio.create_task(runner.run_next())
        await asyncio.wait_for(self.begun.wait(), DEADLINE_SECONDS)
        try:
            yield task
        finally:
            self.gate.set()
            await asyncio.wait({task}, timeout=DEADLINE_SECONDS)


@pytest.fixture
async def bench(make_settings: Callable[..., Settings]) -> AsyncIterator[Bench]:
    settings = make_settings()
    database = await open_database(settings.database, settings.general.data_dir)
    yield Bench(settings, database)
    await database.close()


# Asked for


async def test_a_job_of_a_transaction_that_is_undone_never_runs(bench: Bench) -> None:
    """DOC-10: no job before its data, none without it."""

    async def ask_and_fail() -> None:
        async with bench.work() as work:
            await enqueue(work, TASK, {})
            raise LookupError

    with pytest.raises(LookupError):
        await ask_and_fail()
    found = await bench.runner(do_nothing).run_next()

    assert not found
    assert await bench.alive() == []


async def test_a_job_runs_once_and_is_gone(bench: Bench) -> None:
    """DOC-10: with its payload, on behalf of the request that asked for it."""
    seen = []

    async def look(lease: Lease) -> None:
        async with lease.work() as work:
            seen.append((lease.payload, lease.job.attempt, work.origin.request_id))

    await bench.ask(number=7)
    found = [await bench.runner(look).run_next() for _ in range(3)]

    assert found == [True, False, False]
    assert seen == [({"number": 7}, 1, "asked-by-this")]
    assert await bench.alive() == []
    assert await bench.dead() == []


async def test_a_job_waits_until_it_is_due(bench: Bench) -> None:
    """DOC-7: such as the next sweep of files."""
    async with bench.work() as work:
        await enqueue(work, TASK, {}, due_at=work.now + timedelta(minutes=1))
    runner = bench.runner(do_nothing)

    early = await runner.run_next()
    bench.clock.advance(seconds=60)
    due = await runner.run_next()

    assert (early, due) == (False, True)


async def test_of_the_jobs_with_one_key_one_is_there_at_a_time(bench: Bench) -> None:
    """DOC-7: while it waits and while it runs; afterwards there may be another."""
    job = Gated()
    asked = [await bench.ask(key="sweep"), await bench.ask(key="sweep"), await bench.ask(key="b")]

    async with bench.work() as work:
        await drop_job(work, (), (await bench.alive())[1].id)
    async with job.under_way(bench.runner(job)):
        while_it_runs = await bench.ask(key="sweep")
    afterwards = await bench.ask(key="sweep")

    assert asked == [True, False, True]
    assert not while_it_runs
    assert afterwards


async def test_of_many_who_ask_with_one_key_at_once_one_is_told_yes(bench: Bench) -> None:
    """DOC-7: every worker sees to it that a sweep waits; there is one."""
    asked = await asyncio.gather(*(bench.ask(key="sweep") for _ in range(20)))

    assert sorted(asked) == [False] * 19 + [True]
    assert len(await bench.alive()) == 1


@pytest.mark.parametrize("which", ["next", "this"])
async def test_a_job_of_an_unknown_kind_is_left_to_those_who_know_it(
    bench: Bench, which: str
) -> None:
    """DOC-10: during an upgrade an old worker neither runs it nor uses its attempts up."""
    await bench.ask()
    before = await bench.the_job()
    old = Runner(bench.database, [JobKind("test.other", do_nothing)], bench.clock)

    found = await (old.run_next() if which == "next" else old.run_this(before.id))

    assert not found
    assert await bench.the_job() == before


# Leased


async def test_many_runners_at_once_run_each_job_once(bench: Bench) -> None:
    """DOC-10, DOC-12: as threads of one worker and as workers beside one another."""
    runs: Counter[int] = Counter()

    async def count(lease: Lease) -> None:
        runs[lease.payload["number"]] += 1
        await asyncio.sleep(0)

    async def run_all(database: Database) -> None:
        runner = Runner(database, [JobKind(TASK, count)], bench.clock)
        while await bench.alive():
            await runner.run_next()
            await asyncio.sleep(0)  # reading SQLite is no pause

    async with bench.work() as work:
        for number in range(60):
            await enqueue(work, TASK, {"number": number})
    other = await open_database(bench.settings.database, bench.settings.general.data_dir)
    async with asyncio.timeout(DEADLINE_SECONDS):
        await asyncio.gather(*(run_all(each) for each in (bench.database, other) * 3))
    await other.close()

    assert runs == dict.fromkeys(range(60), 1)


async def test_a_job_that_runs_is_not_given_to_another(bench: Bench) -> None:
    """DOC-10: neither to one who asks for any, nor to one who asks for this."""
    await bench.ask()
    job = Gated()
    other = bench.runner(do_nothing)

    async with job.under_way(bench.runner(job)):
        line = await bench.the_job()
        found = [await other.run_next(), await other.run_this(line.id)]

    assert line.is_leased
    assert found == [False, False]
    assert await bench.written() == ["done"]


async def test_a_worker_that_was_silent_too_long_has_lost_its_job(bench: Bench) -> None:
    """DOC-10: another one gets it; what the first one would write is kept nowhere."""
    await bench.ask()
    first, second = Gated("first"), Gated("second")
    second.gate.set()

    async with first.under_way(bench.runner(first)):
        bench.let_lease_run_out()
        found = await bench.runner(second).run_next()

    assert found
    assert isinstance(first.raised, LeaseLost)
    assert await bench.written() == ["second"]
    assert await bench.alive() == []


async def test_a_lost_job_is_not_finished_while_the_other_worker_is_at_it(bench: Bench) -> None:
    """DOC-10: the one who holds the lease finishes, even when the other one is faster."""
    await bench.ask()
    first, second = Gated("first"), Gated("second")

    async with first.under_way(bench.runner(first)) as losing:
        bench.let_lease_run_out()
        async with second.under_way(bench.runner(second)):
            first.gate.set()
            await losing
            written_by_the_loser = await bench.written()

    assert isinstance(first.raised, LeaseLost)
    assert written_by_the_loser == []
    assert await bench.written() == ["second"]


async def test_a_worker_that_lives_keeps_its_job(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    """DOC-9, DOC-10: however long it takes."""
    monkeypatch.setattr("lacewing.kernel.jobs.runner.KEPT_EVERY_SECONDS", 0.01)
    await bench.ask()
    job = Gated()
    other = bench.runner(do_nothing)
    found = []

    async def is_kept() -> bool:
        return (await bench.the_job()).due_at == bench.clock() + LEASE

    async with job.under_way(bench.runner(job)):
        for _ in range(4):
            bench.clock.advance(seconds=LEASE.total_seconds() - 1)
            await eventually(is_kept)
            found.append(await other.run_next())

    assert found == [False] * 4
    assert await bench.written() == ["done"]


async def test_attempts_of_workers_that_died_are_counted(bench: Bench) -> None:
    """DOC-10: a job that kills its workers can be told from one that is new."""
    attempts = []

    async def note(lease: Lease) -> None:
        attempts.append(lease.job.attempt)

    await bench.ask()
    await bench.die_at(2)
    await bench.runner(note).run_next()

    assert attempts == [3]


# Finished


async def test_what_a_job_wrote_is_kept_once_however_often_it_ran(bench: Bench) -> None:
    """DOC-10: an attempt that fails at the last moment leaves nothing."""

    async def fail_twice(lease: Lease) -> None:
        async with lease.finishing() as work:
            await write(work, lease.job.attempt)
            if lease.job.attempt < 3:
                raise LookupError

    await bench.ask()
    runner = bench.runner(fail_twice)
    for _ in range(4):
        await runner.run_next()
        bench.clock.advance(seconds=PAUSE_MAX_SECONDS)

    assert await bench.written() == [3]
    assert await bench.alive() == []


async def test_a_job_that_fails_after_it_was_finished_is_not_run_again(bench: Bench) -> None:
    """DOC-10: what is finished stays so."""

    async def fail_late(lease: Lease) -> None:
        async with lease.finishing() as work:
            await write(work, "done")
        raise LookupError

    await bench.ask()
    runner = bench.runner(fail_late, attempts_max=1)
    await runner.run_next()
    bench.clock.advance(seconds=PAUSE_MAX_SECONDS)
    again = await runner.run_next()

    assert not again
    assert await bench.written() == ["done"]
    assert await bench.dead() == []


# Tried again


@pytest.mark.parametrize(
    ("attempt", "longest"),
    [(1, 5), (2, 10), (3, 20), (4, 40), (8, 640), (9, 1_280), (10, 1_800), (60, 1_800)],
)
def test_pauses_grow_and_are_never_the_same_for_all(attempt: int, longest: int) -> None:
    """DOC-9: doubled from five seconds to half an hour, over the upper half of it."""
    pauses = [pause_before(attempt).total_seconds() for _ in range(50)]

    assert all(longest / 2 <= pause <= longest for pause in pauses)
    assert len(set(pauses)) > 40


def test_the_pauses_of_a_schedule_are_lengthened_a_little() -> None:
    """WEBHOOK: by a tenth at the most, and never at one time for all."""
    schedule = (timedelta(seconds=5), timedelta(hours=10))

    pauses = [pause_before(2, schedule) for _ in range(50)]

    assert all(timedelta(hours=10) <= pause <= timedelta(hours=11) for pause in pauses)
    assert len(set(pauses)) > 40


async def test_a_kind_of_job_may_have_a_schedule_of_its_own(bench: Bench) -> None:
    """WEBHOOK: the job knows how long the next attempt will wait, and whether there is one."""
    told = []

    async def note(lease: Lease) -> None:
        told.append(lease.pause)
        raise LookupError

    await bench.ask()
    runner = bench.runner(note, attempts_max=2, pauses=(timedelta(hours=2),))
    await runner.run_next()
    due_in = (await bench.the_job()).due_at - bench.clock()
    bench.clock.advance(hours=2.2)
    await runner.run_next()

    assert told == [due_in, None]
    assert timedelta(hours=2) <= due_in <= timedelta(hours=2.2)
    assert len(await bench.dead()) == 1


async def test_a_job_may_ask_for_a_longer_pause(bench: Bench) -> None:
    """WEBHOOK: when it was told to come back later."""

    async def wait_longer(lease: Lease) -> None:
        lease.pause = timedelta(days=1)
        raise LookupError

    await bench.ask()
    await bench.runner(wait_longer).run_next()

    assert (await bench.the_job()).due_at == bench.clock() + timedelta(days=1)


async def test_a_job_that_failed_is_tried_again_after_a_pause(bench: Bench) -> None:
    """DOC-9: not before; the reason stands beside it."""
    await bench.ask()
    runner = bench.runner(fail)

    await runner.run_next()
    once = await bench.the_job()
    too_early = await runner.run_next()
    bench.clock.now = once.due_at
    in_time = await runner.run_next()
    twice = await bench.the_job()

    assert (too_early, in_time) == (False, True)
    assert (once.attempts, twice.attempts) == (1, 2)
    assert not once.is_leased
    assert once.last_error == "LookupError: no such luck"
    pause = twice.due_at - bench.clock()
    assert timedelta(seconds=5) <= pause <= timedelta(seconds=10)


async def test_a_refusal_is_told_by_its_code(bench: Bench) -> None:
    """UX-1: with its words, so that a person can mend it."""

    async def refuse(_lease: Lease) -> None:
        raise Conflict("Not now.")

    await bench.ask()
    await bench.runner(refuse).run_next()

    assert (await bench.the_job()).last_error == "conflict: Not now."


async def test_a_cancelled_job_goes_back_at_once_and_is_not_counted(bench: Bench) -> None:
    """OPS-6: a stop is no fault of the job."""
    await bench.ask()
    await bench.die_at()
    before = await bench.the_job()
    job = Gated()

    async with job.under_way(bench.runner(job)) as task:
        task.cancel()
        await asyncio.wait({task})
        after = await bench.the_job()
    found = await bench.runner(do_nothing).run_next()

    assert task.cancelled()
    assert (after.attempts, after.is_leased, after.last_error) == (before.attempts, False, None)
    assert after.due_at == bench.clock()
    assert found


# Given up


async def test_a_job_that_always_fails_goes_to_the_dead_letters(bench: Bench) -> None:
    """DOC-9, UX-1: with its payload and the last reason; its domain is told in the same breath."""

    async def note(work: Work, payload: dict[str, Any], reason: str) -> None:
        await write(work, [payload, reason])

    await bench.ask(number=7)
    asked = await bench.the_job()
    runner = bench.runner(fail, note, attempts_max=3)
    for _ in range(5):
        await runner.run_next()
        bench.clock.advance(seconds=PAUSE_MAX_SECONDS)

    reason = "LookupError: no such luck"
    (dead,) = await bench.dead()
    assert (dead.id, dead.kind, dead.payload) == (asked.id, TASK, {"number": 7})
    assert (dead.attempts, dead.reason, dead.request_id) == (3, reason, "asked-by-this")
    assert (dead.created_at, dead.died_at) == (asked.created_at, _third_try(bench))
    assert await bench.written() == [[{"number": 7}, reason]]
    assert await bench.alive() == []


def _third_try(bench: Bench) -> Any:
    return bench.clock() - timedelta(seconds=3 * PAUSE_MAX_SECONDS)


async def test_a_dead_letter_and_what_it_means_are_written_together(bench: Bench) -> None:
    """DOC-9: when its domain can't be told, the job is not given up yet."""
    is_broken = True

    async def note(work: Work, _payload: dict[str, Any], reason: str) -> None:
        await write(work, reason)
        if is_broken:
            raise ArithmeticError

    await bench.ask()
    runner = bench.runner(fail, note, attempts_max=1)
    with pytest.raises(ArithmeticError):
        await runner.run_next()
    dead_at_first, written_at_first = await bench.dead(), await bench.written()
    is_broken = False
    bench.let_lease_run_out()
    await runner.run_next()

    assert (dead_at_first, written_at_first) == ([], [])
    assert len(await bench.dead()) == len(await bench.written()) == 1
    assert await bench.alive() == []


async def test_a_job_that_kills_every_worker_is_given_up(bench: Bench) -> None:
    """DOC-9, DOC-10: it is not run once more; the attempts are those that were made."""
    runs, told = [], []

    async def note_run(lease: Lease) -> None:
        runs.append(lease.job.attempt)

    async def note(_work: Work, _payload: dict[str, Any], reason: str) -> None:
        told.append(reason)

    await bench.ask()
    await bench.die_at(3)
    await bench.runner(note_run, note, attempts_max=3).run_next()

    (dead,) = await bench.dead()
    assert runs == []
    assert told == [dead.reason]
    assert "died" in dead.reason
    assert dead.attempts == 3
    assert await bench.alive() == []


# By hand


async def _dead_job(bench: Bench) -> UUID:
    await bench.ask(number=7)
    await bench.runner(fail, attempts_max=1).run_next()
    (dead,) = await bench.dead()
    return dead.id


async def test_a_dead_job_can_begin_anew(bench: Bench) -> None:
    """UX-1: with all its attempts before it, and the reason still told."""
    job_id = await _dead_job(bench)

    async with bench.work() as work:
        retried = await retry_job(work, [], job_id)
    line = await bench.the_job()
    found = await bench.runner(do_nothing).run_next()

    assert retried
    assert (line.id, line.payload, line.attempts) == (job_id, {"number": 7}, 0)
    assert line.last_error == "LookupError: no such luck"
    assert await bench.dead() == []
    assert found


async def test_a_dead_job_that_its_domain_has_ended_is_not_begun_anew(bench: Bench) -> None:
    """UX-1: nobody is told that something will be tried again which will not; the way is named."""
    job_id = await _dead_job(bench)
    kind = JobKind(TASK, fail, instead_of_retry="Ask for another one.")

    with pytest.raises(JobEnded, match="Ask for another one"):
        async with bench.work() as work:
            await retry_job(work, [kind], job_id)

    assert await bench.alive() == []
    assert [each.id for each in await bench.dead()] == [job_id]


async def test_a_waiting_job_can_be_run_now(bench: Bench) -> None:
    """UX-1: the pause after a failure can be cut short."""
    await bench.ask()
    await bench.runner(fail).run_next()

    async with bench.work() as work:
        retried = await retry_job(work, [], (await bench.the_job()).id)
    found = await bench.runner(do_nothing).run_next()

    assert retried
    assert found


async def test_a_job_that_runs_or_is_unknown_is_not_retried(bench: Bench) -> None:
    """DOC-10: nobody gets a second worker for a job that has one."""
    await bench.ask()
    job = Gated()

    async with job.under_way(bench.runner(job)):
        line = await bench.the_job()
        async with bench.work() as work:
            running = await retry_job(work, [], line.id)
            unknown = await retry_job(work, [], new_id())
        after = await bench.the_job()

    assert (running, unknown) == (False, False)
    assert after == line


async def test_a_job_can_be_dropped_dead_or_waiting(bench: Bench) -> None:
    """UX-1: then there is none of that id any more."""
    dead_id = await _dead_job(bench)
    await bench.ask()
    waiting_id = (await bench.the_job()).id

    async with bench.work() as work:
        dropped = [await drop_job(work, (), each) for each in (dead_id, waiting_id)]
        again = [await drop_job(work, (), each) for each in (dead_id, waiting_id)]

    assert (dropped, again) == ([True, True], [False, False])
    assert await bench.dead() == []
    assert await bench.alive() == []


async def test_a_job_that_is_dropped_while_it_runs_finishes_nothing(bench: Bench) -> None:
    """UX-1: what it would have written is not kept, and nobody tries it again."""
    await bench.ask()
    job = Gated()

    async with job.under_way(bench.runner(job)), bench.work() as work:
        await drop_job(work, (), (await bench.the_job()).id)

    assert isinstance(job.raised, LeaseLost)
    assert await bench.written() == []
    assert await bench.alive() == []
    assert await bench.dead() == []


# The embedded carrier


async def test_a_job_that_runs_when_the_worker_stops_is_finished(bench: Bench) -> None:
    """OPS-6: and no other one is begun."""
    await bench.ask()
    job = Gated()
    stopping = asyncio.Event()

    async with asyncio.timeout(DEADLINE_SECONDS):
        carrying = asyncio.create_task(EmbeddedCarrier(bench.runner(job), 1).run(stopping))
        await job.begun.wait()
        stopping.set()
        await bench.ask()
        job.gate.set()
        await carrying

    assert await bench.written() == ["done"]
    assert (await bench.the_job()).attempts == 0


async def test_a_job_that_takes_too_long_goes_back_when_the_worker_stops(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    """OPS-6: it is due at once, for whoever comes next."""
    monkeypatch.setattr("lacewing.kernel.jobs.embedded.STOP_SECONDS", 0.05)
    await bench.ask()
    job = Gated()
    stopping = asyncio.Event()

    async with asyncio.timeout(DEADLINE_SECONDS):
        carrying = asyncio.create_task(EmbeddedCarrier(bench.runner(job), 1).run(stopping))
        await job.begun.wait()
        stopping.set()
        await carrying

    line = await bench.the_job()
    assert isinstance(job.raised, asyncio.CancelledError)
    assert (line.attempts, line.is_leased, line.due_at) == (0, False, bench.clock())
    assert await bench.written() == []


async def test_the_carrier_runs_so_many_jobs_at_a_time(bench: Bench) -> None:
    """DOC-12: what the settings allow, and no more."""
    begun, gate = 0, asyncio.Event()
    stopping = asyncio.Event()

    async def wait(_lease: Lease) -> None:
        nonlocal begun
        begun += 1
        await gate.wait()

    for _ in range(5):
        await bench.ask()

    async def all_that_may_have_begun() -> bool:
        return begun == 3

    carrying = asyncio.create_task(EmbeddedCarrier(bench.runner(wait), 3).run(stopping))
    await eventually(all_that_may_have_begun)
    leased = sum(job.is_leased for job in await bench.alive())
    gate.set()
    await eventually(bench.is_done)
    stopping.set()
    await carrying

    assert leased == 3
    assert begun == 5


async def test_of_one_lane_only_some_run_at_a_time(bench: Bench) -> None:
    """WEBHOOK: the others are not held up by what they wait for; when one ends, the next begins."""
    begun: Counter[str] = Counter()
    gate, stopping = asyncio.Event(), asyncio.Event()

    async def wait(lease: Lease) -> None:
        lane = str(lease.job.lane)
        begun[lane] += 1
        if lane == "slow":
            await gate.wait()

    slow, other = RUNNING_IN_LANE_MAX + 3, 2 * RUNNING_IN_LANE_MAX
    async with bench.work() as work:
        await enqueue_all(work, TASK, [({}, "slow")] * slow + [({}, "quick")] * other)
        await enqueue(work, TASK, {})

    async def the_others_are_done() -> bool:
        return begun["quick"] == other and begun["None"] == 1

    carrying = asyncio.create_task(EmbeddedCarrier(bench.runner(wait), 10).run(stopping))
    await eventually(the_others_are_done)
    begun_while_slow = begun["slow"]
    gate.set()
    await eventually(bench.is_done)
    stopping.set()
    await carrying

    assert begun_while_slow == RUNNING_IN_LANE_MAX
    assert begun["slow"] == slow


async def test_a_job_that_failed_leaves_its_lane(bench: Bench) -> None:
    """WEBHOOK: or the lane would be full for ever."""
    for _ in range(RUNNING_IN_LANE_MAX + 1):
        await bench.ask(lane="one")
    runner = bench.runner(fail)

    found = [await runner.run_next() for _ in range(RUNNING_IN_LANE_MAX + 2)]

    assert found == [True] * (RUNNING_IN_LANE_MAX + 1) + [False]


async def test_of_many_that_have_nothing_to_do_one_asks(bench: Bench) -> None:
    """OPS-1: any number of slots costs the database no more than one."""
    asking, most = 0, 0
    asked, stopping = asyncio.Event(), asyncio.Event()

    class Counting(Runner):
        async def take_next(self) -> Lease | None:
            nonlocal asking, most
            asking += 1
            most = max(most, asking)
            asked.set()
            await asyncio.sleep(0.01)
            asking -= 1
            return await super().take_next()

    runner = Counting(bench.database, [JobKind(TASK, do_nothing)], bench.clock)
    carrying = asyncio.create_task(EmbeddedCarrier(runner, 50).run(stopping))
    await asyncio.wait_for(asked.wait(), DEADLINE_SECONDS)
    await bench.ask()
    await eventually(bench.is_done)
    stopping.set()
    await carrying

    assert most == 1


async def test_a_job_that_fails_does_not_stop_the_carrier(bench: Bench) -> None:
    """DOC-9: the next one is run by the same worker."""
    await bench.ask(fails=True)
    await bench.ask(fails=False)
    stopping = asyncio.Event()

    async def run(lease: Lease) -> None:
        if lease.payload["fails"]:
            raise LookupError
        async with lease.finishing() as work:
            await write(work, "done")

    async def the_other_is_done() -> bool:
        return await bench.written() == ["done"]

    carrying = asyncio.create_task(EmbeddedCarrier(bench.runner(run), 1).run(stopping))
    await eventually(the_other_is_done)
    stopping.set()
    await carrying

    assert (await bench.the_job()).payload == {"fails": True}


@pytest.mark.parametrize(
    ("failure", "told"),
    [(ValueError("a secret value"), "ValueError"), (Conflict("a secret value"), Conflict.code)],
    ids=["a bug", "a refusal"],
)
async def test_the_span_of_an_attempt_that_failed_says_so_by_kind_alone(
    bench: Bench, failure: Exception, told: str
) -> None:
    """OPS-4, SEC-8: though the attempt itself ends in order, to be tried again."""

    async def fail(_lease: Lease) -> None:
        raise failure

    await bench.ask()
    with collecting() as collector:
        spans = Spans(collector.url, "1.0", ratio=1)
        with tracing.tracing(spans):
            assert await bench.runner(fail).run_next()
        await spans.close()

    [attempt] = collector.named(f"job {TASK}")
    assert attempt.is_error
    assert attempt.attributes["error.type"] == told
    assert "a secret value" not in str(collector.spans)
