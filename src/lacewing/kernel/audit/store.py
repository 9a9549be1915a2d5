from collections.abc import AsyncGenerator, Sequence
from datetime import datetime
from typing import Any, Final
from uuid import UUID

import msgspec
from sqlalchemy import bindparam, delete, func, insert, select

from lacewing.kernel.audit.tables import audit_chain, audit_log, audit_pending
from lacewing.kernel.db import Session
from lacewing.kernel.db.expressions import any_of, insert_new
from lacewing.kernel.db.locks import lock_for_transaction

CHAIN_LOCK: Final = 4_710_103


class Entry(msgspec.Struct, frozen=True):
    """All of one entry of the log, as the chain binds it."""

    id: UUID
    at: datetime
    user_id: UUID | None
    ip: str | None
    request_id: str | None
    action: str
    resource: str | None
    outcome: str
    details: Any


class Link(msgspec.Struct, frozen=True):
    sequence: int
    entry_id: UUID
    link: str


class Chained(msgspec.Struct, frozen=True):
    """A link, and the entry that it binds, if that is still there."""

    sequence: int
    entry_id: UUID
    link: str
    entry: Entry | None


_ENTRY: Final = tuple(audit_log.c[name] for name in Entry.__struct_fields__)
_INSERT = insert(audit_log)
_WAITING = (
    select(*_ENTRY)
    .join(audit_pending, audit_pending.c.entry_id == audit_log.c.id)
    .order_by(audit_log.c.id)
    .limit(bindparam("how_many"))
)
_ANY_WAITING = select(audit_pending.c.entry_id).limit(1)
_COUNT_WAITING = select(func.count()).select_from(
    select(audit_pending.c.entry_id).limit(bindparam("how_many")).subquery()
)
_LAST = (
    select(audit_chain.c.sequence, audit_chain.c.entry_id, audit_chain.c.link)
    .order_by(audit_chain.c.sequence.desc())
    .limit(1)
)
_INSERT_LINK = insert_new(audit_chain)
_DELETE_WAITING = delete(audit_pending).where(any_of(audit_pending.c.entry_id, "entry_ids"))
_CHAINED = (
    select(audit_chain.c.sequence, audit_chain.c.entry_id, audit_chain.c.link, *_ENTRY)
    .outerjoin_from(audit_chain, audit_log, audit_log.c.id == audit_chain.c.entry_id)
    .where(audit_chain.c.sequence > bindparam("after"))
    .order_by(audit_chain.c.sequence)
    .limit(bindparam("how_many"))
)
_LINK = select(audit_chain.c.sequence, audit_chain.c.entry_id, audit_chain.c.link).where(
    audit_chain.c.sequence == bindparam("at")
)
_STRETCH = (
    select(audit_log.c.id, audit_chain.c.entry_id, audit_pending.c.entry_id)
    .outerjoin_from(audit_log, audit_chain, audit_chain.c.entry_id == audit_log.c.id)
    .outerjoin(audit_pending, audit_pending.c.entry_id == audit_log.c.id)
    .where(audit_log.c.id > bindparam("after"))
    .order_by(audit_log.c.id)
    .limit(bindparam("how_many"))
)


def _chained(sequence: int, entry_id: UUID, link: str, *entry: Any) -> Chained:
    is_there = entry[0] is not None
    return Chained(sequence, entry_id, link, Entry(*entry) if is_there else None)


async def insert_entry(session: Session, row: dict[str, Any]) -> None:
    await session.execute(_INSERT, row)


async def wait_to_chain(session: Session) -> None:
    """Return when nobody else extends the chain; nobody does until the transaction ends."""
    await lock_for_transaction(session, CHAIN_LOCK)


async def is_any_waiting(session: Session) -> bool:
    return await session.scalar(_ANY_WAITING) is not None


async def count_waiting(session: Session, at_most: int) -> int:
    """How many entries are not chained yet, counted up to a bound."""
    count: int = await session.scalar(_COUNT_WAITING, {"how_many": at_most})
    return count


async def find_waiting(session: Session, how_many: int) -> list[Entry]:
    """Entries that are not chained yet, in the order of their ids."""
    return await session.all(Entry, _WAITING, {"how_many": how_many})


async def find_last_link(session: Session) -> Link | None:
    return await session.one(Link, _LAST)


async def insert_links(session: Session, links: Sequence[Link]) -> None:
    """Add them to the chain; their entries wait no more."""
    await session.execute_many(_INSERT_LINK, [msgspec.structs.asdict(each) for each in links])
    await session.execute(_DELETE_WAITING, {"entry_ids": [each.entry_id for each in links]})


async def find_chained(session: Session, after: int, how_many: int) -> list[Chained]:
    """The next links of the chain, each with its entry."""
    return await session.all(_chained, _CHAINED, {"after": after, "how_many": how_many})


async def find_link(session: Session, sequence: int) -> Link | None:
    return await session.one(Link, _LINK, {"at": sequence})


async def find_unchained(session: Session, how_many: int) -> AsyncGenerator[list[UUID], None]:
    """Entries that neither stand in the chain nor wait for it, of each stretch of the log."""
    after = UUID(int=0)
    while stretch := await session.all(
        lambda *row: row, _STRETCH, {"after": after, "how_many": how_many}
    ):
        yield [entry for entry, chained, waiting in stretch if chained is None and waiting is None]
        after = stretch[-1][0]
