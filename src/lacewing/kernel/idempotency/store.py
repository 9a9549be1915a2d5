from datetime import datetime
from typing import Any

import msgspec
from sqlalchemy import bindparam, delete, insert, select, update

from lacewing.kernel.db import Session, UniqueViolation
from lacewing.kernel.db.types import Timestamp
from lacewing.kernel.idempotency.tables import idempotency_keys as keys


class Claim(msgspec.Struct, frozen=True):
    """What is kept for one key; ``status`` is ``None`` while the first request is under way."""

    fingerprint: str
    created_at: datetime
    claimed_until: datetime
    status: int | None
    headers: dict[str, str] | None
    body: bytes | None


_BODY = "idempotency_keys.body"
"""Answers hold what the tables hold: where that is sealed, they are too."""

_THIS = (keys.c.owner == bindparam("of_owner")) & (keys.c.key == bindparam("with_key"))
_INSERT = insert(keys)
_FIND = select(
    keys.c.fingerprint,
    keys.c.created_at,
    keys.c.claimed_until,
    keys.c.status,
    keys.c.headers,
    keys.c.body,
).where(_THIS)
_STILL_MINE = keys.c.claimed_until == bindparam("mine_until", type_=Timestamp)
_COMPLETE = update(keys).where(_THIS, _STILL_MINE, keys.c.status.is_(None))
_RELEASE = delete(keys).where(_THIS, _STILL_MINE, keys.c.status.is_(None))
_FORGET = delete(keys).where(
    _THIS, keys.c.claimed_until == bindparam("seen_until", type_=Timestamp)
)
_ANSWERED = select(keys.c.owner, keys.c.key, keys.c.body).where(keys.c.body.is_not(None))
_RESEAL = update(keys).where(_THIS)
_DELETE_OLD = delete(keys).where(keys.c.created_at < bindparam("before", type_=Timestamp))


async def try_claim(
    session: Session, owner: str, key: str, fingerprint: str, now: datetime, until: datetime
) -> bool:
    """Claim the key for one execution; ``False`` when it is there already."""
    row = {
        "owner": owner,
        "key": key,
        "fingerprint": fingerprint,
        "created_at": now,
        "claimed_until": until,
    }
    try:
        await session.execute(_INSERT, row)
    except UniqueViolation:
        return False
    return True


async def find_claim(session: Session, owner: str, key: str) -> Claim | None:
    found = await session.one(Claim, _FIND, {"of_owner": owner, "with_key": key})
    if found is None or found.body is None:
        return found
    body = session.cipher.open_bytes(_BODY, f"{owner} {key}", found.body)
    return msgspec.structs.replace(found, body=body)


async def complete_claim(
    session: Session, owner: str, key: str, mine_until: datetime, answer: dict[str, Any]
) -> bool:
    """Keep the answer; ``False`` when the claim ran out and another request took it."""
    which = {"of_owner": owner, "with_key": key, "mine_until": mine_until}
    body = session.cipher.seal_bytes(_BODY, f"{owner} {key}", answer["body"])
    return await session.execute(_COMPLETE, {**which, **answer, "body": body}) == 1


async def release_claim(session: Session, owner: str, key: str, mine_until: datetime) -> None:
    """Let the key go after a refusal: the next try may be a better one."""
    await session.execute(_RELEASE, {"of_owner": owner, "with_key": key, "mine_until": mine_until})


async def forget_claim(session: Session, owner: str, key: str, seen_until: datetime) -> None:
    """Remove a claim that ran out, unless another request has just renewed it."""
    await session.execute(_FORGET, {"of_owner": owner, "with_key": key, "seen_until": seen_until})


async def delete_claims_before(session: Session, before: datetime) -> int:
    return await session.execute(_DELETE_OLD, {"before": before})


async def reseal_answers(session: Session) -> None:
    """Write the answers of the last day anew that don't stand as they would be written now."""
    cipher = session.cipher
    for owner, key, body in await session.all(lambda *row: row, _ANSWERED):
        if not cipher.is_current_bytes(body):
            row = f"{owner} {key}"
            plain = cipher.open_bytes(_BODY, row, body) or b""
            values = {"of_owner": owner, "with_key": key}
            await session.execute(_RESEAL, {**values, "body": cipher.seal_bytes(_BODY, row, plain)})
