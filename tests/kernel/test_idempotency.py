import asyncio
from collections import Counter
from typing import Any

import httpx
import pytest
from sqlalchemy import func, select, update

from lacewing.kernel.db import transaction
from lacewing.kernel.events.tables import outbox
from lacewing.kernel.idempotency import service
from lacewing.kernel.idempotency.jobs import delete_expired_keys
from lacewing.kernel.idempotency.tables import idempotency_keys
from tests.support.house import PASSWORD, House, Member

BODY = {"name": "Web shop"}


async def _post(
    poster: Member, key: str, body: dict[str, Any] | None = None, path: str = "/api/projects"
) -> httpx.Response:
    return await poster.api.post(path, json=body or BODY, headers={"Idempotency-Key": key})


async def _projects(reader: Member) -> list[str]:
    return [each["name"] for each in (await reader.api.get("/api/projects")).json()["data"]]


async def test_the_same_key_gives_the_first_answer_again(house: House, mona: Member) -> None:
    """API-8: status, headers and body; marked as replayed; and nothing happens again."""
    first = await _post(mona, "key-1")
    events = await house.rows(select(func.count()).select_from(outbox))
    house.clock.advance(hours=23, minutes=59)
    fresh = await mona_again(house, mona)

    second = await _post(fresh, "key-1", path="/api/projects/")

    assert (first.status_code, second.status_code) == (201, 201)
    assert second.content == first.content
    assert second.headers["idempotent-replayed"] == "true"
    assert "idempotent-replayed" not in first.headers
    for name in ("location", "etag", "content-type"):
        assert second.headers[name] == first.headers[name]
    after = await house.rows(select(func.count()).select_from(outbox))
    assert [each[0] for each in after] == [events[0][0] + 1]  # the new login alone
    assert await _projects(fresh) == ["Web shop"]


async def mona_again(house: House, member: Member) -> Member:
    """The same user after the access token has ended."""
    login = {"username": member.username, "password": PASSWORD}
    pair = (await house.anonymous.post("/api/auth/login", json=login)).json()
    member.api.headers["Authorization"] = f"Bearer {pair['access_token']}"
    return member


async def test_ten_at_once_with_one_key_make_one_thing(house: House, mona: Member) -> None:
    """API-8: also when they arrive together; all get the same answer, or 409."""
    answers = await asyncio.gather(*(_post(mona, "key-1") for _ in range(10)))

    counts = Counter(answer.status_code for answer in answers)
    assert set(counts) <= {201, 409}
    assert counts[201] >= 1
    assert len({answer.content for answer in answers if answer.status_code == 201}) == 1
    assert {answer.json()["type"] for answer in answers if answer.status_code == 409} <= {
        "idempotency-key-in-flight"
    }
    assert await _projects(mona) == ["Web shop"]
    created = await house.rows(select(outbox.c.id).where(outbox.c.name == "project.created"))
    assert len(created) == 1


@pytest.mark.parametrize("body", [{"name": "Other"}, {"name": "Web shop", "description": "x"}])
async def test_another_body_with_the_same_key_is_refused(
    mona: Member, body: dict[str, Any]
) -> None:
    """API-8: 422, and nothing is made."""
    await _post(mona, "key-1")

    answer = await _post(mona, "key-1", body)

    assert answer.status_code == 422
    assert answer.json()["type"] == "idempotency-key-reused"
    assert await _projects(mona) == ["Web shop"]


async def test_the_same_key_for_another_path_is_refused(mona: Member) -> None:
    """API-8: a key stands for one request."""
    project = (await _post(mona, "key-1")).json()

    answer = await _post(mona, "key-1", path=f"/api/projects/{project['id']}/issues")

    assert answer.status_code == 422


async def test_a_key_is_its_users_own(house: House, mona: Member) -> None:
    """API-8: the same key from another user is another key."""
    other = await house.member("other")
    await house.rows(select(idempotency_keys.c.key))
    project = (await _post(mona, "key-1")).json()
    path = f"/api/projects/{project['id']}/issues"

    first = await _post(mona, "key-2", {"title": "A"}, path)
    second = await _post(other, "key-2", {"title": "A"}, path)

    assert (first.status_code, second.status_code) == (201, 201)
    assert first.json()["id"] != second.json()["id"]


@pytest.mark.parametrize(("length", "status"), [(1, 201), (255, 201), (256, 422), (0, 422)])
async def test_a_key_has_1_to_255_characters(mona: Member, length: int, status: int) -> None:
    """API-8: at the limits and one beyond."""
    answer = await _post(mona, "k" * length)

    assert answer.status_code == status
    assert len(await _projects(mona)) == (1 if status == 201 else 0)


async def test_a_refused_request_leaves_its_key_free(mona: Member) -> None:
    """API-8: the next try, mended, may be a better one."""
    refused = await _post(mona, "key-1", {"name": ""})

    mended = await _post(mona, "key-1")

    assert (refused.status_code, mended.status_code) == (422, 201)


async def test_a_key_is_forgotten_after_a_day(house: House, mona: Member) -> None:
    """API-8: for 24 hours, and not a moment longer."""
    await _post(mona, "key-1")
    house.clock.advance(hours=24)
    fresh = await mona_again(house, mona)

    answer = await _post(fresh, "key-1", {"name": "Another"})

    assert answer.status_code == 201
    assert "idempotent-replayed" not in answer.headers


async def test_a_key_in_flight_is_told_so(
    house: House, mona: Member, monkeypatch: pytest.MonkeyPatch
) -> None:
    """API-8: 409 while the first request is under way; nothing is made by the second."""
    await _post(mona, "key-1")
    until = house.clock() + service.CLAIMED
    async with transaction(house.database) as session:
        await session.execute(
            update(idempotency_keys), {"status": None, "body": None, "claimed_until": until}
        )
    monkeypatch.setattr(service, "WAIT_SECONDS", 0)

    answer = await _post(mona, "key-1")

    assert answer.status_code == 409
    assert answer.json()["type"] == "idempotency-key-in-flight"
    assert await _projects(mona) == ["Web shop"]


async def test_a_claim_that_a_crash_left_behind_runs_out(house: House, mona: Member) -> None:
    """API-8: a request that never ended does not hold its key for ever."""
    await _post(mona, "key-1", {"name": "Lost"})
    async with transaction(house.database) as session:
        await session.execute(
            update(idempotency_keys),
            {"status": None, "body": None, "claimed_until": house.clock()},
        )

    answer = await _post(mona, "key-1", {"name": "Found"})

    assert answer.status_code == 201
    assert answer.json()["name"] == "Found"


async def test_answers_that_hold_tokens_are_never_kept(house: House, maria: Member) -> None:
    """API-8, AUTH-15: a kept answer would be a token in the clear."""
    login = {"username": maria.username, "password": PASSWORD}
    headers = {"Idempotency-Key": "key-1"}

    answers = [
        await house.anonymous.post("/api/auth/login", json=login, headers=headers) for _ in range(2)
    ]

    assert [answer.status_code for answer in answers] == [200, 200]
    assert answers[0].json()["refresh_token"] != answers[1].json()["refresh_token"]
    assert await house.rows(select(idempotency_keys.c.key)) == []


async def test_what_is_kept_is_cleaned_up_after_a_day(house: House, mona: Member) -> None:
    """API-8: keys don't pile up."""
    await _post(mona, "key-1")
    house.clock.advance(hours=12)
    fresh = await mona_again(house, mona)
    await _post(fresh, "key-2", {"name": "Later"})
    house.clock.advance(hours=12, seconds=1)

    async with transaction(house.database) as session:
        gone = await delete_expired_keys(session, house.clock())

    assert gone == 1
    assert await house.rows(select(idempotency_keys.c.key)) == [("key-2",)]
