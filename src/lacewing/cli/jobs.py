"""``lacewing jobs``: what waits, what was given up, and trying it again."""

from uuid import UUID

import msgspec
import typer

from lacewing.cli.context import opened_database, opened_work, run
from lacewing.cli.output import fail, print_result
from lacewing.kernel.clock import utc_now
from lacewing.kernel.jobs import JobEnded, JobKind, store
from lacewing.kernel.jobs.queue import drop_job, retry_job
from lacewing.kernel.jobs.store import DeadJob, JobLine
from lacewing.kernel.pagination import PageRequest
from lacewing.main import make_documents, make_webhooks, open_keys
from lacewing.settings import LogLevel, Settings
from lacewing.wiring import job_kinds, sending_job_kinds

LISTED_DEFAULT = 100
LISTED_MAX = 10_000

app = typer.Typer(help="Work that is done in the background.", no_args_is_help=True)
_JOB = typer.Argument(..., help="The job's id.")
_JOB_OR_NONE = typer.Argument(None, help="The job's id.")
_JSON = typer.Option(False, "--json", help="For scripts.")


class Listing(msgspec.Struct):
    """Jobs, the oldest first."""

    jobs: list[JobLine]
    dead: list[DeadJob]


@app.command("list")
def list_jobs(
    *,
    limit: int = typer.Option(LISTED_DEFAULT, min=1, max=LISTED_MAX, help="Of each kind of list."),
    as_json: bool = _JSON,
) -> None:
    """List the jobs that wait or run, and those that were given up."""

    async def read(settings: Settings) -> Listing:
        async with opened_database(settings) as database:
            page = PageRequest(limit)
            alive = await store.list_jobs(database.session(), page)
            dead = await store.list_dead(database.session(), page)
            return Listing(alive.items, dead.items)

    listing = run(read, LogLevel.WARNING)
    print_result(listing, _told(listing), as_json=as_json)


@app.command()
def retry(
    job_id: UUID | None = _JOB_OR_NONE,
    *,
    every: bool = typer.Option(False, "--all", help="Every job that was given up."),
    as_json: bool = _JSON,
) -> None:
    """Let a job that was given up begin anew, or one that waits run now."""
    if (job_id is None) is not every:
        fail("Name one job, or --all.")

    async def try_again(settings: Settings) -> int:
        async with opened_database(settings) as database:
            wanted = [job_id] if job_id is not None else []
            if every:
                dead = await store.list_dead(database.session(), PageRequest(LISTED_MAX))
                wanted = [job.id for job in dead.items]
            kinds, count = _kinds(settings), 0
            for each in wanted:
                try:
                    async with opened_work(database) as work:
                        count += await retry_job(work, kinds, each)
                except JobEnded as refusal:
                    if not every:
                        fail(f"{each}: {refusal.detail}")
            return count

    count = run(try_again, LogLevel.WARNING)
    if count == 0 and not every:
        fail(f"{job_id}: there is no such job, or it runs at this moment.")
    print_result({"retried": count}, f"{count} jobs will be tried again.", as_json=as_json)


@app.command()
def drop(job_id: UUID = _JOB) -> None:
    """Forget a job: nobody will do it."""

    async def forget(settings: Settings) -> bool:
        kinds = _kinds(settings)
        async with opened_database(settings) as database, opened_work(database) as work:
            return await drop_job(work, kinds, job_id)

    if not run(forget, LogLevel.WARNING):
        fail(f"{job_id}: there is no such job.")
    typer.echo(f"{job_id} is dropped.")


def _kinds(settings: Settings) -> list[JobKind]:
    webhooks = make_webhooks(settings, open_keys(settings, utc_now()))
    return job_kinds(make_documents(settings)) + sending_job_kinds(webhooks)


def _told(listing: Listing) -> str:
    lines = [
        f"{job.id}  {job.kind}  {'runs' if job.is_leased else 'waits'}, "
        f"attempts {job.attempts}, due {job.due_at:%Y-%m-%d %H:%M:%S}Z"
        + (f", last: {job.last_error}" if job.last_error else "")
        for job in listing.jobs
    ]
    lines += [
        f"{job.id}  {job.kind}  DEAD since {job.died_at:%Y-%m-%d %H:%M:%S}Z "
        f"after {job.attempts} attempts: {job.reason}"
        for job in listing.dead
    ]
    return "\n".join(lines) or "There are no jobs."
