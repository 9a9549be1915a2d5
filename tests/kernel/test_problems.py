from typing import Any

import httpx
import msgspec
import pytest

from tests.support.house import House, Member

MEMBERS = {"type", "title", "status", "detail", "instance", "request_id"}


def _is_problem(answer: httpx.Response, path: str) -> bool:
    document = answer.json()
    return (
        answer.headers["content-type"] == "application/problem+json"
        and document.keys() >= MEMBERS
        and document["status"] == answer.status_code
        and document["instance"] == path
        and document["request_id"] == answer.headers["x-request-id"]
    )


@pytest.mark.parametrize(
    ("method", "path", "status", "kind"),
    [
        ("GET", "/api/nothing", 404, "not-found"),
        ("GET", "/nothing", 404, "not-found"),
        ("DELETE", "/api/projects", 405, "method-not-allowed"),
        ("GET", "/api/projects?page=1&cursor=x", 400, "malformed"),
        ("GET", "/api/projects?cursor=x", 400, "invalid-cursor"),
        ("GET", "/api/projects?limit=0", 422, "validation-failed"),
        ("GET", "/api/projects/1", 422, "validation-failed"),
        ("GET", "/api/projects/01890000-0000-7000-8000-000000000000", 404, "project-not-found"),
        ("GET", "/api/audit", 403, "forbidden"),
        ("POST", "/api/projects", 415, "unsupported-media-type"),
    ],
)
async def test_every_refusal_is_a_problem_document(
    a_developer: Member, method: str, path: str, status: int, kind: str
) -> None:
    """API-3, API-4: RFC 9457, with a stable slug per kind of error."""
    answer = await a_developer.api.request(method, path)

    assert answer.status_code == status
    assert answer.json()["type"] == kind
    assert _is_problem(answer, path.partition("?")[0])


async def test_whoever_is_not_signed_in_is_told_how_to_be(shared_house: House) -> None:
    """API-4: 401 with ``WWW-Authenticate``."""
    answer = await shared_house.anonymous.get("/api/projects")

    assert answer.status_code == 401
    assert answer.headers["www-authenticate"].startswith("Bearer")
    assert _is_problem(answer, "/api/projects")


@pytest.mark.parametrize(
    "authorization",
    ["", "Bearer", "Bearer ", "Basic bWFyaWE6eA==", "Bearer a.b.c", "Bearer é", "bearer x y", "é"],
)
async def test_a_bad_authorization_is_a_401(shared_house: House, authorization: str) -> None:
    """API-4: whatever stands in the header, it is 401 and never a 500."""
    headers = [(b"authorization", authorization.encode())]

    answer = await shared_house.anonymous.get("/api/projects", headers=headers)

    assert answer.status_code == 401


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"{",
        b"{'name': 'x'}",
        b'{"name": NaN}',
        b'{"name": Infinity}',
        b'{"name": "x"} {}',
        b'{"name": "\xff"}',
        b"\xef\xbb\xbf{}",
        '{"name": "x"}'.encode("utf-16"),
        b'{"name": "a\nb"}',
        b"[" * 100_000,
        b'{"name": "x",}',
    ],
)
async def test_bytes_that_are_no_json_are_malformed(a_manager: Member, body: bytes) -> None:
    """API-4: 400, and nothing is made."""
    answer = await a_manager.api.post(
        "/api/projects", content=body, headers={"Content-Type": "application/json"}
    )

    assert answer.status_code == 400
    assert answer.json()["type"] == "malformed-json"
    assert (await a_manager.api.get("/api/projects")).json()["data"] == []


@pytest.mark.parametrize("body", [[], [{}], "x", 1, None, True])
async def test_json_of_another_shape_fails_validation(a_manager: Member, body: Any) -> None:
    """API-4: it can be read, so it is 422."""
    content = msgspec.json.encode(body)

    answer = await a_manager.api.post(
        "/api/projects", content=content, headers={"Content-Type": "application/json"}
    )

    assert answer.status_code == 422
    assert (await a_manager.api.get("/api/projects")).json()["data"] == []


async def test_a_validation_problem_names_each_field(a_manager: Member) -> None:
    """API-3: ``errors`` with place, words and code."""
    answer = await a_manager.api.post("/api/projects", json={"key": "?", "colour": "red"})

    document = answer.json()
    assert answer.status_code == 422
    assert sorted(tuple(each["loc"]) for each in document["errors"]) == [
        ("body", "colour"),
        ("body", "key"),
        ("body", "name"),
    ]
    assert all(each.keys() == {"loc", "msg", "type"} for each in document["errors"])


async def test_a_text_that_is_too_long_is_told_of_in_characters(a_manager: Member) -> None:
    """API-3: not in items, as of a list."""
    answer = await a_manager.api.post("/api/posts", json={"title": "x" * 201, "body": ""})

    assert answer.status_code == 422
    assert "200 characters, not 201" in answer.json()["errors"][0]["msg"]


async def test_a_validation_problem_never_repeats_what_was_sent(shared_house: House) -> None:
    """API-3, SEC-8: what failed may be a password, typed into the wrong field."""
    secret = "My-Secret-Pass-1"
    body = {"email": secret, "password": [secret], "username": secret * 9, secret: secret}

    answer = await shared_house.anonymous.post("/api/auth/register", json=body)

    assert answer.status_code == 422
    values = [each["msg"] for each in answer.json()["errors"]]
    assert not any(secret in value for value in values)


@pytest.mark.parametrize(
    "content_type",
    ["", "text/plain", "application/xml", "application/x-www-form-urlencoded", "application/jsonp",
     "multipart/form-data; boundary=x", "application/json; charset=utf-16"],
)  # fmt: skip
async def test_a_body_in_another_type_is_refused(a_manager: Member, content_type: str) -> None:
    """SEC-1, API-4: 415, and nothing is made."""
    answer = await a_manager.api.post(
        "/api/projects", content=b'{"name": "Web"}', headers={"Content-Type": content_type}
    )

    assert answer.status_code == 415
    assert (await a_manager.api.get("/api/projects")).json()["data"] == []


@pytest.mark.parametrize(
    "content_type",
    ["application/json", "APPLICATION/JSON", 'application/json; charset="UTF-8"',
     "application/json;charset=utf-8"],
)  # fmt: skip
async def test_json_by_any_of_its_names_is_taken(mona: Member, content_type: str) -> None:
    """API-2: the type is the same in upper case and with its parameter."""
    answer = await mona.api.post(
        "/api/projects", content=b'{"name": "Web"}', headers={"Content-Type": content_type}
    )

    assert answer.status_code == 201


async def test_a_form_is_taken_where_a_form_is_due_and_json_is_not(shared_house: House) -> None:
    """SEC-1: each operation takes its own type alone."""
    grant = {"grant_type": "password", "username": "nobody", "password": "x"}

    as_form = await shared_house.anonymous.post("/api/auth/token", data=grant)
    as_json = await shared_house.anonymous.post("/api/auth/token", json=grant)

    assert (as_form.status_code, as_json.status_code) == (401, 415)
