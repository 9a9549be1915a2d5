"""Waiting until something holds, rather than for some time."""

import asyncio
from collections.abc import Awaitable, Callable

DEADLINE_SECONDS = 120
"""For machines that do much else."""
LOOK_SECONDS = 0.01


async def until(holds: Callable[[], Awaitable[bool]]) -> None:
    """Return when it holds.

    Raises:
        TimeoutError: it never does.
    """
    async with asyncio.timeout(DEADLINE_SECONDS):
        while True:
            if await holds():
                return
            await asyncio.sleep(LOOK_SECONDS)
