from collections.abc import Sequence
from uuid import UUID

from sqlalchemy import bindparam, delete, insert, select

from lacewing.kernel.db import Session
from lacewing.kernel.db.expressions import any_of
from lacewing.notifications.rules import Reason
from lacewing.notifications.tables import notification_preferences as preferences

_INSERT = insert(preferences)
_UNWANTED = select(preferences.c.user_id, preferences.c.reason).where(
    any_of(preferences.c.user_id, "user_ids"), preferences.c.is_wanted.is_(False)
)
_DELETE = delete(preferences).where(
    preferences.c.user_id == bindparam("of_user"), any_of(preferences.c.reason, "reasons")
)


async def find_unwanted(
    session: Session, user_ids: Sequence[UUID]
) -> frozenset[tuple[UUID, Reason]]:
    """For which reasons these users do not want to hear of anything."""
    rows = await session.all(
        lambda user_id, reason: (user_id, Reason(reason)), _UNWANTED, {"user_ids": user_ids}
    )
    return frozenset(rows)


async def replace_preferences(session: Session, user_id: UUID, wanted: dict[Reason, bool]) -> None:
    """Keep these; those for other reasons stay."""
    reasons = [reason.value for reason in wanted]
    await session.execute(_DELETE, {"of_user": user_id, "reasons": reasons})
    await session.execute_many(
        _INSERT,
        [
            {"user_id": user_id, "reason": reason.value, "is_wanted": is_wanted}
            for reason, is_wanted in wanted.items()
        ],
    )
