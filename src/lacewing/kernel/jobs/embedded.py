"""The embedded carrier: the workers ask the table themselves, which needs no server beside it."""

import asyncio
from typing import Final

import structlog

from lacewing.kernel.errors import Unavailable
from lacewing.kernel.jobs.runner import Runner

ASK_SECONDS: Final = 0.25
"""How long a job waits at the most while a worker has nothing to do."""
FAILURE_PAUSE_SECONDS: Final = 5.0
STOP_SECONDS: Final = 10.0
"""What a running job may still take when the worker is told to stop; then it goes back."""

_log = structlog.get_logger(__name__)


class EmbeddedCarrier:
    """Runs up to ``concurrency`` jobs at a time."""

    def __init__(self, runner: Runner, concurrency: int) -> None:
        self._runner = runner
        self._concurrency = concurrency

    async def run(self, stopping: asyncio.Event) -> None:
        """Carry until ``stopping``; what runs then is finished, or put back."""
        async with asyncio.TaskGroup() as slots:
            for _ in range(self._concurrency):
                slots.create_task(self._run_one_after_another(stopping))

    async def _run_one_after_another(self, stopping: asyncio.Event) -> None:
        while not stopping.is_set():
            running = asyncio.create_task(self._runner.run_next())
            pause = await self._pause_after(running, stopping)
            await rest(stopping, pause)

    @staticmethod
    async def _pause_after(running: "asyncio.Task[bool]", stopping: asyncio.Event) -> float:
        try:
            found = await finish_or_cancel(running, stopping)
        except Unavailable as error:
            _log.warning("jobs_wait", reason=error.detail)
            return FAILURE_PAUSE_SECONDS
        except Exception:  # ruff: ignore[blind-except]  a bug in one job must not end all others
            _log.exception("jobs_failed")
            return FAILURE_PAUSE_SECONDS
        return 0 if found else ASK_SECONDS


async def finish_or_cancel(running: "asyncio.Task[bool]", stopping: asyncio.Event) -> bool:
    """Its result; once ``stopping`` is set it has ``STOP_SECONDS`` left."""
    told = asyncio.create_task(stopping.wait())
    try:
        await asyncio.wait({running, told}, return_when=asyncio.FIRST_COMPLETED)
        if not running.done():
            await asyncio.wait({running}, timeout=STOP_SECONDS)
        if not running.done():
            running.cancel()
            await asyncio.wait({running})
        return False if running.cancelled() else running.result()
    finally:
        told.cancel()


async def rest(stopping: asyncio.Event, seconds: float) -> None:
    """Wait for so long, or until ``stopping``."""
    try:
        async with asyncio.timeout(seconds):
            await stopping.wait()
    except TimeoutError:
        pass
