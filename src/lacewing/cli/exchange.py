"""``lacewing export``: everything, as JSON lines."""

import os
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

import typer

from lacewing.cli.context import migrations_of, run
from lacewing.cli.output import fail, print_result
from lacewing.kernel.db.exchange import export_lines
from lacewing.kernel.db.offline import Connection, use_connection
from lacewing.settings import LogLevel, Settings


def export(
    file: str = typer.Argument(..., help="The file to write, or - for standard output."),
    *,
    as_json: bool = typer.Option(False, "--json", help="For scripts."),
) -> None:
    """Write everything as JSON lines, password hashes too: the file is for its owner's eyes alone.

    Sessions and keys stay behind. `lacewing import lacewing FILE` takes it into an empty Lacewing.
    """

    async def write(settings: Settings) -> int:
        migrations = migrations_of(settings)
        await migrations.check_same()
        return await use_connection(
            settings.database,
            settings.general.data_dir,
            lambda connection: _write(connection, migrations.head(), file),
            changes=False,
        )

    count = run(write, LogLevel.WARNING)
    if file != "-":
        print_result({"rows": count}, f"Exported {count} rows to {file}.", as_json=as_json)


def _write(connection: Connection, schema: str, file: str) -> int:
    if file == "-":
        return _write_lines(export_lines(connection, schema), sys.stdout.buffer)
    path = Path(file)
    draft = path.with_name(f".{path.name}.{os.getpid()}")
    lines = export_lines(connection, schema)
    try:
        if path.exists() and not path.is_file():
            # A pipe or a device: put in its place, a file would be the end of it.
            with path.open("wb") as output:
                return _write_lines(lines, output)
        return _write_whole(lines, draft, path)
    except OSError as error:
        draft.unlink(missing_ok=True)
        fail(f"{file}: {error.strerror}")


def _write_whole(lines: Iterator[bytes], draft: Path, path: Path) -> int:
    """The file appears whole or not at all, readable by its owner alone."""
    descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "wb") as output:
        count = _write_lines(lines, output)
        output.flush()
        os.fsync(output.fileno())
    draft.replace(path)
    return count


def _write_lines(lines: Iterator[bytes], output: BinaryIO) -> int:
    """How many rows were written: the header is none."""
    count = -1
    for line in lines:
        output.write(line + b"\n")
        count += 1
    return count
