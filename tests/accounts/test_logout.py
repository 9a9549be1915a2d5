from collections.abc import Callable

import pytest

from lacewing.settings import Settings
from tests.accounts.acts import audited, log_in, nothing_changes, refresh, status_with
from tests.support.house import House, Member, open_house


async def test_after_logout_both_tokens_are_dead_at_once(house: House, maria: Member) -> None:
    """AUTH-5: the access token too, though it has not expired."""
    answer = await maria.api.post("/api/auth/logout")

    assert (answer.status_code, answer.content) == (204, b"")
    assert await status_with(house, maria.access_token) == 401
    assert (await refresh(house, maria.refresh_token)).status_code == 401
    assert ("auth.logout", "success", maria.id) in [entry[:3] for entry in await audited(house)]


async def test_logout_ends_this_session_alone(house: House, maria: Member) -> None:
    """AUTH-5: the user's other device and other users stay."""
    noor = await house.member("noor")
    other = (await log_in(house, "maria")).json()

    await maria.api.post("/api/auth/logout")

    assert await status_with(house, other["access_token"]) == 200
    assert (await refresh(house, other["refresh_token"])).status_code == 200
    assert await status_with(house, noor.access_token) == 200


async def test_logout_everywhere_ends_all_sessions_of_the_user(house: House, maria: Member) -> None:
    """AUTH-6: on all devices, at once; nobody else's."""
    noor = await house.member("noor")
    others = [(await log_in(house, "maria")).json() for _ in range(3)]

    answer = await maria.api.post("/api/auth/logout-all")

    assert answer.status_code == 204
    for pair in others:
        assert await status_with(house, pair["access_token"]) == 401
        assert (await refresh(house, pair["refresh_token"])).status_code == 401
    assert await status_with(house, maria.access_token) == 401
    assert await status_with(house, noor.access_token) == 200
    assert (await log_in(house, "maria")).status_code == 200
    assert ("auth.logout_all", "success", maria.id, f"user:{maria.id}") in await audited(house)


@pytest.mark.parametrize("path", ["/api/auth/logout", "/api/auth/logout-all"])
async def test_a_token_is_refused_by_every_process(
    house: House, maria: Member, make_settings: Callable[..., Settings], path: str
) -> None:
    """AUTH-5: also by one that has seen the token and remembers its signature."""
    async with open_house(make_settings(), house.clock) as other:
        assert await status_with(other, maria.access_token) == 200

        await maria.api.post(path)

        assert await status_with(other, maria.access_token) == 401
        assert (await refresh(other, maria.refresh_token)).status_code == 401


@pytest.mark.parametrize("path", ["/api/auth/logout", "/api/auth/logout-all"])
async def test_logout_twice_is_refused_and_ends_nothing_more(
    house: House, maria: Member, path: str
) -> None:
    """AUTH-5, AUTH-6: a dead token does nothing, and an absent one neither."""
    await log_in(house, "maria")
    await maria.api.post("/api/auth/logout")

    async with nothing_changes(house):
        again = await maria.api.post(path)
        anonymous = await house.anonymous.post(path)

    assert (again.status_code, anonymous.status_code) == (401, 401)
