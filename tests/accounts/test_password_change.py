import asyncio

import pytest

from tests.accounts.acts import (
    FRESH,
    WRONG,
    audited,
    log_in,
    nothing_changes,
    refresh,
    status_with,
    stored,
)
from tests.support.house import PASSWORD, House, Member


def _body(current: str = PASSWORD, new: str = FRESH) -> dict[str, str]:
    return {"current_password": current, "new_password": new}


async def test_a_new_password_ends_all_other_sessions(
    house: House, maria: Member, noor: Member
) -> None:
    """AUTH-8: the answer is a fresh pair; every older token of the user is dead, others' live."""
    phone = (await log_in(house, "maria")).json()

    answer = await maria.api.post("/api/auth/password", json=_body())

    pair = answer.json()
    assert answer.status_code == 200
    assert await status_with(house, pair["access_token"]) == 200
    assert (await refresh(house, pair["refresh_token"])).status_code == 200
    for access, token in [
        (phone["access_token"], phone["refresh_token"]),
        (maria.access_token, maria.refresh_token),
    ]:
        assert await status_with(house, access) == 401
        assert (await refresh(house, token)).status_code == 401
    assert await status_with(house, noor.access_token) == 200


async def test_only_the_new_password_is_good(house: House, maria: Member) -> None:
    """AUTH-8, SEC-9: at once, and audited."""
    await maria.api.post("/api/auth/password", json=_body())

    old, new = await log_in(house, "maria", PASSWORD), await log_in(house, "maria", FRESH)

    assert (old.status_code, new.status_code) == (401, 200)
    assert await audited(house, "auth.password_change") == [
        ("auth.password_change", "success", maria.id, f"user:{maria.id}")
    ]


async def test_a_wrong_current_password_changes_nothing_but_is_counted(
    house: House, maria: Member
) -> None:
    """AUTH-8, AUTH-16: refused, audited, and the sessions live."""
    before = await stored(house, maria.id, "password_hash")

    answer = await maria.api.post("/api/auth/password", json=_body(current=WRONG))

    assert (answer.status_code, answer.json()["type"]) == (401, "wrong-current-password")
    assert await stored(house, maria.id, "password_hash") == before
    assert len(await stored(house, maria.id, "recent_failures")) == 1
    assert await status_with(house, maria.access_token) == 200
    assert await audited(house, "auth.password_change") == [
        ("auth.password_change", "failure", maria.id, f"user:{maria.id}")
    ]


@pytest.mark.parametrize("new", ["short-1A"[:7], "nodigits-A", "x" * 300, ""])
async def test_a_weak_new_password_is_refused(house: House, maria: Member, new: str) -> None:
    """AUTH-14, AUTH-8: before anything is changed; the answer repeats neither password."""
    async with nothing_changes(house):
        answer = await maria.api.post("/api/auth/password", json=_body(new=new))

    assert answer.status_code == 422
    assert answer.json()["errors"][0]["loc"] == ["body", "new_password"]
    assert PASSWORD not in answer.text


async def test_of_many_changes_at_once_one_wins(house: House, maria: Member) -> None:
    """AUTH-8: the others find their session ended; one pair is good, one password too."""
    wanted = [f"Fresh-Horse-{number}" for number in range(8)]

    answers = await asyncio.gather(
        *(maria.api.post("/api/auth/password", json=_body(new=new)) for new in wanted)
    )

    assert sorted(answer.status_code for answer in answers) == [200] + [401] * 7
    logins = [(await log_in(house, "maria", new)).status_code for new in wanted]
    won = [answer.status_code for answer in answers]
    assert logins == won
