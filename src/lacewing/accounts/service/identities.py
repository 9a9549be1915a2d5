"""Which account an identity opens, and which identities an account is linked to (AUTH-12).

Whoever controls an email at a provider need not be who registered it here. So an identity joins an
existing account only when its owner links it while logged in, or when both sides have proven the
email; then whoever else may have got into the account is put out.
"""

from uuid import UUID

from lacewing.accounts import errors, events, rules
from lacewing.accounts.component import Accounts
from lacewing.accounts.oidc.provider import Identity, IdentityNotProven
from lacewing.accounts.schemas import IdentityView
from lacewing.accounts.service import devices, sessions
from lacewing.accounts.service.users import free_username
from lacewing.accounts.store import access_tokens, identities as store, users as users_store
from lacewing.accounts.store.identities import LinkedIdentity
from lacewing.kernel import audit
from lacewing.kernel.actor import Role
from lacewing.kernel.events import emit
from lacewing.kernel.ids import new_id
from lacewing.kernel.pagination import PageRequest, Slice
from lacewing.kernel.work import Work


async def find_user(
    work: Work,
    accounts: Accounts,
    provider: str,
    identity: Identity,
    linking_session_id: UUID | None,
) -> UUID:
    """Whom the identity lets in; with a session, its user, to whom it is then linked.

    Raises:
        EmailNotVerified, AccountExists, RegistrationClosed: there is no account to enter.
        IdentityTaken: it is linked to somebody else.
        IdentityNotProven: the account is not active.
        LinkingSessionEnded: the session has ended.
    """
    known = await store.find_identity(work.session, identity.issuer, identity.subject)
    if known is None:
        # Asked again under the lock: of two at once, one makes the account and one enters it.
        await users_store.wait_to_register(work.session)
        known = await store.find_identity(work.session, identity.issuer, identity.subject)
    if linking_session_id is not None:
        return await _link_to_session(work, provider, identity, known, linking_session_id)
    if known is None:
        return await _join_or_register(work, accounts, provider, identity)
    user = await users_store.lock_credential(work.session, known.user_id)
    is_linked = await store.touch_identity(work.session, known.id, work.now)
    if user is None or not user.is_active or not is_linked:
        raise IdentityNotProven
    return known.user_id


async def _link_to_session(
    work: Work,
    provider: str,
    identity: Identity,
    known: LinkedIdentity | None,
    session_id: UUID,
) -> UUID:
    user_id = await sessions.lock_user_of_live_session(work, session_id)
    if user_id is None:
        raise errors.LinkingSessionEnded
    if known is None:
        await _link(work, provider, identity, user_id)
    elif known.user_id != user_id:
        raise errors.IdentityTaken
    return user_id


async def _join_or_register(
    work: Work, accounts: Accounts, provider: str, identity: Identity
) -> UUID:
    if identity.email is None or not identity.is_email_verified:
        raise errors.EmailNotVerified
    try:
        email = rules.normal_email(identity.email)
    except ValueError as error:
        raise errors.EmailNotVerified(str(error)) from None
    owner_id = await users_store.find_id_by_email(work.session, email)
    if owner_id is None:
        return await _register(work, accounts, provider, identity, email)
    owner = await users_store.lock_credential(work.session, owner_id)
    is_proven = await users_store.is_email_proven(work.session, owner_id)
    # An issuer that knows two subjects says that they are two people, whoever has the email now.
    is_another = await store.has_identity_of(work.session, owner_id, identity.issuer)
    if owner is None or not is_proven or is_another:
        raise errors.AccountExists
    if not owner.is_active:
        raise IdentityNotProven
    await _put_others_out(work, owner_id)
    await _link(work, provider, identity, owner_id)
    return owner_id


async def _register(
    work: Work, accounts: Accounts, provider: str, identity: Identity, email: str
) -> UUID:
    if not accounts.settings.open_registration:
        raise errors.RegistrationClosed
    user_id = new_id()
    await users_store.insert_user(
        work.session,
        user_id=user_id,
        username=await free_username(work, email),
        email=email,
        full_name=rules.visible_name(identity.name),
        password_hash=None,
        role=Role.DEVELOPER,
        is_active=True,
        now=work.now,
        email_proven_at=work.now,
    )
    await emit(work, events.UserRegistered(user_id=user_id))
    await audit.record(work, "auth.register", f"user:{user_id}", user_id=user_id)
    await _link(work, provider, identity, user_id)
    return user_id


async def _put_others_out(work: Work, user_id: UUID) -> None:
    """End what somebody else may hold: the password, devices, tokens and sessions.

    Identities that were linked before stay: one of them has proven the account's email.
    """
    await users_store.update_user(work.session, user_id, password_hash=None)
    await devices.forget_all(work, user_id)
    await sessions.end_sessions(work, user_id, "identity-joined")
    await access_tokens.revoke_tokens_of(work.session, user_id, work.now)


async def _link(work: Work, provider: str, identity: Identity, user_id: UUID) -> None:
    identity_id = new_id()
    await store.insert_identity(
        work.session,
        identity_id=identity_id,
        user_id=user_id,
        provider=provider,
        issuer=identity.issuer,
        subject=identity.subject,
        now=work.now,
    )
    await audit.record(
        work,
        "auth.identity_link",
        f"identity:{identity_id}",
        user_id=user_id,
        details={"provider": provider},
    )


async def list_identities(work: Work, page: PageRequest) -> Slice[IdentityView]:
    """One page of the identities that the actor's account is linked to, newest first."""
    return await store.list_identities(work.session, work.actor.id, page)


async def unlink(work: Work, identity_id: UUID) -> None:
    """Let an identity enter the actor's account no more, nor join it again by its email.

    Raises:
        IdentityNotFound: the actor has none of that id.
        LastWayIn: nothing else opens the account.
    """
    user_id = work.actor.id
    user = await users_store.lock_credential(work.session, user_id)
    if not await store.delete_identity(work.session, user_id, identity_id):
        raise errors.IdentityNotFound
    has_password = user is not None and user.password_hash is not None
    if not has_password and await store.count_identities(work.session, user_id) == 0:
        raise errors.LastWayIn
    await users_store.update_user(work.session, user_id, email_proven_at=None)
    await audit.record(work, "auth.identity_unlink", f"identity:{identity_id}")
