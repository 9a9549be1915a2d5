"""Personal data at rest: AES-256-GCM in an envelope of its own, and a keyed hash to find it by.

An envelope names its key and is bound to its table, column and row, so that one moved elsewhere
does not open (SEC-7). Several keys may be given: the first seals, all open; that is rotation.
"""

import base64
import hashlib
import hmac
import secrets
from collections.abc import Sequence
from typing import Any, Final

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from sqlalchemy import Text
from sqlalchemy.types import TypeDecorator

from lacewing.kernel.errors import Unavailable

KEY_BYTES: Final = 32
_NONCE_BYTES: Final = 12
_MARK: Final = "\x1flw1:"
"""Begins an envelope. No text of a client's begins so: control characters are refused."""
_INDEX_MARK: Final = "\x1fh1:"
FIRST_CHARACTER: Final = _MARK[0]


class PersonalDataLocked(Unavailable):
    """Sealed by a key that this server has not, or tampered with."""

    code = "personal-data-locked"
    title = "Personal data can't be opened with the keys of this server."


class Sealed(TypeDecorator[str]):
    """Text that may stand sealed in its column; ``context`` is ``table.column``.

    Sessions open it by themselves; a select of it must hold the ``id`` of its row too.
    """

    impl = Text
    cache_ok = True

    def __init__(self, context: str) -> None:
        self.context = context
        super().__init__()

    @property
    def python_type(self) -> type[str]:
        return str


def decode_key(text: str) -> bytes:
    """The key that is written as URL-safe base64.

    Raises:
        ValueError: it is not 32 bytes of that.
    """
    try:
        key = base64.b64decode(text.encode(), altchars=b"-_", validate=True)
    except ValueError:
        key = b""
    if len(key) != KEY_BYTES:
        raise ValueError(f"must be URL-safe base64 of {KEY_BYTES} bytes")
    return key


class FieldCipher:
    """Seals, opens and indexes; with no keys it leaves everything as it is."""

    def __init__(self, keys: Sequence[bytes] = (), index_keys: Sequence[bytes] = ()) -> None:
        self._ciphers = {_key_id(key): AESGCM(key) for key in keys}
        self._index_keys = {_key_id(key): key for key in index_keys}
        self.is_on: Final = bool(keys)

    @property
    def key_ids(self) -> list[str]:
        """By which keys something may stand sealed; they tell nothing of the keys themselves."""
        return [*self._ciphers]

    @property
    def index_key_ids(self) -> list[str]:
        """By which keys something may be found; as above."""
        return [*self._index_keys]

    def seal(self, context: str, row: object, value: str | None) -> str | None:
        """``value`` as it may stand in that column of that row."""
        if value is None or not self.is_on:
            return value
        key_id = next(iter(self._ciphers))
        sealed = self._encrypt(key_id, context, row, value.encode())
        return f"{_MARK}{key_id}:{base64.urlsafe_b64encode(sealed).decode()}"

    def open(self, context: str, row: object, value: str | None) -> str | None:
        """What was sealed there; a value that never was is answered as it is.

        Raises:
            PersonalDataLocked: the key is not here, or it was sealed for another place.
        """
        if value is None or not value.startswith(_MARK):
            return value
        key_id, _, encoded = value.removeprefix(_MARK).partition(":")
        try:
            sealed = base64.urlsafe_b64decode(encoded)
        except ValueError as error:
            raise PersonalDataLocked from error
        return self._decrypt(key_id, context, row, sealed).decode()

    def seal_bytes(self, context: str, row: object, value: bytes) -> bytes:
        """As ``seal``, for bytes."""
        if not self.is_on:
            return value
        key_id = next(iter(self._ciphers))
        return _MARK.encode() + key_id.encode() + self._encrypt(key_id, context, row, value)

    def open_bytes(self, context: str, row: object, value: bytes | None) -> bytes | None:
        """As ``open``, for bytes."""
        mark = _MARK.encode()
        if value is None or not value.startswith(mark):
            return value
        rest = value.removeprefix(mark)
        key_id, sealed = rest[:_KEY_ID_LENGTH], rest[_KEY_ID_LENGTH:]
        return self._decrypt(key_id.decode("ascii", "replace"), context, row, sealed)

    def index(self, context: str, value: str) -> str:
        """By what ``value`` is found and kept unique: itself, or its keyed hash."""
        return self.indexes(context, value)[0]

    def indexes(self, context: str, value: str) -> list[str]:
        """All that ``value`` may stand as: by each key, and in the clear from earlier times."""
        hashed = [
            f"{_INDEX_MARK}{key_id}:"
            + hmac.new(key, f"{context}:{value}".encode(), hashlib.sha256).hexdigest()
            for key_id, key in self._index_keys.items()
        ]
        return [*hashed, value]

    def is_current(self, value: str | None) -> bool:
        """Whether ``value`` stands as it would be written now."""
        if value is None:
            return True
        if not self.is_on:
            return not is_sealed(value)
        return value.startswith(f"{_MARK}{next(iter(self._ciphers))}:")

    def is_current_bytes(self, value: bytes) -> bool:
        """As ``is_current``, for bytes."""
        mark = _MARK.encode()
        if not self.is_on:
            return not value.startswith(mark)
        return value.startswith(mark + next(iter(self._ciphers)).encode())

    def knows_index(self, value: str) -> bool:
        """Whether ``value`` is found by ``indexes``: in the clear, or by one of our keys."""
        if not value.startswith(_INDEX_MARK):
            return True
        return value.removeprefix(_INDEX_MARK).partition(":")[0] in self._index_keys

    def is_current_index(self, value: str) -> bool:
        if not self._index_keys:
            return not value.startswith(_INDEX_MARK)
        return value.startswith(f"{_INDEX_MARK}{next(iter(self._index_keys))}:")

    def _encrypt(self, key_id: str, context: str, row: object, value: bytes) -> bytes:
        nonce = secrets.token_bytes(_NONCE_BYTES)
        return nonce + self._ciphers[key_id].encrypt(nonce, value, _place(key_id, context, row))

    def _decrypt(self, key_id: str, context: str, row: object, sealed: bytes) -> bytes:
        cipher = self._ciphers.get(key_id)
        if cipher is None or len(sealed) <= _NONCE_BYTES:
            raise PersonalDataLocked
        nonce, text = sealed[:_NONCE_BYTES], sealed[_NONCE_BYTES:]
        try:
            return cipher.decrypt(nonce, text, _place(key_id, context, row))
        except InvalidTag as error:
            raise PersonalDataLocked from error


NO_KEYS: Final = FieldCipher()
"""Leaves everything as it is."""


def is_sealed(value: str | None) -> bool:
    return value is not None and value.startswith(_MARK)


_KEY_ID_LENGTH: Final = 8


def _key_id(key: bytes) -> str:
    return hashlib.sha256(b"lacewing key id:" + key).hexdigest()[:_KEY_ID_LENGTH]


def _place(key_id: str, context: str, row: Any) -> bytes:
    """What an envelope is bound to: as associated data it must be the same when it is opened."""
    return f"{key_id}:{context}:{row}".encode()
