"""Tokens: access tokens as signed JWTs (RFC 9068), refresh tokens as JWTs inside a JWE.

joserfc checks signatures and a fixed list of algorithms; type, issuer, audience and times are
checked here.
"""

import base64
import hashlib
import hmac
from collections import OrderedDict
from datetime import UTC, datetime
from typing import Final, TypeVar
from uuid import UUID

import msgspec
from joserfc import jwe, jws
from joserfc.errors import JoseError
from joserfc.jwe import JWERegistry
from joserfc.jws import JWSRegistry

from lacewing.accounts.errors import InvalidToken
from lacewing.accounts.keys import Key, Keys, Use
from lacewing.accounts.rules import ACCESS_TOKEN_LIFETIME, REFRESH_TOKEN_LIFETIME, JwtAlgorithm

ACCESS_TYPE: Final = "at+jwt"
REFRESH_TYPE: Final = "rt+jwt"
TOKEN_LENGTH_MAX: Final = 4_096
VERIFIED_KEPT: Final = 10_000
"""Verified access tokens remembered: checking a signature costs 0.1 ms, remembering nothing."""


class _Header(msgspec.Struct, frozen=True):
    """What is read of a token before anything about it is believed."""

    alg: str
    kid: str
    typ: str | None = None


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


Content = TypeVar("Content", bound=msgspec.Struct)


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
        self._jws = {each.value: JWSRegistry(algorithms=[each.value]) for each in JwtAlgorithm}
        # Without the DEF registered here, a compressed bomb is refused before it is unpacked.
        self._jwe = JWERegistry(algorithms=["dir", "A256GCM"])
        self._verified: OrderedDict[str, AccessClaims] = OrderedDict()
        self._generation = keys.generation

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
        return self._sign(ACCESS_TYPE, claims, now)

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
        signed = self._sign(REFRESH_TYPE, claims, issued_at)
        key = self._keys.encrypting(issued_at)
        header = {"alg": "dir", "enc": key.algorithm, "cty": "JWT", "kid": key.id}
        return jwe.encrypt_compact(header, signed.encode(), key.material, registry=self._jwe)

    def seal(self, kind: str, content: msgspec.Struct, now: datetime) -> str:
        """``content`` for nobody but us to read or change: a JWE of that ``typ``."""
        key = self._keys.encrypting(now)
        header = {"alg": "dir", "enc": key.algorithm, "typ": kind, "kid": key.id}
        plain = msgspec.json.encode(content)
        return jwe.encrypt_compact(header, plain, key.material, registry=self._jwe)

    def unseal(self, kind: str, sealed: str, shape: type[Content], now: datetime) -> Content:
        """What was sealed as that ``kind``.

        Raises:
            InvalidToken: it was not, or not by us.
        """
        header = _read_header(sealed)
        if header.typ != kind:
            raise InvalidToken
        try:
            return msgspec.json.decode(self._decrypt(sealed, header, now), type=shape)
        except msgspec.MsgspecError as error:
            raise InvalidToken from error

    def refresh_token_id(self, session_id: UUID, generation: int) -> str:
        """The ``jti`` of a session's token: unguessable, yet the same when asked again."""
        message = b"refresh-token:" + session_id.bytes + generation.to_bytes(8, "big")
        return hmac.new(self._keys.secret, message, hashlib.sha256).hexdigest()

    def read_access_token(self, token: str, now: datetime) -> AccessClaims:
        """The claims of a good token.

        Raises:
            InvalidToken: forged, of another kind or issuer, or expired.
        """
        self._keys.look(now)
        if self._generation != self._keys.generation:
            self._generation = self._keys.generation
            self._verified.clear()
        claims = self._verified.get(token)
        if claims is None:
            claims = self._read(token, ACCESS_TYPE, AccessClaims, now)
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
        header = _read_header(token)
        if header.typ is not None:
            raise InvalidToken
        try:
            inner = self._decrypt(token, header, now).decode("ascii")
        except UnicodeDecodeError as error:
            raise InvalidToken from error
        claims = self._read(inner, REFRESH_TYPE, RefreshClaims, now)
        if claims.exp <= now.timestamp():
            raise InvalidToken
        return claims

    def _sign(self, kind: str, claims: msgspec.Struct, now: datetime) -> str:
        key = self._keys.signing(now)
        header = {"alg": key.algorithm, "typ": kind, "kid": key.id}
        return jws.serialize_compact(
            header, msgspec.json.encode(claims), key.material, registry=self._jws[key.algorithm]
        )

    def _read(self, token: str, kind: str, shape: type[Claims], now: datetime) -> Claims:
        header = _read_header(token)
        key = self._find_key(Use.SIGNATURE, header, now)
        if header.typ != kind or header.alg != key.algorithm:
            raise InvalidToken
        try:
            signed = jws.deserialize_compact(token, key.material, registry=self._jws[key.algorithm])
            claims = msgspec.json.decode(signed.payload, type=shape)
        except (JoseError, msgspec.MsgspecError, ValueError, KeyError, TypeError) as error:
            raise InvalidToken from error
        if claims.iss != self._issuer or claims.aud != self._issuer:
            raise InvalidToken
        return claims

    def _decrypt(self, token: str, header: _Header, now: datetime) -> bytes:
        key = self._find_key(Use.ENCRYPTION, header, now)
        try:
            return jwe.decrypt_compact(token, key.material, registry=self._jwe).plaintext or b""
        except (JoseError, ValueError, KeyError, TypeError) as error:
            raise InvalidToken from error

    def _find_key(self, use: Use, header: _Header, now: datetime) -> Key:
        key = self._keys.find(use, header.kid, now)
        if key is None:
            raise InvalidToken
        return key


def _read_header(token: str) -> _Header:
    """The first part of a compact JWS or JWE: it names the key, which decides the algorithm."""
    if len(token) > TOKEN_LENGTH_MAX or not token.isascii():
        raise InvalidToken
    encoded = token.partition(".")[0]
    try:
        raw = base64.urlsafe_b64decode(encoded + "=" * (-len(encoded) % 4))
        return msgspec.json.decode(raw, type=_Header)
    except (ValueError, msgspec.MsgspecError, RecursionError) as error:
        raise InvalidToken from error


def moment(seconds: int) -> datetime:
    return datetime.fromtimestamp(seconds, UTC)
