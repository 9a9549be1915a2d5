"""The rules of idempotency keys, free of HTTP."""

import asyncio
from datetime import datetime, timedelta
from typing import Final

from lacewing.kernel.db import Database, transaction
from lacewing.kernel.errors import Conflict, Invalid
from lacewing.kernel.idempotency import store
from lacewing.kernel.idempotency.store import Claim

KEPT: Final = timedelta(hours=24)
CLAIMED: Final = timedelta(seconds=60)
"""After so long a request that never ended is taken for crashed, and its key is free again."""
WAITS: Final = 40
WAIT_SECONDS: Final = 0.05
"""A second request waits up to two seconds for the first one's answer, then gets a 409."""


class KeyInFlight(Conflict):
    code = "idempotency-key-in-flight"
    title = "A request with this Idempotency-Key is still under way."


class KeyReused(Invalid):
    code = "idempotency-key-reused"
    title = "This Idempotency-Key was used for another request."


async def claim_or_find(
    database: Database, owner: str, key: str, fingerprint: str, now: datetime
) -> Claim | None:
    """``None`` when the key is now ours, to carry the request out; else the answer kept for it.

    Raises:
        KeyReused: the key stands for a request with another body.
        KeyInFlight: the first request is still under way.
    """
    for _ in range(WAITS):
        async with transaction(database) as session:
            found = await store.find_claim(session, owner, key)
            if found is not None and _has_run_out(found, now):
                await store.forget_claim(session, owner, key, found.claimed_until)
                found = None
        if found is None:
            if await _try_claim(database, owner, key, fingerprint, now):
                return None
            continue
        if found.fingerprint != fingerprint:
            raise KeyReused
        if found.status is not None:
            return found
        await asyncio.sleep(WAIT_SECONDS)
    raise KeyInFlight


def _has_run_out(claim: Claim, now: datetime) -> bool:
    if claim.status is None:
        return claim.claimed_until <= now
    return claim.created_at + KEPT <= now


async def _try_claim(
    database: Database, owner: str, key: str, fingerprint: str, now: datetime
) -> bool:
    session = database.session()
    try:
        is_mine = await store.try_claim(session, owner, key, fingerprint, now, now + CLAIMED)
        if is_mine:
            await session.commit()
        return is_mine
    finally:
        await session.rollback()
