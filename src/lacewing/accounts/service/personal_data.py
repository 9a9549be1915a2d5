"""Bringing personal data under the keys of the settings, on a running server (SEC-7)."""

from collections.abc import AsyncGenerator
from uuid import UUID

import msgspec

from lacewing.accounts.store import personal_data as store
from lacewing.kernel.db import Database, Session, transaction
from lacewing.kernel.db.encryption import PersonalDataLocked, is_sealed
from lacewing.kernel.idempotency.store import reseal_answers


class Step(msgspec.Struct, frozen=True):
    """What one transaction has looked at, and how many of them it has written anew."""

    seen: int
    changed: int


async def bring_up_to_date(database: Database) -> AsyncGenerator[Step, None]:
    """Write anew whatever stands in the clear or under an earlier key, batch by batch.

    Each batch is a transaction: what stops in the middle goes on from there when it is run again.

    Raises:
        PersonalDataLocked: something is sealed by a key that is not in the settings.
    """
    after = UUID(int=0)
    while True:
        async with transaction(database) as session:
            batch = await store.lock_next(session, after)
            stale = [each for each in batch if not store.is_current(session, each)]
            for each in stale:
                await store.write_anew(session, each)
        if not batch:
            break
        yield Step(len(batch), len(stale))
        after = batch[-1].user_id
    async with transaction(database) as session:
        await reseal_answers(session)


class Status(msgspec.Struct, frozen=True):
    """How the personal data of all users stands."""

    users: int
    sealed: int
    in_the_clear: int
    under_earlier_keys: int


async def find_status(database: Database) -> Status:
    """Count how it stands, without changing it."""
    sealed = clear = earlier = 0
    session = database.session()
    after = UUID(int=0)
    while batch := await store.find_next(session, after):
        for each in batch:
            if not is_sealed(each.email_as_kept):
                clear += 1
            elif store.is_current(session, each):
                sealed += 1
            else:
                earlier += 1
        after = batch[-1].user_id
    return Status(sealed + clear + earlier, sealed, clear, earlier)


async def check_openable(session: Session) -> None:
    """Go on only if what is sealed opens with the keys of the settings.

    Raises:
        PersonalDataLocked: it does not: people would be shown as sealed text, and registered twice.
    """
    try:
        await store.check_one_opens(session)
    except PersonalDataLocked as error:
        raise PersonalDataLocked(
            "Personal data is sealed, and does not open with LACEWING_PII_ENCRYPTION_KEY and "
            "LACEWING_PII_HASH_KEY as they are."
        ) from error
