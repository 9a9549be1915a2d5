"""What commands print, and how they end."""

import sys
from typing import Any, Final, NoReturn

import msgspec
import typer

EXIT_FAILED: Final = 1
EXIT_PARTLY: Final = 2
"""Some of it was done; what was not is listed."""
EXIT_SETTINGS: Final = 3
"""The settings are wrong: every reason is named."""
EXIT_UNAVAILABLE: Final = 4
"""A server that is needed does not answer; trying again may help."""


def print_result(result: Any, text: str, *, as_json: bool) -> None:
    """``result`` for scripts, ``text`` for people."""
    typer.echo(msgspec.json.encode(result).decode() if as_json else text)


def fail(*lines: str, code: int = EXIT_FAILED) -> NoReturn:
    """End with ``lines`` on standard error."""
    for place, line in enumerate(lines):
        typer.echo(line if place == 0 else f"  - {line}", err=True)
    sys.exit(code)
