"""What a provider publishes: its metadata and its keys, kept for a while."""

import asyncio
from typing import Any, Final
from urllib.parse import urlsplit

import msgspec
from joserfc.errors import JoseError
from joserfc.jwk import ECKey, OKPKey, RSAKey

from lacewing.accounts.oidc.fetch import Fetcher, Json
from lacewing.accounts.oidc.provider import IdentityNotProven, ProviderUnavailable

METADATA_KEPT_SECONDS: Final = 3_600.0
KEYS_REFETCHED_AFTER_SECONDS: Final = 60.0
"""An unknown key makes us ask for the key set again, but no more often than this."""

_PATH: Final = "/.well-known/openid-configuration"
_LOOPBACK: Final = frozenset({"127.0.0.1", "::1", "localhost"})
_KINDS: Final[dict[str, type[RSAKey | ECKey | OKPKey]]] = {
    "RSA": RSAKey,
    "EC": ECKey,
    "OKP": OKPKey,
}

PublicKey = RSAKey | ECKey | OKPKey


class Metadata(msgspec.Struct, frozen=True):
    """What is used of the provider's metadata (OpenID Connect Discovery 1.0, section 3)."""

    issuer: str
    authorization_endpoint: str
    token_endpoint: str
    jwks_uri: str
    userinfo_endpoint: str | None = None
    token_endpoint_auth_methods_supported: tuple[str, ...] = ("client_secret_basic",)
    authorization_response_iss_parameter_supported: bool = False


class _PublishedKey(msgspec.Struct, frozen=True):
    key: PublicKey
    id: str | None
    algorithm: str | None


class _KeySet(msgspec.Struct, frozen=True):
    keys: list[Json]


class Discovery:
    """One provider's metadata and keys, as far as they are known to this process."""

    def __init__(self, url: str, fetcher: Fetcher) -> None:
        self._url = url
        self._fetcher = fetcher
        self._asking_metadata = asyncio.Lock()
        self._asking_keys = asyncio.Lock()
        self._metadata: Metadata | None = None
        self._metadata_until = 0.0
        self._keys: list[_PublishedKey] = []
        self._keys_asked_at: float | None = None
        self._lacks_keys = False
        """Whether the last try to get them failed."""

    async def find_metadata(self) -> Metadata:
        """The metadata, asked for again after an hour.

        Raises:
            ProviderUnavailable: it can't be had, is of another issuer, or names an endpoint that
                can't be trusted.
        """
        async with self._asking_metadata:
            now = asyncio.get_running_loop().time()
            if self._metadata is None or now >= self._metadata_until:
                self._metadata = await self._fetch_metadata()
                self._metadata_until = now + METADATA_KEPT_SECONDS
                # Keys that the provider has withdrawn are good no longer than this.
                self._keys, self._keys_asked_at = [], None
            return self._metadata

    async def find_key(
        self, metadata: Metadata, key_id: str | None, algorithm: str, kind: type[PublicKey]
    ) -> PublicKey:
        """The published key of that id, or the only one that fits where none is named.

        Raises:
            IdentityNotProven: there is none.
            ProviderUnavailable: the keys can't be had.
        """
        async with self._asking_keys:
            found = self._known_key(key_id, algorithm, kind)
            if found is None and self._may_ask_for_keys():
                await self._ask_for_keys(metadata)
                found = self._known_key(key_id, algorithm, kind)
        if found is None and self._lacks_keys:
            raise ProviderUnavailable("The provider's keys could not be had. Try again later.")
        if found is None:
            raise IdentityNotProven("The ID token is signed by a key that is not published.")
        return found

    async def _fetch_metadata(self) -> Metadata:
        try:
            metadata = await self._fetcher.get(self._url, Metadata)
        except IdentityNotProven as error:
            raise ProviderUnavailable(error.detail) from error
        if metadata.issuer.rstrip("/") + _PATH != self._url:
            raise ProviderUnavailable("The provider's metadata is of another issuer.")
        endpoints = (
            metadata.authorization_endpoint,
            metadata.token_endpoint,
            metadata.jwks_uri,
            metadata.userinfo_endpoint,
        )
        if not all(_is_safe(endpoint) for endpoint in endpoints if endpoint is not None):
            raise ProviderUnavailable("The provider's metadata names an endpoint without HTTPS.")
        return metadata

    def _may_ask_for_keys(self) -> bool:
        now = asyncio.get_running_loop().time()
        asked_at = self._keys_asked_at
        return asked_at is None or now - asked_at >= KEYS_REFETCHED_AFTER_SECONDS

    async def _ask_for_keys(self, metadata: Metadata) -> None:
        is_first = not self._keys
        self._keys_asked_at = asyncio.get_running_loop().time()
        self._lacks_keys = True
        answer = await self._fetcher.get(metadata.jwks_uri, _KeySet)
        self._keys, self._lacks_keys = _public_keys(answer.keys), False
        if is_first and self._keys:
            # The first time is no second one: should a new key come now, it is asked for.
            self._keys_asked_at = None

    def _known_key(
        self, key_id: str | None, algorithm: str, kind: type[PublicKey]
    ) -> PublicKey | None:
        fitting = [
            each.key
            for each in self._keys
            if isinstance(each.key, kind)
            and key_id in {None, each.id}
            and each.algorithm in {None, algorithm}
        ]
        return fitting[0] if len(fitting) == 1 else None


def _is_safe(url: str) -> bool:
    """Whether it is a plain HTTPS address, or one on this very machine (of a provider in tests)."""
    if not url.isascii() or not url.isprintable() or " " in url:
        return False
    try:
        parts = urlsplit(url)
        is_whole = bool(parts.hostname) and parts.port != 0
    except ValueError:
        return False
    is_plain = not parts.fragment and parts.username is None
    is_secret = parts.scheme == "https" or (parts.scheme == "http" and parts.hostname in _LOOPBACK)
    return is_whole and is_plain and is_secret


def _public_keys(documents: list[Json]) -> list[_PublishedKey]:
    """The keys of a set that may verify signatures; what else is in it is passed over."""
    found = []
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
            found.append(_PublishedKey(key, key_id, document.get("alg")))
    return found
