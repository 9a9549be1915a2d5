"""What the use cases need of an identity provider; how it is asked stays with ``client``."""

from typing import ClassVar, Protocol

import msgspec

from lacewing.kernel.errors import Unauthenticated, Unavailable


class IdentityNotProven(Unauthenticated):
    """Something in the provider's answers is not as it must be; the log says what."""

    code = "identity-not-proven"
    title = "The provider has not proven who you are. Start the login again."
    keeps_changes: ClassVar[bool] = True


class ProviderUnavailable(Unavailable):
    code = "provider-unavailable"
    title = "The identity provider does not answer as it should. Try again later."
    keeps_changes: ClassVar[bool] = True


class Identity(msgspec.Struct, frozen=True):
    """Who somebody is elsewhere: ``issuer`` and ``subject`` for ever, the rest as of now."""

    issuer: str
    subject: str
    email: str | None
    is_email_verified: bool
    name: str | None


class Challenge(msgspec.Struct, frozen=True):
    """The secrets of one login, made by us: they tie its start to its end."""

    state: str
    nonce: str
    verifier: str
    redirect_uri: str


class Provider(Protocol):
    """One identity provider."""

    async def authorization_url(self, challenge: Challenge) -> str:
        """Where the browser goes to log in.

        Raises:
            ProviderUnavailable: its metadata can't be had.
        """

    async def identify(self, code: str, issuer: str | None, challenge: Challenge) -> Identity:
        """Who has logged in there; ``issuer`` is what the callback named (RFC 9207), if it did.

        Raises:
            IdentityNotProven: a signature, claim or secret is not as it must be.
            ProviderUnavailable: it does not answer, or not in time.
        """

    async def close(self) -> None:
        """Let its connections go."""
