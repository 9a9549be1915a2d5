from datetime import datetime
from functools import cache
from typing import Any, Final
from uuid import UUID

from sqlalchemy import ColumnElement, Select, bindparam, select

from lacewing.audit.schemas import AuditEntry
from lacewing.kernel.audit import Outcome
from lacewing.kernel.audit.tables import audit_log
from lacewing.kernel.db import Parameters, Session
from lacewing.kernel.db.paging import Order, keyset_page
from lacewing.kernel.db.types import Timestamp
from lacewing.kernel.pagination import PageRequest, Slice

_COLUMNS: Final = (
    audit_log.c.id,
    audit_log.c.at,
    audit_log.c.user_id,
    audit_log.c.ip,
    audit_log.c.request_id,
    audit_log.c.action,
    audit_log.c.resource,
    audit_log.c.outcome,
    audit_log.c.details,
)
_CONDITIONS: Final[dict[str, ColumnElement[bool]]] = {
    "action": audit_log.c.action == bindparam("action"),
    "user_id": audit_log.c.user_id == bindparam("user_id"),
    "outcome": audit_log.c.outcome == bindparam("outcome"),
    "since": audit_log.c.at >= bindparam("since", type_=Timestamp),
    "until": audit_log.c.at < bindparam("until", type_=Timestamp),
}
_NEWEST_FIRST: Final = Order(audit_log.c.at, audit_log.c.id, descending=True)


@cache
def _list_statement(filters: frozenset[str]) -> Select[Any]:
    return select(*_COLUMNS).where(*(_CONDITIONS[name] for name in sorted(filters)))


def _entry(
    entry_id: UUID,
    at: datetime,
    user_id: UUID | None,
    ip: str | None,
    request_id: str | None,
    action: str,
    resource: str | None,
    outcome: str,
    details: dict[str, Any],
) -> AuditEntry:
    return AuditEntry(
        entry_id, at, user_id, ip, request_id, action, resource, Outcome(outcome), details
    )


async def list_entries(
    session: Session, filters: Parameters, page: PageRequest
) -> Slice[AuditEntry]:
    """One page, newest first; ``filters`` may name what ``AuditQuery`` does."""
    statement = _list_statement(frozenset(filters))
    return await keyset_page(session, _entry, statement, _NEWEST_FIRST, page, filters)
