"""Personal access tokens: for scripts, named, limited in scope and time (GitHub's own term).

A token is ``lw_`` and 43 random characters, then six of a checksum, so that secret scanners can
tell a real one without asking. It is kept as a hash alone.
"""

import secrets
import zlib
from datetime import timedelta
from typing import Final
from uuid import UUID

import msgspec

from lacewing.accounts import rules
from lacewing.accounts.component import Accounts
from lacewing.accounts.errors import InvalidToken, TokenNotFound, TooManyTokens
from lacewing.accounts.schemas import (
    NewPersonalAccessToken,
    NewPersonalAccessTokenView,
    PersonalAccessTokenView,
)
from lacewing.accounts.store import access_tokens as store, users as users_store
from lacewing.kernel import audit
from lacewing.kernel.actor import Actor, Scope
from lacewing.kernel.ids import new_id
from lacewing.kernel.pagination import PageRequest, Slice
from lacewing.kernel.preconditions import Precondition
from lacewing.kernel.work import Work

PREFIX: Final = "lw_"
_RANDOM_BYTES: Final = 32
_CHECKSUM_LENGTH: Final = 6
_LENGTH: Final = len(PREFIX) + 43 + _CHECKSUM_LENGTH
_HINT_LENGTH: Final = 4


def is_personal_access_token(token: str) -> bool:
    """Whether ``token`` is to be taken for one, good or not."""
    return token.startswith(PREFIX)


async def authenticate(work: Work, accounts: Accounts, token: str) -> Actor:
    """The owner of the token, held to what it is for.

    Raises:
        InvalidToken: there is none, it has ended or was revoked, or its owner is not active.
    """
    if not _is_whole(token):
        raise InvalidToken
    actor = await store.find_actor(work.session, rules.hash_of_secret(token), work.now)
    if actor is None or actor.token_id is None:
        raise InvalidToken
    accounts.last_uses.note_token(actor.token_id, work.now)
    return actor


async def create_token(work: Work, wanted: NewPersonalAccessToken) -> NewPersonalAccessTokenView:
    """A new token of the actor's; the answer is the only place where it ever stands.

    Raises:
        TooManyTokens: the actor has as many as one may.
    """
    user_id = work.actor.id
    await users_store.lock_account(work.session, user_id)
    if await store.count_tokens(work.session, user_id, work.now) >= rules.TOKENS_MAX:
        raise TooManyTokens
    token = _make()
    scopes = set(wanted.scopes) | ({Scope.READ} if Scope.WRITE in wanted.scopes else set())
    view = NewPersonalAccessTokenView(
        id=new_id(),
        name=wanted.name,
        hint=token[-_HINT_LENGTH:],
        scopes=sorted(scopes),
        project_ids=None if wanted.project_ids is None else sorted(set(wanted.project_ids)),
        created_at=work.now,
        expires_at=work.now + timedelta(days=wanted.expires_in_days),
        last_used_at=None,
        token=token,
    )
    row = {
        **{
            name: value
            for name, value in msgspec.structs.asdict(view).items()
            if name not in {"token", "last_used_at"}
        },
        "user_id": user_id,
        "token_hash": rules.hash_of_secret(token),
        "project_ids": None if view.project_ids is None else list(map(str, view.project_ids)),
    }
    await store.insert_token(work.session, row)
    await audit.record(
        work, "auth.token_create", f"token:{view.id}", details={"scopes": " ".join(view.scopes)}
    )
    return view


async def get_token(work: Work, token_id: UUID) -> PersonalAccessTokenView:
    """The actor's token with this id, if it is good.

    Raises:
        TokenNotFound: there is none.
    """
    found = await store.find_token(work.session, work.actor.id, token_id, work.now)
    if found is None:
        raise TokenNotFound
    return found


async def list_tokens(work: Work, page: PageRequest) -> Slice[PersonalAccessTokenView]:
    """One page of the actor's tokens that are good now, newest first."""
    return await store.list_tokens(work.session, work.actor.id, work.now, page)


async def revoke_token(work: Work, token_id: UUID, precondition: Precondition) -> None:
    """End a token of the actor's at once.

    Raises:
        TokenNotFound: there is none, or it has ended.
        PreconditionFailed: it has changed since the client read it.
    """
    precondition.check(await get_token(work, token_id))
    if not await store.revoke_token(work.session, work.actor.id, token_id, work.now):
        raise TokenNotFound
    await audit.record(work, "auth.token_revoke", f"token:{token_id}")


def _make() -> str:
    body = PREFIX + secrets.token_urlsafe(_RANDOM_BYTES)
    return body + _checksum(body)


def _is_whole(token: str) -> bool:
    """Whether nobody mistyped or made it up: only then is the database asked."""
    body = token[:-_CHECKSUM_LENGTH]
    return (
        len(token) == _LENGTH and token.isascii() and token[-_CHECKSUM_LENGTH:] == _checksum(body)
    )


def _checksum(body: str) -> str:
    return f"{zlib.crc32(body.encode()):08x}"[-_CHECKSUM_LENGTH:]
