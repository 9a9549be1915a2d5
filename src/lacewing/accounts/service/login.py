"""Login: limited, slow for whoever guesses, and telling nothing (AUTH-2, AUTH-16)."""

from lacewing.accounts.component import Accounts
from lacewing.accounts.errors import InvalidCredentials
from lacewing.accounts.rules import folded
from lacewing.accounts.service import devices, lockout, sessions
from lacewing.accounts.service.sessions import Entered
from lacewing.accounts.store import users as store
from lacewing.accounts.store.users import Credential
from lacewing.kernel import audit
from lacewing.kernel.audit import Outcome
from lacewing.kernel.work import Work

audit.expect("auth.login", Outcome.SUCCESS, Outcome.FAILURE)


async def find_limit_key(work: Work, name: str, device_token: str | None) -> str:
    """What tries for ``name`` are counted by.

    The same for an account's username and email; but a device that the account knows counts for
    itself, so that nobody can use up its owner's tries.
    """
    found = await store.find_credential(work.session, name)
    user_id = lockout.NOBODY if found is None else found.user_id
    device = await devices.find_known(work, user_id, device_token)
    if device is not None:
        return f"device:{device.id}"
    return folded(name) if found is None else str(user_id)


async def log_in(
    work: Work, accounts: Accounts, name: str, password: str, device_token: str | None
) -> Entered:
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
    device = await devices.find_known(work, user_id, device_token)
    is_unlocked = device is not None or current is None or not lockout.is_locked(work, current)
    if (
        found is None
        or current is None
        or not (is_right and is_unlocked and _is_open(found, current))
    ):
        await audit.record(
            work,
            "auth.login",
            outcome=Outcome.FAILURE,
            user_id=None if found is None else found.user_id,
        )
        if device is not None:
            await devices.count_failure(work, user_id, device)
        else:
            await lockout.count_failure(work, current)
        raise InvalidCredentials
    new_device_token = None
    if device is None:
        await lockout.forget_failures(work, user_id)
        new_device_token = await devices.remember(work, user_id)
    await store.update_user(work.session, user_id, last_login=work.now)
    tokens = await sessions.start_session(work, accounts.tokens, user_id)
    await audit.record(work, "auth.login", user_id=user_id)
    return Entered(tokens, new_device_token)


def _is_open(found: Credential, current: Credential) -> bool:
    """Whether the account may be entered by the password that was checked against ``found``."""
    return current.password_hash == found.password_hash and current.is_active
