"""Login through identity providers: its start, and its end in the same browser (AUTH-12)."""

import hmac
import secrets
from typing import Final
from uuid import UUID

import msgspec

from lacewing.accounts import errors, rules
from lacewing.accounts.component import Accounts
from lacewing.accounts.oidc.provider import (
    Challenge,
    Identity,
    IdentityNotProven,
    Provider,
    ProviderUnavailable,
)
from lacewing.accounts.service import identities, sessions
from lacewing.accounts.store import identities as store, users as users_store
from lacewing.accounts.tokens import TokenPair, moment
from lacewing.kernel import audit
from lacewing.kernel.audit import Outcome
from lacewing.kernel.work import Work

_SECRET_BYTES: Final = 32
_STATE_KIND: Final = "login-state"
_HANDLE_LENGTH: Final = 12


class LoginState(msgspec.Struct, frozen=True):
    """What the browser keeps, sealed, from the start of a login to its end."""

    provider: str
    challenge: Challenge
    expires: int
    """Seconds since 1970."""
    session_id: UUID | None
    """Of whoever links an identity to the account that they are logged in to."""


class Begun(msgspec.Struct, frozen=True):
    """Where the browser goes, and what it keeps meanwhile, under a name of this very login."""

    authorization_url: str
    handle: str
    sealed_state: str


class Callback(msgspec.Struct, frozen=True):
    """What the provider sent the browser back with."""

    state: str
    code: str | None = None
    issuer: str | None = None
    error: str | None = None


def handle_of(state: str) -> str:
    """A name for one of several logins that a browser may have under way."""
    return rules.hash_of_secret(state)[:_HANDLE_LENGTH]


async def begin(
    work: Work, accounts: Accounts, provider: str, redirect_uri: str, *, links: bool = False
) -> Begun:
    """Begin a login; with ``links`` the actor links the identity to their account.

    Raises:
        ProviderNotFound: the settings name no such provider.
        ProviderUnavailable: it does not answer.
    """
    party = _find_provider(accounts, provider)
    challenge = Challenge(
        state=secrets.token_urlsafe(_SECRET_BYTES),
        nonce=secrets.token_urlsafe(_SECRET_BYTES),
        verifier=secrets.token_urlsafe(_SECRET_BYTES),
        redirect_uri=redirect_uri,
    )
    state = LoginState(
        provider=provider,
        challenge=challenge,
        expires=int((work.now + rules.LOGIN_STATE_LIFETIME).timestamp()),
        session_id=work.actor.session_id if links else None,
    )
    return Begun(
        authorization_url=await party.authorization_url(challenge),
        handle=handle_of(challenge.state),
        sealed_state=accounts.tokens.seal(_STATE_KIND, state, work.now),
    )


async def finish(
    work: Work, accounts: Accounts, provider: str, callback: Callback, sealed_state: str | None
) -> TokenPair:
    """The end of a login: a session for whoever the provider says it is.

    Raises:
        ProviderNotFound: the settings name no such provider.
        LoginStateInvalid: this browser has not begun this login, or it was used.
        ProviderLoginRefused: the provider says so.
        IdentityNotProven, ProviderUnavailable: see ``Provider``.
        EmailNotVerified, AccountExists, RegistrationClosed: there is no account to enter.
        IdentityTaken: it is linked to somebody else.
        LinkingSessionEnded: whoever began to link an identity is logged in no more.
    """
    party = _find_provider(accounts, provider)
    try:
        state = _read_state(work, accounts, provider, callback, sealed_state)
        identity = await _identify(party, callback, state)
        await _use_up(work, state)
        user_id = await identities.find_user(work, accounts, provider, identity, state.session_id)
    except (
        errors.LoginStateInvalid,
        errors.ProviderLoginRefused,
        errors.EmailNotVerified,
        errors.AccountExists,
        errors.IdentityTaken,
        errors.RegistrationClosed,
        errors.LinkingSessionEnded,
        IdentityNotProven,
        ProviderUnavailable,
    ) as refusal:
        await audit.record(
            work,
            "auth.social_login",
            outcome=Outcome.FAILURE,
            details={"provider": provider, "reason": refusal.code},
        )
        raise
    await users_store.update_user(work.session, user_id, last_login=work.now)
    await audit.record(work, "auth.social_login", user_id=user_id, details={"provider": provider})
    return await sessions.start_session(work, accounts.tokens, user_id)


def _find_provider(accounts: Accounts, name: str) -> Provider:
    found = accounts.providers.get(name)
    if found is None:
        raise errors.ProviderNotFound
    return found


def _read_state(
    work: Work, accounts: Accounts, provider: str, callback: Callback, sealed_state: str | None
) -> LoginState:
    try:
        state = accounts.tokens.unseal(_STATE_KIND, sealed_state or "", LoginState, work.now)
    except errors.InvalidToken as error:
        raise errors.LoginStateInvalid from error
    if (
        state.provider != provider
        or not hmac.compare_digest(state.challenge.state.encode(), callback.state.encode())
        or moment(state.expires) <= work.now
    ):
        raise errors.LoginStateInvalid
    return state


async def _identify(party: Provider, callback: Callback, state: LoginState) -> Identity:
    if callback.error is not None or callback.code is None:
        raise errors.ProviderLoginRefused
    return await party.identify(callback.code, callback.issuer, state.challenge)


async def _use_up(work: Work, state: LoginState) -> None:
    """One login for one state, also where a provider takes a code twice."""
    state_hash = rules.hash_of_secret(state.challenge.state)
    if not await store.use_state(work.session, state_hash, moment(state.expires)):
        raise errors.LoginStateInvalid
