from typing import Any

import httpx
import pytest
from sqlalchemy import select

from lacewing.accounts.tables import sessions
from tests.accounts.acts import (
    WRONG,
    audited,
    change_user,
    log_in,
    nothing_changes,
    status_with,
    stored,
    without_id,
)
from tests.support.house import PASSWORD, House, Member


@pytest.mark.parametrize(
    "name",
    [
        {"username": "maria"},
        {"username": "MARIA"},
        {"username": "maria@example.com"},
        {"email": "maria@example.com"},
        {"email": "Maria@Example.COM"},
    ],
)
async def test_one_logs_in_by_username_or_email(
    house: House, maria: Member, name: dict[str, str]
) -> None:
    """AUTH-2: in whatever case; both tokens are good, and ``last_login`` is set."""
    house.clock.advance(minutes=1)

    answer = await house.anonymous.post("/api/auth/login", json={**name, "password": PASSWORD})

    pair = answer.json()
    assert answer.status_code == 200
    assert set(pair) == {"access_token", "refresh_token", "token_type", "expires_in"}
    assert (pair["token_type"], pair["expires_in"]) == ("Bearer", 900)
    assert answer.headers["cache-control"] == "no-store"
    assert await status_with(house, pair["access_token"]) == 200
    assert await stored(house, maria.id, "last_login") == house.clock()


async def test_an_oauth2_client_logs_in_by_a_form(house: House, maria: Member) -> None:
    """AUTH-3: the password grant, with the fields that clients send along."""
    form = {"grant_type": "password", "username": "maria", "password": PASSWORD, "scope": ""}

    answer = await house.anonymous.post("/api/auth/token", data=form)

    assert answer.status_code == 200
    assert await status_with(house, answer.json()["access_token"]) == 200
    assert await stored(house, maria.id, "last_login") == house.clock()


@pytest.mark.parametrize(
    ("path", "content", "status"),
    [
        ("/api/auth/login", {"data": {"username": "maria", "password": PASSWORD}}, 415),
        ("/api/auth/token", {"json": {"username": "maria", "password": PASSWORD}}, 415),
        ("/api/auth/token", {"data": {"username": "maria", "grant_type": "password"}}, 422),
        (
            "/api/auth/token",
            {"data": {"username": "maria", "password": PASSWORD, "grant_type": "implicit"}},
            422,
        ),
        ("/api/auth/login", {"json": {"password": PASSWORD}}, 422),
        ("/api/auth/login", {"json": {"username": "a", "email": "b", "password": "c"}}, 422),
        ("/api/auth/login", {"json": {"username": "maria"}}, 422),
        ("/api/auth/login", {"json": {"username": "x" * 301, "password": PASSWORD}}, 422),
        ("/api/auth/login", {"json": {"username": "maria", "password": "x" * 301}}, 422),
        ("/api/auth/login", {"json": {"username": "maria\x00", "password": PASSWORD}}, 422),
        ("/api/auth/login", {"json": {"username": {"$ne": 1}, "password": PASSWORD}}, 422),
    ],
)
async def test_what_is_no_login_is_refused(
    shared_house: House, path: str, content: dict[str, Any], status: int
) -> None:
    """AUTH-2, AUTH-3, SEC-6: before any password is looked at; the answer repeats none."""
    async with nothing_changes(shared_house):
        answer = await shared_house.anonymous.post(path, **content)

    assert answer.status_code == status, answer.text
    assert PASSWORD not in answer.text
    assert "x" * 300 not in answer.text


async def _refused_logins(house: House) -> dict[str, httpx.Response]:
    return {
        "wrong password": await log_in(house, "maria", WRONG),
        "password of another case": await log_in(house, "maria", PASSWORD.lower()),
        "wrong password by email": await log_in(house, "maria@example.com", WRONG),
        "unknown": await log_in(house, "nobody"),
        "unknown email": await log_in(house, "nobody@example.com"),
        "quotes": await log_in(house, "' OR 1=1 --"),
        "wildcard": await log_in(house, "mari%"),
        "inactive": await log_in(house, "ina"),
        "inactive, wrong password": await log_in(house, "ina", WRONG),
        "locked": await log_in(house, "lock"),
        "empty password": await log_in(house, "maria", ""),
    }


async def test_all_refused_logins_look_the_same(house: House, maria: Member) -> None:
    """AUTH-16: unknown, wrong, inactive and locked can't be told apart, down to the headers."""
    await house.member("ina", is_active=False)
    await house.member("lock")
    for _ in range(10):
        await log_in(house, "lock", WRONG)
    before = await house.rows(select(sessions.c.id))

    answers = await _refused_logins(house)

    expected = without_id(answers["wrong password"])
    assert expected[0] == 401
    assert expected[2]["type"] == "invalid-credentials"
    for name, answer in answers.items():
        assert without_id(answer) == expected, name
    assert await house.rows(select(sessions.c.id)) == before
    assert await stored(house, maria.id, "last_login") is None


async def test_each_login_is_audited_whatever_comes_of_it(house: House, maria: Member) -> None:
    """SEC-9: of whom, if there is such a user; the name that was tried is not kept."""
    await log_in(house, "maria")
    await log_in(house, "maria", WRONG)
    await log_in(house, "My-Passw0rd-typed-here")

    entries = await audited(house, "auth.login")

    assert [(outcome, user_id) for _, outcome, user_id, _ in entries] == [
        ("success", maria.id),
        ("failure", maria.id),
        ("failure", None),
    ]
    assert all(resource is None for *_, resource in entries)


async def test_a_user_that_is_let_in_again_can_log_in(
    house: House, maria: Member, adam: Member
) -> None:
    """AUTH-13, AUTH-17: deactivated and activated; the old session stays ended."""
    await change_user(adam, maria, is_active=False)
    refused = await log_in(house, "maria")
    await change_user(adam, maria, is_active=True)

    again = await log_in(house, "maria")

    assert (refused.status_code, again.status_code) == (401, 200)
    assert await status_with(house, maria.access_token) == 401
