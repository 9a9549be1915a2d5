"""Tasks that are ended."""

import asyncio

from lacewing.kernel.tasks import end_tasks
from tests.support.waiting import DEADLINE_SECONDS


async def test_tasks_end_even_if_they_swallow_cancellations() -> None:
    """OPS-6: no library can keep a server from stopping."""
    swallowed = 0

    async def stubborn() -> None:
        nonlocal swallowed
        while swallowed < 2:
            try:
                await asyncio.Event().wait()
            except asyncio.CancelledError:
                swallowed += 1

    async def failing() -> None:
        raise RuntimeError

    tasks = [asyncio.create_task(each()) for each in (stubborn, failing)]
    await asyncio.sleep(0)  # so that they have begun
    async with asyncio.timeout(DEADLINE_SECONDS):
        await end_tasks(tasks)

    assert swallowed == 2
    assert [task.done() for task in tasks] == [True, True]
    assert isinstance(tasks[1].exception(), RuntimeError)


async def test_nothing_to_end_is_no_error() -> None:
    """OPS-6: as where nothing was begun."""
    await end_tasks([])
