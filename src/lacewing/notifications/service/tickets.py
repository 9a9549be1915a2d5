"""One-time tickets: a page can send no header with a socket, and no token may stand in a URL."""

import hashlib
import secrets
from datetime import datetime
from typing import Final
from uuid import UUID

from lacewing.kernel.db import Session
from lacewing.kernel.work import Work
from lacewing.notifications.errors import InvalidTicket
from lacewing.notifications.rules import TICKET_LIFETIME
from lacewing.notifications.schemas import Ticket
from lacewing.notifications.store import tickets as store

TICKET_BYTES: Final = 32


async def make_ticket(work: Work) -> Ticket:
    """A ticket for the actor's session (LIVE-1)."""
    session_id = work.actor.session_id
    assert session_id is not None
    ticket = secrets.token_urlsafe(TICKET_BYTES)
    await store.insert_ticket(work.session, _hash(ticket), session_id, work.now + TICKET_LIFETIME)
    return Ticket(ticket, int(TICKET_LIFETIME.total_seconds()))


async def use_ticket(work: Work, ticket: str) -> UUID:
    """The session that it stands for; it is used up by that.

    Raises:
        InvalidTicket: it was used, has expired, or never was one.
    """
    found = await store.take_ticket(work.session, _hash(ticket), work.now)
    if found is None:
        raise InvalidTicket
    return found


async def delete_expired_tickets(session: Session, now: datetime) -> int:
    return await store.delete_expired(session, now)


def _hash(ticket: str) -> str:
    return hashlib.sha256(ticket.encode()).hexdigest()
