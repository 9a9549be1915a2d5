"""``lacewing import``: other trackers' issues, products, and exports of Lacewing itself."""

import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, Protocol

import typer
from rich.console import Console
from rich.progress import Progress

from lacewing.catalogue.importing import service as product_imports
from lacewing.catalogue.importing.records import read_products
from lacewing.catalogue.importing.report import ImportReport as ProductReport
from lacewing.catalogue.jobs import index_all_products
from lacewing.cli.context import migrate_if_empty, migrations_of, opened_database, opened_work, run
from lacewing.cli.importing_posts import import_posts
from lacewing.cli.output import EXIT_PARTLY, fail, print_result
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
from lacewing.tracker.importing.report import ImportReport
from lacewing.tracker.importing.service import Import
from lacewing.tracker.jobs import index_all_issues
from lacewing.tracker.rules import PROJECT_KEY

app = typer.Typer(help="Bring in what was elsewhere.", no_args_is_help=True)
_FILE = typer.Argument(..., help="The file, or - for standard input.")
_PROJECT = typer.Option(..., "--project", help="The key of the project; made when it is missing.")
_SOURCE = typer.Option(
    "products", "--source", help="What the file comes from: only there its ids are unique."
)
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
    source: str = typer.Option("posts", help="Where the ids of the records are from."),
    *,
    as_json: bool = _JSON,
) -> None:
    """Take posts from a JSON array of records with `id`, `title`, `body` and `userId`.

    Their authors come as `imported-user-NUMBER`; tags, reactions and views have no place here.
    """
    import_posts(_read(file), file, source, as_json=as_json)


def products(file: str = _FILE, source: str = _SOURCE, *, as_json: bool = _JSON) -> None:
    """Take products: a JSON array with id, title, category, price and perhaps rating."""
    try:
        found = read_products(_read(file), source)
    except UnreadableFile as error:
        fail(f"{file}: {error}")
    steps = product_imports.Import(found)
    _carry_out(steps, found.count, f"Importing from {source}", as_json=as_json)
    _end(steps.report, _told_of_products(steps.report), as_json=as_json)


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

    steps = Import(found, key)
    _carry_out(steps, found.count, f"Importing into {key}", as_json=as_json)
    _end(steps.report, _told(steps.report), as_json=as_json)


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


def _end(report: ImportReport | ProductReport, text: str, *, as_json: bool) -> None:
    print_result(report, text, as_json=as_json)
    if report.bad_records:
        sys.exit(EXIT_PARTLY)


def _read(file: str) -> bytes:
    if file == "-":
        return sys.stdin.buffer.read()
    try:
        return Path(file).read_bytes()
    except OSError as error:
        fail(f"{file}: {error.strerror}")


def _told(report: ImportReport) -> str:
    lines = [
        f"Imported into {report.project} from {report.source}:",
        f"  new: {report.issues_added} issues with {report.comments_added} comments",
        f"  there already: {report.issues_known} issues, {report.comments_known} comments",
        f"  new users: {report.users_added} (not active until an administrator lets them in)",
        f"  pull requests left out: {report.pull_requests_left_out}",
    ]
    if report.assignees_left_out:
        lines.append(f"  further assignees left out: {report.assignees_left_out}")
    return "\n".join(lines + _told_of_bad(report))


def _told_of_products(report: ProductReport) -> str:
    lines = [
        f"Imported from {report.source}:",
        f"  new: {report.products_added} products",
        f"  there already: {report.products_known}",
    ]
    return "\n".join(lines + _told_of_bad(report))


def _told_of_bad(report: ImportReport | ProductReport) -> list[str]:
    if not report.bad_records:
        return []
    lines = [f"    record {bad.place}: {bad.reason}" for bad in report.bad_records]
    return [f"  records that could not be read: {len(lines)}", *lines]
