import pytest

from lacewing.accounts.rules import RESERVED_PROVIDERS
from lacewing.settings import GOOGLE_DISCOVERY_URL, InvalidSettings, load_settings
from tests.support.house import House

ACME = {
    "LACEWING_OIDC_ACME_CLIENT_ID": "lacewing",
    "LACEWING_OIDC_ACME_CLIENT_SECRET": "secret-of-acme",
    "LACEWING_OIDC_ACME_DISCOVERY_URL": "https://acme.test/.well-known/openid-configuration",
}


def test_google_needs_two_settings_and_another_provider_three() -> None:
    """AUTH-12, NAME-3: no code for either."""
    google = {
        "LACEWING_OIDC_GOOGLE_CLIENT_ID": "lacewing",
        "LACEWING_OIDC_GOOGLE_CLIENT_SECRET": "secret-of-google",
    }

    providers = load_settings(google | ACME).providers

    assert set(providers) == {"google", "acme"}
    assert providers["google"].discovery_url == GOOGLE_DISCOVERY_URL
    assert "secret-of" not in repr(providers)


@pytest.mark.parametrize(
    ("changes", "named"),
    [
        ({"LACEWING_OIDC_ACME_CLIENT_ID": ""}, "LACEWING_OIDC_ACME_CLIENT_ID"),
        ({"LACEWING_OIDC_ACME_CLIENT_SECRET": ""}, "LACEWING_OIDC_ACME_CLIENT_SECRET"),
        ({"LACEWING_OIDC_ACME_DISCOVERY_URL": ""}, "LACEWING_OIDC_ACME_DISCOVERY_URL"),
        (
            {"LACEWING_OIDC_ACME_DISCOVERY_URL": "https://acme.test/metadata"},
            "LACEWING_OIDC_ACME_DISCOVERY_URL",
        ),
        (
            {
                "LACEWING_OIDC_ACME_DISCOVERY_URL": "http://acme.test/.well-known/openid-configuration"
            },
            "LACEWING_OIDC_ACME_DISCOVERY_URL",
        ),
        ({"LACEWING_OIDC_LOGIN_CLIENT_ID": "x"}, "LACEWING_OIDC_LOGIN_"),
        ({"LACEWING_OIDC_2_CLIENT_ID": "x"}, "LACEWING_OIDC_2_"),
    ],
)
def test_a_provider_that_can_not_be_is_named(changes: dict[str, str], named: str) -> None:
    """AUTH-12: what lacks or is wrong, by its variable; never without HTTPS over the network."""
    with pytest.raises(InvalidSettings, match=named) as caught:
        load_settings(ACME | changes)

    assert "secret-of" not in str(caught.value)


async def test_no_provider_can_take_the_place_of_a_route(house: House) -> None:
    """AUTH-12: all that stands below /api/auth is reserved, and answers 405 to a wrong method."""
    document = (await house.anonymous.get("/api/openapi.json")).json()
    taken = {path.split("/")[3] for path in document["paths"] if path.startswith("/api/auth/")}

    wrong_method = await house.anonymous.get("/api/auth/login")
    unknown = await house.anonymous.get("/api/auth/nowhere")

    assert taken - {"{provider}"} == RESERVED_PROVIDERS
    assert (wrong_method.status_code, unknown.status_code) == (405, 404)
    assert unknown.json()["type"] == "provider-not-found"
