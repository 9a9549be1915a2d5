"""What people do with accounts in these tests, in one line each, and how to see what it left."""

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from typing import Any
from uuid import UUID

import httpx
from sqlalchemy import select

from lacewing.accounts.tables import refresh_tokens, sessions, users
from lacewing.kernel.audit.tables import audit_log
from lacewing.kernel.events.tables import outbox
from tests.support.house import PASSWORD, House, Member

Json = dict[str, Any]

WRONG = "Wrong-Horse-8"
FRESH = "Fresh-Horse-9"

_STATE = {
    "users": select(users).order_by(users.c.id),
    "sessions": select(sessions).order_by(sessions.c.id),
    "tokens": select(refresh_tokens).order_by(refresh_tokens.c.token_hash),
    "events": select(outbox.c.id, outbox.c.name).order_by(outbox.c.id),
}


@asynccontextmanager
async def nothing_changes(house: House) -> AsyncGenerator[None, None]:
    """What happens in the block changes no account and tells nobody; it may be audited."""
    before = {name: await house.rows(statement) for name, statement in _STATE.items()}
    yield  # ruff: ignore[fallible-context-manager]  a test that failed already compares nothing
    after = {name: await house.rows(statement) for name, statement in _STATE.items()}
    assert after == before


async def register(house: House, **fields: Any) -> httpx.Response:
    body = {"email": "nina@example.com", "password": PASSWORD, **fields}
    return await house.anonymous.post("/api/auth/register", json=body)


async def log_in(
    house: House, name: str, password: str = PASSWORD, device: httpx.AsyncClient | None = None
) -> httpx.Response:
    """From ``device``, which keeps its cookies; without it from one that nobody has seen before."""
    body = {"username": name, "password": password}
    return await (device or house.client()).post("/api/auth/login", json=body)


async def fail_to_log_in(
    house: House, name: str, times: int, device: httpx.AsyncClient | None = None
) -> None:
    for _ in range(times):
        assert (await log_in(house, name, WRONG, device)).status_code == 401


async def refresh(house: House, token: str) -> httpx.Response:
    return await house.anonymous.post("/api/auth/refresh", json={"refresh_token": token})


async def status_with(house: House, access_token: str) -> int:
    """What one's own profile answers to the bearer of this token."""
    headers = {"Authorization": f"Bearer {access_token}"}
    return (await house.anonymous.get("/api/auth/me", headers=headers)).status_code


async def change_user(admin: Member, user: Member, **fields: Any) -> httpx.Response:
    return await admin.api.patch(f"/api/users/{user.id}", json=fields)


async def stored(house: House, user_id: UUID, column: str) -> Any:
    """One column of the user's row."""
    rows = await house.rows(select(users.c.id, users.c[column]).where(users.c.id == user_id))
    return rows[0][1]


async def audited(house: House, *actions: str) -> list[tuple[str, str, UUID | None, str | None]]:
    """Action, outcome, user and resource of the entries, oldest first; of these actions alone."""
    columns = (audit_log.c.action, audit_log.c.outcome, audit_log.c.user_id, audit_log.c.resource)
    entries = await house.rows(select(*columns).order_by(audit_log.c.at, audit_log.c.id))
    return [tuple(entry) for entry in entries if not actions or entry[0] in actions]


def without_id(answer: httpx.Response) -> tuple[int, Json, Json]:
    """All of an answer but what is different each time."""
    headers = {name: value for name, value in answer.headers.items() if name != "x-request-id"}
    body = {name: value for name, value in answer.json().items() if name != "request_id"}
    return answer.status_code, headers, body
