"""``lacewing keys``: looking at the keys, and rotating them."""

from datetime import datetime

import msgspec
import typer

from lacewing.accounts.keys import Key, Keys
from lacewing.cli.context import configure
from lacewing.cli.output import print_result
from lacewing.kernel.clock import utc_now
from lacewing.main import open_keys
from lacewing.settings import LogLevel, load_settings

app = typer.Typer(help="Keys that sign and encrypt tokens.", no_args_is_help=True)
_JSON = typer.Option(False, "--json", help="For scripts.")


class KeyLine(msgspec.Struct, frozen=True):
    """A key as it is told of: never what it is made of."""

    id: str
    use: str
    algorithm: str
    signs_from: datetime
    good_until: datetime | None
    """Until when its tokens are taken; ``None`` while nothing has followed it."""


@app.command("list")
def list_keys(*, as_json: bool = _JSON) -> None:
    """List the keys, the newest first."""
    keys = _load()
    _print([_line(keys, key) for key in keys.all()], as_json=as_json)


@app.command()
def rotate(
    *,
    at_once: bool = typer.Option(
        False, "--at-once", help="Sign with the new key now, before others can have fetched it."
    ),
    revoke: bool = typer.Option(
        False, "--revoke", help="Remove all earlier keys: everybody is logged out."
    ),
    as_json: bool = _JSON,
) -> None:
    """Make new keys; tokens that the earlier ones made stay good until they end (AUTH-11).

    Running servers notice within seconds.
    """
    keys = _load()
    new = keys.rotate(utc_now(), at_once=at_once, revoke=revoke)
    _print([_line(keys, key) for key in new], as_json=as_json)


def _load() -> Keys:
    settings = load_settings()
    configure(settings, LogLevel.WARNING)
    return open_keys(settings, utc_now())


def _line(keys: Keys, key: Key) -> KeyLine:
    return KeyLine(key.id, key.use.value, key.algorithm, key.signs_from, keys.good_until(key))


def _print(lines: list[KeyLine], *, as_json: bool) -> None:
    text = "\n".join(map(_told, lines))
    print_result(lines, text, as_json=as_json)


def _told(line: KeyLine) -> str:
    until = "" if line.good_until is None else f", good until {line.good_until:%Y-%m-%d %H:%M:%S}Z"
    signs_from = f"{line.signs_from:%Y-%m-%d %H:%M:%S}Z"
    return f"{line.id}  {line.use}  {line.algorithm}  from {signs_from}{until}"
