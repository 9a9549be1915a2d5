"""``lacewing worker``: the relay and the jobs, apart from the server."""

import asyncio
import signal

import typer

from lacewing import __version__, wiring
from lacewing.cli.context import opened_database, run
from lacewing.kernel.clock import utc_now
from lacewing.kernel.events.bells import Bells
from lacewing.kernel.events.redis_bells import heard_everywhere
from lacewing.kernel.jobs.embedded import EmbeddedCarrier
from lacewing.kernel.jobs.runner import Runner
from lacewing.kernel.probe import beat, heartbeat
from lacewing.kernel.vitals import watched_vitals
from lacewing.kernel.web.probes import answering_probes
from lacewing.kernel.web.readiness import readiness_checks
from lacewing.main import make_accounts, make_documents, make_spans, make_webhooks, traced
from lacewing.settings import Settings
from lacewing.worker import Worker, carrier_of_worker


def run_worker(
    host: str = typer.Option("127.0.0.1", help="The address that answers probes."),
    port: int | None = typer.Option(
        None,
        min=0,
        max=65_535,
        help="Answer /health/live, /health/ready and /metrics there; without it, nowhere.",
    ),
) -> None:
    """Number events, run jobs and keep house until told to stop."""

    async def work(settings: Settings) -> None:
        await _work(settings, host, port)

    run(work)


async def _work(settings: Settings, host: str, port: int | None) -> None:
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
        checks = readiness_checks(database, settings.general.redis_url)
        try:
            async with (
                traced(make_spans(settings)),
                watched_vitals(__version__, settings.general.data_dir),
                heard_everywhere(bells, settings.general.redis_url),
                answering_probes(settings.web, checks, host, port),
            ):
                await worker.run()
        finally:
            beating.cancel()
            await webhooks.close()
            await documents.close()
