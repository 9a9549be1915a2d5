"""The keys of this installation: JSON Web Keys (RFC 7517), one file each, in a folder.

A key file says from when its key signs (``nbf``). The newest that may sign does; those before it
verify until the last token that they signed has ended. So rotation logs nobody out, and needs no
restart: every process looks at the folder again. The folder may be a mounted secret; then somebody
else rotates, and nothing is written here.
"""

import os
import secrets
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from pathlib import Path
from typing import Any, Final

import msgspec
import structlog
from joserfc.errors import JoseError
from joserfc.jwk import ECKey, OctKey, RSAKey

from lacewing.accounts.rules import ACCESS_TOKEN_LIFETIME, REFRESH_TOKEN_LIFETIME, JwtAlgorithm
from lacewing.kernel.errors import Unavailable

JWKS_LIFETIME: Final = timedelta(minutes=5)
"""How long others may keep our public keys; a new key is published so long before it signs."""
SECRET_FILE: Final = "secret.key"  # ruff: ignore[hardcoded-password-string]  a name of a file
LOOK_SECONDS: Final = 5.0
"""How long a process may go on with what it knows of the folder."""
_LEEWAY: Final = timedelta(minutes=1)
_TICK: Final = timedelta(microseconds=1)

_RSA_BITS: Final = 2048
_SECRET_BYTES: Final = 32
_ENCRYPTION: Final = "A256GCM"
_KINDS: Final[dict[tuple[str, str], tuple[str, type[ECKey | RSAKey | OctKey]]]] = {
    ("sig", "ES256"): ("EC", ECKey),
    ("sig", "RS256"): ("RSA", RSAKey),
    ("enc", _ENCRYPTION): ("oct", OctKey),
}
"""What a key for this use and algorithm is made of: none may pass for another."""

_log = structlog.get_logger(__name__)


class Use(StrEnum):
    """What a key is for (RFC 7517, section 4.2)."""

    SIGNATURE = "sig"
    ENCRYPTION = "enc"


class KeysUnreadable(Unavailable):
    """A file in the folder is no key of ours; says which, never what is in it."""

    code = "keys-unreadable"
    title = "The keys of this server can't be read."


class Key(msgspec.Struct, frozen=True):
    """One key; ``signs_from`` is also from when an encryption key encrypts."""

    id: str
    use: Use
    algorithm: str
    signs_from: datetime
    material: ECKey | RSAKey | OctKey

    @property
    def lifetime(self) -> timedelta:
        """How long what it made may be good: refresh tokens are signed too, then encrypted."""
        return max(ACCESS_TOKEN_LIFETIME, REFRESH_TOKEN_LIFETIME)


class Keys:
    """The keys of a folder, as of now; look-ups notice what was added or removed.

    Signing keys of another algorithm than the settings name are not there: the list of algorithms
    that a token may have has one entry.
    """

    def __init__(self, folder: Path, algorithm: JwtAlgorithm, secret: bytes) -> None:
        self.folder: Final = folder
        self.algorithm: Final = algorithm
        self.secret: Final = secret
        self._keys: dict[str, Key] = {}
        self._files: dict[Path, Key] = {}
        """What was read; key files are written once and never changed."""
        self._state: tuple[int, list[Path]] | None = None
        self._looked_at = 0.0
        self.generation = 0
        """Grows whenever the keys change: whatever was derived from them is stale then."""

    def look(self, now: datetime) -> None:
        """Notice changes of the folder, at most every few seconds."""
        moment = now.timestamp()
        if not 0 <= moment - self._looked_at < LOOK_SECONDS:
            self._looked_at = moment
            self._notice_changes()

    def signing(self, now: datetime) -> Key:
        """The key that signs at ``now``."""
        self.look(now)
        return self._newest(Use.SIGNATURE, self.algorithm.value, now)

    def encrypting(self, now: datetime) -> Key:
        """The key that encrypts at ``now``."""
        self.look(now)
        return self._newest(Use.ENCRYPTION, _ENCRYPTION, now)

    def find(self, use: Use, key_id: str, now: datetime) -> Key | None:
        """The key with this id, if what it made can still be good."""
        self.look(now)
        key = self._keys.get(key_id)
        if key is None:
            # Another process may have rotated just now.
            self._notice_changes()
            key = self._keys.get(key_id)
        if key is None or key.use is not use or self._good_until(key) <= now:
            return None
        return key

    def all(self) -> list[Key]:
        """Every key, the newest first."""
        self.read_if_changed()
        return sorted(self._keys.values(), key=_age, reverse=True)

    def published(self, now: datetime) -> list[dict[str, Any]]:
        """The public halves as members of a JWK Set: what verifies, and what soon will."""
        self.look(now)
        return [
            {
                **key.material.as_dict(private=False),
                "kid": key.id,
                "use": key.use.value,
                "alg": key.algorithm,
            }
            for key in sorted(self._keys.values(), key=_age, reverse=True)
            if key.use is Use.SIGNATURE and self._good_until(key) > now
        ]

    def rotate(self, now: datetime, *, at_once: bool = False, revoke: bool = False) -> list[Key]:
        """Make new keys, and remove those that nothing needs any more; the new ones.

        ``at_once`` lets them sign before others can have fetched them; ``revoke`` removes all
        earlier keys, which ends every token there is.
        """
        signs_from = now if at_once or revoke else now + JWKS_LIFETIME
        old = self.all()
        # After the one that signs now, should both be of one moment.
        signs_from = max(
            signs_from,
            self.signing(now).signs_from + _TICK,
            self.encrypting(now).signs_from + _TICK,
        )
        new = [
            _make(Use.SIGNATURE, self.algorithm.value, signs_from),
            _make(Use.ENCRYPTION, _ENCRYPTION, signs_from),
        ]
        for key in new:
            _write(self.folder, key)
        self.read_if_changed()
        for key in old:
            if revoke or self._good_until(key) <= now:
                _path(self.folder, key).unlink()
        self.read_if_changed()
        return new

    def good_until(self, key: Key) -> datetime | None:
        """Until when what ``key`` made is taken; ``None`` while nothing has followed it."""
        until = self._good_until(key)
        return None if until == _FOR_EVER else until

    def make_missing(self, now: datetime) -> None:
        """Make the keys that the folder lacks, at the very first start."""
        self.read_if_changed()
        for use, algorithm in (
            (Use.SIGNATURE, self.algorithm.value),
            (Use.ENCRYPTION, _ENCRYPTION),
        ):
            if not any(self._of(use, algorithm)):
                _write(self.folder, _make(use, algorithm, now))
        self.read_if_changed()

    def _of(self, use: Use, algorithm: str) -> Iterable[Key]:
        return (key for key in self._keys.values() if key.use is use and key.algorithm == algorithm)

    def _newest(self, use: Use, algorithm: str, now: datetime) -> Key:
        candidates = sorted(self._of(use, algorithm), key=_age)
        ready = [key for key in candidates if key.signs_from <= now]
        if not candidates:
            raise KeysUnreadable(f"There is no key for {algorithm} in {self.folder}.")
        return ready[-1] if ready else candidates[0]

    def _good_until(self, key: Key) -> datetime:
        followers = [other for other in self._of(key.use, key.algorithm) if _age(other) > _age(key)]
        if not followers:
            return _FOR_EVER
        return min(followers, key=_age).signs_from + key.lifetime + _LEEWAY

    def _notice_changes(self) -> None:
        """As ``read_if_changed``; but a file that can't be read now is passed over."""
        try:
            self.read_if_changed()
        except (KeysUnreadable, OSError) as error:
            _log.error("keys_unreadable", reason=str(error))

    def read_if_changed(self) -> None:
        """Know every key of the folder, and none whose file is gone.

        Raises:
            KeysUnreadable: a file there is no key; the others are known all the same.
        """
        paths = sorted(self.folder.glob("*.json"))
        state = (self.folder.stat().st_mtime_ns, paths)
        if state == self._state:
            return
        known = {path: self._files[path] for path in paths if path in self._files}
        fault: KeysUnreadable | None = None
        for path in paths:
            try:
                known[path] = known.get(path) or _read(path)
            except KeysUnreadable as error:
                fault = error
        ours = {self.algorithm.value, _ENCRYPTION}
        self._keys = {key.id: key for key in known.values() if key.algorithm in ours}
        self._files, self._state = known, state
        self.generation += 1
        if fault is not None:
            raise fault


_FOR_EVER: Final = datetime.max.replace(tzinfo=UTC)


def load_keys(
    folder: Path, algorithm: JwtAlgorithm, now: datetime, secret: bytes | None = None
) -> Keys:
    """The keys in ``folder``; those that are missing are made, readable by the owner alone.

    Raises:
        KeysUnreadable: a file there is no key.
    """
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    keys = Keys(folder, algorithm, secret or _load_secret(folder / SECRET_FILE))
    keys.make_missing(now)
    return keys


def _age(key: Key) -> tuple[datetime, str]:
    return key.signs_from, key.id


def _path(folder: Path, key: Key) -> Path:
    return folder / f"{key.use}-{key.id}.json"


def _make(use: Use, algorithm: str, signs_from: datetime) -> Key:
    material: ECKey | RSAKey | OctKey
    if use is Use.ENCRYPTION:
        material = OctKey.generate_key(256)
    elif algorithm == JwtAlgorithm.ES256:
        material = ECKey.generate_key("P-256")
    else:
        material = RSAKey.generate_key(_RSA_BITS)
    return Key(secrets.token_hex(8), use, algorithm, signs_from, material)


def _write(folder: Path, key: Key) -> None:
    document = {
        **key.material.as_dict(private=True),
        "kid": key.id,
        "use": key.use.value,
        "alg": key.algorithm,
        "nbf": key.signs_from.timestamp(),
    }
    _write_once(_path(folder, key), msgspec.json.encode(document))


def _read(path: Path) -> Key:
    try:
        document = msgspec.json.decode(path.read_bytes(), type=dict[str, Any])
        kind, material = _KINDS[document["use"], document["alg"]]
        if document["kty"] != kind:
            raise KeysUnreadable(f"{path}: a key for {document['alg']} must be of kind {kind}.")
        return Key(
            id=str(document["kid"]),
            use=Use(document["use"]),
            algorithm=str(document["alg"]),
            signs_from=datetime.fromtimestamp(float(document.pop("nbf", 0)), UTC),
            material=material.import_key(document),
        )
    except (OSError, msgspec.MsgspecError, JoseError, KeyError, ValueError, TypeError) as error:
        raise KeysUnreadable(f"{path} is no JSON Web Key with kid, use and alg.") from error


def _load_secret(path: Path) -> bytes:
    if not path.exists():
        _write_once(path, secrets.token_bytes(_SECRET_BYTES))
    return path.read_bytes()


def _write_once(path: Path, content: bytes) -> None:
    """Write a file whole or not at all; of two processes at once the first one wins."""
    draft = path.with_name(f".{path.name}.{os.getpid()}.{secrets.token_hex(4)}")
    draft.touch(mode=0o600)
    draft.write_bytes(content)
    if os.geteuid() == 0:
        # Whom the folder belongs to runs the server, and must read it.
        folder = path.parent.stat()
        os.chown(draft, folder.st_uid, folder.st_gid)
    try:
        path.hardlink_to(draft)
    except FileExistsError:
        pass
    finally:
        draft.unlink()
