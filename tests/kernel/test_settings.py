from pathlib import Path
from typing import Any

import pytest

from lacewing.settings import InvalidSettings, Settings, groups, load_settings, variable_of

PRODUCTION = {
    "LACEWING_ENVIRONMENT": "production",
    "LACEWING_PUBLIC_URL": "https://tracker.example.com",
}


def _values(settings: Settings) -> dict[str, Any]:
    return {
        variable_of(field): getattr(getattr(settings, group), field)
        for group, kind in groups().items()
        for field in kind.model_fields
    }


def test_every_setting_has_the_default_that_is_promised() -> None:
    """NAME-3: defaults that serve a small team."""
    values = _values(load_settings({}))

    expected = {
        "LACEWING_ENVIRONMENT": "development",
        "LACEWING_DATA_DIR": Path("var"),
        "LACEWING_DATABASE_URL": None,
        "LACEWING_REDIS_URL": None,
        "LACEWING_RATE_LIMIT_PER_MINUTE": 100,
        "LACEWING_LOGIN_LIMIT_PER_MINUTE": 5,
        "LACEWING_REGISTER_LIMIT_PER_MINUTE": 10,
        "LACEWING_REFRESH_LIMIT_PER_MINUTE": 30,
        "LACEWING_JWT_ALGORITHM": "ES256",
        "LACEWING_PUBLIC_URL": None,
        "LACEWING_BODY_LIMIT_BYTES": 1_048_576,
        "LACEWING_CORS_ORIGINS": (),
        "LACEWING_TRUSTED_PROXIES": (),
        "LACEWING_OPEN_REGISTRATION": True,
    }
    assert {name: values[name] for name in expected} == expected


def test_every_setting_says_what_it_is() -> None:
    """OPS-1: a line in the docs for each, made from its description."""
    undescribed = [
        variable_of(field)
        for kind in groups().values()
        for field, info in kind.model_fields.items()
        if not info.description
    ]

    assert undescribed == []


def test_no_two_groups_share_a_variable() -> None:
    """OPS-1: a variable means one thing."""
    names = [variable_of(field) for kind in groups().values() for field in kind.model_fields]

    assert len(names) == len(set(names))


def test_lists_are_comma_separated() -> None:
    """NAME-3: origins and networks; blanks do not count."""
    settings = load_settings(
        {
            "LACEWING_CORS_ORIGINS": "https://a.example, https://b.example,",
            "LACEWING_TRUSTED_PROXIES": "10.0.0.0/8,::1",
        }
    )

    assert settings.web.cors_origins == ("https://a.example", "https://b.example")
    assert [str(each) for each in settings.web.trusted_proxies] == ["10.0.0.0/8", "::1/128"]


def test_an_empty_variable_counts_as_one_that_is_not_set() -> None:
    """NAME-3: as a line ``NAME=`` in ``.env.example`` would have it."""
    everything_empty = dict.fromkeys(_values(load_settings({})), "")

    assert load_settings(everything_empty) == load_settings({})


def test_all_wrong_variables_are_named_at_once() -> None:
    """SEC-11, UX-1: nobody wants to mend them one after the other."""
    wrong = {
        "LACEWING_ENVIRONMENT": "prod",
        "LACEWING_DATABASE_URL": "mysql://x",
        "LACEWING_RATE_LIMIT_PER_MINUTE": "-1",
        "LACEWING_BODY_LIMIT_BYTES": "big",
        "LACEWING_JWT_ALGORITHM": "none",
        "LACEWING_REDIS_URL": "http://x",
        "LACEWING_TRUSTED_PROXIES": "everyone",
    }

    with pytest.raises(InvalidSettings) as caught:
        load_settings(wrong)

    named = {reason.partition(":")[0] for reason in caught.value.reasons}
    assert named == set(wrong)


def test_production_refuses_to_start_and_names_all_reasons() -> None:
    """SEC-11: default secret, debug, wildcard origin, no HTTPS cookie settings; all at once."""
    unsafe = {
        "LACEWING_ENVIRONMENT": "production",
        "LACEWING_DEBUG": "true",
        "LACEWING_SECRET_KEY": "change-me",
        "LACEWING_CORS_ORIGINS": "https://a.example,*",
        "LACEWING_PUBLIC_URL": "http://tracker.example.com",
        "LACEWING_COOKIE_SECURE": "false",
    }

    with pytest.raises(InvalidSettings) as caught:
        load_settings(unsafe)

    named = {reason.partition(":")[0] for reason in caught.value.reasons}
    assert named == set(unsafe) - {"LACEWING_ENVIRONMENT"}
    assert "change-me" not in str(caught.value)


@pytest.mark.parametrize(
    ("variable", "value"),
    [
        ("LACEWING_DEBUG", "1"),
        ("LACEWING_SECRET_KEY", "a" * 31),
        ("LACEWING_SECRET_KEY", "please-change-me-" * 3),
        ("LACEWING_CORS_ORIGINS", "*"),
        ("LACEWING_CORS_ORIGINS", "https://*.example.com"),
        ("LACEWING_PUBLIC_URL", ""),
        ("LACEWING_PUBLIC_URL", "http://tracker.example.com"),
        ("LACEWING_COOKIE_SECURE", "false"),
    ],
)
def test_one_unsafe_setting_is_enough(variable: str, value: str) -> None:
    """SEC-11: each alone."""
    with pytest.raises(InvalidSettings) as caught:
        load_settings({**PRODUCTION, variable: value})

    assert [reason.partition(":")[0] for reason in caught.value.reasons] == [variable]


def test_production_starts_with_safe_settings() -> None:
    """SEC-11: at the least length that a secret must have."""
    secret = "q7Gd0aW3kz" * 3 + "pX"

    settings = load_settings({**PRODUCTION, "LACEWING_SECRET_KEY": secret})

    assert settings.is_production
    assert len(secret) == 32


def test_development_takes_what_production_refuses() -> None:
    """SEC-11: only production refuses."""
    settings = load_settings({"LACEWING_DEBUG": "1", "LACEWING_CORS_ORIGINS": "*"})

    assert settings.general.debug


def test_settings_never_show_their_secrets() -> None:
    """SEC-8: whoever logs the settings logs no secret."""
    secret = "q7Gd0aW3kz" * 4

    settings = load_settings({"LACEWING_SECRET_KEY": secret, "LACEWING_METRICS_TOKEN": secret})

    assert secret not in repr(settings)
    assert secret not in settings.model_dump_json()


@pytest.mark.parametrize(
    "origin", ["null", "https://app.example.com/", "app.example.com", "https://a b", "ftp://a"]
)
def test_what_is_no_origin_is_refused(origin: str) -> None:
    """SEC-4: it would never match, or match any page."""
    with pytest.raises(InvalidSettings, match="LACEWING_CORS_ORIGINS"):
        load_settings({"LACEWING_CORS_ORIGINS": f"https://good.example.com,{origin}"})
