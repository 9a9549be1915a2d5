import re

import pytest

from tests.kernel.logs import Log
from tests.support.house import House, Member

UUID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")


@pytest.mark.parametrize("own", ["a", "Ab.c_d:e-1", "x" * 64])
async def test_a_sane_request_id_is_the_callers_own(shared_house: House, own: str) -> None:
    """API-10: letters, digits and a little more, up to 64."""
    answer = await shared_house.anonymous.get("/api/auth/me", headers={"X-Request-ID": own})

    assert answer.headers.get_list("x-request-id") == [own]
    assert answer.json()["request_id"] == own


@pytest.mark.parametrize(
    "own", [None, "", "x" * 65, "a b", "a\tb", "<script>", "a\\nb", "é", "a,b"]
)
async def test_another_request_id_is_replaced_by_a_new_one(
    shared_house: House, own: str | None
) -> None:
    """API-10: what could forge a log line is not taken over."""
    headers = [] if own is None else [(b"x-request-id", own.encode())]

    answer = await shared_house.anonymous.get("/health/live", headers=headers)

    assert UUID.fullmatch(answer.headers["x-request-id"])


@pytest.mark.parametrize("path", ["/api/users", "/api/nothing", "/api/docs", "/api/openapi.json"])
async def test_every_answer_carries_its_request_id(a_developer: Member, path: str) -> None:
    """API-10: also refusals and pages."""
    answer = await a_developer.api.get(path, headers={"X-Request-ID": "mine"})

    assert answer.headers["x-request-id"] == "mine"


async def test_the_request_id_stands_in_the_log_line(a_developer: Member, log: Log) -> None:
    """API-10, OPS-5: with method, route template, status, duration and user."""
    await a_developer.api.get(f"/api/users/{a_developer.id}", headers={"X-Request-ID": "mine"})

    (line,) = log.requests()
    assert line["request_id"] == "mine"
    assert line["method"] == "GET"
    assert line["route"] == "/api/users/{user_id}"
    assert line["status"] == 200
    assert line["user_id"] == str(a_developer.id)
    assert line["duration_ms"] >= 0
