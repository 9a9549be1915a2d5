"""``lacewing import``: issues, products, posts of others, and exports of Lacewing itself."""

import re
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, Protocol

import typer
from rich.console import Console
from rich.progress import Progress

from lacewing.catalogue.importing.records import read_products
from lacewing.catalogue.importing.service import Import as ProductImport
from lacewing.catalogue.jobs import index_all_products
from lacewing.cli.context import migrate_if_empty, migrations_of, opened_database, opened_work, run
from lacewing.cli.import_reports import Report, told
from lacewing.cli.output import EXIT_PARTLY, fail, print_result
from lacewing.content.importing import Import as PostImport, read_posts
from lacewing.content.jobs import index_all_posts
from lacewing.documents.jobs import take_up_all
from lacewing.kernel.clock import utc_now
from lacewing.kernel.db import transaction
from lacewing.kernel.db.exchange import import_lines
from lacewing.kernel.db.offline import use_connection
from lacewing.kernel.records import UnreadableFile
from lacewing.kernel.work import Work
from lacewing.settings import LogLevel, Settings
from lacewing.tracker.importing.archive import read_archive
from lacewing.tracker.importing.github import read_github
from lacewing.tracker.importing.records import ImportFile
from lacewing.tracker.importing.service import Import as IssueImport
from lacewing.tracker.jobs import index_all_issues
from lacewing.tracker.rules import PROJECT_KEY

app = typer.Typer(help="Bring in what was elsewhere.", no_args_is_help=True)
_FILE = typer.Argument(..., help="The file, or - for standard input.")
_PROJECT = typer.Option(..., "--project", help="The key of the project; made when it is missing.")
_SOURCE_HELP = "What the file comes from: only there its ids are unique."
_SOURCE_NAME = re.compile(r"[A-Za-z0-9._/-]{1,100}")
_JSON = typer.Option(False, "--json", help="For scripts.")


class _Run(Protocol):
    """One run of an importer."""

    report: Any

    def batches(self) -> Iterator[list[Any]]: ...

    async def bring_in(self, work: Work, batch: list[Any]) -> None: ...


@app.command()
def github(file: str = _FILE, project: str = _PROJECT, *, as_json: bool = _JSON) -> None:
    """Take issues as GitHub's REST API gives them: a JSON array."""
    _import(read_github, file, project, as_json=as_json)


@app.command()
def archive(file: str = _FILE, project: str = _PROJECT, *, as_json: bool = _JSON) -> None:
    """Take issues with comments from an archive of the IETF's repositories."""
    _import(read_archive, file, project, as_json=as_json)


@app.command()
def posts(
    file: str = _FILE,
    source: str = typer.Option("posts", "--source", help=_SOURCE_HELP),
    *,
    as_json: bool = _JSON,
) -> None:
    """Take posts from a JSON array of records with `id`, `title`, `body` and `userId`.

    Their authors come as `imported/SOURCE#NUMBER`; tags, reactions and views have no place here.
    """
    _check_source(source)
    try:
        records = read_posts(_read(file))
    except UnreadableFile as error:
        fail(f"{file}: {error}")
    steps = PostImport(records, source)
    _carry_out(steps, len(records), f"Importing from {source}", as_json=as_json)
    _end(steps.report, as_json=as_json)


@app.command()
def products(
    file: str = _FILE,
    source: str = typer.Option("products", "--source", help=_SOURCE_HELP),
    *,
    as_json: bool = _JSON,
) -> None:
    """Take products: a JSON array with id, title, category, price and perhaps rating."""
    _check_source(source)
    try:
        found = read_products(_read(file), source)
    except UnreadableFile as error:
        fail(f"{file}: {error}")
    steps = ProductImport(found)
    _carry_out(steps, found.count, f"Importing from {source}", as_json=as_json)
    _end(steps.report, as_json=as_json)


@app.command("lacewing")
def whole(file: str = _FILE, *, as_json: bool = _JSON) -> None:
    """Fill an empty Lacewing from an export of another one."""
    lines = _read(file).splitlines()

    async def fill(settings: Settings) -> dict[str, int]:
        await migrate_if_empty(settings)
        schema = migrations_of(settings).head()
        counts = await use_connection(
            settings.database,
            settings.general.data_dir,
            lambda connection: import_lines(connection, schema, lines),
        )
        async with opened_database(settings) as database:
            await index_all_issues(lambda: transaction(database))
            await index_all_posts(lambda: transaction(database))
            await index_all_products(lambda: transaction(database))
            await take_up_all(lambda: transaction(database), utc_now())
        return counts

    counts = run(fill, LogLevel.WARNING)
    text = "\n".join(f"{count:>8} {table}" for table, count in counts.items() if count)
    print_result(counts, text or "The export was empty.", as_json=as_json)


def _import(read: Callable[[bytes], ImportFile], file: str, project: str, *, as_json: bool) -> None:
    key = project.upper()
    if not PROJECT_KEY.fullmatch(key):
        fail(f"--project {project}: must be 2 to 10 letters and digits, beginning with a letter.")
    try:
        found = read(_read(file))
    except UnreadableFile as error:
        fail(f"{file}: {error}")

    steps = IssueImport(found, key)
    _carry_out(steps, found.count, f"Importing into {key}", as_json=as_json)
    _end(steps.report, as_json=as_json)


def _check_source(source: str) -> None:
    if not _SOURCE_NAME.fullmatch(source):
        fail(f"--source {source}: must be 1 to 100 letters, digits and . _ / -")


def _carry_out(steps: _Run, count: int, title: str, *, as_json: bool) -> None:
    async def bring_in(settings: Settings) -> None:
        console = Console(stderr=True)
        async with opened_database(settings) as database:
            with Progress(console=console, disable=as_json or not console.is_terminal) as progress:
                task = progress.add_task(title, total=count)
                for batch in steps.batches():
                    async with opened_work(database) as work:
                        await steps.bring_in(work, batch)
                    progress.advance(task, len(batch))

    run(bring_in, LogLevel.WARNING)


def _end(report: Report, *, as_json: bool) -> None:
    print_result(report, told(report), as_json=as_json)
    if report.bad_records:
        sys.exit(EXIT_PARTLY)


def _read(file: str) -> bytes:
    if file == "-":
        return sys.stdin.buffer.read()
    try:
        return Path(file).read_bytes()
    except OSError as error:
        fail(f"{file}: {error.strerror}")
