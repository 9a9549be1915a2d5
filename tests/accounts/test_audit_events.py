from collections.abc import Awaitable, Callable
from typing import Any

import pytest
from sqlalchemy import select

from lacewing.kernel.audit.tables import audit_log
from tests.accounts.acts import (
    FRESH,
    WRONG,
    audited,
    change_user,
    fail_to_log_in,
    log_in,
    refresh,
    register,
)
from tests.support.house import PASSWORD, House, Member

Act = Callable[[House, Member, Member], Awaitable[object]]


def _change_password(current: str) -> Act:
    body = {"current_password": current, "new_password": FRESH}
    return lambda _house, maria, _adam: maria.api.post("/api/auth/password", json=body)


ACTS: dict[str, tuple[Act, str, str, str | None]] = {
    "login": (lambda house, _m, _a: log_in(house, "maria"), "auth.login", "success", "maria"),
    "wrong password": (
        lambda house, _m, _a: log_in(house, "maria", WRONG),
        "auth.login",
        "failure",
        "maria",
    ),
    "unknown user": (
        lambda house, _m, _a: log_in(house, "nobody"),
        "auth.login",
        "failure",
        None,
    ),
    "lock": (
        lambda house, _m, _a: fail_to_log_in(house, "maria", 10),
        "auth.account_locked",
        "success",
        "maria",
    ),
    "refresh": (
        lambda house, maria, _a: refresh(house, maria.refresh_token),
        "auth.refresh",
        "success",
        "maria",
    ),
    "forged refresh": (
        lambda house, _m, _a: refresh(house, "forged"),
        "auth.refresh",
        "failure",
        None,
    ),
    "logout": (
        lambda _h, maria, _a: maria.api.post("/api/auth/logout"),
        "auth.logout",
        "success",
        "maria",
    ),
    "logout everywhere": (
        lambda _h, maria, _a: maria.api.post("/api/auth/logout-all"),
        "auth.logout_all",
        "success",
        "maria",
    ),
    "password": (_change_password(PASSWORD), "auth.password_change", "success", "maria"),
    "password guessed": (_change_password(WRONG), "auth.password_change", "failure", "maria"),
    "profile": (
        lambda _h, maria, _a: maria.api.patch("/api/auth/me", json={"full_name": "M"}),
        "auth.profile_change",
        "success",
        "maria",
    ),
    "role": (
        lambda _h, maria, adam: change_user(adam, maria, role="manager"),
        "user.change",
        "success",
        "adam",
    ),
    "unlock": (
        lambda _h, maria, adam: adam.api.post(f"/api/users/{maria.id}/unlock"),
        "user.unlock",
        "success",
        "adam",
    ),
    "last admin": (
        lambda _h, _m, adam: change_user(adam, adam, role="manager"),
        "user.change",
        "denied",
        "adam",
    ),
}


@pytest.mark.parametrize("name", ACTS)
async def test_each_authentication_event_is_audited(
    house: House, maria: Member, adam: Member, name: str
) -> None:
    """SEC-9: action, outcome and user, once; admins read it with time, address and request."""
    act, action, outcome, by = ACTS[name]
    user_id = None if by is None else {"maria": maria, "adam": adam}[by].id

    await act(house, maria, adam)

    (entry,) = await audited(house, action)
    assert entry[:3] == (action, outcome, user_id)
    found = (await adam.api.get("/api/audit", params={"action": action})).json()["data"][0]
    assert (found["ip"], found["outcome"]) == ("127.0.0.1", outcome)
    assert found["at"].endswith("Z")
    assert found["request_id"]


async def test_registration_is_audited(house: House) -> None:
    """SEC-9: by whom, who is the new user themselves."""
    user = (await register(house, username="nina")).json()

    (entry,) = await audited(house)

    assert (str(entry[2]), entry[3]) == (user["id"], f"user:{user['id']}")
    assert entry[:2] == ("auth.register", "success")


async def test_a_replay_of_an_ended_session_is_audited(house: House, maria: Member) -> None:
    """SEC-9: of whose session the token was."""
    await maria.api.post("/api/auth/logout")

    await refresh(house, maria.refresh_token)

    (entry,) = await audited(house, "auth.refresh")
    assert entry[:3] == ("auth.refresh", "failure", maria.id)


async def test_the_audit_log_holds_no_secret_and_no_personal_data(
    house: House, maria: Member, adam: Member
) -> None:
    """SEC-7, SEC-8, SEC-9: whatever is typed into whichever field."""
    changes = {"full_name": "Maria Secretname", "email": "secret@example.com"}
    await log_in(house, PASSWORD, WRONG)
    await maria.api.patch("/api/auth/me", json=changes)
    pair = (await refresh(house, maria.refresh_token)).json()
    await _change_password(PASSWORD)(house, maria, adam)

    rows: list[Any] = await house.rows(select(audit_log))

    kept = " ".join(str(value) for row in rows for value in row)
    secrets = [PASSWORD, WRONG, FRESH, "Secretname", "secret@example.com"]
    secrets += [pair["access_token"], pair["refresh_token"]]
    assert len(rows) == 4
    assert not any(secret in kept for secret in secrets)
