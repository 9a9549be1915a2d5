from collections.abc import Callable

import pytest

from lacewing.settings import Settings
from tests.support import servers
from tests.support.house import House, open_house


async def test_a_server_that_lives_says_so(shared_house: House) -> None:
    """OPS-4: ``/health/live`` asks nothing else."""
    answer = await shared_house.anonymous.get("/health/live")

    assert (answer.status_code, answer.json()) == (200, {"status": "ok"})


async def test_a_ready_server_tells_the_state_of_each_thing_it_needs(shared_house: House) -> None:
    """OPS-4: without Redis in the settings, none is asked."""
    answer = await shared_house.anonymous.get("/health/ready")

    assert answer.status_code == 200
    assert answer.json() == {"status": "ok", "checks": {"database": {"status": "ok"}}}


async def test_a_server_that_lost_redis_lives_and_is_not_ready(
    make_settings: Callable[..., Settings],
) -> None:
    """OPS-4, API-4: 503 with ``Retry-After``, and which thing failed; nothing of the inside."""
    with servers.redis_process() as (url, _):
        opened = open_house(make_settings(LACEWING_REDIS_URL=url))
        house = await opened.__aenter__()  # noqa: PLC2801  the house outlives Redis
        before = await house.anonymous.get("/health/ready")
    after = await house.anonymous.get("/health/ready")
    without = await house.anonymous.get("/health/ready?exclude=redis")
    live = await house.anonymous.get("/health/live")
    await opened.__aexit__(None, None, None)

    assert before.json()["checks"] == {"database": {"status": "ok"}, "redis": {"status": "ok"}}
    assert after.status_code == 503
    assert int(after.headers["retry-after"]) > 0
    assert after.json()["status"] == "failed"
    assert after.json()["checks"]["database"] == {"status": "ok"}
    assert after.json()["checks"]["redis"]["status"] == "failed"
    assert url not in after.text
    assert without.status_code == 200
    assert without.json() == {"status": "ok", "checks": {"database": {"status": "ok"}}}
    assert live.status_code == 200


async def test_only_checks_that_there_are_can_be_excluded(shared_house: House) -> None:
    """OPS-4, API-4: a name with a slip would else leave a check on, or off, unseen."""
    answer = await shared_house.anonymous.get("/health/ready?exclude=database&exclude=radish")

    assert answer.status_code == 422
    assert answer.json()["errors"][0]["loc"] == ["query", "exclude"]
    assert "radish" in answer.json()["errors"][0]["msg"]


TOKEN = "a-token-for-prometheus"


async def test_metrics_are_open_to_this_machine_alone(shared_house: House) -> None:
    """OPS-4: not open to the world, nor through a proxy on this machine."""
    local = await shared_house.anonymous.get("/metrics")
    remote = await shared_house.client(ip="203.0.113.1").get("/metrics")
    proxied = [
        await shared_house.anonymous.get("/metrics", headers={name: "203.0.113.1"})
        for name in ("X-Forwarded-For", "Forwarded")
    ]

    assert local.status_code == 200
    assert "lacewing_http_request_duration_seconds" in local.text
    assert [answer.status_code for answer in (remote, *proxied)] == [404, 404, 404]
    assert "lacewing_http" not in remote.text


@pytest.mark.parametrize(
    ("authorization", "status"),
    [
        (f"Bearer {TOKEN}", 200),
        (f"Bearer {TOKEN}x", 404),
        ("Bearer ", 404),
        (None, 404),
        ("Bearer \u00e9", 404),
    ],
)
async def test_with_a_token_metrics_are_open_to_its_bearer_alone(
    make_settings: Callable[..., Settings], authorization: str | None, status: int
) -> None:
    """OPS-4: from anywhere with it, from nowhere without."""
    headers = [] if authorization is None else [(b"authorization", authorization.encode())]

    async with open_house(make_settings(LACEWING_METRICS_TOKEN=TOKEN)) as house:
        local = await house.anonymous.get("/metrics", headers=headers)
        remote = await house.client(ip="203.0.113.1").get("/metrics", headers=headers)

    assert (local.status_code, remote.status_code) == (status, status)


async def test_measurements_name_route_templates_and_never_ids(shared_house: House) -> None:
    """OPS-4: few names, however many paths strangers ask for."""
    stranger = "/api/users/0199f0c4-6a5e-7c3d-9d0e-0a1b2c3d4e5f"
    await shared_house.anonymous.get(stranger)
    for number in range(20):
        await shared_house.anonymous.request(f"METHOD{number}", f"/nothing/{number}")

    measured = (await shared_house.anonymous.get("/metrics")).text

    assert 'route="/api/users/{user_id}"' in measured
    assert "0199f0c4" not in measured
    assert "METHOD" not in measured
    assert "/nothing/" not in measured


async def test_the_documentation_page_loads_nothing_from_another_host(shared_house: House) -> None:
    """API-11: what it loads is there, and its policy lets nothing else in."""
    page = await shared_house.anonymous.get("/api/docs")
    policy = page.headers["content-security-policy"]
    start = await shared_house.anonymous.get("/api/docs/start.js")
    loaded = ["/api/docs/assets/swagger-ui.css", "/api/docs/assets/swagger-ui-bundle.js"]
    assets = [await shared_house.anonymous.get(path) for path in loaded]

    assert "http://" not in page.text
    assert "https://" not in page.text
    assert "//" not in page.text.replace("</", "")
    assert all(path in page.text for path in loaded)
    assert "default-src 'none'" in policy
    assert "script-src 'self';" in policy
    assert "http" not in policy
    assert "/api/openapi.json" in start.text
    assert [answer.status_code for answer in assets] == [200, 200]
    assert page.headers["content-type"].startswith("text/html")


@pytest.mark.parametrize(
    "path",
    ["/api/docs/assets/../docs.py", "/api/docs/assets/..%2f..%2f__init__.py",
     "/api/docs/assets/%2fetc/passwd", "/api/docs/assets/nothing.js", "/api/docs/assets/"],
)  # fmt: skip
async def test_no_other_file_is_served(shared_house: House, path: str) -> None:
    """SEC-6: a path never leaves its folder; a folder is not listed."""
    answer = await shared_house.anonymous.get(path)

    assert answer.status_code == 404
    assert answer.headers["content-type"] == "application/problem+json"
