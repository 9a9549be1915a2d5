"""Tasks that run beside others until they are ended."""

import asyncio
from collections.abc import Iterable
from typing import Any, Final

AGAIN_SECONDS: Final = 0.1


async def end_tasks(tasks: Iterable[asyncio.Task[Any]]) -> None:
    """Cancel them, and return when they have ended; what they raise stays with them.

    They are cancelled again and again: a library may swallow a cancellation, as redis-py does where
    it meets a lost connection.
    """
    running = set(tasks)
    while running:
        for task in running:
            task.cancel()
        _, running = await asyncio.wait(running, timeout=AGAIN_SECONDS)
