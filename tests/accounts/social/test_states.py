import asyncio
from collections import Counter
from collections.abc import Callable
from urllib.parse import parse_qs, urlsplit

import httpx
from sqlalchemy import select

from lacewing.accounts.tables import used_login_states
from lacewing.kernel.db import transaction
from lacewing.settings import Settings
from lacewing.wiring import PERIODIC_TASKS
from tests.accounts.acts import audited
from tests.accounts.social.acts import (
    begin,
    begin_to_link,
    cookie_of,
    enter,
    kind_of,
    linked,
    nobody_enters,
    profile,
    variables,
)
from tests.support.house import House, Member, open_house
from tests.support.rogue_provider import TOKEN, RogueProvider

INVALID = (400, "login-state-invalid")
TEN_MINUTES = 600
STATES_OF_NOBODY = (
    "",
    "code=x",
    "code=x&state=",
    "code=x&state=x",
    "code=x&state=" + "s" * 4_000,
    "code=x&state=%F0%9F%A6%8B",
    "error=access_denied",
    "error=access_denied&state=x",
)
UNKNOWN_PROVIDERS = ("nowhere", "ACME", "acm", "acme2", "a" * 33, "%00", "ac%0Ame", "acme.")


async def test_a_login_ends_in_the_browser_that_began_it(
    house: House, acme: RogueProvider, browser: httpx.AsyncClient
) -> None:
    """AUTH-12: nobody is logged in to an attacker's account by a link (RFC 6749, 10.12)."""
    callback = acme.authorize(await begin(browser), "attacker")
    victim = house.client()
    await begin(victim)

    async with nobody_enters(house):
        with_cookie_of_own = await victim.get(callback)
        without = await house.client().get(callback)

    assert {kind_of(with_cookie_of_own), kind_of(without)} == {INVALID}
    assert acme.times_asked(TOKEN) == 0
    assert (await browser.get(callback)).status_code == 200


async def test_a_state_that_nobody_gave_is_refused(
    house: House, acme: RogueProvider, browser: httpx.AsyncClient
) -> None:
    """AUTH-12: also by a browser with a login under way; the provider is asked nothing."""
    await begin(browser)

    async with nobody_enters(house):
        answers = {
            query: kind_of(await browser.get(f"/api/auth/acme/callback?{query}"))
            for query in STATES_OF_NOBODY
        }
        unreadable = [
            kind_of(await browser.get(f"/api/auth/acme/callback?code=x&state={state}"))[0]
            for state in ("%00", "%ff", "s" * 5_000)
        ]

    assert answers == dict.fromkeys(STATES_OF_NOBODY, INVALID)
    assert set(unreadable) <= {400, 422}
    assert acme.times_asked(TOKEN) == 0


async def test_what_is_too_long_or_sent_twice_is_refused(
    house: House, acme: RogueProvider, browser: httpx.AsyncClient
) -> None:
    """AUTH-12: no two readers can see two different callbacks in one."""
    callback = acme.authorize(await begin(browser))

    async with nobody_enters(house):
        answers = [
            await browser.get(changed)
            for name in ("code", "state", "iss")
            for changed in (
                callback.replace(f"{name}=", f"{name}={'x' * 5_000}"),
                callback.replace(f"{name}=", f"{name}=%00"),
                f"{callback}&{name}=x",
            )
        ]

    assert {kind_of(answer)[0] for answer in answers} <= {400, 401, 422}


async def test_a_login_can_be_ended_for_ten_minutes(house: House, acme: RogueProvider) -> None:
    """AUTH-12: to the second."""
    in_time, late = house.client(), house.client()
    first = acme.authorize(await begin(in_time))
    second = acme.authorize(await begin(late))

    house.clock.advance(seconds=TEN_MINUTES - 1)
    entered = await in_time.get(first)
    house.clock.advance(seconds=1)
    async with nobody_enters(house):
        refused = await late.get(second)

    assert entered.status_code == 200, entered.text
    assert kind_of(refused) == INVALID


async def test_a_state_is_used_once(
    house: House, acme: RogueProvider, browser: httpx.AsyncClient
) -> None:
    """AUTH-12: also where the provider takes the code twice, and the browser kept its cookie."""
    start = await browser.get("/api/auth/acme")
    callback = acme.authorize(start.headers["location"])
    cookie = "=".join(cookie_of(start))
    entered = await browser.get(callback)

    async with nobody_enters(house):
        again = await house.client({"Cookie": cookie}).get(callback)
        by_another_code = acme.authorize(start.headers["location"], "lee")
        other = await house.client({"Cookie": cookie}).get(by_another_code)

    assert entered.status_code == 200
    assert {kind_of(again), kind_of(other)} == {INVALID}


async def test_of_callbacks_at_the_same_time_one_gets_in(
    house: House, acme: RogueProvider, browser: httpx.AsyncClient
) -> None:
    """AUTH-12: one session, one user, one identity."""
    start = await browser.get("/api/auth/acme")
    callback = acme.authorize(start.headers["location"])
    cookie = "=".join(cookie_of(start))

    answers = await asyncio.gather(
        *(house.client({"Cookie": cookie}).get(callback) for _ in range(8))
    )

    assert Counter(answer.status_code for answer in answers) == {200: 1, 400: 7}
    assert len(await linked(house)) == 1


async def test_used_states_are_forgotten_when_they_have_expired(
    house: House, acme: RogueProvider
) -> None:
    """AUTH-12: and not before, or they could be used again."""
    await enter(house, acme)
    [job] = [job for job in PERIODIC_TASKS if "login-states" in job.name]

    left = []
    for _ in range(2):
        async with transaction(house.database) as session:
            await job.run(session, house.clock())
        left.append(len(await house.rows(select(used_login_states))))
        house.clock.advance(seconds=TEN_MINUTES + 1)

    assert left == [1, 0]


async def test_several_logins_of_one_browser_do_not_disturb_each_other(
    house: House, acme: RogueProvider, globex: RogueProvider, browser: httpx.AsyncClient
) -> None:
    """AUTH-12: as with several tabs, in whatever order they end."""
    first, second = await begin(browser), await begin(browser, "globex")
    third = await begin(browser)

    answers = [
        await browser.get(acme.authorize(third, "ann")),
        await browser.get(acme.authorize(first, "kim")),
        await browser.get(globex.authorize(second, "lee")),
    ]

    names = [(await profile(house, answer))["username"] for answer in answers]
    assert names == ["ann", "kim", "lee"]


async def test_a_login_ends_at_the_provider_where_it_began(
    house: House, acme: RogueProvider, globex: RogueProvider, browser: httpx.AsyncClient
) -> None:
    """AUTH-12: no mix-up of providers (RFC 9700, 4.4): globex never sees a code of acme."""
    callback = acme.authorize(await begin(browser))

    async with nobody_enters(house):
        answer = await browser.get(callback.replace("/acme/", "/globex/"))

    assert kind_of(answer) == INVALID
    assert globex.times_asked(TOKEN) == 0


async def test_whoever_turns_back_at_the_provider_is_told_so(
    house: House, browser: httpx.AsyncClient
) -> None:
    """AUTH-12: and it is audited; what the provider says is not repeated."""
    state = parse_qs(urlsplit(await begin(browser)).query)["state"][0]
    said = {"error": "access_denied", "error_description": "<script>", "state": state}

    async with nobody_enters(house):
        answer = await browser.get("/api/auth/acme/callback", params=said)

    assert kind_of(answer) == (401, "provider-login-refused")
    assert "<script>" not in answer.text
    assert [entry[:2] for entry in await audited(house)] == [("auth.social_login", "failure")]


async def test_a_provider_that_is_not_set_does_not_exist(house: House, maria: Member) -> None:
    """AUTH-12: neither its start, nor its callback, nor its linking."""
    query = {"code": "x", "state": "x"}
    answers = [
        answer
        for name in UNKNOWN_PROVIDERS
        for answer in (
            await house.anonymous.get(f"/api/auth/{name}"),
            await house.anonymous.get(f"/api/auth/{name}/callback", params=query),
            await maria.api.post(f"/api/auth/{name}/link"),
        )
    ]

    assert {answer.status_code for answer in answers} == {404}
    assert {answer.json()["type"] for answer in answers} <= {"provider-not-found", "not-found"}


async def test_the_public_address_of_the_settings_is_where_people_come_back_to(
    make_settings: Callable[..., Settings], acme: RogueProvider
) -> None:
    """AUTH-12: not the ``Host`` that a client names, when there is one to know better."""
    known = variables({"acme": acme}) | {"LACEWING_PUBLIC_URL": "https://tracker.example.com"}
    async with open_house(make_settings(**known)) as house:
        url = (
            await house.anonymous.get("/api/auth/acme", headers={"Host": "attacker.test"})
        ).headers["location"]

    redirect_uri = parse_qs(urlsplit(url).query)["redirect_uri"]
    assert redirect_uri == ["https://tracker.example.com/api/auth/acme/callback"]


async def test_a_link_that_somebody_began_is_not_ended_by_somebody_else(
    house: House, acme: RogueProvider, maria: Member, noor: Member
) -> None:
    """AUTH-12: an attacker's identity is not linked to the account of whoever follows a link."""
    callback = acme.authorize(await begin_to_link(maria))
    await begin_to_link(noor)

    async with nobody_enters(house):
        answer = await noor.api.get(callback)

    assert kind_of(answer) == INVALID
