"""Brute force: failures are counted in the database and lock the account (AUTH-16)."""

from typing import Final
from uuid import UUID

from lacewing.accounts import rules
from lacewing.accounts.store import users as store
from lacewing.accounts.store.users import Credential
from lacewing.kernel import audit
from lacewing.kernel.audit import Outcome
from lacewing.kernel.work import Work

NOBODY: Final = UUID(int=0)
"""Stands for an unknown user, so that the same statements run for one: time must not tell."""

audit.expect("auth.account_locked", Outcome.SUCCESS)


def is_locked(work: Work, credential: Credential) -> bool:
    return credential.locked_until is not None and credential.locked_until > work.now


async def count_failure(work: Work, credential: Credential | None) -> None:
    """Count a wrong password for ``credential``, whose row is locked; a locked account's is not."""
    if credential is None:
        await store.update_user(work.session, NOBODY, recent_failures=[])
        return
    failures = rules.failures_in_window(credential.recent_failures, work.now)
    if not is_locked(work, credential):
        failures.append(work.now.timestamp())
    if len(failures) < rules.FAILURES_MAX:
        await store.update_user(work.session, credential.user_id, recent_failures=failures)
        return
    until = work.now + rules.lock_time(credential.lock_count)
    await store.update_user(
        work.session,
        credential.user_id,
        recent_failures=[],
        locked_until=until,
        lock_count=credential.lock_count + 1,
    )
    await audit.record(
        work,
        "auth.account_locked",
        f"user:{credential.user_id}",
        user_id=credential.user_id,
        details={"until": until.isoformat()},
    )


async def forget_failures(work: Work, user_id: UUID) -> None:
    """Let the user in again, as one who never failed."""
    await store.update_user(
        work.session, user_id, recent_failures=[], locked_until=None, lock_count=0
    )
