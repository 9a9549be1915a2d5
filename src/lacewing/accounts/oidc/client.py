"""A relying party of one provider: the code flow with PKCE (RFC 7636), within a time limit."""

import asyncio
import base64
import hashlib
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from typing import Final
from urllib.parse import quote_plus, urlencode, urlsplit

import msgspec

from lacewing.accounts.oidc import id_token
from lacewing.accounts.oidc.discovery import Discovery, Metadata
from lacewing.accounts.oidc.fetch import Fetcher
from lacewing.accounts.oidc.id_token import Claims
from lacewing.accounts.oidc.provider import (
    Challenge,
    Identity,
    IdentityNotProven,
    ProviderUnavailable,
)
from lacewing.accounts.settings import ProviderSettings
from lacewing.kernel.clock import Clock

TOTAL_SECONDS: Final = 5.0
"""How long a provider may keep somebody waiting, over all that is asked of it."""
SCOPE: Final = "openid email profile"


class _TokenAnswer(msgspec.Struct, frozen=True):
    access_token: str
    token_type: str
    id_token: str


class _UserInfo(msgspec.Struct, frozen=True):
    sub: str
    email: str | None = None
    email_verified: bool | str = False
    name: str | None = None


class RelyingParty:
    """See ``Provider``; one for each provider of the settings, for the life of the process."""

    def __init__(self, settings: ProviderSettings, fetcher: Fetcher, clock: Clock) -> None:
        self._settings = settings
        self._fetcher = fetcher
        self._clock = clock
        self._discovery = Discovery(settings.discovery_url, fetcher)

    async def authorization_url(self, challenge: Challenge) -> str:
        async with _in_time():
            metadata = await self._discovery.find_metadata()
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
            metadata = await self._discovery.find_metadata()
            _check_issuer(metadata, issuer)
            tokens = await self._exchange(metadata, code, challenge)
            claims = await self._verify(metadata, tokens.id_token, challenge)
            if claims.email is not None or metadata.userinfo_endpoint is None:
                return _identity(metadata, claims)
            return await self._ask_for_email(metadata, metadata.userinfo_endpoint, tokens, claims)

    async def close(self) -> None:
        await self._fetcher.close()

    async def _exchange(self, metadata: Metadata, code: str, challenge: Challenge) -> _TokenAnswer:
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

    async def _verify(self, metadata: Metadata, token: str, challenge: Challenge) -> Claims:
        header = id_token.read_header(token)
        key = await self._discovery.find_key(metadata, header.kid, header.alg, header.kind)
        claims = id_token.verify(token, header, key)
        id_token.check(
            claims,
            issuer=metadata.issuer,
            client_id=self._settings.client_id,
            nonce=challenge.nonce,
            now=self._clock(),
        )
        return claims

    async def _ask_for_email(
        self, metadata: Metadata, endpoint: str, tokens: _TokenAnswer, claims: Claims
    ) -> Identity:
        """Many providers tell the email only here (OpenID Connect Core, section 5.3)."""
        if not tokens.access_token.isascii() or not tokens.access_token.isprintable():
            raise IdentityNotProven("The provider's access token can't be sent.")
        bearer = {"Authorization": f"Bearer {tokens.access_token}"}
        info = await self._fetcher.get(endpoint, _UserInfo, bearer)
        if info.sub != claims.sub:
            raise IdentityNotProven("The user info is of somebody else.")
        is_verified = info.email_verified is True
        return Identity(metadata.issuer, claims.sub, info.email, is_verified, info.name)


@asynccontextmanager
async def _in_time() -> AsyncGenerator[None, None]:
    try:
        async with asyncio.timeout(TOTAL_SECONDS):
            yield
    except TimeoutError:
        raise ProviderUnavailable("The provider takes too long to answer.") from None


def _check_issuer(metadata: Metadata, named: str | None) -> None:
    """The callback must be from the provider that we sent the browser to (RFC 9207)."""
    if named is None and not metadata.authorization_response_iss_parameter_supported:
        return
    if named != metadata.issuer:
        raise IdentityNotProven("The callback is from another issuer.")


def _identity(metadata: Metadata, claims: Claims) -> Identity:
    return Identity(
        metadata.issuer, claims.sub, claims.email, claims.email_verified is True, claims.name
    )


def _s256(verifier: str) -> str:
    digest = hashlib.sha256(verifier.encode()).digest()
    return base64.urlsafe_b64encode(digest).rstrip(b"=").decode()
