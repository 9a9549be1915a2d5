import time
from collections.abc import Callable
from uuid import uuid4

import pytest

from tests.accounts import forgeries as forge
from tests.accounts.acts import nothing_changes, refresh, status_with
from tests.accounts.forgeries import by_own_key, signed, unsigned, with_claims, with_header
from tests.support.house import House, Member

REFUSED_WITHIN_SECONDS = 1.0
"""On a machine that does much else; what is meant would take hours, or all memory."""
"""No header makes the server work hard; the quickest of three tries counts on a busy machine."""

Forge = Callable[[House, Member], str]

FORGED: dict[str, Forge] = {
    "alg none": lambda _, who: unsigned(who, "none"),
    "alg None": lambda _, who: unsigned(who, "None"),
    "alg none, old signature": lambda _, who: with_header(who, alg="none"),
    "alg empty": lambda _, who: unsigned(who, ""),
    "no signature": lambda _, who: unsigned(who, "ES256"),
    "zero signature": lambda _, who: unsigned(who, "ES256", forge.b64(bytes(64))),
    "short signature": lambda _, who: unsigned(who, "ES256", forge.b64(bytes(63))),
    "HS256, public key as PEM": lambda house, who: forge.by_public_key(house, who, "pem"),
    "HS256, public key as DER": lambda house, who: forge.by_public_key(house, who, "der"),
    "HS256, public key as JWK": lambda house, who: forge.by_public_key(house, who, "jwk"),
    "HS256, empty key": lambda house, who: forge.by_public_key(house, who, "empty"),
    "RS256, own key": lambda _, who: by_own_key(who, "RS256"),
    "ES256, own key": lambda _, who: by_own_key(who, "ES256"),
    "own key embedded": lambda _, who: by_own_key(who, "ES256", jwk=True),
    "own RSA key embedded": lambda _, who: by_own_key(who, "RS256", jwk=True),
    "jku": lambda _, who: by_own_key(who, "ES256", jku="http://attacker.test/keys"),
    "x5u": lambda _, who: by_own_key(who, "ES256", x5u="http://attacker.test/cert"),
    "critical extension": lambda house, who: signed(house, who, {"crit": ["b64"], "b64": False}),
    "another alg, right key": lambda house, who: signed(house, who, {"alg": "ES512"}),
    "alg is a list": lambda house, who: signed(house, who, {"alg": ["ES256"]}),
    "alg is null": lambda house, who: signed(house, who, {"alg": None}),
    "typ JWT": lambda house, who: signed(house, who, {"typ": "JWT"}),
    "typ of a refresh token": lambda house, who: signed(house, who, {"typ": "rt+jwt"}),
    "typ null": lambda house, who: signed(house, who, {"typ": None}),
    "another iss": lambda house, who: signed(house, who, iss="attacker"),
    "no iss": lambda house, who: signed(house, who, iss=...),
    "another aud": lambda house, who: signed(house, who, aud="attacker"),
    "aud list": lambda house, who: signed(house, who, aud=["attacker"]),
    "no aud": lambda house, who: signed(house, who, aud=...),
    "expired": lambda house, who: signed(house, who, iat=1_000, exp=1_900),
    "never expires": lambda house, who: signed(house, who, exp=...),
    "exp null": lambda house, who: signed(house, who, exp=None),
    "exp beyond all times": lambda house, who: signed(house, who, exp=10**18),
    "exp negative": lambda house, who: signed(house, who, exp=-1),
    "exp infinite": lambda house, who: signed(house, who, exp=float("inf")),
    "exp as text": lambda house, who: signed(house, who, exp="9999999999"),
    "too long a lifetime": lambda house, who: signed(
        house, who, exp=forge.claims_of(who)["iat"] + 901
    ),
    "another sub": lambda house, who: signed(house, who, sub=str(uuid4())),
    "sub no id": lambda house, who: signed(house, who, sub="admin"),
    "another session": lambda house, who: signed(house, who, sid=str(uuid4())),
    "no session": lambda house, who: signed(house, who, sid=...),
    "claims changed": lambda _, who: with_claims(who, sub=str(uuid4())),
    "header changed": lambda _, who: with_header(who, x=1),
    "bit in header": lambda _, who: forge.flipped(who.access_token, 0),
    "bit in claims": lambda _, who: forge.flipped(who.access_token, 1),
    "bit in signature": lambda _, who: forge.flipped(who.access_token, 2),
    "truncated by one": lambda _, who: who.access_token[:-1],
    "truncated by half": lambda _, who: who.access_token[: len(who.access_token) // 2],
    "two parts": lambda _, who: who.access_token.rpartition(".")[0],
    "four parts": lambda _, who: who.access_token + ".x",
    "refresh token": lambda _, who: who.refresh_token,
    "inside of a refresh token": lambda house, who: forge.inner_of(
        house, who.refresh_token
    ).decode(),
    "garbage of 100 kB": lambda _, _who: "A" * 100_000,
    "good token and 100 kB": lambda _, who: who.access_token + "A" * 100_000,
    "dots": lambda _, _who: "." * 4_000,
    "no base64": lambda _, _who: "%%%.%%%.%%%",
    "header is a number": lambda _, _who: f"{forge.b64(b'1')}.{forge.b64(b'{}')}.x",
    "header nests deep": lambda _, _who: f"{forge.b64(b'[' * 2_000)}.e30.x",
    "header no UTF-8": lambda _, _who: f"{forge.b64(bytes([255, 254]))}.e30.x",
    "two tokens": lambda _, who: f"{who.access_token} {who.access_token}",
} | {
    f"kid {str(kid)[:20]!r}": lambda house, who, kid=kid: signed(house, who, {"kid": kid})
    for kid in forge.HOSTILE_KEY_IDS
}

FORGED_REFRESH: dict[str, Forge] = {
    "access token": lambda _, who: who.access_token,
    "access token in a JWE": lambda house, who: forge.encrypted(house, who.access_token.encode()),
    "inside without its JWE": lambda house, who: forge.inner_of(house, who.refresh_token).decode(),
    "compressed": lambda house, who: forge.encrypted(
        house, forge.inner_of(house, who.refresh_token), zip="DEF"
    ),
    "compressed bomb": lambda house, _: forge.encrypted(house, bytes(250_000), zip="DEF"),
    "PBES2": lambda house, who: forge.by_password(house, who.refresh_token, 1_000),
    "PBES2, endless": lambda house, who: forge.by_password(house, who.refresh_token, 2**31 - 1),
    "encrypted by another key": lambda house, who: forge.by_other_encryption(
        house, who.refresh_token
    ),
    "bit in header": lambda _, who: forge.flipped(who.refresh_token, 0),
    "bit in nonce": lambda _, who: forge.flipped(who.refresh_token, 2),
    "bit in text": lambda _, who: forge.flipped(who.refresh_token, 3),
    "bit in tag": lambda _, who: forge.flipped(who.refresh_token, 4),
    "short tag": lambda _, who: who.refresh_token[:-4],
    "unsigned inside": lambda house, who: forge.encrypted(house, unsigned(who, "none").encode()),
    "nothing inside": lambda house, _: forge.encrypted(house, b""),
    "no text inside": lambda house, _: forge.encrypted(house, b"\xff\xfe"),
    "garbage of 100 kB": lambda _, _who: "A" * 100_000,
    "dots": lambda _, _who: "....",
    "empty": lambda _, _who: "",
    "not ASCII": lambda _, who: who.refresh_token + "é",
    "line break": lambda _, who: who.refresh_token + "\n.",
}


@pytest.mark.parametrize("name", FORGED)
async def test_a_forged_access_token_is_refused(
    shared_house: House, a_developer: Member, name: str
) -> None:
    """AUTH-15, AUTH-10: 401 and a problem document; the good token stays good."""
    token = FORGED[name](shared_house, a_developer)
    assert await status_with(shared_house, a_developer.access_token) == 200

    headers = {"Authorization": f"Bearer {token}"}
    seconds = []
    for path in ("/api/auth/me", "/api/auth/verify", "/api/auth/me"):
        started = time.perf_counter()
        answer = await shared_house.anonymous.get(path, headers=headers)
        seconds.append(time.perf_counter() - started)

        assert answer.status_code == 401, answer.text
        assert answer.headers["content-type"] == "application/problem+json"
        assert answer.json()["type"] == "invalid-token"
        assert "www-authenticate" in answer.headers
    assert min(seconds) < REFUSED_WITHIN_SECONDS
    assert await status_with(shared_house, a_developer.access_token) == 200


@pytest.mark.parametrize("name", FORGED_REFRESH)
async def test_a_forged_refresh_token_is_refused(
    shared_house: House, a_developer: Member, name: str
) -> None:
    """AUTH-15, AUTH-4: always 401 and a problem document; nothing is used up by it."""
    token = FORGED_REFRESH[name](shared_house, a_developer)

    seconds = []
    async with nothing_changes(shared_house):
        for _ in range(3):
            started = time.perf_counter()
            answer = await refresh(shared_house, token)
            seconds.append(time.perf_counter() - started)

    assert min(seconds) < REFUSED_WITHIN_SECONDS
    assert answer.status_code == 401, answer.text
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.json()["type"] == "invalid-token"


@pytest.mark.parametrize(
    "value",
    [b"", b"Bearer", b"Bearer ", b"Basic YTpi", b"Bearer \xff\xfe", "Bearer é".encode(), b"x" * 50],
)
async def test_a_header_that_holds_no_token_is_refused(shared_house: House, value: bytes) -> None:
    """AUTH-15: also one that is not ASCII: 401, never 500."""
    answer = await shared_house.anonymous.get("/api/auth/me", headers={b"Authorization": value})

    assert answer.status_code == 401
    assert answer.headers["content-type"] == "application/problem+json"


async def test_signing_by_hand_makes_a_good_token_when_nothing_is_forged(
    shared_house: House, a_developer: Member
) -> None:
    """AUTH-15: the forgeries above are refused for what they forge, not for how they are made."""
    by_hand = signed(shared_house, a_developer)
    inside = forge.inner_of(shared_house, a_developer.refresh_token)

    again = forge.encrypted(shared_house, inside)

    assert await status_with(shared_house, by_hand) == 200
    assert (await refresh(shared_house, again)).status_code == 200


async def test_an_access_token_ends_after_fifteen_minutes(house: House, maria: Member) -> None:
    """AUTH-15: good to the last second, on a second and later use too."""
    house.clock.now = house.clock.now.replace(microsecond=0)
    house.clock.advance(seconds=899)
    last = await status_with(house, maria.access_token)
    house.clock.advance(seconds=1)

    late = await status_with(house, maria.access_token)

    assert (last, late) == (200, 401)


async def test_an_access_token_tells_no_more_than_it_must(maria: Member) -> None:
    """AUTH-15: ES256 by default, ``typ`` of RFC 9068, 15 minutes, no personal data."""
    header, claims = forge.header_of(maria.access_token), forge.claims_of(maria)

    lifetime = claims["exp"] - claims["iat"]

    assert (header["alg"], header["typ"]) == ("ES256", "at+jwt")
    assert lifetime == 15 * 60
    assert set(claims) == {"iss", "aud", "sub", "sid", "iat", "exp", "jti"}
