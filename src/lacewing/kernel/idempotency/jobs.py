from datetime import datetime

from lacewing.kernel.db import Session
from lacewing.kernel.idempotency import store
from lacewing.kernel.idempotency.service import KEPT


async def delete_expired_keys(session: Session, now: datetime) -> int:
    """Forget the answers that need not be given again."""
    return await store.delete_claims_before(session, now - KEPT)
