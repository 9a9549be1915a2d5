"""Locks that belong to no row."""

from typing import Any, Final

from sqlalchemy import BigInteger, Select, bindparam, func, literal_column, select

from lacewing.kernel.db.session import Session

_ADVISORY_LOCK = select(
    func.pg_advisory_xact_lock(bindparam("key", type_=BigInteger))
).with_for_update()
_BEGIN: Final[Select[Any]] = select(literal_column("1")).with_for_update()

_TRY_ADVISORY_LOCK = select(
    func.pg_try_advisory_xact_lock(bindparam("key", type_=BigInteger))
).with_for_update()


async def lock_for_transaction(session: Session, key: int) -> None:
    """Hold the lock named ``key`` until the transaction ends; others wait.

    SQLite has one writer anyway, so there the transaction itself is the lock, and begins here.
    """
    if session.dialect == "postgresql":
        await session.scalar(_ADVISORY_LOCK, {"key": key})
    else:
        await session.scalar(_BEGIN)


async def try_lock_for_transaction(session: Session, key: int) -> bool:
    """As ``lock_for_transaction``, but ``False`` at once where another one holds it."""
    if session.dialect != "postgresql":
        await session.scalar(_BEGIN)
        return True
    is_held: bool = await session.scalar(_TRY_ADVISORY_LOCK, {"key": key})
    return is_held
