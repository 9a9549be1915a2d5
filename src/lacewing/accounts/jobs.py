from datetime import datetime, timedelta
from typing import Final

from lacewing.accounts.store import sessions as store
from lacewing.kernel.db import Session

EXPIRED_KEPT: Final = timedelta(days=30)
"""Ended sessions stay so long for whoever looks into an incident."""


async def delete_expired_sessions(session: Session, now: datetime) -> int:
    return await store.delete_sessions_expired_before(session, now - EXPIRED_KEPT)
