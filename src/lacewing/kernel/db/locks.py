"""Locks that belong to no row."""

from sqlalchemy import BigInteger, bindparam, func, select

from lacewing.kernel.db.session import Session

_ADVISORY_LOCK = select(
    func.pg_advisory_xact_lock(bindparam("key", type_=BigInteger))
).with_for_update()

_TRY_ADVISORY_LOCK = select(
    func.pg_try_advisory_xact_lock(bindparam("key", type_=BigInteger))
).with_for_update()


async def lock_for_transaction(session: Session, key: int) -> None:
    """Hold the lock named ``key`` until the transaction ends; others wait.

    SQLite has one writer anyway, so there the transaction itself is the lock.
    """
    if session.dialect == "postgresql":
        await session.scalar(_ADVISORY_LOCK, {"key": key})


async def try_lock_for_transaction(session: Session, key: int) -> bool:
    """As ``lock_for_transaction``, but ``False`` at once where another one holds it."""
    if session.dialect != "postgresql":
        return True
    is_held: bool = await session.scalar(_TRY_ADVISORY_LOCK, {"key": key})
    return is_held
