import json
import stat
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

import pytest
from joserfc import jwt
from joserfc.jwk import KeySet

from lacewing.accounts.keys import JWKS_LIFETIME, KeysUnreadable, load_keys
from lacewing.accounts.rules import JwtAlgorithm
from lacewing.settings import Settings
from tests.accounts.acts import log_in, refresh, status_with
from tests.accounts.forgeries import claims_of, header_of
from tests.support.house import House, open_house


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "own-keys"


@pytest.fixture
async def rotating(make_settings: Callable[..., Settings], folder: Path) -> AsyncIterator[House]:
    """A house whose keys no other test has."""
    async with open_house(make_settings(LACEWING_KEYS_DIR=folder)) as opened:
        yield opened


def modes(folder: Path) -> dict[str, int]:
    """Who may read each file, the folder itself as ``.``."""
    paths = [folder, *folder.iterdir()]
    return {str(path.relative_to(folder)): stat.S_IMODE(path.stat().st_mode) for path in paths}


async def key_set(house: House) -> dict[str, Any]:
    answer = await house.anonymous.get("/.well-known/jwks.json")
    assert answer.status_code == 200
    document: dict[str, Any] = answer.json()
    return document


def rotate(house: House, **how: bool) -> None:
    """As ``lacewing keys rotate`` does: in another process, so with keys of its own."""
    settings = house.settings
    now = house.clock()
    load_keys(settings.keys_dir, settings.accounts.jwt_algorithm, now).rotate(now, **how)
    house.clock.advance(seconds=5)


async def test_others_can_verify_a_token_by_the_published_keys(rotating: House) -> None:
    """AUTH-11: with nothing but the JWK Set, found by the token's ``kid``."""
    maria = await rotating.member("maria")

    keys = KeySet.import_key_set(await key_set(rotating))  # type: ignore[arg-type]  # from JSON
    token = jwt.decode(maria.access_token, keys, algorithms=["ES256"])

    assert token.claims == claims_of(maria)


async def test_the_published_keys_are_public_halves_alone(rotating: House) -> None:
    """AUTH-11: no private part, no secret, and they may be kept for a while."""
    answer = await rotating.anonymous.get("/.well-known/jwks.json")

    [key] = answer.json()["keys"]
    assert key.keys() == {"kty", "crv", "x", "y", "kid", "use", "alg"}
    assert (key["use"], key["alg"]) == ("sig", "ES256")
    assert answer.headers["cache-control"] == "public, max-age=300"


async def test_rotation_logs_nobody_out(rotating: House) -> None:
    """AUTH-11: access and refresh tokens of before go on; JWE keys rotate likewise."""
    maria = await rotating.member("maria")

    rotate(rotating, at_once=True)
    pair = (await log_in(rotating, "maria")).json()

    assert await status_with(rotating, maria.access_token) == 200
    assert await status_with(rotating, pair["access_token"]) == 200
    for token in (maria.access_token, maria.refresh_token):
        newer = pair["access_token" if token is maria.access_token else "refresh_token"]
        assert header_of(token)["kid"] != header_of(newer)["kid"]
    assert (await refresh(rotating, maria.refresh_token)).status_code == 200
    assert (await refresh(rotating, pair["refresh_token"])).status_code == 200


async def test_a_new_key_is_published_before_it_signs(rotating: House) -> None:
    """AUTH-11: whoever keeps the key set as long as allowed never meets an unknown key."""
    [first] = [key["kid"] for key in (await key_set(rotating))["keys"]]

    rotate(rotating)
    published = [key["kid"] for key in (await key_set(rotating))["keys"]]
    early = await rotating.member("early")
    rotating.clock.advance(seconds=JWKS_LIFETIME.total_seconds())
    late = await rotating.member("late")

    assert len(published) == 2
    assert header_of(early.access_token)["kid"] == first
    assert header_of(late.access_token)["kid"] in set(published) - {first}


async def test_an_old_key_verifies_until_the_last_token_it_signed_has_ended(
    rotating: House, folder: Path
) -> None:
    """AUTH-11: then it is published no more, and the next rotation removes its file."""
    [first] = [key["kid"] for key in (await key_set(rotating))["keys"]]
    rotate(rotating, at_once=True)
    last = await rotating.member("last")
    rotating.clock.advance(days=7, seconds=-10)
    still = [key["kid"] for key in (await key_set(rotating))["keys"]]

    rotating.clock.advance(minutes=2)
    later = [key["kid"] for key in (await key_set(rotating))["keys"]]
    rotate(rotating)

    assert first in still
    assert first not in later
    assert f"sig-{first}.json" not in modes(folder)
    assert header_of(last.access_token)["kid"] in later


async def test_a_stolen_key_is_revoked_with_all_that_it_made(rotating: House) -> None:
    """AUTH-11: within seconds, also for tokens that were verified before."""
    maria = await rotating.member("maria")
    assert await status_with(rotating, maria.access_token) == 200

    rotate(rotating, revoke=True)

    assert await status_with(rotating, maria.access_token) == 401
    assert (await refresh(rotating, maria.refresh_token)).status_code == 401
    pair = (await log_in(rotating, "maria")).json()
    assert await status_with(rotating, pair["access_token"]) == 200


async def test_keys_are_readable_by_their_owner_alone(rotating: House, folder: Path) -> None:
    """AUTH-11: the folder, and every file in it."""
    rotate(rotating)

    found = modes(folder)

    assert found.pop(".") == 0o700
    assert set(found.values()) == {0o600}


@pytest.mark.parametrize(
    "document",
    [
        "no JSON",
        "{}",
        json.dumps({"kty": "oct", "k": "c2VjcmV0", "kid": "x", "use": "sig", "alg": "HS256"}),
        json.dumps({"kty": "oct", "k": "c2VjcmV0", "kid": "x", "use": "sig", "alg": "ES256"}),
        json.dumps({"kty": "EC", "crv": "P-256", "kid": "x", "use": "sig", "alg": "ES256"}),
    ],
)
async def test_a_file_that_is_no_key_is_named_and_does_no_harm(
    rotating: House, folder: Path, document: str
) -> None:
    """AUTH-11: a running server goes on with the keys it knows; a new one says what is wrong."""
    maria = await rotating.member("maria")

    (folder / "junk.json").write_text(document, encoding="utf-8")
    rotating.clock.advance(seconds=10)

    assert await status_with(rotating, maria.access_token) == 200
    with pytest.raises(KeysUnreadable, match=r"junk\.json"):
        load_keys(folder, JwtAlgorithm.ES256, rotating.clock())
