"""Who shows this token: for every request, and for other services that ask (AUTH-10)."""

from lacewing.accounts.component import Accounts
from lacewing.accounts.schemas import Verification
from lacewing.accounts.service import access_tokens, sessions
from lacewing.accounts.tokens import moment
from lacewing.kernel.actor import Actor
from lacewing.kernel.work import Work


async def authenticate(work: Work, accounts: Accounts, token: str) -> Actor:
    """Who the bearer is, by an access token or a personal one.

    Raises:
        InvalidToken: the token is not good, or whose it was is no longer active.
    """
    if access_tokens.is_personal_access_token(token):
        return await access_tokens.authenticate(work, accounts, token)
    return await sessions.authenticate(work, accounts, token)


async def verify(work: Work, accounts: Accounts, token: str) -> Verification:
    """Whose token it is that ``work`` was let in by, until when, and what it is for."""
    actor = work.actor
    if actor.token_id is not None:
        expires_at = (await access_tokens.get_token(work, actor.token_id)).expires_at
    else:
        expires_at = moment(accounts.tokens.read_access_token(token, work.now).exp)
    return Verification(
        active=True,
        user_id=actor.id,
        username=actor.username,
        role=actor.role,
        session_id=actor.session_id,
        scopes=None if actor.scopes is None else sorted(actor.scopes),
        project_ids=None if actor.project_ids is None else sorted(actor.project_ids),
        expires_at=expires_at,
    )
