"""Sessions: a family of refresh tokens, of which one is live at any time (RFC 9700, 4.14)."""

from collections.abc import Sequence
from uuid import UUID

import msgspec

from lacewing.accounts import events, rules
from lacewing.accounts.component import Accounts
from lacewing.accounts.errors import (
    InvalidToken,
    RefreshRefused,
    RefreshTokenReused,
    SessionNotFound,
)
from lacewing.accounts.schemas import SessionView
from lacewing.accounts.store import sessions as store, users as users_store
from lacewing.accounts.tokens import RefreshClaims, TokenPair, Tokens
from lacewing.kernel import audit
from lacewing.kernel.actor import Actor
from lacewing.kernel.audit import Outcome
from lacewing.kernel.events import emit
from lacewing.kernel.ids import new_id
from lacewing.kernel.pagination import PageRequest, Slice
from lacewing.kernel.work import Work

FIRST_GENERATION = 1

audit.expect("auth.refresh_reuse", Outcome.DENIED)


class Entered(msgspec.Struct, frozen=True):
    """A session that was begun with a password; the token is for a device that is new."""

    tokens: TokenPair
    device_token: str | None


async def authenticate(work: Work, accounts: Accounts, access_token: str) -> Actor:
    """Who the bearer is; asks the database each time, so that ended sessions end at once.

    Raises:
        InvalidToken: the token is not good, or its session or user is no longer active.
    """
    claims = accounts.tokens.read_access_token(access_token, work.now)
    actor = await store.find_actor(work.session, claims.sid)
    if actor is None or actor.id != claims.sub:
        raise InvalidToken
    accounts.last_uses.note_session(claims.sid, work.now)
    return actor


async def check_still_live(work: Work) -> None:
    """Ask once more, with the user's row locked, whether the actor's session lives.

    Raises:
        InvalidToken: it was ended while the request was under way.
    """
    session_id = work.actor.session_id
    if session_id is None or await store.find_actor(work.session, session_id) is None:
        raise InvalidToken


async def lock_user_of_live_session(work: Work, session_id: UUID) -> UUID | None:
    """Whose session this is, with the user's row locked; ``None`` if it lives no more."""
    actor = await store.find_actor(work.session, session_id)
    if actor is None:
        return None
    await users_store.lock_credential(work.session, actor.id)
    # Asked again: it may have been ended while we waited for the lock.
    is_live = await store.find_actor(work.session, session_id) is not None
    return actor.id if is_live else None


async def start_session(work: Work, tokens: Tokens, user_id: UUID) -> TokenPair:
    """A new session of the user, and its first pair of tokens."""
    session_id = new_id()
    await store.insert_session(
        work.session,
        session_id=session_id,
        user_id=user_id,
        now=work.now,
        expires_at=work.now + rules.REFRESH_TOKEN_LIFETIME,
        ip=work.origin.ip,
        user_agent=work.origin.user_agent,
    )
    await emit(work, events.SessionStarted(user_id=user_id, session_id=session_id))
    return await _mint(work, tokens, user_id, session_id, FIRST_GENERATION)


async def refresh(work: Work, tokens: Tokens, refresh_token: str) -> TokenPair:
    """A new pair for a refresh token, which is used up by it (AUTH-4).

    Raises:
        RefreshRefused: forged, expired, or its session has ended.
        RefreshTokenReused: it was used before; the session is revoked, and that is kept.
    """
    try:
        claims = tokens.read_refresh_token(refresh_token, work.now)
    except InvalidToken:
        raise await _refused(work) from None
    state = await store.lock_session(work.session, claims.sid)
    if (
        state is None
        or state.ended_at is not None
        or state.user_id != claims.sub
        or not state.is_active
    ):
        raise await _refused(work, claims)
    token_hash = rules.hash_of_secret(claims.jti)
    if await store.consume_refresh_token(work.session, claims.sid, token_hash, work.now):
        await store.touch_session(
            work.session,
            claims.sid,
            now=work.now,
            expires_at=work.now + rules.REFRESH_TOKEN_LIFETIME,
            ip=work.origin.ip,
            user_agent=work.origin.user_agent,
        )
        await audit.record(work, "auth.refresh", f"session:{claims.sid}", user_id=claims.sub)
        return await _mint(work, tokens, claims.sub, claims.sid, claims.gen + 1)
    return await _answer_again(work, tokens, claims, token_hash)


async def _refused(work: Work, claims: RefreshClaims | None = None) -> RefreshRefused:
    """The refusal, audited: of whom, as far as the token told."""
    resource, user_id = (None, None) if claims is None else (f"session:{claims.sid}", claims.sub)
    await audit.record(work, "auth.refresh", resource, Outcome.FAILURE, user_id=user_id)
    return RefreshRefused()


async def _answer_again(
    work: Work, tokens: Tokens, claims: RefreshClaims, token_hash: str
) -> TokenPair:
    used = await store.find_refresh_token(work.session, claims.sid, token_hash)
    if used is None or used.consumed_at is None:
        raise await _refused(work, claims)
    successor = await store.find_refresh_token_of(work.session, claims.sid, used.generation + 1)
    is_recent = work.now - used.consumed_at <= rules.REUSE_TOLERANCE
    if successor is None or successor.consumed_at is not None or not is_recent:
        await _end(work, claims.sub, [claims.sid], "refresh-token-reused")
        await audit.record(
            work,
            "auth.refresh_reuse",
            f"session:{claims.sid}",
            Outcome.DENIED,
            user_id=claims.sub,
        )
        raise RefreshTokenReused
    return TokenPair(
        access_token=_access_token(work, tokens, claims.sub, claims.sid),
        refresh_token=tokens.make_refresh_token(
            claims.sub, claims.sid, successor.generation, successor.issued_at
        ),
        token_type="Bearer",  # ruff: ignore[hardcoded-password-func-arg]  the name of a type
        expires_in=int(rules.ACCESS_TOKEN_LIFETIME.total_seconds()),
    )


async def end_own_session(work: Work) -> None:
    """End the session of this very token (AUTH-5)."""
    actor = work.actor
    assert actor.session_id is not None
    await _end(work, actor.id, [actor.session_id], "logout")
    await audit.record(work, "auth.logout", f"session:{actor.session_id}")


async def list_own_sessions(work: Work, page: PageRequest) -> Slice[SessionView]:
    """One page of the actor's sessions that are good now (AUTH-9)."""
    actor = work.actor
    return await store.list_live_sessions(work.session, actor.id, actor.session_id, work.now, page)


async def end_session_of_own(work: Work, session_id: UUID) -> None:
    """End one session of the actor's, this very one too (AUTH-9).

    Raises:
        SessionNotFound: it is somebody else's, or has ended.
    """
    if session_id not in await store.lock_live_sessions(work.session, work.actor.id):
        raise SessionNotFound
    await _end(work, work.actor.id, [session_id], "ended-by-owner")
    await audit.record(work, "auth.session_end", f"session:{session_id}")


async def end_sessions(
    work: Work, user_id: UUID, reason: str, *, except_session: UUID | None = None
) -> None:
    """End all sessions of the user, but for ``except_session``."""
    live = await store.lock_live_sessions(work.session, user_id)
    await _end(work, user_id, [each for each in live if each != except_session], reason)


async def _end(work: Work, user_id: UUID, session_ids: Sequence[UUID], reason: str) -> None:
    for session_id in session_ids:
        await store.end_session(work.session, session_id, work.now, reason)
    if session_ids:
        await emit(
            work,
            events.SessionsEnded(user_id=user_id, session_ids=list(session_ids), reason=reason),
        )


async def _mint(
    work: Work, tokens: Tokens, user_id: UUID, session_id: UUID, generation: int
) -> TokenPair:
    await store.insert_refresh_token(
        work.session,
        session_id,
        generation,
        rules.hash_of_secret(tokens.refresh_token_id(session_id, generation)),
        work.now,
        work.now + rules.REFRESH_TOKEN_LIFETIME,
    )
    return TokenPair(
        access_token=_access_token(work, tokens, user_id, session_id),
        refresh_token=tokens.make_refresh_token(user_id, session_id, generation, work.now),
        token_type="Bearer",  # ruff: ignore[hardcoded-password-func-arg]  the name of a type
        expires_in=int(rules.ACCESS_TOKEN_LIFETIME.total_seconds()),
    )


def _access_token(work: Work, tokens: Tokens, user_id: UUID, session_id: UUID) -> str:
    return tokens.make_access_token(user_id, session_id, str(new_id()), work.now)
