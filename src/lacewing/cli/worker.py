"""``lacewing worker``: the relay and the jobs, apart from the server."""

import asyncio
import signal

import typer

from lacewing import wiring
from lacewing.cli.context import opened_database, run
from lacewing.kernel.clock import utc_now
from lacewing.kernel.events.bells import Bells
from lacewing.kernel.events.redis_bells import heard_everywhere
from lacewing.kernel.jobs.embedded import EmbeddedCarrier
from lacewing.kernel.jobs.runner import Runner
from lacewing.kernel.probe import beat, heartbeat
from lacewing.main import make_accounts, make_documents, make_webhooks
from lacewing.settings import Settings
from lacewing.worker import Worker, carrier_of_worker


def run_worker() -> None:
    """Number events and keep house until told to stop."""
    run(_work)


async def _work(settings: Settings) -> None:
    accounts = make_accounts(settings)
    accounts.passwords.close()
    documents = make_documents(settings)
    webhooks = make_webhooks(settings, accounts.keys)
    async with opened_database(settings) as database:
        bells = Bells()
        runner = Runner(database, wiring.job_kinds(documents), utc_now, bells.written)
        sender = Runner(database, wiring.sending_job_kinds(webhooks), utc_now, bells.written)
        sending = EmbeddedCarrier(sender, settings.webhooks.webhook_concurrency)
        carry = carrier_of_worker(settings.general, runner, sending)
        tasks = wiring.periodic_tasks(settings, accounts)
        worker = Worker(database, tasks, utc_now, carry, wiring.CONSUMERS, bells)
        loop = asyncio.get_running_loop()
        for stop in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(stop, worker.stop)
        beating = asyncio.create_task(beat(heartbeat()))
        typer.echo("The worker runs.", err=True)
        try:
            async with heard_everywhere(bells, settings.general.redis_url):
                await worker.run()
        finally:
            beating.cancel()
            await webhooks.close()
            await documents.close()
