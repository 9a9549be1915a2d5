"""Files sealed by a passphrase, in the format of age, so that `age --decrypt` opens them too.

The age file format, version 1 (C2SP, age-encryption.org/v1): a random file key, wrapped by a key
that scrypt makes of the passphrase; a MAC over the header; then chunks of 64 KiB, each by
ChaCha20-Poly1305 with its number and whether it is the last one in its nonce (STREAM, Hoang et al.,
2015). So no chunk can be changed, moved, left out or cut off unseen, and one is held at a time.
"""

import base64
import hmac
import secrets
from typing import BinaryIO, Final

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import ChaCha20Poly1305
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from cryptography.hazmat.primitives.kdf.scrypt import Scrypt

from lacewing.kernel.backup.errors import NotABackup, WrongPassphrase

MAGIC: Final = b"age-encryption.org/v1\n"
CHUNK_BYTES: Final = 64 * 1024
WORK_FACTOR: Final = 17
"""2^17 rounds of scrypt, 128 MiB: what OWASP asks for, and a small machine has."""
WORK_FACTOR_MAX: Final = 20
"""More would let whoever wrote the file take a gigabyte from whoever opens it."""
_TAG_BYTES: Final = 16
_SEALED_BYTES: Final = CHUNK_BYTES + _TAG_BYTES
_FILE_KEY_BYTES: Final = 16
_SALT_BYTES: Final = 16
_NONCE_BYTES: Final = 16
_LINE_BYTES_MAX: Final = 256
_LABEL: Final = b"age-encryption.org/v1/scrypt"
_NO_NONCE: Final = bytes(12)
"""Of a key that wraps one thing only."""


class SealingWriter:
    """Writes what it is given sealed to ``output``; ``close`` ends it, and not ``output``."""

    def __init__(self, output: BinaryIO, passphrase: str) -> None:
        self._output = output
        file_key = secrets.token_bytes(_FILE_KEY_BYTES)
        nonce = secrets.token_bytes(_NONCE_BYTES)
        output.write(_header(file_key, passphrase) + nonce)
        self._cipher = _payload_cipher(file_key, nonce)
        self._number = 0
        self._waiting = bytearray()

    def write(self, content: bytes) -> int:
        self._waiting += content
        # One chunk stays back: only when more follows is it known not to be the last.
        while len(self._waiting) > CHUNK_BYTES:
            self._seal(bytes(self._waiting[:CHUNK_BYTES]), is_last=False)
            del self._waiting[:CHUNK_BYTES]
        return len(content)

    def close(self) -> None:
        self._seal(bytes(self._waiting), is_last=True)

    def _seal(self, chunk: bytes, *, is_last: bool) -> None:
        nonce = _nonce(self._number, is_last=is_last)
        self._output.write(self._cipher.encrypt(nonce, chunk, None))
        self._number += 1


class OpeningReader:
    """Reads what a ``SealingWriter`` or ``age --passphrase`` has written.

    Raises:
        WrongPassphrase: this one does not open it.
        NotABackup: while it is read, at the first chunk that is not as it was sealed.
    """

    def __init__(self, source: BinaryIO, passphrase: str) -> None:
        self._source = source
        file_key = _open_header(source, passphrase)
        self._cipher = _payload_cipher(file_key, _exactly(source, _NONCE_BYTES))
        self._number = 0
        self._open = bytearray()
        self._next = source.read(_SEALED_BYTES)

    def read(self, size: int) -> bytes:
        """The next ``size`` bytes; fewer at the end."""
        while len(self._open) < size and self._next:
            self._open_chunk()
        content = bytes(self._open[:size])
        del self._open[:size]
        return content

    def _open_chunk(self) -> None:
        sealed, self._next = self._next, self._source.read(_SEALED_BYTES)
        nonce = _nonce(self._number, is_last=not self._next)
        try:
            chunk = self._cipher.decrypt(nonce, sealed, None)
        except InvalidTag as error:
            raise NotABackup("The file is cut off, or was changed after it was sealed.") from error
        self._open += chunk
        self._number += 1


def _header(file_key: bytes, passphrase: str) -> bytes:
    salt = secrets.token_bytes(_SALT_BYTES)
    wrapped = _wrapper(passphrase, salt, WORK_FACTOR).encrypt(_NO_NONCE, file_key, None)
    stanza = b"-> scrypt %s %d\n%s\n" % (_encode(salt), WORK_FACTOR, _encode(wrapped))
    signed = MAGIC + stanza + b"---"
    return signed + b" " + _encode(_mac(file_key, signed)) + b"\n"


def _open_header(source: BinaryIO, passphrase: str) -> bytes:
    """The file key, once the MAC over the header is what that key makes of it."""
    lines = [source.readline(_LINE_BYTES_MAX) for _ in range(4)]
    magic, stanza, body, end = lines
    words = stanza.split()
    is_ours = magic == MAGIC and words[:2] == [b"->", b"scrypt"] and len(words) == 4  # noqa: PLR2004  the format's
    if not is_ours or not end.startswith(b"--- ") or not words[3].isdigit():
        raise NotABackup("It is sealed, but not by a passphrase alone.")
    work_factor = int(words[3])
    if not 0 < work_factor <= WORK_FACTOR_MAX:
        raise NotABackup(f"Opening it would take 2^{work_factor} rounds of scrypt.")
    try:
        wrapper = _wrapper(passphrase, _decode(words[2]), work_factor)
        file_key = wrapper.decrypt(_NO_NONCE, _decode(body.strip()), None)
    except InvalidTag as error:
        raise WrongPassphrase from error
    expected = _mac(file_key, magic + stanza + body + b"---")
    if not hmac.compare_digest(expected, _decode(end[4:].strip())):
        raise NotABackup("Its header was changed after it was sealed.")
    return file_key


def _wrapper(passphrase: str, salt: bytes, work_factor: int) -> ChaCha20Poly1305:
    derive = Scrypt(salt=_LABEL + salt, length=32, n=2**work_factor, r=8, p=1)
    return ChaCha20Poly1305(derive.derive(passphrase.encode()))


def _mac(file_key: bytes, header: bytes) -> bytes:
    return hmac.digest(_derived(file_key, b"", b"header"), header, "sha256")


def _payload_cipher(file_key: bytes, nonce: bytes) -> ChaCha20Poly1305:
    return ChaCha20Poly1305(_derived(file_key, nonce, b"payload"))


def _derived(file_key: bytes, salt: bytes, info: bytes) -> bytes:
    return HKDF(algorithm=SHA256(), length=32, salt=salt, info=info).derive(file_key)


def _nonce(number: int, *, is_last: bool) -> bytes:
    return number.to_bytes(11, "big") + bytes([is_last])


def _encode(content: bytes) -> bytes:
    return base64.b64encode(content).rstrip(b"=")


def _decode(text: bytes) -> bytes:
    try:
        return base64.b64decode(text + b"=" * (-len(text) % 4), validate=True)
    except ValueError as error:
        raise NotABackup("Its header can't be read.") from error


def _exactly(source: BinaryIO, size: int) -> bytes:
    content = source.read(size)
    if len(content) != size:
        raise NotABackup("The file is cut off.")
    return content
