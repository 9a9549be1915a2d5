from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import delete, select, update

from lacewing.kernel import audit
from lacewing.kernel.audit.tables import audit_log
from lacewing.kernel.db import transaction
from lacewing.kernel.work import Origin, Work
from tests.support.house import House, Member


async def _entries(reader: Member, **query: Any) -> list[dict[str, Any]]:
    answer = await reader.api.get("/api/audit", params=query)
    assert answer.status_code == 200, answer.text
    data: list[dict[str, Any]] = answer.json()["data"]
    return data


async def _record(house: House, action: str, actor: Member, **details: Any) -> None:
    async with transaction(house.database) as session:
        work = Work(session, house.clock(), Origin("203.0.113.9", "agent", "request-1"))
        await audit.record(work, action, "thing:1", user_id=actor.id, details=details)


async def test_an_entry_tells_who_did_what_when_from_where(house: House, adam: Member) -> None:
    """SEC-9: at, user_id, ip, action, resource, outcome."""
    await _record(house, "test.act", adam, fields="title")

    (entry,) = await _entries(adam, action="test.act")

    assert entry.pop("id")
    assert entry == {
        "at": house.clock().isoformat().replace("+00:00", "Z"),
        "user_id": str(adam.id),
        "ip": "203.0.113.9",
        "request_id": "request-1",
        "action": "test.act",
        "resource": "thing:1",
        "outcome": "success",
        "details": {"fields": "title"},
    }


async def test_the_log_is_filtered_and_newest_first(
    house: House, adam: Member, maria: Member
) -> None:
    """SEC-9: by action, user and time; from a moment on, and before another."""
    start = house.clock()
    for number, actor in enumerate((adam, maria, adam, maria)):
        await _record(house, f"test.{number % 3}", actor, number=number)
        house.clock.advance(minutes=1)

    async def numbers(**query: Any) -> list[int]:
        return [each["details"]["number"] for each in await _entries(adam, **query)]

    second, third = (start + timedelta(minutes=minutes) for minutes in (1, 2))
    assert await numbers() == [3, 2, 1, 0]
    assert await numbers(action="test.0") == [3, 0]
    assert await numbers(user_id=maria.id) == [3, 1]
    assert await numbers(since=second.isoformat(), until=third.isoformat()) == [1]
    assert await numbers(user_id=maria.id, action="test.0", outcome="success") == [3]
    assert await numbers(outcome="denied") == []


@pytest.mark.parametrize("moment", ["0", "1e9", "2026-01-31", "2026-01-31T12:00:00", "now", ""])
async def test_a_moment_without_offset_is_refused(adam: Member, moment: str) -> None:
    """API-2: times are RFC 3339, never seconds since 1970."""
    answer = await adam.api.get("/api/audit", params={"since": moment})

    assert answer.status_code == 422


async def test_the_log_is_paged(house: House, adam: Member) -> None:
    """SEC-9, API-6: entries of one moment too."""
    for number in range(7):
        await _record(house, "test.act", adam, number=number)

    seen: list[int] = []
    query: dict[str, Any] = {"action": "test.act", "limit": 3}
    while True:
        page = (await adam.api.get("/api/audit", params=query)).json()
        seen += [each["details"]["number"] for each in page["data"]]
        if page["next_cursor"] is None:
            break
        query["cursor"] = page["next_cursor"]

    assert seen == [6, 5, 4, 3, 2, 1, 0]


@pytest.mark.parametrize("change", [update(audit_log), delete(audit_log)])
async def test_the_database_itself_refuses_to_change_an_entry(
    house: House, adam: Member, change: Any
) -> None:
    """SEC-9: append-only, whatever the program does."""
    await _record(house, "test.act", adam)
    parameters = {"action": "forged"} if change.is_update else {}

    with pytest.raises(Exception, match="append-only"):
        async with transaction(house.database) as session:
            await session.execute(change, parameters)

    assert await house.rows(select(audit_log.c.action)) == [("test.act",)]


async def test_an_entry_stands_only_if_its_change_does(house: House, adam: Member) -> None:
    """SEC-9: written in the transaction of what it tells of."""

    async def fail() -> None:
        async with transaction(house.database) as session:
            work = Work(session, house.clock(), Origin())
            await audit.record(work, "test.act", user_id=adam.id)
            raise LookupError

    with pytest.raises(LookupError):
        await fail()

    assert await _entries(adam) == []
