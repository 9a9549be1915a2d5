"""Login: limited, slow for whoever guesses, and telling nothing (AUTH-2, AUTH-16)."""

from lacewing.accounts import rules
from lacewing.accounts.component import Accounts
from lacewing.accounts.errors import InvalidCredentials
from lacewing.accounts.service import sessions
from lacewing.accounts.store import users as store
from lacewing.accounts.store.users import Credential
from lacewing.accounts.tokens import TokenPair
from lacewing.kernel import audit
from lacewing.kernel.audit import Outcome
from lacewing.kernel.work import Work


async def log_in(work: Work, accounts: Accounts, name: str, password: str) -> TokenPair:
    """A new session for who knows the password; ``name`` is a username or an email.

    Raises:
        InvalidCredentials: for whatever reason; the failure is counted, and that is kept.
    """
    found = await store.find_credential(work.session, name)
    is_right = await accounts.passwords.verify(
        password, None if found is None else found.password_hash
    )
    if found is None:
        await audit.record(work, "auth.login", outcome=Outcome.FAILURE)
        raise InvalidCredentials
    current = await store.lock_credential(work.session, found.user_id)
    if (
        current is None
        or not is_right
        # Changed while the password was being checked: what was checked counts no longer.
        or current.password_hash != found.password_hash
        or not current.is_active
        or _is_locked(current, work)
    ):
        await _count_failure(work, current or found)
        raise InvalidCredentials
    await store.update_user(
        work.session,
        current.user_id,
        last_login=work.now,
        failed_logins=0,
        failing_since=None,
        locked_until=None,
        lock_count=0,
    )
    pair = await sessions.start_session(work, accounts.tokens, current.user_id)
    await audit.record(work, "auth.login", user_id=current.user_id)
    return pair


def _is_locked(credential: Credential, work: Work) -> bool:
    return credential.locked_until is not None and credential.locked_until > work.now


async def _count_failure(work: Work, credential: Credential) -> None:
    await audit.record(work, "auth.login", outcome=Outcome.FAILURE, user_id=credential.user_id)
    if _is_locked(credential, work):
        return
    since = credential.failing_since
    is_new_window = since is None or work.now - since > rules.FAILURE_WINDOW
    failures = 1 if is_new_window else credential.failed_logins + 1
    changes = {
        "failed_logins": failures,
        "failing_since": work.now if is_new_window else since,
    }
    if failures >= rules.FAILURES_MAX:
        until = work.now + rules.lock_time(credential.lock_count)
        changes |= {
            "failed_logins": 0,
            "failing_since": None,
            "locked_until": until,
            "lock_count": credential.lock_count + 1,
        }
        await audit.record(
            work,
            "auth.account_locked",
            f"user:{credential.user_id}",
            user_id=credential.user_id,
            details={"until": until.isoformat()},
        )
    await store.update_user(work.session, credential.user_id, **changes)
