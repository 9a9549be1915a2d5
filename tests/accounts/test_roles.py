import asyncio
from typing import Any
from uuid import uuid4

import pytest

from tests.accounts.acts import (
    audited,
    change_user,
    log_in,
    nothing_changes,
    refresh,
    status_with,
    stored,
)
from tests.support.house import PASSWORD, House, Member


async def test_a_new_role_counts_at_once_on_the_same_token(
    house: House, maria: Member, adam: Member
) -> None:
    """AUTH-17: up and down again, without a new login."""
    project = {"name": "Web shop"}
    assert (await maria.api.post("/api/projects", json=project)).status_code == 403

    raised = await change_user(adam, maria, role="manager")
    allowed = await maria.api.post("/api/projects", json=project)
    lowered = await change_user(adam, maria, role="developer")
    refused = await maria.api.post("/api/projects", json={"name": "Other"})

    assert (raised.json()["role"], lowered.json()["role"]) == ("manager", "developer")
    assert (allowed.status_code, refused.status_code) == (201, 403)
    assert (await maria.api.get("/api/auth/verify")).json()["role"] == "developer"
    entry = ("user.change", "success", adam.id, f"user:{maria.id}")
    assert await audited(house, "user.change") == [entry, entry]


async def test_a_demoted_admin_administers_no_more(
    house: House, maria: Member, adam: Member
) -> None:
    """AUTH-17: the next request already is a developer's."""
    eve = await house.member("eve")
    await change_user(adam, maria, role="admin")
    assert (await change_user(maria, adam, role="developer")).status_code == 200

    async with nothing_changes(house):
        changed = await change_user(adam, eve, role="admin")
        unlocked = await adam.api.post(f"/api/users/{eve.id}/unlock")
        read = await adam.api.get("/api/audit")

    assert [each.status_code for each in (changed, unlocked, read)] == [403, 403, 403]


async def test_deactivation_ends_all_sessions_at_once(
    house: House, maria: Member, adam: Member
) -> None:
    """AUTH-13, AUTH-17: access and refresh tokens of every device; no login either."""
    other = (await log_in(house, "maria")).json()

    answer = await change_user(adam, maria, is_active=False)

    assert (answer.status_code, answer.json()["is_active"]) == (200, False)
    for access, token in (
        (maria.access_token, maria.refresh_token),
        (other["access_token"], other["refresh_token"]),
    ):
        assert await status_with(house, access) == 401
        assert (await refresh(house, token)).status_code == 401
    assert (await log_in(house, "maria")).status_code == 401


async def test_activation_opens_the_account_but_no_old_session(
    house: House, maria: Member, adam: Member
) -> None:
    """AUTH-13: what was ended stays ended."""
    await change_user(adam, maria, is_active=False)

    answer = await change_user(adam, maria, is_active=True)

    assert answer.json()["is_active"] is True
    assert await status_with(house, maria.access_token) == 401
    assert (await refresh(house, maria.refresh_token)).status_code == 401
    assert (await log_in(house, "maria")).status_code == 200


@pytest.mark.parametrize("changes", [{"role": "manager"}, {"is_active": False}, {}])
async def test_nobody_but_an_admin_changes_users(
    house: House, maria: Member, noor: Member, mona: Member, changes: dict[str, Any]
) -> None:
    """AUTH-13: neither oneself nor another; not a manager."""
    async with nothing_changes(house):
        answers = [
            await change_user(maria, maria, **changes),
            await change_user(maria, noor, **changes),
            await change_user(mona, noor, **changes),
            await house.anonymous.patch(f"/api/users/{noor.id}", json=changes),
        ]

    assert [answer.status_code for answer in answers] == [403, 403, 403, 401]
    assert await audited(house, "user.change") == []


@pytest.mark.parametrize(
    "body",
    [
        {"role": "root"},
        {"role": None},
        {"role": "Admin"},
        {"is_active": None},
        {"is_active": "perhaps"},
        {"password_hash": "x"},
        {"email": "new@example.com"},
        {"username": "new"},
        [],
    ],
)
async def test_an_admin_changes_role_and_activity_alone(
    house: House, maria: Member, adam: Member, body: object
) -> None:
    """AUTH-13: another value or field is a 422."""
    async with nothing_changes(house):
        answer = await adam.api.patch(f"/api/users/{maria.id}", json=body)

    assert answer.status_code == 422


async def test_two_admins_do_not_overwrite_each_other(
    house: House, maria: Member, adam: Member
) -> None:
    """API-9, AUTH-13: the older ``If-Match`` gets 412 with what differs."""
    tag = (await adam.api.get(f"/api/users/{maria.id}")).headers["etag"]
    path, seen = f"/api/users/{maria.id}", {"If-Match": tag}
    first = await adam.api.patch(path, json={"role": "manager"}, headers=seen)

    second = await adam.api.patch(path, json={"role": "admin"}, headers=seen)

    assert (first.status_code, second.status_code) == (200, 412)
    assert second.json()["differing_fields"] == ["role"]
    assert second.json()["current"]["role"] == "manager"
    assert await stored(house, maria.id, "role") == "manager"


@pytest.mark.parametrize("verb", ["get", "patch", "unlock"])
async def test_an_unknown_user_is_not_found(house: House, adam: Member, verb: str) -> None:
    """AUTH-13: 404, and nothing is made."""
    path = f"/api/users/{uuid4()}"

    async with nothing_changes(house):
        if verb == "get":
            answer = await adam.api.get(path)
        elif verb == "patch":
            answer = await adam.api.patch(path, json={"role": "manager"})
        else:
            answer = await adam.api.post(f"{path}/unlock")

    assert (answer.status_code, answer.json()["type"]) == (404, "user-not-found")


async def test_a_password_change_does_not_outlive_a_deactivation_at_the_same_time(
    house: House, maria: Member, adam: Member
) -> None:
    """AUTH-8, AUTH-13: whichever comes first, no session is left to come back to."""
    body = {"current_password": PASSWORD, "new_password": "Fresh-Horse-9"}

    changed, deactivated = await asyncio.gather(
        maria.api.post("/api/auth/password", json=body),
        change_user(adam, maria, is_active=False),
    )
    await change_user(adam, maria, is_active=True)

    assert deactivated.status_code == 200
    tokens = [maria.access_token, changed.json().get("access_token", maria.access_token)]
    assert [await status_with(house, token) for token in tokens] == [401, 401]
