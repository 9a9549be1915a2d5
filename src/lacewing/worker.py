"""The worker: numbers events and keeps house, inside the server or as a process of its own."""

import asyncio
from collections.abc import AsyncGenerator, Sequence
from contextlib import asynccontextmanager
from typing import Final

import structlog

from lacewing.kernel.clock import Clock
from lacewing.kernel.db import Database, transaction
from lacewing.kernel.errors import Unavailable
from lacewing.kernel.events.relay import BATCH, number_events
from lacewing.wiring import Job

RELAY_PAUSE_SECONDS: Final = 1.0
"""How long an event waits for its number at the most, while the relay finds nothing to do."""
FAILURE_PAUSE_SECONDS: Final = 5.0

_log = structlog.get_logger(__name__)


class Worker:
    """Runs the relay and the jobs until it is told to stop."""

    def __init__(self, database: Database, jobs: Sequence[Job], clock: Clock) -> None:
        self._database = database
        self._jobs = jobs
        self._clock = clock
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
            for job in self._jobs:
                tasks.create_task(self._repeat(job))

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
            await self._rest(pause)

    async def _repeat(self, job: Job) -> None:
        while not self._stopping.is_set():
            count = await self._do(job)
            await self._rest(0 if count == job.repeats_at else job.every_seconds)
        if job.also_at_end:
            await self._do(job)

    async def _do(self, job: Job) -> int | None:
        try:
            async with transaction(self._database) as session:
                count = await job.run(session, self._clock())
        except Unavailable as error:
            _log.warning("job_waits", job=job.name, reason=error.detail)
            return None
        except Exception:  # ruff: ignore[blind-except]  a bug in one job must not end all others
            _log.exception("job_failed", job=job.name)
            return None
        if count:
            _log.debug("job_done", job=job.name, count=count)
        return count

    async def _rest(self, seconds: float) -> None:
        try:
            async with asyncio.timeout(seconds):
                await self._stopping.wait()
        except TimeoutError:
            pass
