from collections.abc import AsyncIterator, Callable

import httpx
import pytest

from lacewing.settings import Settings
from tests.support.house import House, Member, open_house

ORIGIN = "https://tracker.example.com"
ALWAYS = {
    "x-content-type-options": "nosniff",
    "x-frame-options": "DENY",
    "x-xss-protection": "1; mode=block",
    "referrer-policy": "no-referrer",
}
STRICT = "default-src 'none'; frame-ancestors 'none'; base-uri 'none'; form-action 'none'"


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("GET", "/api/users", 200),
        ("GET", "/api/nothing", 404),
        ("PUT", "/api/users", 405),
        ("GET", "/api/users?x=1", 422),
        ("GET", "/api/audit", 403),
        ("POST", "/api/projects", 415),
        ("GET", "/health/live", 200),
        ("GET", "/api/openapi.json", 200),
        ("GET", "/api/docs", 200),
        ("GET", "/api/docs/assets/swagger-ui.css", 200),
        ("POST", "/api/auth/logout?x=1", 422),
    ],
)
async def test_every_answer_carries_the_security_headers(
    a_developer: Member, method: str, path: str, status: int
) -> None:
    """SEC-3: on every answer, also refusals; each once."""
    answer = await a_developer.api.request(method, path)

    assert answer.status_code == status
    for name, value in ALWAYS.items():
        assert answer.headers.get_list(name) == [value]
    assert len(answer.headers.get_list("content-security-policy")) == 1
    assert "permissions-policy" in answer.headers
    assert "frame-ancestors 'none'" in answer.headers["content-security-policy"]
    assert "server" not in answer.headers


async def test_an_answer_that_is_private_is_not_stored(a_developer: Member) -> None:
    """SEC-3: ``no-store``; a thing with a tag may be kept by the client alone."""
    listed = await a_developer.api.get("/api/users")
    thing = await a_developer.api.get("/api/auth/me")

    assert listed.headers["cache-control"] == "no-store"
    assert thing.headers["cache-control"] == "private, no-cache"
    assert listed.headers["content-security-policy"] == STRICT


async def test_https_alone_is_told_to_stay_https(shared_house: House) -> None:
    """SEC-3: ``Strict-Transport-Security`` over HTTPS, never over HTTP."""
    transport = httpx.ASGITransport(shared_house.app)
    async with httpx.AsyncClient(transport=transport, base_url="https://lacewing.test") as client:
        secure = await client.get("/health/live")
    plain = await shared_house.anonymous.get("/health/live")

    assert secure.headers["strict-transport-security"].startswith("max-age=31536000")
    assert "strict-transport-security" not in plain.headers


@pytest.fixture
async def with_page(make_settings: Callable[..., Settings]) -> AsyncIterator[House]:
    settings = make_settings(LACEWING_CORS_ORIGINS=f"{ORIGIN}, https://other.example.com")
    async with open_house(settings) as opened:
        yield opened


def _preflight(origin: str, method: str, headers: str = "authorization") -> dict[str, str]:
    return {
        "Origin": origin,
        "Access-Control-Request-Method": method,
        "Access-Control-Request-Headers": headers,
    }


async def test_a_listed_origin_may_ask_and_its_preflight_is_kept(with_page: House) -> None:
    """SEC-4: limited methods and headers, preflight cached."""
    asked = "authorization,content-type,idempotency-key,if-match"
    preflight = await with_page.anonymous.options(
        "/api/projects", headers=_preflight(ORIGIN, "POST", asked)
    )
    answer = await with_page.anonymous.get("/api/projects", headers={"Origin": ORIGIN})

    assert preflight.status_code == 200
    assert preflight.headers["access-control-allow-origin"] == ORIGIN
    assert int(preflight.headers["access-control-max-age"]) > 0
    assert "*" not in preflight.headers["access-control-allow-methods"]
    assert answer.headers["access-control-allow-origin"] == ORIGIN
    assert "access-control-allow-credentials" not in answer.headers
    assert "ETag" in answer.headers["access-control-expose-headers"]
    assert "Origin" in answer.headers["vary"]


@pytest.mark.parametrize(
    "origin",
    ["https://evil.example", "null", "http://tracker.example.com", f"{ORIGIN}.evil.example",
     f"{ORIGIN}:444", "https://TRACKER.example.com.", ""],
)  # fmt: skip
async def test_another_origin_is_not_let_in(with_page: House, origin: str) -> None:
    """SEC-4: a list of origins, compared whole."""
    preflight = await with_page.anonymous.options(
        "/api/projects", headers=_preflight(origin, "GET")
    )
    answer = await with_page.anonymous.get("/api/projects", headers={"Origin": origin})

    assert "access-control-allow-origin" not in preflight.headers
    assert "access-control-allow-origin" not in answer.headers


@pytest.mark.parametrize(("method", "headers"), [("TRACE", "authorization"), ("GET", "x-evil")])
async def test_another_method_or_header_is_refused(
    with_page: House, method: str, headers: str
) -> None:
    """SEC-4: limited methods and headers."""
    preflight = await with_page.anonymous.options(
        "/api/projects", headers=_preflight(ORIGIN, method, headers)
    )

    assert preflight.status_code == 400


async def test_by_default_no_page_of_another_origin_is_let_in(shared_house: House) -> None:
    """SEC-4: the list is empty until the settings fill it."""
    answer = await shared_house.anonymous.get("/api/projects", headers={"Origin": ORIGIN})

    assert "access-control-allow-origin" not in answer.headers
