"""Paging without SQL: what is asked for, what is answered, and the opaque cursor between."""

import base64
import binascii
import hashlib
import hmac
from collections.abc import Callable
from typing import Any, Generic, TypeVar

import msgspec

from lacewing.kernel.errors import Malformed

TOTAL_COUNTED_MAX = 10_000
"""Rows counted at the most: an exact count of a million costs more than the page itself."""
_MAC_BYTES = 12

Item = TypeVar("Item")
Other = TypeVar("Other")


class InvalidCursor(Malformed):
    code = "invalid-cursor"
    title = "The cursor is not one that this list gave, with this sort and these filters."


class PageRequest(msgspec.Struct, frozen=True):
    """Which page: after a key, or by number."""

    limit: int
    after: list[Any] | None = None
    page: int | None = None


class Slice(msgspec.Struct, Generic[Item], frozen=True):
    """Rows of one page, with the key of the last one when more follow."""

    items: list[Item]
    last_key: list[Any] | None
    total: int | None = None
    """Counted only for pages by number, and then at most ``TOTAL_COUNTED_MAX + 1``."""

    def mapped(self, change: Callable[[Item], Other]) -> "Slice[Other]":
        """The same page with each item changed."""
        return Slice([change(item) for item in self.items], self.last_key, self.total)


class Page(msgspec.Struct, Generic[Item], frozen=True):
    """A page as clients see it (API-5)."""

    data: list[Item]
    next_cursor: str | None
    has_more: bool


class NumberedPage(msgspec.Struct, Generic[Item], frozen=True):
    """A page asked for by number."""

    data: list[Item]
    next_cursor: str | None
    has_more: bool
    page: int
    limit: int
    total: int
    total_is_exact: bool


class CursorCodec:
    """Makes and reads cursors: JSON key values with a keyed hash over them and their list.

    ``binding`` is what the cursor belongs to (path, sort, filters), and is refused elsewhere.
    """

    def __init__(self, key: bytes) -> None:
        self._key = hashlib.blake2b(key, digest_size=32, person=b"lacewing-cursor").digest()

    def encode(self, key_values: list[Any], binding: bytes) -> str:
        payload = msgspec.json.encode(key_values)
        return _spelled(self._mac(payload, binding) + payload)

    def decode(self, cursor: str, binding: bytes) -> list[Any]:
        """The key values.

        Raises:
            InvalidCursor: forged, cut off, or of another list, sort or filter.
        """
        try:
            raw = base64.b64decode(
                cursor.encode("ascii") + b"=" * (-len(cursor) % 4), b"-_", validate=True
            )
        except (binascii.Error, ValueError) as error:
            raise InvalidCursor from error
        mac, payload = raw[:_MAC_BYTES], raw[_MAC_BYTES:]
        is_ours = hmac.compare_digest(mac, self._mac(payload, binding))
        if not is_ours or _spelled(raw) != cursor:
            raise InvalidCursor
        values: list[Any] = msgspec.json.decode(payload)
        return values

    def _mac(self, payload: bytes, binding: bytes) -> bytes:
        mac = hashlib.blake2b(key=self._key, digest_size=_MAC_BYTES)
        mac.update(len(binding).to_bytes(4, "big") + binding)
        mac.update(payload)
        return mac.digest()


def _spelled(raw: bytes) -> str:
    """Base64url without padding: each cursor has one spelling."""
    return base64.urlsafe_b64encode(raw).decode().rstrip("=")
