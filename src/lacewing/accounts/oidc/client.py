"""A relying party: discovery, code flow with PKCE (RFC 7636), and the checks of an ID token.

OpenID Connect Core 1.0 (section 3.1.3.7) says what to check; where it leaves a choice, the stricter
one is taken: one audience, asymmetric algorithms alone, times within bounds.
"""

import asyncio
import base64
import hashlib
import hmac
from collections.abc import AsyncGenerator, Callable
from contextlib import asynccontextmanager
from datetime import datetime
from typing import Any, Final
from urllib.parse import quote_plus, urlencode, urlsplit

import msgspec
from joserfc import jws
from joserfc.errors import JoseError
from joserfc.jwk import ECKey, OKPKey, RSAKey
from joserfc.jws import JWSRegistry

from lacewing.accounts.oidc.fetch import Fetcher, Json
from lacewing.accounts.oidc.provider import (
    Challenge,
    Identity,
    IdentityNotProven,
    ProviderUnavailable,
)
from lacewing.accounts.settings import ProviderSettings

TOTAL_SECONDS: Final = 5.0
"""How long a provider may keep somebody waiting, over all that is asked of it."""
METADATA_KEPT_SECONDS: Final = 3_600.0
KEYS_REFETCHED_AFTER_SECONDS: Final = 60.0
"""An unknown key makes us ask for the key set again, but no more often than this."""
LEEWAY_SECONDS: Final = 60
TOKEN_AGE_MAX_SECONDS: Final = 600
"""An ID token comes straight from the provider, moments after the login."""
TOKEN_LIFETIME_MAX_SECONDS: Final = 24 * 3_600
TOKEN_LENGTH_MAX: Final = 16_384
SUBJECT_LENGTH_MAX: Final = 255
"""OpenID Connect Core, section 2."""
SCOPE: Final = "openid email profile"

_DISCOVERY_PATH: Final = "/.well-known/openid-configuration"
_ALGORITHMS: Final[dict[str, type[RSAKey | ECKey | OKPKey]]] = {
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
"""Which an ID token may have, and the one kind of key for each: all asymmetric."""
_KINDS: Final[dict[str, type[RSAKey | ECKey | OKPKey]]] = {
    "RSA": RSAKey,
    "EC": ECKey,
    "OKP": OKPKey,
}
_LOOPBACK: Final = frozenset({"127.0.0.1", "::1", "localhost"})

PublicKey = RSAKey | ECKey | OKPKey


class _Metadata(msgspec.Struct, frozen=True):
    """What is used of the provider's metadata (OpenID Connect Discovery 1.0, section 3)."""

    issuer: str
    authorization_endpoint: str
    token_endpoint: str
    jwks_uri: str
    userinfo_endpoint: str | None = None
    token_endpoint_auth_methods_supported: tuple[str, ...] = ("client_secret_basic",)
    authorization_response_iss_parameter_supported: bool = False


class _KeySet(msgspec.Struct, frozen=True):
    keys: list[Json]


class _TokenAnswer(msgspec.Struct, frozen=True):
    access_token: str
    token_type: str
    id_token: str


class _TokenHeader(msgspec.Struct, frozen=True):
    alg: str
    kid: str | None = None


class _IdClaims(msgspec.Struct, frozen=True):
    iss: str
    sub: str
    aud: str | list[str]
    exp: float
    iat: float
    nonce: str
    azp: str | None = None
    email: str | None = None
    email_verified: bool = False
    name: str | None = None


class _UserInfo(msgspec.Struct, frozen=True):
    sub: str
    email: str | None = None
    email_verified: bool = False
    name: str | None = None


class RelyingParty:
    """See ``Provider``; one for each provider of the settings, for the life of the process."""

    def __init__(
        self, settings: ProviderSettings, fetcher: Fetcher, clock: Callable[[], datetime]
    ) -> None:
        self._settings = settings
        self._fetcher = fetcher
        self._clock = clock
        self._asking = asyncio.Lock()
        self._metadata: _Metadata | None = None
        self._metadata_until = 0.0
        self._keys: dict[str | None, list[tuple[Json, PublicKey]]] = {}
        self._keys_asked_at: float | None = None

    async def authorization_url(self, challenge: Challenge) -> str:
        async with _in_time():
            metadata = await self._find_metadata()
        query = urlencode(
            {
                "response_type": "code",
                "client_id": self._settings.client_id,
                "redirect_uri": challenge.redirect_uri,
                "scope": SCOPE,
                "state": challenge.state,
                "nonce": challenge.nonce,
                "code_challenge": _s256(challenge.verifier),
                "code_challenge_method": "S256",
            }
        )
        joint = "&" if urlsplit(metadata.authorization_endpoint).query else "?"
        return f"{metadata.authorization_endpoint}{joint}{query}"

    async def identify(self, code: str, issuer: str | None, challenge: Challenge) -> Identity:
        async with _in_time():
            metadata = await self._find_metadata()
            is_named = issuer is not None
            if issuer != metadata.issuer and (
                is_named or metadata.authorization_response_iss_parameter_supported
            ):
                raise IdentityNotProven("The callback is from another issuer.")
            tokens = await self._exchange(metadata, code, challenge)
            claims = await self._verify(metadata, tokens.id_token, challenge)
            if claims.email is not None or metadata.userinfo_endpoint is None:
                return _identity(metadata, claims)
            return await self._complete(metadata, tokens, claims)

    async def close(self) -> None:
        await self._fetcher.close()

    async def _find_metadata(self) -> _Metadata:
        async with self._asking:
            now = asyncio.get_running_loop().time()
            if self._metadata is None or now >= self._metadata_until:
                self._metadata = await self._fetch_metadata()
                self._metadata_until = now + METADATA_KEPT_SECONDS
            return self._metadata

    async def _fetch_metadata(self) -> _Metadata:
        url = self._settings.discovery_url
        try:
            metadata = await self._fetcher.get(url, _Metadata)
        except IdentityNotProven as error:
            raise ProviderUnavailable(error.detail) from error
        if metadata.issuer.rstrip("/") + _DISCOVERY_PATH != url:
            raise IdentityNotProven("The metadata is of another issuer.")
        for endpoint in (
            metadata.authorization_endpoint,
            metadata.token_endpoint,
            metadata.jwks_uri,
            metadata.userinfo_endpoint,
        ):
            if endpoint is not None and not is_safe_url(endpoint):
                raise IdentityNotProven("The metadata names an endpoint without HTTPS.")
        return metadata

    async def _exchange(self, metadata: _Metadata, code: str, challenge: Challenge) -> _TokenAnswer:
        secret = self._settings.client_secret.get_secret_value()
        form = {
            "grant_type": "authorization_code",
            "code": code,
            "redirect_uri": challenge.redirect_uri,
            "code_verifier": challenge.verifier,
        }
        basic = None
        if "client_secret_basic" in metadata.token_endpoint_auth_methods_supported:
            # Encoded as RFC 6749, section 2.3.1 has it.
            basic = (quote_plus(self._settings.client_id), quote_plus(secret))
        else:
            form |= {"client_id": self._settings.client_id, "client_secret": secret}
        answer = await self._fetcher.post(metadata.token_endpoint, form, _TokenAnswer, basic)
        if answer.token_type.lower() != "bearer":
            raise IdentityNotProven("The provider answers tokens of another type.")
        return answer

    async def _verify(self, metadata: _Metadata, id_token: str, challenge: Challenge) -> _IdClaims:
        if len(id_token) > TOKEN_LENGTH_MAX or not id_token.isascii():
            raise IdentityNotProven("The ID token is too long.")
        header = _decoded(id_token.partition(".")[0], _TokenHeader)
        kind = _ALGORITHMS.get(header.alg)
        if kind is None:
            raise IdentityNotProven("The ID token is signed by an algorithm that is not taken.")
        key = await self._find_key(metadata, header, kind)
        registry = JWSRegistry(algorithms=[header.alg])
        try:
            payload = jws.deserialize_compact(id_token, key, registry=registry).payload
        except (JoseError, ValueError, TypeError, KeyError) as error:
            raise IdentityNotProven("The ID token's signature is not good.") from error
        try:
            claims = msgspec.json.decode(payload, type=_IdClaims)
        except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
            raise IdentityNotProven("The ID token's claims are not as they must be.") from error
        self._check(metadata, claims, challenge)
        return claims

    def _check(self, metadata: _Metadata, claims: _IdClaims, challenge: Challenge) -> None:
        now = self._clock().timestamp()
        client_id = self._settings.client_id
        checks = {
            "issuer": claims.iss == metadata.issuer,
            "subject": 0 < len(claims.sub) <= SUBJECT_LENGTH_MAX,
            "audience": claims.aud in (client_id, [client_id]),
            "authorized party": claims.azp in {None, client_id},
            "nonce": hmac.compare_digest(claims.nonce.encode(), challenge.nonce.encode()),
            "end": now - LEEWAY_SECONDS < claims.exp,
            "lifetime": claims.exp - claims.iat <= TOKEN_LIFETIME_MAX_SECONDS,
            "age": -LEEWAY_SECONDS <= now - claims.iat <= TOKEN_AGE_MAX_SECONDS,
        }
        for name, is_good in checks.items():
            if not is_good:
                raise IdentityNotProven(f"The ID token's {name} is not as it must be.")

    async def _find_key(
        self, metadata: _Metadata, header: _TokenHeader, kind: type[PublicKey]
    ) -> PublicKey:
        async with self._asking:
            found = self._known_key(header, kind)
            if found is None and self._may_ask_for_keys():
                self._keys_asked_at = asyncio.get_running_loop().time()
                answer = await self._fetcher.get(metadata.jwks_uri, _KeySet)
                self._keys = _public_keys(answer.keys)
                found = self._known_key(header, kind)
        if found is None:
            raise IdentityNotProven("The ID token is signed by a key that is not published.")
        return found

    def _may_ask_for_keys(self) -> bool:
        now = asyncio.get_running_loop().time()
        asked_at = self._keys_asked_at
        return asked_at is None or now - asked_at >= KEYS_REFETCHED_AFTER_SECONDS

    def _known_key(self, header: _TokenHeader, kind: type[PublicKey]) -> PublicKey | None:
        """The key that the header names; one without a name only if there is no choice."""
        if header.kid is None:
            candidates = [each for keys in self._keys.values() for each in keys]
        else:
            candidates = self._keys.get(header.kid, [])
        fitting = [
            key
            for document, key in candidates
            if isinstance(key, kind) and document.get("alg", header.alg) == header.alg
        ]
        return fitting[0] if len(fitting) == 1 else None

    async def _complete(
        self, metadata: _Metadata, tokens: _TokenAnswer, claims: _IdClaims
    ) -> Identity:
        assert metadata.userinfo_endpoint is not None
        bearer = {"Authorization": f"Bearer {tokens.access_token}"}
        try:
            info = await self._fetcher.get(metadata.userinfo_endpoint, _UserInfo, bearer)
        except ValueError as error:
            raise IdentityNotProven("The access token can't be sent.") from error
        if info.sub != claims.sub:
            raise IdentityNotProven("The user info is of somebody else.")
        return Identity(metadata.issuer, claims.sub, info.email, info.email_verified, info.name)


@asynccontextmanager
async def _in_time() -> AsyncGenerator[None, None]:
    try:
        async with asyncio.timeout(TOTAL_SECONDS):
            yield
    except TimeoutError:
        raise ProviderUnavailable("The provider takes too long to answer.") from None


def is_safe_url(url: str) -> bool:
    """Whether it is HTTPS, or on this very machine, where a test provider may be."""
    try:
        parts = urlsplit(url)
        host = parts.hostname
    except ValueError:
        return False
    return bool(host) and (
        parts.scheme == "https" or (parts.scheme == "http" and host in _LOOPBACK)
    )


def _identity(metadata: _Metadata, claims: _IdClaims) -> Identity:
    return Identity(metadata.issuer, claims.sub, claims.email, claims.email_verified, claims.name)


def _public_keys(documents: list[Json]) -> dict[str | None, list[tuple[Json, PublicKey]]]:
    """The keys of a set that may verify signatures, by id; what else is in it is passed over."""
    found: dict[str | None, list[tuple[Json, PublicKey]]] = {}
    for document in documents:
        kind = _KINDS.get(str(document.get("kty")))
        if kind is None or document.get("use", "sig") != "sig" or "d" in document:
            continue
        key_id: Any = document.get("kid")
        try:
            key = kind.import_key(document)
        except (JoseError, ValueError, TypeError, KeyError):
            continue
        if key_id is None or isinstance(key_id, str):
            found.setdefault(key_id, []).append((document, key))
    return found


def _decoded(part: str, shape: type[_TokenHeader]) -> _TokenHeader:
    try:
        raw = base64.urlsafe_b64decode(part + "=" * (-len(part) % 4))
        return msgspec.json.decode(raw, type=shape)
    except (ValueError, msgspec.MsgspecError, RecursionError) as error:
        raise IdentityNotProven("The ID token's header is not as it must be.") from error


def _s256(verifier: str) -> str:
    digest = hashlib.sha256(verifier.encode()).digest()
    return base64.urlsafe_b64encode(digest).rstrip(b"=").decode()
