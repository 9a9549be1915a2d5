"""``lacewing backup`` and ``lacewing restore``: everything, in one file, and back (OPS-13)."""

import re
import signal
import sys
from collections.abc import Generator
from contextlib import contextmanager
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, Final

import msgspec
import typer
from rich.console import Console
from rich.progress import Progress
from typer.core import TyperGroup

from lacewing.cli.backing_up import Made, Tell, back_up
from lacewing.cli.context import configure, run
from lacewing.cli.output import EXIT_PARTLY, EXIT_SETTINGS, fail, print_result
from lacewing.cli.restoring import Restored, restore as restore_into
from lacewing.cli.verifying import verify as verify_archive
from lacewing.kernel.backup.archive import Archive, Manifest
from lacewing.kernel.backup.settings import PASSPHRASE_LENGTH_MIN
from lacewing.kernel.clock import utc_now
from lacewing.settings import LogLevel, Settings, load_settings

SHOWN_MAX: Final = 20
_NAME: Final = re.compile(r"lacewing-(\d{8}T\d{6}Z)\.backup")
"""Of backups that were named by their time."""
_DRAFT: Final = re.compile(rf"\.{_NAME.pattern}\.\d+")
"""What a backup that was killed has left: the name by its time, and its process."""
DRAFT_AFTER: Final = timedelta(days=1)
"""A draft that nobody has written to for so long is nobody's."""
_TIME: Final = "%Y%m%dT%H%M%SZ"


class _CreatesByDefault(TyperGroup):
    """``lacewing backup FILE`` is ``lacewing backup create FILE``."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        if args and args[0] not in {*self.commands, "--help"}:
            args = ["create", *args]
        return super().parse_args(ctx, args)


app = typer.Typer(
    help="Everything in one file: `lacewing backup FILE`.",
    cls=_CreatesByDefault,
    no_args_is_help=True,
)
_TARGET = typer.Argument(..., help="The file, or a folder for one named by the time.")
_SOURCE = typer.Argument(..., help="What `lacewing backup` has written.")
_JSON = typer.Option(False, "--json", help="For scripts.")
_PASSPHRASE = typer.Option(
    None,
    "--passphrase-file",
    help="The file in whose first line the passphrase stands; - for standard input. "
    "Without it: LACEWING_BACKUP_PASSPHRASE.",
)
_KEEP = typer.Option(None, "--keep", min=1, help="Keep so many of those named by time.")


@app.command()
def create(
    file: Path = _TARGET,
    *,
    passphrase_file: str | None = _PASSPHRASE,
    keep: int | None = _KEEP,
    as_json: bool = _JSON,
) -> None:
    """Write database, files and keys of this moment to one file, while the server runs."""
    settings = load_settings()
    passphrase = _passphrase(settings, passphrase_file)
    folder = file if file.is_dir() else None
    if keep is not None and folder is None:
        fail("--keep is for a folder: there backups are named by their time.", code=EXIT_PARTLY)
    target = file if folder is None else folder / f"lacewing-{utc_now().strftime(_TIME)}.backup"
    if target.exists():
        fail(f"{target} is there already; a backup is never written over another.")
    # An init system ends it so: as by Control-C, the draft goes, and files may be removed again.
    signal.signal(signal.SIGTERM, lambda *_: signal.raise_signal(signal.SIGINT))
    with _progress("Writing", as_json=as_json) as tell:
        made = run(lambda given: back_up(given, target, passphrase, tell), LogLevel.WARNING)
    if passphrase is None:
        typer.echo("It is not sealed, and holds keys and password hashes: keep it safe.", err=True)
    removed = []
    if folder is not None and keep is not None:
        if made.manifest.is_whole:
            removed = _prune(folder, keep)
        else:
            typer.echo("No older one is removed: each may hold what this one lacks.", err=True)
    text = "\n".join([_told_made(made), *(f"Removed {path}." for path in removed)])
    print_result(_made(made) | {"removed": removed}, text, as_json=as_json)
    _end(made.manifest)


@app.command()
def verify(file: Path, *, passphrase_file: str | None = _PASSPHRASE, as_json: bool = _JSON) -> None:
    """Read a backup to its end, and compare all with its manifest; nothing else is touched."""
    settings = load_settings()
    configure(settings, LogLevel.WARNING)
    archive = Archive(file, _passphrase(settings, passphrase_file))
    with _progress("Reading", as_json=as_json) as tell:
        manifest = verify_archive(archive, tell)
    text = f"{file} is whole: {_told(manifest)}."
    print_result({"file": str(file), "manifest": manifest}, text, as_json=as_json)
    _end(manifest)


@app.command()
def prune(folder: Path, *, keep: int = typer.Option(..., min=1), as_json: bool = _JSON) -> None:
    """Remove all but the newest of those named by their time, and drafts that were left."""
    removed = _prune(folder, keep)
    text = "\n".join(f"Removed {path}." for path in removed) or "There is none to remove."
    print_result({"removed": removed}, text, as_json=as_json)


def restore(
    file: Path = _SOURCE,
    *,
    passphrase_file: str | None = _PASSPHRASE,
    as_json: bool = _JSON,
) -> None:
    """Put a backup into an empty Lacewing, on either database; no server may run on it."""
    archive = Archive(file, _passphrase(load_settings(), passphrase_file))
    with _progress("Restoring", as_json=as_json) as tell:
        restored = run(lambda settings: restore_into(settings, archive, tell), LogLevel.WARNING)
    print_result(restored, _told_restored(restored), as_json=as_json)
    _end(restored.manifest)


def _passphrase(settings: Settings, file: str | None) -> str | None:
    """From that file, or as the settings have it; never from the command line, which all see."""
    if file == "-":
        found = sys.stdin.readline()
    elif file is not None:
        if not file:
            fail("--passphrase-file names no file; is a variable empty?", code=EXIT_SETTINGS)
        found = Path(file).read_text(encoding="utf-8").partition("\n")[0]
    elif settings.backup.backup_passphrase is not None:
        found = settings.backup.backup_passphrase.get_secret_value()
    else:
        return None
    found = found.rstrip("\r\n")
    if len(found) < PASSPHRASE_LENGTH_MIN:
        fail(
            f"The passphrase must have at least {PASSPHRASE_LENGTH_MIN} characters.",
            code=EXIT_SETTINGS,
        )
    return found


@contextmanager
def _progress(doing: str, *, as_json: bool) -> Generator[Tell]:
    console = Console(stderr=True)
    with Progress(console=console, disable=as_json or not console.is_terminal) as progress:
        task = progress.add_task(doing, total=None)

        def tell(what: str, count: int) -> None:
            progress.update(task, description=f"{doing}: {count} {what}", completed=count)

        yield tell


def _prune(folder: Path, keep: int) -> list[str]:
    found = sorted(path for path in folder.iterdir() if _made_at(path) is not None)
    before = (utc_now() - DRAFT_AFTER).timestamp()
    drafts = [path for path in folder.iterdir() if _DRAFT.fullmatch(path.name)]
    removed = [*found[:-keep], *(path for path in drafts if path.stat().st_mtime < before)]
    for path in removed:
        path.unlink()
    return [str(path) for path in removed]


def _made_at(path: Path) -> datetime | None:
    match = _NAME.fullmatch(path.name)
    return None if match is None else datetime.strptime(match[1] + "+0000", f"{_TIME}%z")


def _made(made: Made) -> dict[str, Any]:
    found: dict[str, Any] = msgspec.to_builtins(made)
    return found


def _told_made(made: Made) -> str:
    sealed = ", sealed" if made.is_sealed else ""
    return f"{made.file} ({made.size_bytes} bytes{sealed}): {_told(made.manifest)}."


def _told(manifest: Manifest) -> str:
    rows = sum(total.rows for total in manifest.tables.values())
    return (
        f"{rows} rows of {len(manifest.tables)} tables, {manifest.files} files "
        f"({manifest.files_bytes} bytes), {len(manifest.keys)} keys, "
        f"made by Lacewing {manifest.version} at {manifest.created_at}"
    )


def _told_restored(restored: Restored) -> str:
    return (
        f"Restored {_told(restored.manifest)}.\n"
        "Every row was read again and compared. Start the server; whatever was revoked since the "
        "backup was made is good again: `lacewing keys rotate --revoke` ends all tokens."
    )


def _end(manifest: Manifest) -> None:
    """Exit code 2 where files were missing or damaged when the backup was made."""
    for what, keys in (("missing", manifest.missing), ("damaged", manifest.damaged)):
        if keys:
            typer.echo(f"{len(keys)} files were {what} when it was made:", err=True)
            for key in keys[:SHOWN_MAX]:
                typer.echo(f"  {key}", err=True)
    if not manifest.is_whole:
        sys.exit(EXIT_PARTLY)
