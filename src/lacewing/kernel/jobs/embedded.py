"""The embedded carrier: the workers ask the table themselves, which needs no server beside it."""

import asyncio
from typing import Final, TypeVar

import structlog

from lacewing.kernel.errors import Unavailable
from lacewing.kernel.jobs.kind import Lease
from lacewing.kernel.jobs.runner import Runner

ASK_SECONDS: Final = 0.25
"""How long a job waits at the most while a worker has nothing to do."""
FAILURE_PAUSE_SECONDS: Final = 5.0
STOP_SECONDS: Final = 10.0
"""What a running job may still take when the worker is told to stop; then it goes back."""

_log = structlog.get_logger(__name__)

Result = TypeVar("Result")


class EmbeddedCarrier:
    """Runs up to ``concurrency`` jobs at a time.

    Of all that have nothing to do only one asks the table, so any number of them costs no more.
    """

    def __init__(self, runner: Runner, concurrency: int) -> None:
        self._runner = runner
        self._concurrency = concurrency
        self._asking = asyncio.Lock()
        self._woken = asyncio.Event()
        """A job has ended, so there may be room in its lane; or the worker stops."""

    async def run(self, stopping: asyncio.Event) -> None:
        """Carry until ``stopping``; what runs then is finished, or put back."""
        async with asyncio.TaskGroup() as slots:
            for _ in range(self._concurrency):
                slots.create_task(self._run_one_after_another(stopping))
            await stopping.wait()
            self._woken.set()

    async def _run_one_after_another(self, stopping: asyncio.Event) -> None:
        while not stopping.is_set():
            async with self._asking:
                lease = await self._ask(stopping)
            if lease is not None:
                running = asyncio.create_task(self._runner.run(lease))
                await self._watch(running, stopping)
                self._woken.set()

    async def _ask(self, stopping: asyncio.Event) -> Lease | None:
        """The next job; ``None`` after a pause when there was none."""
        if stopping.is_set():
            return None
        self._woken.clear()
        asking = asyncio.create_task(self._runner.take_next())
        pause, lease = await self._watch(asking, stopping)
        if lease is None:
            await rest(self._woken, pause)
        return lease

    @staticmethod
    async def _watch(
        task: "asyncio.Task[Result]", stopping: asyncio.Event
    ) -> tuple[float, Result | None]:
        """How long to wait if there is no result, and the result."""
        try:
            return ASK_SECONDS, await finish_or_cancel(task, stopping)
        except Unavailable as error:
            _log.warning("jobs_wait", reason=error.detail)
        except Exception:  # ruff: ignore[blind-except]  a bug in one job must not end all others
            _log.exception("jobs_failed")
        return FAILURE_PAUSE_SECONDS, None


async def finish_or_cancel(
    running: "asyncio.Task[Result]", stopping: asyncio.Event
) -> Result | None:
    """Its result; once ``stopping`` is set it has ``STOP_SECONDS`` left."""
    told = asyncio.create_task(stopping.wait())
    try:
        await asyncio.wait({running, told}, return_when=asyncio.FIRST_COMPLETED)
        if not running.done():
            await asyncio.wait({running}, timeout=STOP_SECONDS)
        if not running.done():
            running.cancel()
            await asyncio.wait({running})
        return None if running.cancelled() else running.result()
    finally:
        told.cancel()


async def rest(stopping: asyncio.Event, seconds: float) -> None:
    """Wait for so long, or until ``stopping``."""
    try:
        async with asyncio.timeout(seconds):
            await stopping.wait()
    except TimeoutError:
        pass
