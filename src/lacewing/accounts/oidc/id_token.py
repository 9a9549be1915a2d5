"""What an ID token must be (OpenID Connect Core 1.0, section 3.1.3.7).

Where the standard leaves a choice, the stricter one is taken: one audience, asymmetric algorithms
alone, times within bounds.
"""

import base64
import hmac
from datetime import datetime
from typing import Final

import msgspec
from joserfc import jws
from joserfc.errors import JoseError
from joserfc.jwk import ECKey, OKPKey, RSAKey
from joserfc.jws import JWSRegistry

from lacewing.accounts.oidc.discovery import PublicKey
from lacewing.accounts.oidc.provider import IdentityNotProven

LEEWAY_SECONDS: Final = 60
TOKEN_AGE_MAX_SECONDS: Final = 600
"""An ID token comes straight from the provider, moments after the login."""
TOKEN_LIFETIME_MAX_SECONDS: Final = 24 * 3_600
TOKEN_LENGTH_MAX: Final = 16_384
SUBJECT_LENGTH_MAX: Final = 255
"""OpenID Connect Core, section 2."""

_ALGORITHMS: Final[dict[str, type[PublicKey]]] = {
    "RS256": RSAKey,
    "RS384": RSAKey,
    "RS512": RSAKey,
    "PS256": RSAKey,
    "PS384": RSAKey,
    "PS512": RSAKey,
    "ES256": ECKey,
    "ES384": ECKey,
    "ES512": ECKey,
    "Ed25519": OKPKey,
}
"""Which one may have, and the one kind of key for each: all asymmetric."""


class Header(msgspec.Struct, frozen=True):
    alg: str
    kid: str | None = None

    @property
    def kind(self) -> type[PublicKey]:
        """What a key for this algorithm is."""
        return _ALGORITHMS[self.alg]


class Claims(msgspec.Struct, frozen=True):
    iss: str
    sub: str
    aud: str | list[str]
    exp: float
    iat: float
    nonce: str
    azp: str | None = None
    email: str | None = None
    email_verified: bool | str = False
    """Some providers write it as text; only the true one is believed."""
    name: str | None = None


def read_header(token: str) -> Header:
    """Which key has signed the token, by its own word.

    Raises:
        IdentityNotProven: it is none, or of an algorithm that is not taken.
    """
    if len(token) > TOKEN_LENGTH_MAX or not token.isascii():
        raise IdentityNotProven("The ID token is too long.")
    part = token.partition(".")[0]
    try:
        raw = base64.urlsafe_b64decode(part + "=" * (-len(part) % 4))
        header = msgspec.json.decode(raw, type=Header)
    except (ValueError, msgspec.MsgspecError, RecursionError) as error:
        raise IdentityNotProven("The ID token's header is not as it must be.") from error
    if header.alg not in _ALGORITHMS:
        raise IdentityNotProven("The ID token is signed by an algorithm that is not taken.")
    return header


def verify(token: str, header: Header, key: PublicKey) -> Claims:
    """The claims of a token that ``key`` has signed.

    Raises:
        IdentityNotProven: the signature is not good, or a claim is of another kind.
    """
    registry = JWSRegistry(algorithms=[header.alg])
    try:
        payload = jws.deserialize_compact(token, key, registry=registry).payload
    except (JoseError, ValueError, TypeError, KeyError) as error:
        raise IdentityNotProven("The ID token's signature is not good.") from error
    try:
        return msgspec.json.decode(payload, type=Claims)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
        raise IdentityNotProven("The ID token's claims are not as they must be.") from error


def check(claims: Claims, *, issuer: str, client_id: str, nonce: str, now: datetime) -> None:
    """Go on only if the token is for us, for this very login, and of now.

    Raises:
        IdentityNotProven: naming the claim that is not as it must be.
    """
    moment = now.timestamp()
    checks = {
        "issuer": claims.iss == issuer,
        "subject": 0 < len(claims.sub) <= SUBJECT_LENGTH_MAX and claims.sub.isprintable(),
        "audience": claims.aud in (client_id, [client_id]),
        "authorized party": claims.azp in {None, client_id},
        "nonce": hmac.compare_digest(claims.nonce.encode(), nonce.encode()),
        "end": moment - LEEWAY_SECONDS < claims.exp,
        "lifetime": claims.exp - claims.iat <= TOKEN_LIFETIME_MAX_SECONDS,
        "age": -LEEWAY_SECONDS <= moment - claims.iat <= TOKEN_AGE_MAX_SECONDS,
    }
    for name, is_good in checks.items():
        if not is_good:
            raise IdentityNotProven(f"The ID token's {name} is not as it must be.")
