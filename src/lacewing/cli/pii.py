"""``lacewing pii``: personal data under the keys of the settings, while the server runs."""

import sqlite3
from contextlib import closing
from pathlib import Path

import typer
from rich.console import Console
from rich.progress import Progress

from lacewing.accounts.service import personal_data
from lacewing.accounts.service.personal_data import Status, Step
from lacewing.cli.context import opened_database, run
from lacewing.cli.output import EXIT_SETTINGS, fail, print_result
from lacewing.kernel.db.database import sqlite_path
from lacewing.settings import LogLevel, Settings

VACUUM_SECONDS = 60
"""How long cleaning waits for others that use the SQLite file."""

app = typer.Typer(help="Personal data: sealing it, and changing its keys.", no_args_is_help=True)
_JSON = typer.Option(False, "--json", help="For scripts.")


@app.command()
def encrypt(*, as_json: bool = _JSON) -> None:
    """Seal what stands in the clear; run again, it goes on where it stopped (SEC-7)."""
    _bring_up_to_date("Sealed", as_json=as_json)


@app.command()
def rotate(*, as_json: bool = _JSON) -> None:
    """Write everything anew under the first keys; the others can then be removed (SEC-7)."""
    _bring_up_to_date("Wrote anew", as_json=as_json)


@app.command()
def status(*, as_json: bool = _JSON) -> None:
    """Tell how the personal data stands."""

    async def find(settings: Settings) -> Status:
        async with opened_database(settings) as database:
            return await personal_data.find_status(database)

    found = run(find, LogLevel.WARNING)
    text = (
        f"{found.users} users: {found.sealed} sealed, {found.in_the_clear} in the clear, "
        f"{found.under_earlier_keys} under earlier keys"
    )
    print_result(found, text, as_json=as_json)


def _bring_up_to_date(did: str, *, as_json: bool) -> None:
    async def bring(settings: Settings) -> Step:
        if not settings.database.cipher.is_on:
            fail("LACEWING_PII_ENCRYPTION_KEY is not set.", code=EXIT_SETTINGS)
        seen = changed = 0
        console = Console(stderr=True)
        async with opened_database(settings) as database:
            total = (await personal_data.find_status(database)).users
            with Progress(console=console, disable=as_json or not console.is_terminal) as progress:
                task = progress.add_task("Personal data", total=total)
                async for step in personal_data.bring_up_to_date(database):
                    seen, changed = seen + step.seen, changed + step.changed
                    progress.advance(task, step.seen)
        _clean(settings)
        return Step(seen, changed)

    done = run(bring, LogLevel.WARNING)
    print_result(done, f"{did} {done.changed} of {done.seen} users.", as_json=as_json)


def _clean(settings: Settings) -> None:
    """Leave nothing of earlier values in free pages and in the log of an SQLite file."""
    path = sqlite_path(settings.database, settings.general.data_dir)
    if path is None:
        typer.echo(
            "Note: PostgreSQL keeps earlier rows in its files until VACUUM FULL users.", err=True
        )
        return
    left = _vacuum(path)
    if left is not None:
        typer.echo(
            f"Note: earlier values may be left in {path} until it is vacuumed: {left}", err=True
        )


def _vacuum(path: Path) -> str | None:
    """Why something may be left of earlier values, or ``None``."""
    try:
        with closing(sqlite3.connect(path, timeout=VACUUM_SECONDS)) as connection:
            connection.execute("VACUUM")
            (is_busy, *_), *_ = connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchall()
    except sqlite3.OperationalError as error:
        return str(error)
    return "somebody else is reading" if is_busy else None
