import asyncio
from collections import Counter
from datetime import timedelta

import pytest

from lacewing.accounts.rules import FAILURE_WINDOW, FIRST_LOCK, lock_time
from tests.accounts.acts import (
    FRESH,
    WRONG,
    audited,
    fail_to_log_in,
    log_in,
    nothing_changes,
    status_with,
    stored,
)
from tests.support.house import PASSWORD, House, Member

MOMENT = timedelta(microseconds=1)


async def _unlock(admin: Member, user: Member) -> int:
    return (await admin.api.post(f"/api/users/{user.id}/unlock")).status_code


async def test_nine_failures_lock_nobody_out(house: House, maria: Member) -> None:
    """AUTH-16: at the limit; a good login forgets them."""
    await fail_to_log_in(house, "maria", 9)

    assert (await log_in(house, "maria")).status_code == 200

    await fail_to_log_in(house, "maria", 9)
    assert (await log_in(house, "maria")).status_code == 200
    assert await audited(house, "auth.account_locked") == []
    assert await stored(house, maria.id, "locked_until") is None


async def test_ten_failures_lock_the_account(house: House, maria: Member) -> None:
    """AUTH-16: the right password does not help, until the lock ends; it is audited."""
    await fail_to_log_in(house, "maria", 10)

    refused = await log_in(house, "maria")
    house.clock.now += FIRST_LOCK - MOMENT
    still = await log_in(house, "maria@example.com")
    house.clock.now += MOMENT
    after = await log_in(house, "maria")

    assert [each.status_code for each in (refused, still, after)] == [401, 401, 200]
    assert await audited(house, "auth.account_locked") == [
        ("auth.account_locked", "success", maria.id, f"user:{maria.id}")
    ]


async def test_a_lock_ends_no_session(house: House, maria: Member) -> None:
    """AUTH-16: who guesses at a door throws nobody out of the house."""
    await fail_to_log_in(house, "maria", 10)

    status = await status_with(house, maria.access_token)

    assert status == 200


@pytest.mark.parametrize(("beyond", "status"), [(timedelta(), 401), (MOMENT, 200)])
async def test_failures_count_for_fifteen_minutes(
    house: House, maria: Member, beyond: timedelta, status: int
) -> None:
    """AUTH-16: 10 failures within a window that moves; one that is older is forgotten."""
    house.clock.now = house.clock.now.replace(microsecond=0)
    await fail_to_log_in(house, "maria", 1)
    house.clock.now += FAILURE_WINDOW + beyond
    await fail_to_log_in(house, "maria", 9)

    answer = await log_in(house, "maria")

    assert answer.status_code == status
    assert await stored(house, maria.id, "last_login") == (house.clock() if status == 200 else None)


async def test_each_lock_lasts_longer_than_the_one_before(house: House, maria: Member) -> None:
    """AUTH-16: for a time that grows, until a good login."""
    for locks_before in range(3):
        await fail_to_log_in(house, "maria", 10)
        until = await stored(house, maria.id, "locked_until")
        assert until - house.clock() == FIRST_LOCK * 2**locks_before
        house.clock.now = until

    assert (await log_in(house, "maria")).status_code == 200

    await fail_to_log_in(house, "maria", 10)
    assert await stored(house, maria.id, "locked_until") == house.clock() + FIRST_LOCK


def test_no_lock_is_longer_than_a_day() -> None:
    """AUTH-16: it grows to a day, after however many locks."""
    times = [lock_time(locks) for locks in (0, 1, 6, 7, 10_000)]

    day = timedelta(days=1)
    assert times == [FIRST_LOCK, FIRST_LOCK * 2, FIRST_LOCK * 64, day, day]


async def test_guessing_on_does_not_keep_the_account_locked(house: House, maria: Member) -> None:
    """AUTH-16: what is tried while it is locked makes no lock longer."""
    await fail_to_log_in(house, "maria", 10)
    until = await stored(house, maria.id, "locked_until")
    await fail_to_log_in(house, "maria", 15)

    house.clock.now = until

    assert (await log_in(house, "maria")).status_code == 200


async def test_thirty_guesses_at_once_are_all_counted(house: House, maria: Member) -> None:
    """AUTH-16: concurrency gives no more tries."""
    answers = await asyncio.gather(*(log_in(house, "maria", WRONG) for _ in range(30)))

    assert Counter(answer.status_code for answer in answers) == {401: 30}
    assert (await log_in(house, "maria")).status_code == 401
    locked = [("auth.account_locked", "success", maria.id, f"user:{maria.id}")]
    assert await audited(house, "auth.account_locked") == locked


async def test_an_admin_can_unlock(house: House, maria: Member, adam: Member) -> None:
    """AUTH-16, AUTH-13: at once, as if nothing had failed; it is audited."""
    await fail_to_log_in(house, "maria", 10)

    status = await _unlock(adam, maria)

    assert status == 200
    assert (await log_in(house, "maria")).status_code == 200
    assert await stored(house, maria.id, "lock_count") == 0
    assert await audited(house, "user.unlock") == [
        ("user.unlock", "success", adam.id, f"user:{maria.id}")
    ]


async def test_nobody_else_can_unlock(
    house: House, maria: Member, noor: Member, mona: Member
) -> None:
    """AUTH-13, PERM: neither a developer nor a manager."""
    await fail_to_log_in(house, "maria", 10)

    async with nothing_changes(house):
        statuses = [await _unlock(who, maria) for who in (maria, noor, mona)]

    assert statuses == [403, 403, 403]


async def test_a_stolen_session_cannot_guess_the_password_either(
    house: House, maria: Member
) -> None:
    """AUTH-8, AUTH-16: a wrong current password counts as a failed login."""
    body = {"current_password": WRONG, "new_password": FRESH}
    answers = [await maria.api.post("/api/auth/password", json=body) for _ in range(10)]

    body["current_password"] = PASSWORD
    locked = await maria.api.post("/api/auth/password", json=body)

    assert [answer.status_code for answer in (*answers, locked)] == [401] * 11
    assert {answer.json()["type"] for answer in (*answers, locked)} == {"wrong-current-password"}
    assert (await log_in(house, "maria")).status_code == 401
