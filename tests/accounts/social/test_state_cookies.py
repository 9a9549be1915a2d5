from urllib.parse import parse_qs, urlsplit

import httpx

from tests.accounts.acts import nothing_changes
from tests.accounts.social.acts import cookie_of, kind_of, nobody_enters
from tests.support.house import House, Member
from tests.support.rogue_provider import RogueProvider

INVALID = (400, "login-state-invalid")
FORGED_COOKIES = ("", "x", "a.b.c.d.e", "é", "x" * 4_000, "....", '"a;b"', "%00")


async def test_the_cookie_of_a_login_is_out_of_reach_of_scripts_and_other_sites(
    browser: httpx.AsyncClient,
) -> None:
    """AUTH-12: it comes back from the provider, but with no request that another site makes."""
    plain = await browser.get("/api/auth/acme")
    safe = await browser.get("https://lacewing.test/api/auth/acme")

    flags = {part.strip() for part in plain.headers["set-cookie"].split(";")[1:]}
    assert flags == {"HttpOnly", "Max-Age=600", "Path=/", "SameSite=lax"}
    assert cookie_of(safe)[0].startswith("__Host-")
    assert "Secure" in safe.headers["set-cookie"]
    redirect_uri = parse_qs(urlsplit(safe.headers["location"]).query)["redirect_uri"]
    assert redirect_uri == ["https://lacewing.test/api/auth/acme/callback"]


async def test_neither_the_start_nor_the_end_of_a_login_is_kept_by_a_cache(
    browser: httpx.AsyncClient, acme: RogueProvider
) -> None:
    """AUTH-12: one holds secrets of the login, the other the tokens; the cookie goes with it."""
    start = await browser.get("/api/auth/acme")
    end = await browser.get(acme.authorize(start.headers["location"]))

    assert "no-store" in start.headers["cache-control"]
    assert "no-store" in end.headers["cache-control"]
    assert cookie_of(end)[1] in {"", '""'}
    assert not browser.cookies


async def test_what_the_cookie_holds_can_not_be_read(browser: httpx.AsyncClient) -> None:
    """AUTH-12: neither state nor nonce nor the PKCE verifier, which never leaves this server."""
    start = await browser.get("/api/auth/acme")

    _, value = cookie_of(start)

    query = parse_qs(urlsplit(start.headers["location"]).query)
    assert query["state"][0] not in value
    assert query["nonce"][0] not in value
    assert value.count(".") == 4  # a JWE, of which nothing but the header can be read


async def test_a_forged_cookie_is_refused(
    house: House, acme: RogueProvider, browser: httpx.AsyncClient
) -> None:
    """AUTH-12: whatever it holds."""
    start = await browser.get("/api/auth/acme")
    callback = acme.authorize(start.headers["location"])
    name, right = cookie_of(start)
    forged = [*FORGED_COOKIES, right[:-4], f"{right}x", right.replace(".", "..", 1)]

    async with nobody_enters(house):
        answers = {}
        for value in forged:
            headers = {b"Cookie": f"{name}={value}".encode()}
            answers[value] = kind_of(await house.client().get(callback, headers=headers))

    assert answers == dict.fromkeys(forged, INVALID)


async def test_no_other_token_of_this_server_passes_for_a_cookie(
    house: House, acme: RogueProvider, browser: httpx.AsyncClient, maria: Member
) -> None:
    """AUTH-12: nor does the cookie of a login pass for a refresh token."""
    start = await browser.get("/api/auth/acme")
    name, value = cookie_of(start)
    callback = acme.authorize(start.headers["location"])

    async with nothing_changes(house):
        for token in (maria.access_token, maria.refresh_token):
            other = house.client({"Cookie": f"{name}={token}"})
            assert kind_of(await other.get(callback)) == INVALID
        refreshed = await house.anonymous.post("/api/auth/refresh", json={"refresh_token": value})

    assert refreshed.status_code == 401
