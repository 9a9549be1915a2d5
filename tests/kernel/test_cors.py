"""What pages of other origins may do, beyond what test_security_headers.py asks."""

from collections.abc import AsyncIterator, Callable
from pathlib import Path

import httpx
import pytest

from lacewing.settings import InvalidSettings, Settings, load_settings
from tests.support.databases import SqliteTemplate
from tests.support.house import House, open_house

LISTED = "https://tracker.example.com"
ALSO_LISTED = "http://localhost:5173"
METHODS = {"GET", "POST", "PUT", "PATCH", "DELETE"}
HEADERS = {
    "authorization", "content-type", "idempotency-key", "if-match", "if-none-match", "if-range",
    "last-event-id", "range", "x-request-id",
}  # fmt: skip
ALWAYS_ALLOWED = {"accept", "accept-language", "content-language"}
"""By the Fetch standard, whatever a server says."""
MAX_AGE_SECONDS = 600
UNLISTED = (
    "https://evil.example",
    "null",
    "https://tracker.example.com:8443",
    "https://tracker.example.com/",
    "https://sub.tracker.example.com",
    "https://evil.example, https://tracker.example.com",
    "https://tracker.example.com https://evil.example",
    "HTTPS://TRACKER.EXAMPLE.COM",
    "http://localhost",
    "*",
    "\u00e9",
)
PRODUCTION = {
    "LACEWING_ENVIRONMENT": "production",
    "LACEWING_PUBLIC_URL": "https://tracker.example.com",
}


@pytest.fixture(scope="module")
async def make_house_settings(
    tmp_path_factory: pytest.TempPathFactory, keys_dir: Path
) -> Callable[[str], Settings]:
    """Settings with these origins, on one SQLite: all this lies before any database."""
    template = SqliteTemplate(tmp_path_factory.mktemp("cors"))
    await template.prepare()
    async with template.copied(tmp_path_factory.mktemp("copy")) as url:
        environ = {
            "LACEWING_ENVIRONMENT": "test",
            "LACEWING_DATA_DIR": str(keys_dir),
            "LACEWING_DATABASE_URL": url,
            "LACEWING_RATE_LIMIT_PER_MINUTE": "0",
        }
        return lambda origins: load_settings({**environ, "LACEWING_CORS_ORIGINS": origins})


@pytest.fixture(scope="module")
async def with_pages(make_house_settings: Callable[[str], Settings]) -> AsyncIterator[House]:
    async with open_house(make_house_settings(f"{LISTED}, {ALSO_LISTED}")) as opened:
        yield opened


def _names(answer: httpx.Response, header: str) -> set[str]:
    return {name.strip() for name in answer.headers[header].split(",")}


async def _preflight(
    house: House, origin: str, method: str = "PATCH", headers: str = "authorization"
) -> httpx.Response:
    asked = {
        b"Origin": origin.encode(),
        b"Access-Control-Request-Method": method.encode(),
        b"Access-Control-Request-Headers": headers.encode(),
    }
    return await house.anonymous.options("/api/projects", headers=asked)


@pytest.mark.parametrize("origin", [LISTED, ALSO_LISTED])
@pytest.mark.parametrize("method", sorted(METHODS))
async def test_a_listed_origin_may_use_every_method_and_header_that_operations_take(
    with_pages: House, origin: str, method: str
) -> None:
    """SEC-4: exactly the methods and headers that a client of this API needs, for ten minutes."""
    answer = await _preflight(with_pages, origin, method, ",".join(sorted(HEADERS)))

    assert answer.status_code == 200
    assert answer.headers["access-control-allow-origin"] == origin
    assert _names(answer, "access-control-allow-methods") == METHODS
    allowed = {name.lower() for name in _names(answer, "access-control-allow-headers")}
    assert allowed - ALWAYS_ALLOWED == HEADERS
    assert answer.headers["access-control-max-age"] == str(MAX_AGE_SECONDS)


@pytest.mark.parametrize("origin", UNLISTED)
async def test_an_unlisted_origin_is_never_named(with_pages: House, origin: str) -> None:
    """SEC-4: no preflight and no answer names it, so that a browser keeps both to itself."""
    preflight = await _preflight(with_pages, origin)
    given = {b"Origin": origin.encode()}
    answer = await with_pages.anonymous.get("/api/projects", headers=given)

    assert preflight.status_code == 400
    for each in (preflight, answer):
        assert "access-control-allow-origin" not in each.headers
        assert "access-control-allow-credentials" not in each.headers


@pytest.mark.parametrize(
    ("method", "headers"),
    [
        ("TRACE", "authorization"), ("CONNECT", "authorization"), ("HEAD", "authorization"),
        ("patch", "authorization"), ("*", "authorization"), ("PATCH", "*"), ("PATCH", "cookie"),
        ("PATCH", "authorization,x-forwarded-for"), ("PATCH", "authorization,host"),
    ],
)  # fmt: skip
async def test_nothing_beyond_the_lists_is_granted(
    with_pages: House, method: str, headers: str
) -> None:
    """SEC-4: limited methods and headers, spelled as they are; one bad name spoils the request."""
    answer = await _preflight(with_pages, LISTED, method, headers)

    assert answer.status_code == 400
    granted = _names(answer, "access-control-allow-methods")
    assert granted == METHODS
    assert "*" not in _names(answer, "access-control-allow-headers")


async def test_no_page_may_reach_a_private_network_through_a_browser(with_pages: House) -> None:
    """SEC-4: a listed origin on the internet gets no way into the network of the server."""
    answer = await with_pages.anonymous.options(
        "/api/projects",
        headers={
            "Origin": LISTED,
            "Access-Control-Request-Method": "GET",
            "Access-Control-Request-Private-Network": "true",
        },
    )

    assert answer.status_code == 400
    assert "access-control-allow-private-network" not in answer.headers


@pytest.mark.parametrize("origin", [None, LISTED, ALSO_LISTED, "https://evil.example"])
@pytest.mark.parametrize("path", ["/api/projects", "/api/nothing", "/health/live"])
async def test_every_answer_says_that_it_depends_on_the_origin(
    with_pages: House, origin: str | None, path: str
) -> None:
    """SEC-4: else a cache could hand the answer for one origin to another."""
    headers = {} if origin is None else {"Origin": origin}

    answer = await with_pages.anonymous.get(path, headers=headers)

    assert "Origin" in _names(answer, "vary")


async def test_a_preflight_says_what_it_depends_on(with_pages: House) -> None:
    """SEC-4: also one that is refused."""
    for origin in (LISTED, "https://evil.example"):
        answer = await _preflight(with_pages, origin)

        wanted = {"Origin", "Access-Control-Request-Method", "Access-Control-Request-Headers"}
        assert wanted <= _names(answer, "vary")


@pytest.mark.parametrize(
    ("method", "path", "headers", "status"),
    [
        ("GET", "/api/projects", {}, 401),
        ("GET", "/api/nothing", {}, 404),
        ("PUT", "/api/projects", {}, 405),
        ("POST", "/api/auth/login", {"Content-Length": "2000000"}, 413),
        ("POST", "/api/auth/login", {"Content-Type": "text/plain"}, 415),
        ("GET", "/api/projects?x=1", {}, 422),
    ],
)
async def test_a_listed_origin_can_read_why_it_was_refused(
    with_pages: House, method: str, path: str, headers: dict[str, str], status: int
) -> None:
    """SEC-4, API-3: a page that sees no problem document could tell its user nothing."""
    answer = await with_pages.anonymous.request(method, path, headers={"Origin": LISTED, **headers})

    assert answer.status_code == status
    assert answer.headers.get_list("access-control-allow-origin") == [LISTED]
    assert answer.headers["content-type"] == "application/problem+json"


async def test_a_wildcard_never_goes_with_credentials(
    make_house_settings: Callable[[str], Settings],
) -> None:
    """SEC-4: in development `*` lets any page read what anybody may read, never as its user."""
    cookie = {"Origin": "https://evil.example", "Cookie": "session=x"}
    async with open_house(make_house_settings("*")) as house:
        preflight = await _preflight(house, "https://evil.example")
        answer = await house.anonymous.get("/api/projects", headers=cookie)

    for each in (preflight, answer):
        assert each.headers["access-control-allow-origin"] == "*"
        assert "access-control-allow-credentials" not in each.headers


@pytest.mark.parametrize(
    "origins", ["*", " * ", f"{LISTED},*", "https://*", "https://*.example.com", "**"]
)
def test_production_refuses_every_wildcard(origins: str) -> None:
    """SEC-4, SEC-11: wherever the star stands."""
    with pytest.raises(InvalidSettings) as caught:
        load_settings({**PRODUCTION, "LACEWING_CORS_ORIGINS": origins})

    assert [reason.partition(":")[0] for reason in caught.value.reasons] == [
        "LACEWING_CORS_ORIGINS"
    ]


def test_production_takes_a_list_of_origins() -> None:
    """SEC-4: as many as there are pages."""
    settings = load_settings({**PRODUCTION, "LACEWING_CORS_ORIGINS": f"{LISTED},{ALSO_LISTED}"})

    assert settings.web.cors_origins == (LISTED, ALSO_LISTED)
