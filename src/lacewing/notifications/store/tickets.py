from datetime import datetime
from uuid import UUID

from sqlalchemy import bindparam, delete, insert, select

from lacewing.kernel.db import Session
from lacewing.kernel.db.types import Timestamp
from lacewing.notifications.tables import live_tickets as tickets

_INSERT = insert(tickets)
_FIND = (
    select(tickets.c.session_id)
    .where(
        tickets.c.token_hash == bindparam("token_hash"),
        tickets.c.expires_at > bindparam("now", type_=Timestamp),
    )
    .with_for_update()
)
_DELETE = delete(tickets).where(tickets.c.token_hash == bindparam("of_hash"))
_DELETE_EXPIRED = delete(tickets).where(
    tickets.c.expires_at <= bindparam("before", type_=Timestamp)
)


async def insert_ticket(
    session: Session, token_hash: str, session_id: UUID, expires_at: datetime
) -> None:
    row = {"token_hash": token_hash, "session_id": session_id, "expires_at": expires_at}
    await session.execute(_INSERT, row)


async def take_ticket(session: Session, token_hash: str, now: datetime) -> UUID | None:
    """The session that the ticket stands for, once; ``None`` if there is no such ticket."""
    found: UUID | None = await session.scalar(_FIND, {"token_hash": token_hash, "now": now})
    await session.execute(_DELETE, {"of_hash": token_hash})
    return found


async def delete_expired(session: Session, now: datetime) -> int:
    return await session.execute(_DELETE_EXPIRED, {"before": now})
