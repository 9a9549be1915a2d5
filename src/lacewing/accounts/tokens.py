"""Tokens: access tokens as signed JWTs (RFC 9068), refresh tokens as JWTs inside a JWE.

joserfc checks signatures and a fixed list of algorithms; type, issuer, audience and times are
checked here.
"""

import hashlib
import hmac
from collections import OrderedDict
from datetime import UTC, datetime
from typing import Any, Final, TypeVar
from uuid import UUID

import msgspec
from joserfc import jwe, jws
from joserfc.errors import JoseError
from joserfc.jwe import JWERegistry
from joserfc.jws import JWSRegistry

from lacewing.accounts.errors import InvalidToken
from lacewing.accounts.keys import Keys
from lacewing.accounts.rules import ACCESS_TOKEN_LIFETIME, REFRESH_TOKEN_LIFETIME

ACCESS_TYPE: Final = "at+jwt"
REFRESH_TYPE: Final = "rt+jwt"
TOKEN_LENGTH_MAX: Final = 4_096
VERIFIED_KEPT: Final = 10_000
"""Verified access tokens remembered: checking a signature costs 0.1 ms, remembering nothing."""


class AccessClaims(msgspec.Struct, frozen=True):
    """The claims of an access token (RFC 9068, section 2.2); times in seconds since 1970."""

    iss: str
    aud: str
    sub: UUID
    sid: UUID
    iat: int
    exp: int
    jti: str


class RefreshClaims(msgspec.Struct, frozen=True):
    iss: str
    aud: str
    sub: UUID
    sid: UUID
    gen: int
    iat: int
    exp: int
    jti: str


Claims = TypeVar("Claims", AccessClaims, RefreshClaims)


class TokenPair(msgspec.Struct, frozen=True):
    """What a login answers (RFC 6749, section 5.1)."""

    access_token: str
    refresh_token: str
    token_type: str
    expires_in: int
    """Seconds until the access token ends."""


class Tokens:
    """Makes and reads tokens."""

    def __init__(self, keys: Keys, issuer: str) -> None:
        self._keys = keys
        self._issuer = issuer
        self._key_id = keys.signing.thumbprint()
        self._jws = JWSRegistry(algorithms=[keys.algorithm.value])
        # Without the DEF registered here, a compressed bomb is refused before it is unpacked.
        self._jwe = JWERegistry(algorithms=["dir", "A256GCM"])
        self._verified: OrderedDict[str, AccessClaims] = OrderedDict()

    def make_access_token(
        self, user_id: UUID, session_id: UUID, token_id: str, now: datetime
    ) -> str:
        issued = int(now.timestamp())
        claims = AccessClaims(
            iss=self._issuer,
            aud=self._issuer,
            sub=user_id,
            sid=session_id,
            iat=issued,
            exp=issued + int(ACCESS_TOKEN_LIFETIME.total_seconds()),
            jti=token_id,
        )
        return self._sign(ACCESS_TYPE, claims)

    def make_refresh_token(
        self, user_id: UUID, session_id: UUID, generation: int, issued_at: datetime
    ) -> str:
        """The refresh token of this generation; made again, it has the same ``jti``."""
        issued = int(issued_at.timestamp())
        claims = RefreshClaims(
            iss=self._issuer,
            aud=self._issuer,
            sub=user_id,
            sid=session_id,
            gen=generation,
            iat=issued,
            exp=issued + int(REFRESH_TOKEN_LIFETIME.total_seconds()),
            jti=self.refresh_token_id(session_id, generation),
        )
        signed = self._sign(REFRESH_TYPE, claims)
        header = {"alg": "dir", "enc": "A256GCM", "cty": "JWT"}
        return jwe.encrypt_compact(
            header, signed.encode(), self._keys.encryption, registry=self._jwe
        )

    def refresh_token_id(self, session_id: UUID, generation: int) -> str:
        """The ``jti`` of a session's token: unguessable, yet the same when asked again."""
        message = b"refresh-token:" + session_id.bytes + generation.to_bytes(8, "big")
        return hmac.new(self._keys.secret, message, hashlib.sha256).hexdigest()

    def read_access_token(self, token: str, now: datetime) -> AccessClaims:
        """The claims of a good token.

        Raises:
            InvalidToken: forged, of another kind or issuer, or expired.
        """
        claims = self._verified.get(token)
        if claims is None:
            claims = self._read(token, ACCESS_TYPE, AccessClaims)
            if claims.exp - claims.iat > ACCESS_TOKEN_LIFETIME.total_seconds():
                raise InvalidToken
            self._verified[token] = claims
            if len(self._verified) > VERIFIED_KEPT:
                self._verified.popitem(last=False)
        if claims.exp <= now.timestamp():
            self._verified.pop(token, None)
            raise InvalidToken
        return claims

    def read_refresh_token(self, token: str, now: datetime) -> RefreshClaims:
        """The claims of a good token.

        Raises:
            InvalidToken: forged, of another kind or issuer, or expired.
        """
        if len(token) > TOKEN_LENGTH_MAX or not token.isascii():
            raise InvalidToken
        try:
            opened = jwe.decrypt_compact(token, self._keys.encryption, registry=self._jwe)
            inner = (opened.plaintext or b"").decode("ascii")
        except (JoseError, ValueError, KeyError, TypeError) as error:
            raise InvalidToken from error
        claims = self._read(inner, REFRESH_TYPE, RefreshClaims)
        if claims.exp <= now.timestamp():
            raise InvalidToken
        return claims

    def _sign(self, kind: str, claims: msgspec.Struct) -> str:
        header = {"alg": self._keys.algorithm.value, "typ": kind, "kid": self._key_id}
        return jws.serialize_compact(
            header, msgspec.json.encode(claims), self._keys.signing, registry=self._jws
        )

    def _read(self, token: str, kind: str, shape: type[Claims]) -> Claims:
        if len(token) > TOKEN_LENGTH_MAX or not token.isascii():
            raise InvalidToken
        try:
            signed = jws.deserialize_compact(token, self._keys.signing, registry=self._jws)
            header: dict[str, Any] = signed.headers()
            claims = msgspec.json.decode(signed.payload, type=shape)
        except (JoseError, msgspec.MsgspecError, ValueError, KeyError, TypeError) as error:
            raise InvalidToken from error
        if (
            header.get("typ") != kind
            or header.get("kid") != self._key_id
            or claims.iss != self._issuer
            or claims.aud != self._issuer
        ):
            raise InvalidToken
        return claims


def moment(seconds: int) -> datetime:
    return datetime.fromtimestamp(seconds, UTC)


def hash_token_id(token_id: str) -> str:
    """What the database keeps of a refresh token."""
    return hashlib.sha256(token_id.encode()).hexdigest()
