from collections.abc import AsyncIterator, Callable

import pytest

from lacewing.settings import Settings
from tests.accounts import forgeries as forge
from tests.accounts.acts import log_in, refresh, status_with
from tests.support.house import House, Member, open_house


@pytest.fixture
async def rsa_house(make_settings: Callable[..., Settings]) -> AsyncIterator[House]:
    """A house that signs by RS256."""
    async with open_house(make_settings(LACEWING_JWT_ALGORITHM="RS256")) as opened:
        yield opened


async def test_with_rs256_everything_works_as_with_es256(rsa_house: House) -> None:
    """AUTH-15: login, use, refresh and logout, by the algorithm that the settings name."""
    await rsa_house.member("maria")
    pair = (await log_in(rsa_house, "maria")).json()
    assert forge.header_of(pair["access_token"])["alg"] == "RS256"
    assert await status_with(rsa_house, pair["access_token"]) == 200

    fresh = (await refresh(rsa_house, pair["refresh_token"])).json()

    assert await status_with(rsa_house, fresh["access_token"]) == 200
    headers = {"Authorization": f"Bearer {fresh['access_token']}"}
    ended = await rsa_house.anonymous.post("/api/auth/logout", headers=headers)
    assert ended.status_code == 204
    assert await status_with(rsa_house, fresh["access_token"]) == 401


@pytest.mark.parametrize("form", ["pem", "der", "jwk"])
async def test_the_public_key_is_no_secret_to_sign_with(rsa_house: House, form: str) -> None:
    """AUTH-15: HS256 with the published RSA key, the classic confusion."""
    maria = await rsa_house.member("maria")

    token = forge.by_public_key(rsa_house, maria, form)

    assert await status_with(rsa_house, token) == 401
    assert await status_with(rsa_house, maria.access_token) == 200


async def test_a_token_of_the_other_algorithm_is_refused(
    house: House, maria: Member, rsa_house: House
) -> None:
    """AUTH-15: the list of algorithms has one entry, though both have the same session."""
    assert await status_with(house, maria.access_token) == 200

    status = await status_with(rsa_house, maria.access_token)

    assert status == 401


async def test_the_other_rsa_algorithms_are_refused(rsa_house: House) -> None:
    """AUTH-15: even when they are signed by the right key."""
    maria = await rsa_house.member("maria")
    header = forge.header_of(maria.access_token)
    key = forge.signing_key(rsa_house)

    statuses = [
        await status_with(
            rsa_house,
            forge.sign(key, header | {"alg": name}, forge.claims_of(maria), name),
        )
        for name in ("RS256", "RS384", "RS512", "PS256")
    ]

    assert statuses == [200, 401, 401, 401]
