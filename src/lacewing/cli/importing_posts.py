"""``lacewing import posts``: what another system's people have written."""

import re
import sys
from typing import Final

from rich.console import Console
from rich.progress import Progress

from lacewing.cli.context import opened_database, opened_work, run
from lacewing.cli.output import EXIT_PARTLY, fail, print_result
from lacewing.content.importing import Import, ImportReport, UnreadableFile, read_posts
from lacewing.settings import LogLevel, Settings

SOURCE: Final = re.compile(r"[A-Za-z0-9._/-]{1,100}")


def import_posts(data: bytes, file: str, source: str, *, as_json: bool) -> None:
    """Bring the posts of ``data`` in and report; exit code 2 when some could not be read."""
    if not SOURCE.fullmatch(source):
        fail(f"--source {source}: must be 1 to 100 letters, digits and . _ / -")
    try:
        records = read_posts(data)
    except UnreadableFile as error:
        fail(f"{file}: {error}")

    async def bring_in(settings: Settings) -> ImportReport:
        run_of_import = Import(records, source)
        console = Console(stderr=True)
        async with opened_database(settings) as database:
            with Progress(console=console, disable=as_json or not console.is_terminal) as progress:
                task = progress.add_task("Importing posts", total=len(records))
                for batch in run_of_import.batches():
                    async with opened_work(database) as work:
                        await run_of_import.bring_in(work, batch)
                    progress.advance(task, len(batch))
        return run_of_import.report

    report = run(bring_in, LogLevel.WARNING)
    print_result(report, _told(report), as_json=as_json)
    if report.bad_records:
        sys.exit(EXIT_PARTLY)


def _told(report: ImportReport) -> str:
    lines = [
        f"Imported from {report.source}:",
        f"  new: {report.posts_added} posts",
        f"  there already: {report.posts_known} posts",
        f"  new users: {report.users_added} (not active until an administrator lets them in)",
    ]
    if report.bad_records:
        lines.append(f"  records that could not be read: {len(report.bad_records)}")
        lines += [f"    record {bad.place}: {bad.reason}" for bad in report.bad_records]
    return "\n".join(lines)
