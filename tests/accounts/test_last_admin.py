import asyncio
from typing import Any

import pytest
from sqlalchemy import select

from lacewing.accounts.tables import users
from lacewing.kernel.actor import Role
from tests.accounts.acts import audited, change_user, nothing_changes, status_with
from tests.support.house import House, Member

LOSSES: list[dict[str, Any]] = [
    {"role": "developer"},
    {"is_active": False},
    {"role": "admin", "is_active": False},
]


async def _active_admins(house: House) -> list[str]:
    is_one = (users.c.role == Role.ADMIN.value, users.c.is_active)
    return [row[0] for row in await house.rows(select(users.c.username).where(*is_one))]


@pytest.mark.parametrize("loss", LOSSES)
async def test_the_last_active_admin_stays(
    house: House, adam: Member, loss: dict[str, Any]
) -> None:
    """AUTH-13: 409, audited, and nothing changed; an inactive admin does not count."""
    await house.member("retired", Role.ADMIN, is_active=False)

    async with nothing_changes(house):
        answer = await change_user(adam, adam, **loss)

    assert (answer.status_code, answer.json()["type"]) == (409, "last-admin")
    assert await status_with(house, adam.access_token) == 200
    assert await audited(house, "user.change") == [
        ("user.change", "denied", adam.id, f"user:{adam.id}")
    ]


@pytest.mark.parametrize("loss", LOSSES)
async def test_the_last_but_one_may_go(house: House, adam: Member, loss: dict[str, Any]) -> None:
    """AUTH-13: one beyond the limit, also by one's own hand."""
    await house.member("eve", Role.ADMIN)

    answer = await change_user(adam, adam, **loss)

    assert answer.status_code == 200, answer.text
    assert await _active_admins(house) == ["eve"]


async def test_the_last_admin_may_change_what_is_harmless(house: House, adam: Member) -> None:
    """AUTH-13: to stay what one is is no loss."""
    answer = await change_user(adam, adam, role="admin", is_active=True)

    assert answer.status_code == 200
    assert await _active_admins(house) == ["adam"]


@pytest.mark.parametrize("loss", LOSSES)
async def test_of_two_admins_who_demote_each_other_at_once_one_stays(
    house: House, adam: Member, loss: dict[str, Any]
) -> None:
    """AUTH-13, AUTH-17: the one who came second is no admin any more."""
    eve = await house.member("eve", Role.ADMIN)

    answers = await asyncio.gather(change_user(adam, eve, **loss), change_user(eve, adam, **loss))

    statuses = sorted(answer.status_code for answer in answers)
    assert statuses[0] == 200
    assert statuses[1] in {401, 403}
    assert len(await _active_admins(house)) == 1


async def test_of_many_admins_who_go_at_once_one_stays(house: House, adam: Member) -> None:
    """AUTH-13: each steps down by themselves, and one is not let go."""
    admins = [adam, *[await house.member(f"eve{n}", Role.ADMIN) for n in range(7)]]

    answers = await asyncio.gather(*(change_user(each, each, role="manager") for each in admins))

    assert sorted(answer.status_code for answer in answers) == [200] * 7 + [409]
    assert len(await _active_admins(house)) == 1


async def test_admins_who_demote_in_a_ring_leave_one_at_least(house: House, adam: Member) -> None:
    """AUTH-13: whoever was demoted first demotes nobody."""
    admins = [adam, *[await house.member(f"eve{n}", Role.ADMIN) for n in range(5)]]
    victims = [*admins[1:], adam]

    answers = await asyncio.gather(
        *(change_user(*pair, role="developer") for pair in zip(admins, victims, strict=True))
    )

    left = await _active_admins(house)
    done = [answer for answer in answers if answer.status_code == 200]
    assert len(left) == 6 - len(done) >= 1
