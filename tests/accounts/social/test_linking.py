import asyncio
from collections import Counter
from uuid import uuid4

import httpx
from sqlalchemy import select

from lacewing.kernel.audit.tables import audit_log
from tests.accounts.acts import audited, change_user, log_in, status_with
from tests.accounts.social.acts import (
    begin_to_link,
    enter,
    kind_of,
    link,
    linked,
    nobody_enters,
    profile,
)
from tests.support.house import House, Member
from tests.support.rogue_provider import RogueProvider

PATH = "/api/auth/identities"


async def test_an_identity_is_linked_by_whoever_is_logged_in(
    house: House, acme: RogueProvider, maria: Member
) -> None:
    """AUTH-12: whatever its email is, verified or not; it then opens the account."""
    answer = await link(maria, acme, email="other@example.org", email_verified=False)

    entered = await enter(house, acme, email=..., email_verified=...)

    assert (await profile(house, answer))["id"] == str(maria.id)
    user = await profile(house, entered)
    assert (user["id"], user["email"]) == (str(maria.id), maria.email)
    assert await linked(house) == [(maria.id, "acme", acme.issuer, "kim")]
    assert acme.faults == []
    assert (await log_in(house, "maria")).status_code == 200
    assert await status_with(house, maria.access_token) == 200
    entries = await audited(house, "auth.identity_link")
    assert [entry[1:3] for entry in entries] == [("success", maria.id)]


async def test_the_browser_that_ends_a_link_needs_its_cookie_alone(
    house: House, acme: RogueProvider, maria: Member
) -> None:
    """AUTH-12: a provider sends it back without any token of this server."""
    callback = acme.authorize(await begin_to_link(maria))
    browser = house.client()
    browser.cookies = maria.api.cookies

    answer = await browser.get(callback)

    assert (await profile(house, answer))["id"] == str(maria.id)


async def test_a_login_links_nothing_to_whoever_is_logged_in(
    house: House, acme: RogueProvider, maria: Member
) -> None:
    """AUTH-12: to link is to ask for it; a token that comes along is no such question."""
    answer = await enter(house, acme, browser=maria.api)

    assert (await profile(house, answer))["id"] != str(maria.id)
    assert maria.id not in {row[0] for row in await linked(house)}


async def test_linking_an_email_proves_nothing_of_ones_own(
    house: House, acme: RogueProvider, globex: RogueProvider, maria: Member
) -> None:
    """AUTH-12: the account's email is as unproven as before, and so is joined by nobody."""
    await link(maria, acme, "other", email="other@example.org")

    answer = await enter(house, globex, "stranger", at="globex", email=maria.email)

    assert kind_of(answer) == (409, "account-exists")


async def test_nobody_begins_to_link_who_is_not_logged_in(
    house: House, acme: RogueProvider, maria: Member
) -> None:
    """AUTH-12: nor by a personal access token, which never touches what lets people in."""
    body = {"name": "Nightly", "scopes": ["write"]}
    made = await maria.api.post("/api/auth/personal-access-tokens", json=body)
    machine = house.client({"Authorization": f"Bearer {made.json()['token']}"})

    refused = [
        await api.request(method, path)
        for api in (house.anonymous, machine)
        for method, path in (
            ("POST", "/api/auth/acme/link"),
            ("GET", PATH),
            ("DELETE", f"{PATH}/{uuid4()}"),
        )
    ]

    assert [answer.status_code for answer in refused] == [401] * 3 + [403] * 3
    assert not any("set-cookie" in answer.headers for answer in refused)
    assert acme.asked == []


async def test_whoever_has_logged_out_meanwhile_links_nothing(
    house: House, acme: RogueProvider, maria: Member
) -> None:
    """AUTH-12: the session that began it must live."""
    callback = acme.authorize(await begin_to_link(maria))
    await maria.api.post("/api/auth/logout")

    async with nobody_enters(house):
        answer = await maria.api.get(callback)

    assert kind_of(answer)[0] == 401


async def test_whoever_was_deactivated_meanwhile_links_nothing(
    house: House, acme: RogueProvider, maria: Member, adam: Member
) -> None:
    """AUTH-12: as above."""
    callback = acme.authorize(await begin_to_link(maria))
    await change_user(adam, maria, is_active=False)

    async with nobody_enters(house):
        answer = await maria.api.get(callback)

    assert kind_of(answer)[0] == 401


async def test_what_is_linked_to_somebody_else_is_taken(
    house: House, acme: RogueProvider, maria: Member, noor: Member
) -> None:
    """AUTH-12: and stays theirs."""
    await link(maria, acme)

    async with nobody_enters(house):
        answer = await link(noor, acme)

    assert kind_of(answer) == (409, "identity-taken")
    assert (await profile(house, await enter(house, acme)))["id"] == str(maria.id)


async def test_linking_twice_links_once(house: House, acme: RogueProvider, maria: Member) -> None:
    """AUTH-12: it is no error of whoever forgot that they had."""
    await link(maria, acme)

    answer = await link(maria, acme)

    assert (await profile(house, answer))["id"] == str(maria.id)
    assert len(await linked(house)) == 1


async def test_two_who_link_one_identity_at_the_same_time(
    house: House, acme: RogueProvider, maria: Member, noor: Member
) -> None:
    """AUTH-12: one of them has it."""
    callbacks = [(who, acme.authorize(await begin_to_link(who))) for who in (maria, noor)]

    answers = await asyncio.gather(*(who.api.get(url) for who, url in callbacks))

    assert Counter(answer.status_code for answer in answers) == {200: 1, 409: 1}
    assert len(await linked(house)) == 1


async def test_the_audit_log_tells_of_providers_and_of_no_personal_data(
    house: House, acme: RogueProvider, maria: Member
) -> None:
    """AUTH-12, SEC-8, SEC-9: neither email nor subject nor any secret of a login."""
    callback = acme.authorize(await begin_to_link(maria), "seeded-subject")
    await maria.api.get(callback)
    await enter(house, acme, "seeded-subject")
    await enter(house, acme, "seeded-other", email_verified=False)

    entries = await audited(house, "auth.social_login")

    kept = str(await house.rows(select(audit_log)))
    assert [entry[1:3] for entry in entries] == [
        ("success", maria.id),
        ("success", maria.id),
        ("failure", None),
    ]
    assert "acme" in kept
    code, state = (httpx.URL(callback).params[name] for name in ("code", "state"))
    for secret in ("seeded-", acme.client_secret, code, state):
        assert secret not in kept
