import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import httpx
import pytest
from joserfc.jwk import ECKey
from sqlalchemy import func, select

from lacewing.accounts.tables import users
from tests.accounts.acts import audited
from tests.accounts.social.acts import (
    Gallery,
    begin,
    enter,
    kind_of,
    linked,
    nobody_enters,
    open_gallery,
    profile,
)
from tests.accounts.social.flaws import Flaw, all_of, signed_by, with_claims, with_header, with_keys
from tests.accounts.social.wrong_tokens import UNPROVEN_EMAILS, WRONG_KEYS, WRONG_TOKENS
from tests.support.databases import DatabaseTemplate
from tests.support.house import House
from tests.support.rogue_provider import DISCOVERY, JWKS, TOKEN, USERINFO, RogueProvider, rsa_key

NOT_PROVEN = (401, "identity-not-proven")
CURVE = ECKey.generate_key("P-256", {"kid": "curve", "use": "sig"})

SOUND: dict[str, Flaw] = {
    "as most do": lambda _: None,
    "email at user info alone": lambda rogue: setattr(rogue, "has_email_in_id_token", False),
    "audience in a list": with_claims(aud=["lacewing"]),
    "azp of this client": with_claims(azp="lacewing"),
    "claims that nobody knows": with_claims(acr="0", address={"country": "CH"}, groups=["a"]),
    "no name": with_claims(name=...),
    "name null": with_claims(name=None),
    "one key, no kid": with_header(kid=...),
    "ES256": all_of(
        with_keys(lambda right: [right, CURVE.as_dict(private=False)]),
        signed_by(CURVE, "ES256", kid="curve"),
    ),
    "keys of kinds that nobody knows": with_keys(
        lambda right: [{"kty": "AKP", "kid": "pq"}, {"kty": "oct", "k": "AA"}, right]
    ),
    "subject of 255 characters": with_claims(sub="k" * 255),
    "callback without issuer": lambda rogue: rogue.callback.update(iss=...),
    "callback with more": lambda rogue: rogue.callback.update(session_state="x", hd="a", prompt=""),
}
FLAWS = WRONG_TOKENS | WRONG_KEYS | UNPROVEN_EMAILS | SOUND


@pytest.fixture(scope="module")
async def gallery(
    database_template: DatabaseTemplate, tmp_path_factory: pytest.TempPathFactory, keys_dir: Path
) -> AsyncIterator[Gallery]:
    async with (
        database_template.copied(tmp_path_factory.mktemp("gallery")) as url,
        open_gallery(FLAWS, url, keys_dir) as opened,
    ):
        yield opened


async def test_a_provider_is_asked_as_the_standards_say(
    house: House, acme: RogueProvider, browser: httpx.AsyncClient
) -> None:
    """AUTH-12: code flow, PKCE by S256, nonce, the client's secret in HTTP Basic; each once."""
    url = await begin(browser)
    query = parse_qs(urlsplit(url).query)
    answer = await browser.get(acme.authorize(url))

    assert (await profile(house, answer))["email"] == "kim@example.com"
    assert acme.faults == []
    assert [each.path for each in acme.asked] == [DISCOVERY, TOKEN, JWKS]
    assert query["redirect_uri"] == ["http://lacewing.test/api/auth/acme/callback"]
    assert all(len(query[name][0]) >= 43 for name in ("state", "nonce", "code_challenge"))
    assert "client_secret" not in url
    assert acme.client_secret not in url


async def test_each_login_has_secrets_of_its_own(browser: httpx.AsyncClient) -> None:
    """AUTH-12: nothing of one login helps to forge another."""
    queries = [parse_qs(urlsplit(await begin(browser)).query) for _ in range(3)]

    for name in ("state", "nonce", "code_challenge"):
        assert len({query[name][0] for query in queries}) == 3


async def test_metadata_and_keys_are_kept(house: House, acme: RogueProvider) -> None:
    """AUTH-12: ten logins ask for them once."""
    for number in range(10):
        assert (await enter(house, acme, f"kim{number}")).status_code == 200

    assert (acme.times_asked(DISCOVERY), acme.times_asked(JWKS)) == (1, 1)
    assert acme.times_asked(USERINFO) == 0


@pytest.mark.parametrize("name", SOUND)
async def test_what_is_unusual_but_sound_is_taken(gallery: Gallery, name: str) -> None:
    """AUTH-12: a provider may do more than it must, and in another order."""
    answer = await gallery.enter(name, account=gallery.slugs[name])

    assert answer.status_code == 200, answer.text
    assert gallery.rogues[name].faults == []


@pytest.mark.parametrize("name", WRONG_TOKENS | WRONG_KEYS)
async def test_what_proves_nothing_lets_nobody_in(gallery: Gallery, name: str) -> None:
    """AUTH-12: each check of the ID token, alone and with all the others met."""
    async with nobody_enters(gallery.house):
        answer = await gallery.enter(name)

    assert kind_of(answer) == NOT_PROVEN
    entry = (await audited(gallery.house, "auth.social_login"))[-1]
    assert entry[1:3] == ("failure", None)


@pytest.mark.parametrize("name", UNPROVEN_EMAILS)
async def test_an_email_that_nobody_vouches_for_makes_no_account(
    gallery: Gallery, name: str
) -> None:
    """AUTH-12: only a true ``email_verified`` vouches for it."""
    async with nobody_enters(gallery.house):
        answer = await gallery.enter(name)

    assert kind_of(answer) in {(403, "email-not-verified"), NOT_PROVEN}


async def test_a_new_key_is_fetched_once_and_taken(house: House, acme: RogueProvider) -> None:
    """AUTH-12: at once when the provider rotates; a key that stays unknown, once a minute."""
    await enter(house, acme, "kim")
    acme.key = rsa_key("second")

    rotated = await enter(house, acme, "lee")
    acme.header["kid"] = "third"
    unknown = [await enter(house, acme, "ann") for _ in range(3)]

    assert rotated.status_code == 200, rotated.text
    assert {kind_of(answer) for answer in unknown} == {NOT_PROVEN}
    assert acme.times_asked(JWKS) == 2


async def test_a_retired_key_is_no_longer_taken(house: House, acme: RogueProvider) -> None:
    """AUTH-12: once the key set without it has been fetched."""
    await enter(house, acme, "kim")
    acme.key = rsa_key("second")
    await enter(house, acme, "lee")
    retired = rsa_key("first")
    signed_by(retired, kid="first")(acme)

    async with nobody_enters(house):
        answer = await enter(house, acme, "ann")

    assert kind_of(answer) == NOT_PROVEN


async def test_logins_at_the_same_time_ask_for_keys_once(house: House, acme: RogueProvider) -> None:
    """AUTH-12: a burst after a start is one question for metadata and one for keys."""
    answers = await asyncio.gather(*(enter(house, acme, f"kim{number}") for number in range(8)))

    assert {answer.status_code for answer in answers} == {200}
    assert (acme.times_asked(DISCOVERY), acme.times_asked(JWKS)) == (1, 1)
    assert len(await linked(house)) == 8
    assert (await house.rows(select(func.count()).select_from(users)))[0][0] == 8
