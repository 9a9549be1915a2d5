from datetime import datetime
from typing import Any
from uuid import UUID

import msgspec
from sqlalchemy import bindparam, delete, insert, or_, select, update

from lacewing.kernel.db import Session
from lacewing.kernel.db.types import Timestamp
from lacewing.webhooks.tables import webhook_secrets as table


class SealedSecret(msgspec.Struct, frozen=True):
    id: UUID
    sealed: str


_OF_WEBHOOK = table.c.webhook_id == bindparam("of_webhook")
_INSERT = insert(table)
_SIGNING = (
    select(table.c.id, table.c.sealed)
    .where(
        _OF_WEBHOOK,
        or_(
            table.c.signs_until.is_(None),
            table.c.signs_until > bindparam("now", type_=Timestamp()),
        ),
    )
    .order_by(table.c.signs_until.is_not(None), table.c.id)
)
_DROP_OLD = delete(table).where(_OF_WEBHOOK, table.c.signs_until.is_not(None))
_REPLACE = (
    update(table).where(_OF_WEBHOOK).values(signs_until=bindparam("until", type_=Timestamp()))
)


async def insert_secret(session: Session, row: dict[str, Any]) -> None:
    await session.execute(_INSERT, row)


async def list_signing(session: Session, webhook_id: UUID, now: datetime) -> list[SealedSecret]:
    """Those that sign at ``now``, the newest first."""
    return await session.all(SealedSecret, _SIGNING, {"of_webhook": webhook_id, "now": now})


async def let_run_out(session: Session, webhook_id: UUID, until: datetime) -> None:
    """Let the newest secret sign until then; any before it is gone at once."""
    await session.execute(_DROP_OLD, {"of_webhook": webhook_id})
    await session.execute(_REPLACE, {"of_webhook": webhook_id, "until": until})
