"""Records of files that come from elsewhere: read as far as they can be, told on where not."""

import re
from codecs import BOM_UTF8
from datetime import UTC, datetime
from typing import Final, TypeVar

import msgspec

_ESCAPE: Final = re.compile(
    rb"\\u[dD][89abAB][0-9a-fA-F]{2}\\u[dD][c-fC-F][0-9a-fA-F]{2}"
    rb"|(?P<lone>\\u[dD][89a-fA-F][0-9a-fA-F]{2})"
    rb"|\\."
)
"""An escape of JSON: a pair of surrogates, half of one, or any other."""
_TOKEN: Final = re.compile(rb'"(?:[^"\\]|\\.)*"|[\[{]|[\]}]', re.DOTALL)
"""A text of JSON, or where an array or object begins or ends."""
_DEPTH_MAX: Final = 100
"""Arrays and objects in each other; no format that is read here has ten."""

File = TypeVar("File")


class BadRecord(msgspec.Struct, frozen=True):
    """A record that can't be imported: its place in the file (from 1), and why."""

    place: int
    reason: str


class UnreadableFile(Exception):  # noqa: N818  the file is at fault
    """The file as a whole is not in the format."""


def plain(text: str) -> str:
    """``text`` without NUL, which no database keeps; nothing else is changed."""
    return text.replace("\x00", "\N{REPLACEMENT CHARACTER}")


def read_json(data: bytes, kind: type[File]) -> File:
    """``data`` as ``kind``, whose records are ``msgspec.Raw``, to be read one by one.

    What one record has that spoils the reading of all is taken out: what is nested deeper than a
    reader goes is null.

    Raises:
        MsgspecError, UnicodeDecodeError: it is no JSON, or of another kind.
    """
    data = readable(data.removeprefix(BOM_UTF8))
    try:
        return msgspec.json.decode(data, type=kind)
    except RecursionError:
        return msgspec.json.decode(_shallow(data), type=kind)


def _shallow(data: bytes) -> bytes:
    kept: list[bytes] = []
    depth = kept_until = 0
    for token in _TOKEN.finditer(data):
        if token[0] in b"[{":
            depth += 1
            if depth == _DEPTH_MAX + 1:
                kept += [data[kept_until : token.start()], b"null"]
                kept_until = len(data)  # where it ends, if it does
        elif token[0] in b"]}":
            depth -= 1
            if depth == _DEPTH_MAX:
                kept_until = token.end()
    return b"".join([*kept, data[kept_until:]])


def readable(data: bytes) -> bytes:
    """``data`` without the halves of characters that trackers leave where they cut a text.

    JSON's grammar allows them, but they are no text, and a reader gives up at the first.
    """
    return _ESCAPE.sub(lambda found: rb"\ufffd" if found["lone"] else found[0], data)


def require_moments(*times: datetime | None) -> None:
    """Refuse a time without its zone, or beyond the calendar: nobody knows which moment it is.

    Raises:
        ValueError: in words for the report.
    """
    for time in times:
        if time is None:
            continue
        if time.tzinfo is None:
            raise ValueError(f"the time {time.isoformat()} has no zone")
        try:
            time.astimezone(UTC)
        except OverflowError as error:
            raise ValueError(f"the time {time.isoformat()} is out of range") from error
