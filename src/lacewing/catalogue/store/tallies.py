"""How many products there are and how they are rated, as triggers keep it (``product_tallies``).

Each row is a part of three sums, written in the transaction of what it counts: together they equal
what is counted from the products, in every state that anybody can see. Folding makes one row of
many. Should they differ after all, then by the same amount in every state: it is added.
"""

from typing import Any, Final

import msgspec
from sqlalchemy import (
    Integer,
    Select,
    bindparam,
    delete,
    func,
    insert,
    select,
    type_coerce,
)

from lacewing.catalogue.rules import UNRATED
from lacewing.catalogue.store.products import is_live
from lacewing.catalogue.tables import product_tallies as tallies, products
from lacewing.kernel.db import Session
from lacewing.kernel.db.expressions import any_of
from lacewing.kernel.db.locks import lock_for_transaction

TALLY_LOCK: Final = 4_710_202
"""The advisory lock of whoever folds or mends."""


class Tally(msgspec.Struct, frozen=True):
    """Products, those of them that are rated, and the sum of the ratings in hundredths."""

    products: int
    rated: int
    hundredths: int


_PARTS: Final = ("products", "rated", "hundredths")
_is_rated = products.c.rating_order > UNRATED
_COUNTED: Final = (
    func.count(),
    func.count().filter(_is_rated),
    func.coalesce(func.sum(type_coerce(products.c.rating_order, Integer)).filter(_is_rated), 0),
)


def _sums(*conditions: Any) -> Select[Any]:
    sums = (func.coalesce(func.sum(tallies.c[name]), 0).label(name) for name in _PARTS)
    return select(*sums).where(*conditions)


def _missing() -> Select[Any]:
    kept = _sums().subquery("kept")
    counted = (
        select(*(count.label(name) for count, name in zip(_COUNTED, _PARTS, strict=True)))
        .where(is_live(products))
        .subquery("counted")
    )
    return select(*(counted.c[name] - kept.c[name] for name in _PARTS)).select_from(
        counted.join(kept, kept.c.products.is_not(None))
    )


_KEPT: Final = _sums()
_MISSING: Final = _missing()
_ADD_MISSING = insert(tallies).from_select(list(_PARTS), _MISSING)
_NEXT = select(tallies.c.id).order_by(tallies.c.id).limit(bindparam("batch")).with_for_update()
_THESE: Final = any_of(tallies.c.id, "ids")
_FOLD = insert(tallies).from_select(list(_PARTS), _sums(_THESE))
_FORGET = delete(tallies).where(_THESE)
_SECOND = select(tallies.c.id).order_by(tallies.c.id).offset(1).limit(1)


def _tally(*sums: Any) -> Tally:
    return Tally(*map(int, sums))


async def read_tally(session: Session) -> Tally:
    """The sums as they are now."""
    found = await session.one(_tally, _KEPT)
    assert found is not None
    return found


async def fold(session: Session, batch: int) -> int:
    """Make one row of up to ``batch``; how many there were, none where nothing is to be done."""
    if await session.scalar(_SECOND) is None:
        return 0
    await lock_for_transaction(session, TALLY_LOCK)
    ids = await session.all(int, _NEXT, {"batch": batch})
    await session.execute(_FOLD, {"ids": ids})
    await session.execute(_FORGET, {"ids": ids})
    return len(ids)


async def find_missing(session: Session) -> Tally:
    """What the sums lack of what is counted anew; nothing but zeros where they are right."""
    found = await session.one(_tally, _MISSING)
    assert found is not None
    return found


def count_wrong(missing: Tally) -> int:
    """How many of the sums lack something, or have too much."""
    return sum(part != 0 for part in msgspec.structs.astuple(missing))


async def mend(session: Session) -> int:
    """Add what the sums lack; how many of them were wrong."""
    await lock_for_transaction(session, TALLY_LOCK)
    missing = await find_missing(session)
    if wrong := count_wrong(missing):
        await session.execute(_ADD_MISSING)
    return wrong
