import asyncio
from collections.abc import Callable
from uuid import UUID

import pytest
from sqlalchemy import select

from lacewing.accounts.tables import users
from lacewing.settings import Settings
from tests.accounts.acts import audited, log_in, nothing_changes, register
from tests.support.house import PASSWORD, House, open_house


@pytest.mark.parametrize("path", ["/api/auth/register", "/api/auth/signup", "/api/auth/signup/"])
async def test_anybody_may_register_and_is_a_developer(house: House, path: str) -> None:
    """AUTH-1: both paths; 201 with the user, who can log in."""
    body = {
        "username": "Nina",
        "email": "Nina@Example.com",
        "full_name": "Nina Example",
        "password": PASSWORD,
    }

    answer = await house.anonymous.post(path, json=body)

    user = answer.json()
    assert answer.status_code == 201
    assert answer.headers["location"] == f"/api/users/{user['id']}"
    assert UUID(user.pop("id")).version == 7
    assert user.pop("created_at").endswith("Z")
    assert user == {
        "username": "Nina",
        "email": "Nina@example.com",
        "full_name": "Nina Example",
        "role": "developer",
        "is_active": True,
        "last_login": None,
    }
    assert (await log_in(house, "nina")).status_code == 200


@pytest.mark.parametrize(
    "extra", [{"role": "admin"}, {"is_active": False}, {"id": str(UUID(int=1))}, {"last_login": 0}]
)
async def test_nobody_gives_themselves_a_role(house: House, extra: dict[str, object]) -> None:
    """AUTH-18: the first admin never comes from open registration."""
    async with nothing_changes(house):
        answer = await register(house, username="nina", **extra)

    assert answer.status_code == 422
    assert answer.json()["errors"][0]["loc"] == ["body", *extra]


@pytest.mark.parametrize(
    ("fields", "kind"),
    [
        ({"username": "MARIA", "email": "other@example.com"}, "username-taken"),
        ({"username": "other", "email": "MARIA@EXAMPLE.COM"}, "email-taken"),
        ({"username": "other", "email": "maria@Example.com"}, "email-taken"),
        ({"email": "MARIA@example.com"}, "email-taken"),
    ],
)
async def test_what_differs_only_by_case_is_taken(
    house: House, fields: dict[str, str], kind: str
) -> None:
    """AUTH-1: username and email are unique without regard to case."""
    await house.member("maria")

    async with nothing_changes(house):
        answer = await register(house, **fields)

    assert (answer.status_code, answer.json()["type"]) == (409, kind)


async def test_one_of_many_who_want_the_same_name_at_once_gets_it(house: House) -> None:
    """AUTH-1: uniqueness holds under concurrency; the others are told so."""
    answers = await asyncio.gather(
        *(register(house, username="nina", email=f"n{n}@example.com") for n in range(10))
    )

    assert sorted(answer.status_code for answer in answers) == [201] + [409] * 9
    assert len(await house.rows(select(users.c.id))) == 1


async def test_while_registration_is_closed_nobody_gets_in(
    make_settings: Callable[..., Settings],
) -> None:
    """AUTH-1: registration can be switched off; the try is audited."""
    settings = make_settings(LACEWING_OPEN_REGISTRATION="false")
    async with open_house(settings) as closed, nothing_changes(closed):
        by_register = await register(closed, username="nina")
        by_signup = await closed.anonymous.post(
            "/api/auth/signup", json={"email": "n@example.com", "password": PASSWORD}
        )

        assert (by_register.status_code, by_signup.status_code) == (403, 403)
        assert by_register.json()["type"] == "registration-closed"
        assert await audited(closed) == [("auth.register", "denied", None, None)] * 2


async def test_registering_again_with_the_same_key_makes_no_second_user(house: House) -> None:
    """API-8, AUTH-1: the first answer comes again."""
    body = {"email": "nina@example.com", "password": PASSWORD}
    headers = {"Idempotency-Key": "once"}

    first = await house.anonymous.post("/api/auth/register", json=body, headers=headers)
    again = await house.anonymous.post("/api/auth/register", json=body, headers=headers)

    assert (again.status_code, again.json()) == (201, first.json())
    assert len(await house.rows(select(users.c.id))) == 1
