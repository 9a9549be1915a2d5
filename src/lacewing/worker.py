"""The worker: numbers events and keeps house, inside the server or as a process of its own."""

import asyncio
from collections.abc import AsyncGenerator, Awaitable, Callable, Coroutine, Sequence
from contextlib import asynccontextmanager
from typing import Any, Final

import structlog

from lacewing.kernel.clock import Clock
from lacewing.kernel.db import Database, transaction
from lacewing.kernel.errors import Unavailable
from lacewing.kernel.events.bells import Bell, Bells, Ear
from lacewing.kernel.events.consumer import (
    Consumer,
    consume_next,
    start_consumer,
)
from lacewing.kernel.events.relay import BATCH, number_events
from lacewing.kernel.jobs.embedded import EmbeddedCarrier, rest
from lacewing.kernel.jobs.runner import Runner
from lacewing.kernel.metrics import TASK_DONE_AT, TASK_FAILURES
from lacewing.settings import GeneralSettings
from lacewing.wiring import PeriodicTask

RELAY_PAUSE_SECONDS: Final = 1.0
"""How long an event waits for its number, or a consumer for it, when no bell was heard."""
PACE_SECONDS: Final = 0.02
"""Between two steps: one event goes at once, many that come together are dealt with together."""
FAILURE_PAUSE_SECONDS: Final = 5.0
BUG: Final = "bug"
"""The reason of a task that failed by no refusal."""

Carry = Callable[[asyncio.Event], Coroutine[Any, Any, None]]
"""Carries jobs to those who run them until the event is set."""

_log = structlog.get_logger(__name__)


class Worker:
    """Runs the relay, the consumers of events, the periodic tasks and a carrier of jobs.

    Any number of them work side by side: what one does, no other does at that moment.
    """

    def __init__(
        self,
        database: Database,
        tasks: Sequence[PeriodicTask],
        clock: Clock,
        carry: Carry,
        consumers: Sequence[Consumer] = (),
        bells: Bells | None = None,
    ) -> None:
        self._database = database
        self._tasks = tasks
        self._clock = clock
        self._carry = carry
        self._consumers = consumers
        self._bells = bells or Bells()
        self._ears: list[Ear] = []
        self._stopping = asyncio.Event()
        for task in tasks:
            TASK_FAILURES.labels(task.name, BUG)  # 0, so that the first one is seen as growth

    @asynccontextmanager
    async def running(self) -> AsyncGenerator[None, None]:
        """While the block lasts, work goes on beside it; what is begun is finished at its end."""
        await self._start_consumers()
        work = asyncio.create_task(self._work())
        try:
            yield
        finally:
            self.stop()
            await work

    def stop(self) -> None:
        """Finish what is under way, then end."""
        self._stopping.set()
        for ear in self._ears:
            ear.wake()

    async def run(self) -> None:
        """Work until told to stop."""
        await self._start_consumers()
        await self._work()

    async def _work(self) -> None:
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(self._relay())
            for consumer in self._consumers:
                tasks.create_task(self._feed(consumer))
            tasks.create_task(self._carry(self._stopping))
            for task in self._tasks:
                tasks.create_task(self._repeat(task))

    async def _start_consumers(self) -> None:
        """Before anything is served: a new consumer must not miss what the first request does."""
        async with transaction(self._database) as session:
            for consumer in self._consumers:
                await start_consumer(session, consumer)

    async def _relay(self) -> None:
        async def number() -> bool:
            async with transaction(self._database) as session:
                count = await number_events(session)
            if count:
                self._bells.numbered.ring()
            return count == BATCH

        await self._follow("relay", self._bells.written, number)

    async def _feed(self, consumer: Consumer) -> None:
        async def consume() -> bool:
            async with transaction(self._database) as session:
                count = await consume_next(session, consumer, self._clock())
            if count:
                self._bells.consumed.ring()
            return count > 0

        await self._follow(consumer.name, self._bells.numbered, consume)

    async def _follow(self, name: str, bell: Bell, step: Callable[[], Awaitable[bool]]) -> None:
        """Take a step at each ring, now and then without one, and on while there is more."""
        ear = bell.listen()
        self._ears.append(ear)
        while not self._stopping.is_set():
            try:
                while await step() and not self._stopping.is_set():
                    pass
            except Unavailable as error:
                _log.warning("events_wait", at=name, reason=error.detail)
                await rest(self._stopping, FAILURE_PAUSE_SECONDS)
            except Exception:  # ruff: ignore[blind-except]  as below: it goes on, and says so
                _log.exception("events_failed", at=name)
                await rest(self._stopping, FAILURE_PAUSE_SECONDS)
            else:
                await rest(self._stopping, PACE_SECONDS)
                await ear.wait(RELAY_PAUSE_SECONDS)
        ear.close()

    async def _repeat(self, task: PeriodicTask) -> None:
        while not self._stopping.is_set():
            count = await self._do(task)
            is_more = count is not None and count == task.repeats_at  # none: it has failed
            pause = 0 if is_more else task.every_seconds
            await rest(self._stopping, pause)
        if task.also_at_end:
            await self._do(task)

    async def _do(self, task: PeriodicTask) -> int | None:
        try:
            async with transaction(self._database) as session:
                count = await task.run(session, self._clock())
        except Unavailable as error:
            _log.warning("task_waits", task=task.name, reason=error.detail)
            TASK_FAILURES.labels(task.name, error.code).inc()
            return None
        except Exception:  # ruff: ignore[blind-except]  a bug in one task must not end all others
            _log.exception("task_failed", task=task.name)
            TASK_FAILURES.labels(task.name, BUG).inc()
            return None
        TASK_DONE_AT.labels(task.name).set(self._clock().timestamp())
        if count:
            _log.debug("task_done", task=task.name, count=count)
        return count


def carrier_in_server(settings: GeneralSettings, runner: Runner, sending: EmbeddedCarrier) -> Carry:
    """How jobs are carried where HTTP is served: run here, unless others do that."""
    if settings.broker_url is not None:
        # Imported only where there is a broker: Celery costs 15 MB of memory.
        from lacewing.kernel.jobs.celery import Sender  # noqa: PLC0415  as said

        return Sender(settings.broker_url, runner).run
    if not settings.worker_in_server:
        return _carry_nothing
    return _side_by_side(EmbeddedCarrier(runner, settings.worker_concurrency).run, sending.run)


def carrier_of_worker(settings: GeneralSettings, runner: Runner, sending: EmbeddedCarrier) -> Carry:
    """How jobs are carried in a worker of their own.

    What is sent to others needs no broker: it would hold a thread there while it waits.
    """
    if settings.broker_url is None:
        return _side_by_side(EmbeddedCarrier(runner, settings.worker_concurrency).run, sending.run)
    from lacewing.kernel.jobs.celery import CeleryCarrier  # noqa: PLC0415  as above

    celery = CeleryCarrier(settings.broker_url, runner, settings.worker_concurrency)
    return _side_by_side(celery.run, sending.run)


def _side_by_side(*carriers: Carry) -> Carry:
    async def carry(stopping: asyncio.Event) -> None:
        async with asyncio.TaskGroup() as tasks:
            for each in carriers:
                tasks.create_task(each(stopping))

    return carry


async def _carry_nothing(stopping: asyncio.Event) -> None:
    await stopping.wait()
