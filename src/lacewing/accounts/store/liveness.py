"""Which sessions and tokens are still good, asked for many at once."""

from collections.abc import Collection
from datetime import datetime
from uuid import UUID

from sqlalchemy import bindparam, select

from lacewing.accounts.tables import personal_access_tokens as tokens, sessions, users
from lacewing.kernel.db import Session
from lacewing.kernel.db.expressions import any_of
from lacewing.kernel.db.types import Timestamp

_NOW = bindparam("now", type_=Timestamp)
_GOOD_SESSIONS = (
    select(sessions.c.id)
    .join_from(sessions, users, users.c.id == sessions.c.user_id)
    .where(
        any_of(sessions.c.id, "ids"),
        sessions.c.ended_at.is_(None),
        sessions.c.expires_at > _NOW,
        users.c.is_active,
    )
)
_GOOD_TOKENS = (
    select(tokens.c.id)
    .join_from(tokens, users, users.c.id == tokens.c.user_id)
    .where(
        any_of(tokens.c.id, "ids"),
        tokens.c.revoked_at.is_(None),
        tokens.c.expires_at > _NOW,
        users.c.is_active,
    )
)


async def find_ended(
    session: Session,
    session_ids: Collection[UUID],
    token_ids: Collection[UUID],
    now: datetime,
) -> frozenset[UUID]:
    """Those of these sessions and personal access tokens that let nobody in any more."""
    good: set[UUID] = set()
    for statement, ids in ((_GOOD_SESSIONS, session_ids), (_GOOD_TOKENS, token_ids)):
        if ids:
            good.update(
                await session.all(lambda each: each, statement, {"ids": list(ids), "now": now})
            )
    return frozenset({*session_ids, *token_ids} - good)
