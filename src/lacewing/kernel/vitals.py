"""How a process itself is doing, looked at while it runs (OPS-4)."""

import asyncio
import platform
import shutil
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Final

from lacewing.kernel.metrics import (
    BUILD,
    DISK_FREE_BYTES,
    DISK_SIZE_BYTES,
    EVENT_LOOP_LAG_SECONDS,
    PROCESSES,
)

LOOK_SECONDS: Final = 0.5
LOOKS_A_DISK: Final = 60
"""Disks fill more slowly than event loops."""


@asynccontextmanager
async def watched_vitals(version: str, data_dir: Path) -> AsyncGenerator[None]:
    """While the block lasts, the vitals of this process are measured."""
    BUILD.labels(version, platform.python_version()).set(1)
    PROCESSES.inc()
    watching = asyncio.create_task(_watch(data_dir))
    try:
        yield
    finally:
        PROCESSES.dec()
        watching.cancel()
        await asyncio.wait({watching})


async def _watch(data_dir: Path) -> None:
    loop = asyncio.get_running_loop()
    while True:
        await _look_at_disk(data_dir)
        for _ in range(LOOKS_A_DISK):
            began = loop.time()
            await asyncio.sleep(LOOK_SECONDS)
            EVENT_LOOP_LAG_SECONDS.observe(max(0.0, loop.time() - began - LOOK_SECONDS))


async def _look_at_disk(data_dir: Path) -> None:
    try:
        usage = await asyncio.to_thread(shutil.disk_usage, data_dir)
    except OSError:
        return  # no folder yet: with PostgreSQL and object storage there may never be one
    DISK_FREE_BYTES.set(usage.free)
    DISK_SIZE_BYTES.set(usage.total)
