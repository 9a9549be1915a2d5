"""Registration, profiles, and what administrators do to users."""

import secrets
from typing import Any
from uuid import UUID

from lacewing.accounts import events
from lacewing.accounts.component import Accounts
from lacewing.accounts.errors import (
    EmailTaken,
    LastAdmin,
    RegistrationClosed,
    UsernameTaken,
    UserNotFound,
    WrongCurrentPassword,
)
from lacewing.accounts.permissions import keeps_administering
from lacewing.accounts.rules import username_from_email
from lacewing.accounts.schemas import AccountView, NewUser, UserQuery
from lacewing.accounts.service import devices, lockout, sessions
from lacewing.accounts.service.sessions import Entered
from lacewing.accounts.store import access_tokens, users as store
from lacewing.accounts.store.users import UserFilter
from lacewing.kernel import audit
from lacewing.kernel.actor import Role
from lacewing.kernel.audit import Outcome
from lacewing.kernel.db import UniqueViolation
from lacewing.kernel.errors import Forbidden
from lacewing.kernel.events import emit
from lacewing.kernel.ids import new_id
from lacewing.kernel.pagination import PageRequest, Slice
from lacewing.kernel.preconditions import Precondition
from lacewing.kernel.work import Work

USERNAME_TRIES = 20
"""Numbers tried behind a username made from an email, before it gets a random end."""


async def register(work: Work, accounts: Accounts, wanted: NewUser) -> AccountView:
    """A new developer (AUTH-1).

    Raises:
        RegistrationClosed: the settings say so.
        UsernameTaken, EmailTaken: somebody else has it, in whatever case.
    """
    if not accounts.settings.open_registration:
        await audit.record(work, "auth.register", outcome=Outcome.DENIED)
        raise RegistrationClosed
    return await create_user(work, accounts, wanted, Role.DEVELOPER, "auth.register")


async def create_user(
    work: Work, accounts: Accounts, wanted: NewUser, role: Role, action: str = "user.create"
) -> AccountView:
    """A new user of that role; ``action`` is what the audit log calls it.

    Raises:
        UsernameTaken, EmailTaken: somebody else has it, in whatever case.
    """
    password_hash = await accounts.passwords.hash(wanted.password.get_secret_value())
    await store.wait_to_register(work.session)
    if await store.find_id_by_email(work.session, wanted.email) is not None:
        raise EmailTaken
    username = wanted.username or await free_username(work, wanted.email)
    user_id = new_id()
    try:
        await store.insert_user(
            work.session,
            user_id=user_id,
            username=username,
            email=wanted.email,
            full_name=wanted.full_name,
            password_hash=password_hash,
            role=role,
            is_active=True,
            now=work.now,
        )
    except UniqueViolation as violation:
        raise (EmailTaken if violation.is_about("email_key") else UsernameTaken) from violation
    await emit(work, events.UserRegistered(user_id=user_id))
    await audit.record(
        work,
        action,
        f"user:{user_id}",
        user_id=work.actor_id or user_id,
        details={"role": role.value},
    )
    return await _get(work, user_id)


async def free_username(work: Work, email: str) -> str:
    """A username that nobody has, made from ``email``."""
    base = username_from_email(email)
    for number in range(1, USERNAME_TRIES + 1):
        name = base if number == 1 else f"{base}-{number}"
        if not await store.is_username_taken(work.session, name):
            return name
    return f"{base}-{secrets.token_hex(4)}"


async def get_account(work: Work, user_id: UUID) -> AccountView:
    """The user with this id.

    Raises:
        UserNotFound: there is none.
    """
    return await _get(work, user_id)


async def get_account_by_name(work: Work, name: str) -> AccountView:
    """The user with this username or email.

    Raises:
        UserNotFound: there is none.
    """
    found = await store.find_credential(work.session, name)
    if found is None:
        raise UserNotFound
    return await _get(work, found.user_id)


async def change_profile(
    work: Work, changes: dict[str, Any], precondition: Precondition
) -> AccountView:
    """Change one's own name or email (AUTH-7)."""
    return await _change(work, work.actor.id, changes, precondition, "auth.profile_change")


async def change_user(
    work: Work, user_id: UUID, changes: dict[str, Any], precondition: Precondition
) -> AccountView:
    """Change a user's role or activity, as an administrator (AUTH-13).

    Raises:
        Forbidden: the actor is no administrator any more.
        LastAdmin: nobody could administer afterwards.
    """
    admins = await store.lock_active_admins(work.session)
    if work.actor.id not in admins:
        # Demoted by another administrator while this request waited for the lock.
        raise Forbidden
    if admins == [user_id] and not keeps_administering(changes):
        await audit.record(work, "user.change", f"user:{user_id}", Outcome.DENIED)
        raise LastAdmin
    account = await _change(work, user_id, changes, precondition, "user.change")
    if not account.is_active:
        await sessions.end_sessions(work, user_id, "deactivated")
        await access_tokens.revoke_tokens_of(work.session, user_id, work.now)
    return account


async def unlock_user(work: Work, user_id: UUID) -> AccountView:
    """Let a user in again whose account is locked after failed logins."""
    await _lock(work, user_id)
    await lockout.forget_failures(work, user_id)
    await audit.record(work, "user.unlock", f"user:{user_id}")
    return await _get(work, user_id)


async def change_password(
    work: Work,
    accounts: Accounts,
    current_password: str,
    new_password: str,
    device_token: str | None,
) -> Entered:
    """Set a new password; all sessions end, and a fresh one takes the place of this one (AUTH-8).

    Of the devices this one alone stays known. Wrong passwords that somebody typed elsewhere don't
    keep the owner from it on a device that is known.

    Raises:
        WrongCurrentPassword: counted as a failed login is, and audited, and that is kept.
        InvalidToken: the session was ended meanwhile.
    """
    user_id = work.actor.id
    found = await store.find_credential_by_id(work.session, user_id)
    is_right = await accounts.passwords.verify(
        current_password, None if found is None else found.password_hash
    )
    new_hash = await accounts.passwords.hash(new_password)
    current = await store.lock_credential(work.session, user_id)
    await sessions.check_still_live(work)
    device = await devices.find_known(work, user_id, device_token)
    is_kept_out = device is None and current is not None and lockout.is_locked(work, current)
    if (
        not is_right
        or is_kept_out
        or current is None
        or found is None
        or current.password_hash != found.password_hash
    ):
        await audit.record(work, "auth.password_change", f"user:{user_id}", Outcome.FAILURE)
        if device is not None:
            await devices.count_failure(work, user_id, device)
        else:
            await lockout.count_failure(work, current)
        raise WrongCurrentPassword
    return await _replace_password(work, accounts, user_id, new_hash)


async def _replace_password(
    work: Work, accounts: Accounts, user_id: UUID, password_hash: str
) -> Entered:
    await store.update_user(work.session, user_id, password_hash=password_hash)
    await devices.forget_all(work, user_id)
    device_token = await devices.remember(work, user_id)
    await sessions.end_sessions(work, user_id, "password-changed")
    await audit.record(work, "auth.password_change", f"user:{user_id}")
    return Entered(await sessions.start_session(work, accounts.tokens, user_id), device_token)


async def set_password(work: Work, accounts: Accounts, user_id: UUID, password: str) -> None:
    """Set a user's password from the command line; all their sessions and tokens end."""
    password_hash = await accounts.passwords.hash(password)
    await _lock(work, user_id)
    await store.update_user(work.session, user_id, password_hash=password_hash)
    await lockout.forget_failures(work, user_id)
    await devices.forget_all(work, user_id)
    await sessions.end_sessions(work, user_id, "password-set")
    await access_tokens.revoke_tokens_of(work.session, user_id, work.now)
    await audit.record(work, "user.password_set", f"user:{user_id}")


async def _change(
    work: Work, user_id: UUID, changes: dict[str, Any], precondition: Precondition, action: str
) -> AccountView:
    if "email" in changes:
        await store.wait_to_register(work.session)
    account = await _lock(work, user_id)
    precondition.check(account)
    different = {name: value for name, value in changes.items() if getattr(account, name) != value}
    if not different:
        return account
    if "email" in different:
        owner_id = await store.find_id_by_email(work.session, different["email"])
        if owner_id not in {None, user_id}:
            raise EmailTaken
    try:
        await store.update_user(work.session, user_id, **different)
    except UniqueViolation as violation:
        raise EmailTaken from violation
    fields = sorted(different)
    await emit(work, events.UserChanged(user_id=user_id, fields=fields))
    await audit.record(
        work, action, f"user:{user_id}", details={name: _shown(name, different) for name in fields}
    )
    return await _get(work, user_id)


def _shown(name: str, changes: dict[str, Any]) -> str:
    """What the audit log tells of a change: never personal data."""
    return str(changes[name]) if name in {"role", "is_active"} else "changed"


async def _lock(work: Work, user_id: UUID) -> AccountView:
    account = await store.lock_account(work.session, user_id)
    if account is None:
        raise UserNotFound
    return account


async def _get(work: Work, user_id: UUID) -> AccountView:
    account = await store.find_account(work.session, user_id)
    if account is None:
        raise UserNotFound
    return account


async def list_accounts(work: Work, query: UserQuery, page: PageRequest) -> Slice[AccountView]:
    """One page of users."""
    wanted = UserFilter(search=query.search, role=query.role, is_active=query.is_active)
    return await store.list_accounts(work.session, wanted, query.sort, page)


async def log_out_everywhere(work: Work) -> None:
    """End all sessions of the actor (AUTH-6)."""
    await sessions.end_sessions(work, work.actor.id, "logout-all")
    await audit.record(work, "auth.logout_all", f"user:{work.actor.id}")
