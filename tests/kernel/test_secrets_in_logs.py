"""Secrets are sent in every place that a client can put one; the logs are searched for them."""

from collections.abc import AsyncIterator, Callable, Iterator

import pytest
from sqlalchemy import select

from lacewing.kernel.audit.tables import audit_log
from lacewing.settings import Settings
from tests.kernel.logs import Log, captured_log
from tests.support.house import PASSWORD, House, open_house

PASSWORDS = (PASSWORD, "Other-Horse-9-seeded", "seeded-wrong-password")
OPAQUE = "seeded-opaque-value-7f3a"
INSTALLATION_SECRET = "seeded-secret-of-this-installation-0123456789"
CLIENT_SECRET = "seeded-client-secret-91c2"
METRICS_TOKEN = "seeded-metrics-token-55aa"
PII_KEY = "c2VlZGVkLXBpaS1rZXktMDEyMzQ1Njc4OTAxMjM0NTY="
SETTINGS = (INSTALLATION_SECRET, CLIENT_SECRET, METRICS_TOKEN, PII_KEY)
FORGED_TOKEN = "lw_seededAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"
JWT = "eyJhbGciOiJub25lIn0.eyJzdWIiOiJzZWVkZWQifQ.seeded"


@pytest.fixture(params=[True, False], ids=["json", "readable"])
def log(request: pytest.FixtureRequest) -> Iterator[Log]:
    """The logs at their most talkative."""
    with captured_log(as_json=request.param, level="debug") as written:
        yield written


@pytest.fixture
async def logging_house(
    log: Log,  # noqa: ARG001  configured before anything logs
    make_settings: Callable[..., Settings],
) -> AsyncIterator[House]:
    settings = make_settings(
        LACEWING_SECRET_KEY=INSTALLATION_SECRET,
        LACEWING_METRICS_TOKEN=METRICS_TOKEN,
        LACEWING_OIDC_ACME_CLIENT_ID="lacewing",
        LACEWING_OIDC_ACME_CLIENT_SECRET=CLIENT_SECRET,
        LACEWING_OIDC_ACME_DISCOVERY_URL="http://127.0.0.1:1/.well-known/openid-configuration",
        PII_ENCRYPTION_KEY=PII_KEY,
        PII_HASH_KEY=PII_KEY,
    )
    async with open_house(settings) as house:
        yield house


async def _use_every_secret(house: House) -> list[str]:
    """Register, log in, refresh, fail, change the password; which tokens were seen."""
    api = house.anonymous
    user = {"username": "maria", "email": "maria@example.com", "password": PASSWORD}
    await api.post("/api/auth/register", json=user)
    login = (await api.post("/api/auth/login", json=user | {"email": None})).json()
    for password in PASSWORDS[1:]:
        await api.post("/api/auth/login", json={"username": "maria", "password": password})
        await api.post("/api/auth/token", data={"username": "maria", "password": password})
    pair = (
        await api.post("/api/auth/refresh", json={"refresh_token": login["refresh_token"]})
    ).json()
    await api.post("/api/auth/refresh", json={"refresh_token": JWT})
    bearer = {"Authorization": f"Bearer {pair['access_token']}"}
    wanted = {"name": "Build", "scopes": ["read"]}
    path = "/api/auth/personal-access-tokens"
    personal = (await api.post(path, json=wanted, headers=bearer)).json()["token"]
    await api.get("/api/users", headers={"Authorization": f"Bearer {personal}"})
    await api.post("/api/projects", headers={"Authorization": f"Bearer {personal}"}, json={})
    await api.get("/api/auth/acme")
    await api.get("/metrics", headers={"Authorization": f"Bearer {METRICS_TOKEN}"})
    change = {"current_password": PASSWORD, "new_password": PASSWORDS[1]}
    last = (await api.post("/api/auth/password", json=change, headers=bearer)).json()
    device = api.cookies["lacewing-device"]
    return [personal, device] + [
        token
        for each in (login, pair, last)
        for token in (each["access_token"], each["refresh_token"])
    ]


async def _put_secrets_in_wrong_places(house: House) -> None:
    api = house.anonymous
    for secret in (*PASSWORDS, OPAQUE, JWT, FORGED_TOKEN):
        await api.get("/api/auth/acme/callback", params={"code": secret, "state": secret})
        await api.get(
            "/api/auth/acme/callback",
            params={"error": secret, "state": secret, "token": secret},
            headers={"Cookie": f"lacewing-login={secret}; lacewing-device={secret}"},
        )
        await api.get("/api/users", params={"access_token": secret, "search": secret})
        await api.get("/api/users", headers={"Authorization": f"Bearer {secret}"})
        await api.get("/api/users", headers={"Authorization": f"Basic {secret}"})
        await api.get("/api/users", headers={"Cookie": f"session={secret}", "X-Api-Key": secret})
        await api.get("/health/live", headers={"Idempotency-Key": secret, "Referer": secret})
        await api.post("/api/auth/login", json={"username": secret, "password": secret})
        await api.post("/api/auth/login", json={secret: secret})
        await api.post("/api/auth/login", content=f'{{"password": "{secret}"'.encode())
        await api.post(
            "/api/auth/register",
            json={"email": "noor@example.com", "password": secret[:7], "username": f" {secret} /"},
            headers={"Idempotency-Key": f"{secret}{secret}"},
        )
        await api.request("GET", f"/api/projects/{secret}?token={secret}")


async def test_no_secret_reaches_the_logs_wherever_a_client_puts_it(
    log: Log, logging_house: House
) -> None:
    """SEC-8, SEC-9: bodies, forms, headers, cookies, queries, paths; good requests and bad ones.

    Nor the audit log; and no secret of the settings either.
    """
    tokens = await _use_every_secret(logging_house)

    await _put_secrets_in_wrong_places(logging_house)

    written = log.getvalue()
    audited = str(await logging_house.rows(select(audit_log)))
    assert len(tokens) == 8
    assert written.count("/api/auth/login") >= 10
    assert audited.count("auth.social_login") >= 10
    for secret in (*PASSWORDS, OPAQUE, JWT, FORGED_TOKEN, *SETTINGS, *tokens, "$argon2"):
        assert secret not in written
        assert secret not in audited
    assert "maria@example.com" not in written + audited


async def test_an_unexpected_error_is_logged_once_without_secrets_and_told_to_nobody(
    log: Log, logging_house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    """SEC-8, API-3: the trace stays inside; the client gets a request id and no detail."""
    maria = await logging_house.member("maria")

    def broken(*_: object) -> None:
        raise RuntimeError(f"Bearer {JWT} {FORGED_TOKEN} at /srv/secret/path: SELECT 1")

    monkeypatch.setattr("lacewing.accounts.service.users.get_account", broken)
    answer = await maria.api.get("/api/auth/me", headers={"X-Request-ID": "broken-1"})

    assert answer.status_code == 500
    assert answer.json()["type"] == "internal-error"
    assert answer.headers["x-request-id"] == answer.json()["request_id"] == "broken-1"
    assert answer.headers["x-content-type-options"] == "nosniff"
    for inside in ("RuntimeError", "SELECT", "/srv", "Traceback"):
        assert inside not in answer.text
    assert log.getvalue().count("unexpected_error") == 1
    assert "RuntimeError" in log.getvalue()
    assert JWT not in log.getvalue()
    assert FORGED_TOKEN not in log.getvalue()
    assert maria.access_token not in log.getvalue()
