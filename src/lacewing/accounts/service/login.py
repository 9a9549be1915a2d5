"""Login: limited, slow for whoever guesses, and telling nothing (AUTH-2, AUTH-16)."""

from lacewing.accounts.component import Accounts
from lacewing.accounts.errors import InvalidCredentials
from lacewing.accounts.rules import folded
from lacewing.accounts.service import lockout, sessions
from lacewing.accounts.store import users as store
from lacewing.accounts.store.users import Credential
from lacewing.accounts.tokens import TokenPair
from lacewing.kernel import audit
from lacewing.kernel.audit import Outcome
from lacewing.kernel.work import Work


async def find_limit_key(work: Work, name: str) -> str:
    """What tries for ``name`` are counted by: the same for an account's username and email."""
    found = await store.find_credential(work.session, name)
    return folded(name) if found is None else str(found.user_id)


async def log_in(work: Work, accounts: Accounts, name: str, password: str) -> TokenPair:
    """A new session for who knows the password; ``name`` is a username or an email.

    Raises:
        InvalidCredentials: for whatever reason; the failure is counted, and that is kept.
    """
    found = await store.find_credential(work.session, name)
    is_right = await accounts.passwords.verify(
        password, None if found is None else found.password_hash
    )
    user_id = lockout.NOBODY if found is None else found.user_id
    current = await store.lock_credential(work.session, user_id)
    if found is None or current is None or not is_right or not _is_open(work, found, current):
        await audit.record(
            work,
            "auth.login",
            outcome=Outcome.FAILURE,
            user_id=None if found is None else found.user_id,
        )
        await lockout.count_failure(work, current)
        raise InvalidCredentials
    await lockout.forget_failures(work, user_id)
    await store.update_user(work.session, user_id, last_login=work.now)
    pair = await sessions.start_session(work, accounts.tokens, user_id)
    await audit.record(work, "auth.login", user_id=user_id)
    return pair


def _is_open(work: Work, found: Credential, current: Credential) -> bool:
    """Whether the account may be entered by the password that was checked against ``found``."""
    is_unchanged = current.password_hash == found.password_hash
    return is_unchanged and current.is_active and not lockout.is_locked(work, current)
