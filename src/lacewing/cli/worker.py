"""``lacewing worker``: the relay and the jobs, apart from the server."""

import asyncio
import signal

import typer

from lacewing import wiring
from lacewing.cli.context import opened_database, run
from lacewing.kernel.clock import utc_now
from lacewing.main import make_accounts
from lacewing.settings import Settings
from lacewing.worker import Worker


def run_worker() -> None:
    """Number events and keep house until told to stop."""
    run(_work)


async def _work(settings: Settings) -> None:
    accounts = make_accounts(settings)
    accounts.passwords.close()
    async with opened_database(settings) as database:
        worker = Worker(database, wiring.jobs(settings, accounts), utc_now)
        loop = asyncio.get_running_loop()
        for stop in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(stop, worker.stop)
        typer.echo("The worker runs.", err=True)
        await worker.run()
