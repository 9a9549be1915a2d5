"""A worker in a process of its own that numbers events and tells of them, until it is killed."""

import asyncio
import multiprocessing
from collections.abc import Mapping
from multiprocessing.context import ForkServerContext, ForkServerProcess
from pathlib import Path

from lacewing import wiring
from lacewing.kernel.clock import utc_now
from lacewing.kernel.db import open_database
from lacewing.settings import load_settings
from lacewing.worker import Worker


def _forking() -> ForkServerContext:
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload([__name__])
    return context


def started_relay(environment: Mapping[str, str]) -> ForkServerProcess:
    """Started at once: the program is loaded already."""
    process = _forking().Process(target=_relay, args=(dict(environment),), daemon=True)
    process.start()
    return process


def _relay(environment: dict[str, str]) -> None:
    asyncio.run(_work(environment))


async def _work(environment: dict[str, str]) -> None:
    settings = load_settings(environment)
    database = await open_database(settings.database, Path(environment["LACEWING_DATA_DIR"]))
    await Worker(database, (), utc_now, _carry_nothing, wiring.CONSUMERS).run()


async def _carry_nothing(stopping: asyncio.Event) -> None:
    await stopping.wait()
