from typing import Any

import pytest
from sqlalchemy import update

from lacewing.accounts.tables import users
from lacewing.kernel.actor import Role
from lacewing.kernel.db import transaction
from tests.support.house import House, Member


async def _list(reader: Member, **params: Any) -> dict[str, Any]:
    answer = await reader.api.get("/api/users", params=params)
    assert answer.status_code == 200, answer.text
    page: dict[str, Any] = answer.json()
    return page


async def _names(reader: Member, **params: Any) -> list[str]:
    return [each["username"] for each in (await _list(reader, **params))["data"]]


async def _name_fully(house: House, member: Member, full_name: str) -> None:
    async with transaction(house.database) as session:
        await session.execute(
            update(users).where(users.c.id == member.id).values(full_name=full_name)
        )


async def test_emails_are_seen_by_oneself_and_admins_alone(
    maria: Member, noor: Member, mona: Member, adam: Member
) -> None:
    """AUTH-13: in the list and in the look-up of one; neither ``last_login``."""
    private = {"email", "last_login"}
    everybody = {maria.username, noor.username, mona.username, adam.username}

    for reader, visible in (
        (maria, {"maria"}),
        (mona, {"mona"}),
        (adam, everybody),
    ):
        listed = (await _list(reader))["data"]
        single = [(await reader.api.get(f"/api/users/{each['id']}")).json() for each in listed]

        assert {each["username"] for each in listed} == everybody
        assert {each["username"] for each in listed if private & each.keys()} == visible
        assert {each["username"] for each in single if private & each.keys()} == visible


async def test_nobody_looks_users_up_without_being_signed_in(house: House, maria: Member) -> None:
    """AUTH-13: 401 for the list and for one."""
    answers = [await house.anonymous.get(path) for path in ("/api/users", f"/api/users/{maria.id}")]

    assert [answer.status_code for answer in answers] == [401, 401]


@pytest.mark.parametrize(
    ("search", "found"),
    [
        ("mar", ["maria"]),
        ("MAR", ["maria"]),
        ("o", ["mona", "noor"]),
        ("van den", ["noor"]),
        ("VAN DEN", ["noor"]),
        ("%", ["mona"]),
        ("_", []),
        ("100%", ["mona"]),
        ("example.com", []),
        ("' OR 1=1 --", []),
    ],
)
async def test_search_finds_parts_of_names(
    house: House, maria: Member, noor: Member, mona: Member, search: str, found: list[str]
) -> None:
    """AUTH-13: username and full name, without regard to case; never the email."""
    await _name_fully(house, noor, "Noor van den Berg")
    await _name_fully(house, mona, "Miss 100%")

    assert await _names(maria, search=search) == found


async def test_filters_by_role_and_activity(house: House, maria: Member, mona: Member) -> None:
    """AUTH-13: alone and together."""
    await house.member("gone", Role.MANAGER, is_active=False)

    assert await _names(maria, role="manager") == ["gone", "mona"]
    assert await _names(maria, is_active=False) == ["gone"]
    assert await _names(maria, role="manager", is_active=True) == [mona.username]
    assert await _names(maria, role="admin") == []


@pytest.mark.parametrize(
    ("sort", "names"),
    [
        (None, ["adam", "Bea", "cleo", "maria"]),
        ("username", ["adam", "Bea", "cleo", "maria"]),
        ("-username", ["maria", "cleo", "Bea", "adam"]),
        ("created_at", ["maria", "cleo", "Bea", "adam"]),
        ("-created_at", ["adam", "Bea", "cleo", "maria"]),
    ],
)
async def test_sorts_and_pages(
    house: House, maria: Member, sort: str | None, names: list[str]
) -> None:
    """API-5, API-6, AUTH-13: by cursor and by number, each row once, case does not count."""
    for name in ("cleo", "Bea", "adam"):
        house.clock.advance(seconds=1)
        await house.member(name)
    params = {"sort": sort, "limit": "2"} if sort else {"limit": "2"}

    first = await _list(maria, **params)
    second = await _list(maria, **params, cursor=first["next_cursor"])
    numbered = await _list(maria, **params, page=2)

    assert [each["username"] for each in first["data"] + second["data"]] == names
    assert numbered["data"] == second["data"]
    assert (second["has_more"], second["next_cursor"]) == (False, None)
    assert (numbered["total"], numbered["total_is_exact"]) == (4, True)


@pytest.mark.parametrize(
    "params",
    [
        {"sort": "email"},
        {"sort": "password_hash"},
        {"role": "root"},
        {"is_active": "perhaps"},
        {"limit": "0"},
        {"limit": "101"},
        {"search": ""},
        {"search": "x" * 201},
        {"email": "maria@example.com"},
    ],
)
async def test_what_the_list_does_not_know_is_named(
    a_developer: Member, params: dict[str, str]
) -> None:
    """API-5, API-6, API-7: 422 that names the parameter."""
    answer = await a_developer.api.get("/api/users", params=params)

    assert answer.status_code == 422
    assert answer.json()["errors"][0]["loc"] == ["query", *params]
