"""How personal data stands in its columns, and bringing it to how it should."""

from typing import Final
from uuid import UUID

import msgspec
from sqlalchemy import Text, bindparam, func, or_, select, type_coerce, update

from lacewing.accounts.rules import folded
from lacewing.accounts.tables import EMAIL, FULL_NAME, users
from lacewing.kernel.db import Session
from lacewing.kernel.db.encryption import FIRST_CHARACTER, PersonalDataLocked

BATCH: Final = 200
"""Users of one transaction: short enough that nobody who logs in waits for it."""


class PersonalData(msgspec.Struct, frozen=True):
    """One user's, opened, and as it stands."""

    user_id: UUID
    email: str
    full_name: str | None
    email_as_kept: str
    full_name_as_kept: str | None
    email_key: str


_EMAIL_AS_KEPT: Final = type_coerce(users.c.email, Text)
_FULL_NAME_AS_KEPT: Final = type_coerce(users.c.full_name, Text)
_ALL = select(
    users.c.id,
    users.c.email,
    users.c.full_name,
    _EMAIL_AS_KEPT,
    _FULL_NAME_AS_KEPT,
    users.c.email_key,
)
_NEXT = _ALL.where(users.c.id > bindparam("after")).order_by(users.c.id).limit(BATCH)
_NEXT_LOCKED = _NEXT.with_for_update()
_UPDATE = update(users).where(users.c.id == bindparam("user_id"))
_ONE_SEALED = (
    select(users.c.id, _EMAIL_AS_KEPT, users.c.email_key)
    .where(
        or_(
            func.substr(_EMAIL_AS_KEPT, 1, 1) == bindparam("mark"),
            func.substr(_FULL_NAME_AS_KEPT, 1, 1) == bindparam("mark"),
        )
    )
    .order_by(users.c.id.desc())
    .limit(1)
)


def is_current(session: Session, data: PersonalData) -> bool:
    """Whether it stands as it would be written now."""
    cipher = session.cipher
    return (
        cipher.is_current(data.email_as_kept)
        and cipher.is_current(data.full_name_as_kept)
        and cipher.is_current_index(data.email_key)
    )


async def find_next(session: Session, after: UUID) -> list[PersonalData]:
    """The next users by id."""
    return await session.all(PersonalData, _NEXT, {"after": after})


async def lock_next(session: Session, after: UUID) -> list[PersonalData]:
    """The next users by id, whom nobody changes until the transaction ends."""
    return await session.all(PersonalData, _NEXT_LOCKED, {"after": after})


async def write_anew(session: Session, data: PersonalData) -> None:
    """Write it as it should stand now."""
    cipher = session.cipher
    values = {
        "user_id": data.user_id,
        "email": cipher.seal(EMAIL, data.user_id, data.email),
        "email_key": cipher.index(EMAIL, folded(data.email)),
        "full_name": cipher.seal(FULL_NAME, data.user_id, data.full_name),
    }
    await session.execute(_UPDATE, values)


async def check_one_opens(session: Session) -> None:
    """Open the newest of those that are sealed, if any is.

    Raises:
        PersonalDataLocked: it does not open, or is not found by its email, with our keys.
    """
    newest = await session.one(lambda *row: row, _ONE_SEALED, {"mark": FIRST_CHARACTER})
    if newest is not None:
        user_id, email_as_kept, email_key = newest
        session.cipher.open(EMAIL, user_id, email_as_kept)
        if not session.cipher.knows_index(email_key):
            raise PersonalDataLocked
