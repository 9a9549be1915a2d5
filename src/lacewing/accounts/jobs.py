from datetime import datetime, timedelta
from typing import Final

from lacewing.accounts.store import devices, identities, sessions
from lacewing.kernel.db import Session

EXPIRED_KEPT: Final = timedelta(days=30)
"""Ended sessions stay so long for whoever looks into an incident."""


async def delete_expired_sessions(session: Session, now: datetime) -> int:
    return await sessions.delete_sessions_expired_before(session, now - EXPIRED_KEPT)


async def delete_expired_devices(session: Session, now: datetime) -> int:
    return await devices.delete_devices_expired_before(session, now)


async def delete_expired_login_states(session: Session, now: datetime) -> int:
    return await identities.delete_states_expired_before(session, now)
