"""The worker: numbers events and keeps house, inside the server or as a process of its own."""

import asyncio
from collections.abc import AsyncGenerator, Callable, Coroutine, Sequence
from contextlib import asynccontextmanager
from typing import Any, Final

import structlog

from lacewing.kernel.clock import Clock
from lacewing.kernel.db import Database, transaction
from lacewing.kernel.errors import Unavailable
from lacewing.kernel.events.relay import BATCH, number_events
from lacewing.kernel.jobs.embedded import EmbeddedCarrier, rest
from lacewing.kernel.jobs.runner import Runner
from lacewing.settings import GeneralSettings
from lacewing.wiring import PeriodicTask

RELAY_PAUSE_SECONDS: Final = 1.0
"""How long an event waits for its number at the most, while the relay finds nothing to do."""
FAILURE_PAUSE_SECONDS: Final = 5.0

Carry = Callable[[asyncio.Event], Coroutine[Any, Any, None]]
"""Carries jobs to those who run them until the event is set."""

_log = structlog.get_logger(__name__)


class Worker:
    """Runs the relay, the periodic tasks and a carrier of jobs until it is told to stop."""

    def __init__(
        self, database: Database, tasks: Sequence[PeriodicTask], clock: Clock, carry: Carry
    ) -> None:
        self._database = database
        self._tasks = tasks
        self._clock = clock
        self._carry = carry
        self._stopping = asyncio.Event()

    @asynccontextmanager
    async def running(self) -> AsyncGenerator[None, None]:
        """While the block lasts, work goes on beside it; what is begun is finished at its end."""
        work = asyncio.create_task(self.run())
        try:
            yield
        finally:
            self.stop()
            await work

    def stop(self) -> None:
        """Finish what is under way, then end."""
        self._stopping.set()

    async def run(self) -> None:
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(self._relay())
            tasks.create_task(self._carry(self._stopping))
            for task in self._tasks:
                tasks.create_task(self._repeat(task))

    async def _relay(self) -> None:
        while not self._stopping.is_set():
            pause = RELAY_PAUSE_SECONDS
            try:
                async with transaction(self._database) as session:
                    if await number_events(session) == BATCH:
                        pause = 0
            except Unavailable as error:
                _log.warning("relay_waits", reason=error.detail)
                pause = FAILURE_PAUSE_SECONDS
            except Exception:  # ruff: ignore[blind-except]  as below: it goes on, and says so
                _log.exception("relay_failed")
                pause = FAILURE_PAUSE_SECONDS
            await rest(self._stopping, pause)

    async def _repeat(self, task: PeriodicTask) -> None:
        while not self._stopping.is_set():
            count = await self._do(task)
            pause = 0 if count == task.repeats_at else task.every_seconds
            await rest(self._stopping, pause)
        if task.also_at_end:
            await self._do(task)

    async def _do(self, task: PeriodicTask) -> int | None:
        try:
            async with transaction(self._database) as session:
                count = await task.run(session, self._clock())
        except Unavailable as error:
            _log.warning("task_waits", task=task.name, reason=error.detail)
            return None
        except Exception:  # ruff: ignore[blind-except]  a bug in one task must not end all others
            _log.exception("task_failed", task=task.name)
            return None
        if count:
            _log.debug("task_done", task=task.name, count=count)
        return count


def carrier_in_server(settings: GeneralSettings, runner: Runner) -> Carry:
    """How jobs are carried where HTTP is served: run here, unless others do that."""
    if settings.broker_url is not None:
        # Imported only where there is a broker: Celery costs 15 MB of memory.
        from lacewing.kernel.jobs.celery import Sender  # noqa: PLC0415  as said

        return Sender(settings.broker_url, runner).run
    if not settings.worker_in_server:
        return _carry_nothing
    return EmbeddedCarrier(runner, settings.worker_concurrency).run


def carrier_of_worker(settings: GeneralSettings, runner: Runner) -> Carry:
    """How jobs are carried in a worker of their own."""
    if settings.broker_url is None:
        return EmbeddedCarrier(runner, settings.worker_concurrency).run
    from lacewing.kernel.jobs.celery import CeleryCarrier  # noqa: PLC0415  as above

    return CeleryCarrier(settings.broker_url, runner, settings.worker_concurrency).run


async def _carry_nothing(stopping: asyncio.Event) -> None:
    await stopping.wait()
