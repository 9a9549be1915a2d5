from typing import Any

from sqlalchemy import insert

from lacewing.kernel.audit.tables import audit_log
from lacewing.kernel.db import Session

_INSERT = insert(audit_log)


async def insert_entry(session: Session, row: dict[str, Any]) -> None:
    await session.execute(_INSERT, row)
