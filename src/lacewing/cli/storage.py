"""``lacewing storage``: checking where files are kept, and moving them elsewhere."""

import sys

import msgspec
import typer
from rich.console import Console
from rich.progress import Progress

from lacewing.cli.context import opened_database, run
from lacewing.cli.output import EXIT_PARTLY, EXIT_SETTINGS, fail, print_result
from lacewing.documents.files import Storage
from lacewing.documents.files.opening import open_storage
from lacewing.documents.service.checking import check_storage
from lacewing.documents.service.moving import Moved, move_files
from lacewing.documents.settings import names_storage
from lacewing.settings import LogLevel, Settings

MISSING_SHOWN = 20

app = typer.Typer(help="Where the files of documents are kept.", no_args_is_help=True)
_JSON = typer.Option(False, "--json", help="For scripts.")
_URL = "file:///path or s3://bucket/prefix"


class Checked(msgspec.Struct):
    storage: str
    can: list[str]


@app.command()
def check(
    *,
    url: str | None = typer.Option(None, help=f"{_URL}; the one of the settings when left out."),
    as_json: bool = _JSON,
) -> None:
    """Prove that the storage can write, read, list and delete."""

    async def prove(settings: Settings) -> Checked:
        storage = _open(settings, url or settings.documents.storage_url)
        try:
            return Checked(storage.url, [step async for step in check_storage(storage)])
        finally:
            await storage.close()

    checked = run(prove, LogLevel.WARNING)
    print_result(checked, f"{checked.storage} can {', '.join(checked.can)}.", as_json=as_json)


@app.command()
def move(
    *,
    to: str = typer.Option(..., help=_URL),
    source: str | None = typer.Option(
        None, "--from", help=f"{_URL}; the one of the settings when left out."
    ),
    as_json: bool = _JSON,
) -> None:
    """Copy all files to another storage, while the server runs; run again it goes on.

    Afterwards set LACEWING_STORAGE_URL, restart, and run it once more with --from for what came in
    between.
    """

    async def copy(settings: Settings) -> Moved:
        old = _open(settings, source or settings.documents.storage_url)
        new = _open(settings, to)
        if old.url == new.url:
            fail(f"{old.url}: the files are there already.", code=EXIT_SETTINGS)
        moved = Moved()
        console = Console(stderr=True)
        async with opened_database(settings) as database:
            with Progress(console=console, disable=as_json or not console.is_terminal) as progress:
                task = progress.add_task("Copying", total=None)
                async for moved in move_files(database, old, new):
                    progress.update(task, completed=moved.copied + moved.there_already)
        await old.close()
        await new.close()
        return moved

    moved = run(copy, LogLevel.WARNING)
    print_result(moved, _told(moved), as_json=as_json)
    if moved.missing:
        sys.exit(EXIT_PARTLY)


def _open(settings: Settings, url: str | None) -> Storage:
    if url and not names_storage(url):
        fail(f"{url}: must be {_URL}.", code=EXIT_SETTINGS)
    return open_storage(url, settings.general.data_dir, settings.object_storage)


def _told(moved: Moved) -> str:
    copied = f"{moved.copied} files copied ({moved.copied_bytes} bytes)"
    lines = [f"{copied}, {moved.there_already} were there already."]
    if moved.missing:
        lines.append(f"{len(moved.missing)} are missing or damaged in the old storage:")
        lines += [f"  {key}" for key in moved.missing[:MISSING_SHOWN]]
    return "\n".join(lines)
