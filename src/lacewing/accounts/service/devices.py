"""Devices seen before: typing wrong passwords elsewhere can't lock their owner out of them.

As OWASP's device cookies: who has logged in from a device gets in from it although the account is
locked, with the right password; failures from it count against the device alone, and too many make
it a stranger. Whoever has no such cookie learns nothing: to them a locked account looks like any.
"""

import secrets
from uuid import UUID

from lacewing.accounts import rules
from lacewing.accounts.store import devices as store
from lacewing.accounts.store.devices import Device
from lacewing.kernel import audit
from lacewing.kernel.ids import new_id
from lacewing.kernel.work import Work


async def find_known(work: Work, user_id: UUID, device_token: str | None) -> Device | None:
    """The user's device that holds this token; asks without one too, for time must not tell."""
    return await store.find_device(
        work.session, user_id, rules.hash_of_secret(device_token or ""), work.now
    )


async def remember(work: Work, user_id: UUID) -> str:
    """Know this device from now on; the token that it must keep."""
    await store.keep_newest_devices(work.session, user_id, rules.DEVICES_MAX - 1)
    token = secrets.token_urlsafe(32)
    await store.insert_device(
        work.session,
        device_id=new_id(),
        user_id=user_id,
        token_hash=rules.hash_of_secret(token),
        now=work.now,
        expires_at=work.now + rules.DEVICE_LIFETIME,
    )
    return token


async def count_failure(work: Work, user_id: UUID, device: Device) -> None:
    """Count a wrong password from a known device, while the user's row is locked."""
    failures = rules.failures_in_window(device.recent_failures, work.now)
    failures.append(work.now.timestamp())
    if len(failures) < rules.FAILURES_MAX:
        await store.set_failures(work.session, device.id, failures)
        return
    await store.delete_device(work.session, device.id)
    await audit.record(work, "auth.device_forgotten", f"user:{user_id}", user_id=user_id)


async def forget_all(work: Work, user_id: UUID) -> None:
    """Know none of the user's devices any more: their password is another one now."""
    await store.delete_devices_of(work.session, user_id)
