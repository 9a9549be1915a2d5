"""Entity tags made of one fingerprint a field, so that a failed ``If-Match`` can name the fields.

RFC 9110, sections 8.8.3 and 13.1.1. A fingerprint is the CRC-32 of the field's JSON: the tag
guards against editors that overwrite each other, not against somebody who forges their own edit.
"""

import base64
import binascii
from zlib import crc32

import msgspec

from lacewing.kernel.errors import PreconditionFailed

_FINGERPRINT_BYTES = 4


def entity_tag(view: msgspec.Struct) -> str:
    """The strong entity tag of ``view``, quoted as the header wants it."""
    return f'"{base64.urlsafe_b64encode(_fingerprints(view)).decode().rstrip("=")}"'


def _fingerprints(view: msgspec.Struct) -> bytes:
    encode = msgspec.json.encode
    return b"".join(
        crc32(encode(value)).to_bytes(_FINGERPRINT_BYTES, "big")
        for value in msgspec.structs.astuple(view)
        if value is not msgspec.UNSET
    )


class Precondition(msgspec.Struct, frozen=True):
    """What a client believes to change: any of ``tags``, or anything at all when there are none."""

    tags: tuple[str, ...] = ()

    def check(self, current: msgspec.Struct) -> None:
        """Go on only if ``current`` is what the client has seen.

        Raises:
            PreconditionFailed: with the current state and the names of the fields that differ.
        """
        if not self.tags or "*" in self.tags or entity_tag(current) in self.tags:
            return
        if any(not _differing_fields(tag, current) for tag in self.tags):
            return  # but for what no editor writes
        raise PreconditionFailed(
            current=msgspec.to_builtins(current),
            differing_fields=_differing_fields(self.tags[0], current),
        )


def _differing_fields(tag: str, current: msgspec.Struct) -> list[str]:
    """The fields that the tag knows otherwise, but for those that change without an editor.

    A view names these in ``UNEDITED``: they belong to its tag, for caches, and overwrite nothing.
    """
    unedited: frozenset[str] = getattr(current, "UNEDITED", frozenset())
    fields = msgspec.structs.asdict(current)
    names = [name for name, value in fields.items() if value is not msgspec.UNSET]
    text = tag.strip('"')
    try:
        seen = base64.b64decode(text + "=" * (-len(text) % 4), b"-_", validate=True)
    except (binascii.Error, ValueError):
        return names
    now = _fingerprints(current)
    if len(seen) != len(now):
        return names
    size = _FINGERPRINT_BYTES
    return [
        name
        for at, name in enumerate(names)
        if name not in unedited
        and seen[at * size : (at + 1) * size] != now[at * size : (at + 1) * size]
    ]


ANYTHING = Precondition()
"""No condition: for callers that have read nothing before."""
