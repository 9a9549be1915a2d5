from typing import Final

from sqlalchemy import select

from lacewing.catalogue.tables import products
from lacewing.kernel.db import Session
from lacewing.kernel.db.expressions import any_of
from lacewing.kernel.db.locks import lock_for_transaction

IMPORT_LOCK: Final = 4_710_201
"""The advisory lock of whoever imports products (any number of its own would do)."""

_KNOWN = select(products.c.external_id).where(any_of(products.c.external_id, "external_ids"))


async def wait_to_import(session: Session) -> None:
    """Return when nobody else imports products; nobody does until the transaction ends."""
    await lock_for_transaction(session, IMPORT_LOCK)


async def known_products(session: Session, external_ids: list[str]) -> set[str]:
    """Those of ``external_ids`` that are there already, or were and are deleted."""
    return set(await session.all(str, _KNOWN, {"external_ids": external_ids}))
