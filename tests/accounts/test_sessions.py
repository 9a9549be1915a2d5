from typing import Any

import pytest

from lacewing.accounts.rules import device_name
from lacewing.kernel.db import transaction
from tests.accounts.acts import audited, log_in, nothing_changes, refresh, status_with
from tests.support.house import House, Member

FIREFOX = "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0"


async def listed(member: Member) -> list[dict[str, Any]]:
    answer = await member.api.get("/api/auth/sessions")
    assert answer.status_code == 200
    sessions: list[dict[str, Any]] = answer.json()["data"]
    return sessions


async def test_sessions_are_listed_with_device_address_and_last_use(
    house: House, maria: Member
) -> None:
    """AUTH-9: newest first, and which of them is this one."""
    house.clock.advance(minutes=1)
    await house.client({"User-Agent": FIREFOX}, ip="203.0.113.7").post(
        "/api/auth/login", json={"username": "maria", "password": "Correct-Horse-7"}
    )

    newest, own = await listed(maria)

    assert (newest["device"], newest["ip"]) == ("Firefox on Linux", "203.0.113.7")
    assert (newest["user_agent"], newest["is_current"]) == (FIREFOX, False)
    assert (own["is_current"], own["created_at"] < newest["created_at"]) == (True, True)


async def test_the_last_use_is_told_without_a_login(house: House, maria: Member) -> None:
    """AUTH-9: of any request, once the job has written it down."""
    house.clock.advance(minutes=7)
    await maria.api.get("/api/projects")

    async with transaction(house.database) as session:
        await house.accounts.last_uses.write(session, house.clock())
    [own] = await listed(maria)

    assert own["last_used_at"] == house.clock.now.isoformat().replace("+00:00", "Z")


async def test_a_refresh_tells_from_where(house: House, maria: Member) -> None:
    """AUTH-9: the address and device of the last use, not of the login."""
    client = house.client({"User-Agent": FIREFOX}, ip="203.0.113.9")
    await client.post("/api/auth/refresh", json={"refresh_token": maria.refresh_token})

    [own] = await listed(maria)

    assert (own["device"], own["ip"]) == ("Firefox on Linux", "203.0.113.9")


async def test_one_session_is_ended_and_the_others_go_on(house: House, maria: Member) -> None:
    """AUTH-9: at once, with its refresh token; and it is audited."""
    other = (await log_in(house, "maria")).json()
    [ended] = [each for each in await listed(maria) if not each["is_current"]]

    answer = await maria.api.delete(f"/api/auth/sessions/{ended['id']}")

    assert answer.status_code == 204
    assert await status_with(house, other["access_token"]) == 401
    assert (await refresh(house, other["refresh_token"])).status_code == 401
    assert [each["is_current"] for each in await listed(maria)] == [True]
    resource = f"session:{ended['id']}"
    assert await audited(house, "auth.session_end") == [
        ("auth.session_end", "success", maria.id, resource)
    ]


async def test_the_session_of_somebody_else_is_not_there(
    house: House, maria: Member, noor: Member
) -> None:
    """AUTH-9: 404, for one that has ended too; nothing changes."""
    [session] = await listed(maria)
    path = f"/api/auth/sessions/{session['id']}"

    async with nothing_changes(house):
        of_other = await noor.api.delete(path)
    await maria.api.delete(path)
    again = (await log_in(house, "maria")).json()
    headers = {"Authorization": f"Bearer {again['access_token']}"}
    ended = await house.anonymous.delete(path, headers=headers)

    assert (of_other.status_code, ended.status_code) == (404, 404)
    assert of_other.json()["type"] == "session-not-found"


async def test_sessions_that_have_expired_are_not_listed(house: House) -> None:
    """AUTH-9: active ones alone."""
    await house.member("maria")
    house.clock.advance(days=7)
    again = (await log_in(house, "maria")).json()
    headers = {"Authorization": f"Bearer {again['access_token']}"}

    answer = await house.anonymous.get("/api/auth/sessions", headers=headers)

    assert [each["is_current"] for each in answer.json()["data"]] == [True]


@pytest.mark.parametrize(
    ("user_agent", "name"),
    [
        (FIREFOX, "Firefox on Linux"),
        ("Mozilla/5.0 (Windows NT 10.0) Chrome/140.0 Safari/537.36 Edg/140.0", "Edge on Windows"),
        ("Mozilla/5.0 (iPhone; CPU iPhone OS 19_0 like Mac OS X) Safari/604.1", "Safari on iOS"),
        ("curl/8.5.0", "curl"),
        ("\x00<script>", "unknown device"),
        (None, "unknown device"),
    ],
)
def test_a_device_is_named_as_people_would(user_agent: str | None, name: str) -> None:
    """AUTH-9: in our own words, whatever the header holds."""
    assert device_name(user_agent) == name
