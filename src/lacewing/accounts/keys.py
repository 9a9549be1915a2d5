"""The keys of this installation, made at first start and kept in the data folder."""

import os
import secrets
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final

from joserfc.jwk import ECKey, OctKey, RSAKey

from lacewing.accounts.rules import JwtAlgorithm

_RSA_BITS: Final = 2048
_SECRET_BYTES: Final = 32

SigningKey = ECKey | RSAKey


@dataclass(frozen=True)
class Keys:
    """What signs access tokens, encrypts refresh tokens, and keys every other hash."""

    signing: SigningKey
    algorithm: JwtAlgorithm
    encryption: OctKey
    secret: bytes

    def with_secret(self, secret: bytes) -> "Keys":
        """The same keys with another secret, which several machines may share."""
        return replace(self, secret=secret)


def load_keys(folder: Path, algorithm: JwtAlgorithm) -> Keys:
    """The keys in ``folder``; those that are missing are made, readable by the owner alone."""
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    signing: SigningKey
    if algorithm is JwtAlgorithm.ES256:
        signing = ECKey.import_key(_load(folder / "access-es256.pem", _new_ec_key))
    else:
        signing = RSAKey.import_key(_load(folder / "access-rs256.pem", _new_rsa_key))
    encryption = OctKey.import_key(_load(folder / "refresh.key", _new_secret))
    return Keys(signing, algorithm, encryption, _load(folder / "secret.key", _new_secret))


def _load(path: Path, make: Callable[[], bytes]) -> bytes:
    if not path.exists():
        # Written aside and linked, so that of two processes that start at once one wins whole.
        draft = path.with_name(f".{path.name}.{os.getpid()}.{secrets.token_hex(4)}")
        draft.touch(mode=0o600)
        draft.write_bytes(make())
        try:
            path.hardlink_to(draft)
        except FileExistsError:
            pass
        finally:
            draft.unlink()
    return path.read_bytes()


def _new_ec_key() -> bytes:
    return ECKey.generate_key("P-256").as_pem(private=True)


def _new_rsa_key() -> bytes:
    return RSAKey.generate_key(_RSA_BITS).as_pem(private=True)


def _new_secret() -> bytes:
    return secrets.token_bytes(_SECRET_BYTES)
