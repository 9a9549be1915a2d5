import asyncio
from collections import Counter
from collections.abc import Callable
from uuid import UUID

import pytest

from lacewing.settings import Settings
from tests.accounts.acts import (
    audited,
    log_in,
    register,
    stored,
)
from tests.accounts.social.acts import (
    begin,
    enter,
    kind_of,
    link,
    linked,
    nobody_enters,
    profile,
    variables,
)
from tests.support.house import PASSWORD, House, Member, open_house
from tests.support.rogue_provider import RogueProvider


async def test_a_new_account_is_a_developers_and_has_no_password(
    house: House, acme: RogueProvider
) -> None:
    """AUTH-12: named after the email; whatever password is tried, it is wrong."""
    user = await profile(house, await enter(house, acme, email="Kim.Li@Example.com"))

    assert (user["username"], user["role"], user["full_name"]) == (
        "Kim.Li",
        "developer",
        "Kim Example",
    )
    assert await stored(house, UUID(user["id"]), "password_hash") is None
    for password in ("", PASSWORD, "null", "None"):
        assert (await log_in(house, "Kim.Li", password)).status_code in {401, 422}
    actions = {entry[0] for entry in await audited(house)}
    assert actions >= {"auth.register", "auth.identity_link", "auth.social_login"}


async def test_with_registration_off_no_account_is_made(
    make_settings: Callable[..., Settings], acme: RogueProvider
) -> None:
    """AUTH-12: whoever is linked already gets in."""
    known = variables({"acme": acme}) | {"LACEWING_OPEN_REGISTRATION": "false"}
    async with open_house(make_settings(**known)) as house:
        acme.clock = house.clock
        maria = await house.member("maria")
        await link(maria, acme, "linked")

        async with nobody_enters(house):
            refused = await enter(house, acme, "new")
        entered = await enter(house, acme, "linked")

        assert kind_of(refused) == (403, "registration-closed")
        assert (await profile(house, entered))["id"] == str(maria.id)


async def test_a_role_given_here_outlasts_each_login(
    house: House, acme: RogueProvider, adam: Member
) -> None:
    """AUTH-12: a provider decides who somebody is, never what they may."""
    user = await profile(house, await enter(house, acme))
    await adam.api.patch(f"/api/users/{user['id']}", json={"role": "manager"})

    again = await profile(house, await enter(house, acme, role="admin", groups=["admin"]))

    assert again["role"] == "manager"


async def test_a_username_that_is_taken_gets_a_number(
    house: House, acme: RogueProvider, maria: Member
) -> None:
    """AUTH-12: and one that can't be a username is made into one."""
    wanted = ["maria@example.org", "me@example.org", "admin+x@example.org", "ü@example.org"]
    users = [
        await profile(house, await enter(house, acme, f"s{number}", email=email))
        for number, email in enumerate(wanted)
    ]

    names = [user["username"] for user in users]
    assert names[0] == "maria-2"
    assert names[1] != "me"
    assert len({*names, maria.username}) == 5


@pytest.mark.parametrize(
    "name", ["", "  ", "K\x00im", "Kim\nLi", "Kim\u202eiL", "k" * 10_000], ids=repr
)
async def test_a_name_that_can_be_none_is_left_out(
    house: House, acme: RogueProvider, name: str
) -> None:
    """AUTH-12, USR-1: it keeps nobody out."""
    user = await profile(house, await enter(house, acme, name=name))

    assert user["full_name"] is None


async def test_first_logins_at_the_same_time_make_one_account(
    house: House, acme: RogueProvider, globex: RogueProvider
) -> None:
    """AUTH-12: of one identity, and of two that prove the same email."""
    browsers = [(house.client(), acme, "acme") for _ in range(4)]
    browsers += [(house.client(), globex, "globex") for _ in range(4)]
    callbacks = [
        (browser, rogue.authorize(await begin(browser, name))) for browser, rogue, name in browsers
    ]

    answers = await asyncio.gather(*(browser.get(url) for browser, url in callbacks))

    assert Counter(answer.status_code for answer in answers) == {200: 8}
    rows = await linked(house)
    assert len({row[0] for row in rows}) == 1
    assert {row[1] for row in rows} == {"acme", "globex"}
    assert len(rows) == 2


async def test_a_registration_and_a_login_at_the_same_time_agree(
    house: House, acme: RogueProvider
) -> None:
    """AUTH-12: one of them has the email, the other is told."""
    browser = house.client()
    callback = acme.authorize(await begin(browser))

    answers = await asyncio.gather(
        browser.get(callback), register(house, email="kim@example.com", username="kim")
    )

    statuses = tuple(answer.status_code for answer in answers)
    assert statuses in {(200, 409), (409, 201)}
