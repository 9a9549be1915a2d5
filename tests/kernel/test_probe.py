import asyncio
import os
import time
from pathlib import Path

from lacewing.kernel.probe import SILENCE_SECONDS_MAX, beat, server_is_well, worker_is_well
from tests.support.servers import free_port
from tests.support.waiting import until


async def test_a_worker_that_runs_says_so_and_one_that_stopped_does_not(tmp_path: Path) -> None:
    """OPS-7: by a file that goes with it."""
    file = tmp_path / "alive"

    async def is_there() -> bool:
        return file.exists()

    beating = asyncio.create_task(beat(file))
    await until(is_there)
    well = worker_is_well(file, time.time())
    beating.cancel()
    await asyncio.wait({beating})

    assert well
    assert not file.exists()


def test_a_worker_that_was_silent_for_long_is_not_well(tmp_path: Path) -> None:
    """OPS-7: killed, or its loop hangs."""
    file = tmp_path / "alive"
    file.touch()
    now = time.time()
    os.utime(file, (now, now - SILENCE_SECONDS_MAX - 1))

    assert not worker_is_well(file, now)


def test_a_server_that_is_not_there_is_not_well() -> None:
    """OPS-7: nobody listens."""
    assert not server_is_well(free_port())
