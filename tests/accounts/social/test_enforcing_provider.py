"""The whole way through a certified provider, which refuses what the standards forbid."""

from collections.abc import Callable, Iterator
from urllib.parse import parse_qs, parse_qsl, urlencode, urlsplit, urlunsplit

import pytest

from lacewing.settings import Settings
from tests.accounts.acts import audited
from tests.accounts.social.acts import (
    begin,
    begin_to_link,
    kind_of,
    linked,
    nobody_enters,
    profile,
    variables,
)
from tests.support.cannot import cannot_test
from tests.support.house import open_house
from tests.support.oidc_provider import EnforcingProvider, enforcing_provider
from tests.support.servers import CannotStart

CALLBACK = "http://lacewing.test/api/auth/acme/callback"


@pytest.fixture(scope="session", params=[False, True], ids=["at user info", "in the ID token"])
def certified(request: pytest.FixtureRequest) -> Iterator[EnforcingProvider]:
    """A provider that tells the email at one of the two places."""
    try:
        with enforcing_provider([CALLBACK], email_in_id_token=request.param) as provider:
            yield provider
    except CannotStart as error:
        cannot_test(error)


@pytest.fixture
def settings(make_settings: Callable[..., Settings], certified: EnforcingProvider) -> Settings:
    return make_settings(**variables({"acme": certified}))


async def test_a_developer_comes_in_and_comes_again(
    settings: Settings, certified: EnforcingProvider
) -> None:
    """AUTH-12: the first login makes the account, the next ones enter it."""
    async with open_house(settings) as house:
        users = []
        for _ in range(2):
            browser = house.client()
            callback = await certified.sign_in(await begin(browser), "kim")
            users.append(await profile(house, await browser.get(callback)))

        assert users[0] == {**users[1], "last_login": users[0]["last_login"]}
        assert (users[0]["username"], users[0]["email"]) == ("kim", "kim@example.com")
        assert (users[0]["role"], users[0]["full_name"]) == ("developer", "Kim Example")
        assert [row[1:] for row in await linked(house)] == [("acme", certified.issuer, "kim")]
        outcomes = [entry[1] for entry in await audited(house, "auth.social_login")]
        assert outcomes == ["success", "success"]


async def test_an_unverified_email_makes_no_account(
    settings: Settings, certified: EnforcingProvider
) -> None:
    """AUTH-12: whoever is logged in already may link the identity all the same."""
    async with open_house(settings) as house:
        browser = house.client()
        callback = await certified.sign_in(await begin(browser), "unverified-kim")
        async with nobody_enters(house):
            refused = await browser.get(callback)

        maria = await house.member("maria")
        callback = await certified.sign_in(await begin_to_link(maria), "unverified-kim")
        user = await profile(house, await maria.api.get(callback))

        assert kind_of(refused) == (403, "email-not-verified")
        assert user["id"] == str(maria.id)


async def test_whoever_turns_back_is_not_let_in(
    settings: Settings, certified: EnforcingProvider
) -> None:
    """AUTH-12: the provider says ``access_denied``."""
    async with open_house(settings) as house:
        browser = house.client()
        callback = await certified.turn_back(await begin(browser))

        async with nobody_enters(house):
            answer = await browser.get(callback)

        assert kind_of(answer) == (401, "provider-login-refused")


async def test_a_stolen_code_is_worth_nothing_in_another_browser(
    settings: Settings, certified: EnforcingProvider
) -> None:
    """AUTH-12: the provider asks for the verifier of the login that the code is from (PKCE)."""
    async with open_house(settings) as house:
        thief = house.client()
        stolen = await certified.sign_in(await begin(house.client()), "kim")
        own = await certified.sign_in(await begin(thief), "thief")
        code = parse_qs(urlsplit(stolen).query)["code"][0]

        async with nobody_enters(house):
            answer = await thief.get(_with(own, code=code))

        assert kind_of(answer) == (401, "identity-not-proven")


async def test_a_login_without_its_challenge_is_refused_by_the_provider(
    settings: Settings, certified: EnforcingProvider
) -> None:
    """AUTH-12: the provider of these tests does enforce PKCE, and so the above shows something."""
    async with open_house(settings) as house:
        browser = house.client()
        bare = _with(await begin(browser), code_challenge=None, code_challenge_method=None)

        async with nobody_enters(house):
            answer = await browser.get(await certified.sign_in(bare, "kim"))

        assert kind_of(answer) == (401, "provider-login-refused")


async def test_a_wrong_client_secret_lets_nobody_in(
    make_settings: Callable[..., Settings], certified: EnforcingProvider
) -> None:
    """AUTH-12: the provider refuses the client; it is no error of this server."""
    known = variables({"acme": certified}) | {"LACEWING_OIDC_ACME_CLIENT_SECRET": "wrong"}
    async with open_house(make_settings(**known)) as house:
        browser = house.client()
        callback = await certified.sign_in(await begin(browser), "kim")

        async with nobody_enters(house):
            answer = await browser.get(callback)

        assert kind_of(answer) == (401, "identity-not-proven")


def _with(url: str, **changes: str | None) -> str:
    """The URL with other parameters; those that are ``None`` are left out."""
    parts = urlsplit(url)
    query = {**dict(parse_qsl(parts.query)), **changes}
    left = {name: value for name, value in query.items() if value is not None}
    return urlunsplit(parts._replace(query=urlencode(left)))
