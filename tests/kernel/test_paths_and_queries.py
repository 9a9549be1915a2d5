from typing import Any
from uuid import UUID

import pytest

from tests.support.house import House, Member


@pytest.mark.parametrize("spelling", ["/api/projects", "/api/projects/"])
async def test_a_path_answers_with_and_without_its_trailing_slash(
    a_developer: Member, spelling: str
) -> None:
    """API-1: both spellings, without a redirect."""
    answer = await a_developer.api.get(spelling, params={"limit": 5}, follow_redirects=False)

    assert answer.status_code == 200


async def test_a_thing_is_made_under_both_spellings(mona: Member) -> None:
    """API-1: also for POST, where a redirect would lose the body."""
    with_slash = await mona.api.post("/api/projects/", json={"name": "With"})
    without = await mona.api.post("/api/projects", json={"name": "Without"})
    read = await mona.api.get(f"/api/projects/{with_slash.json()['id']}/")

    assert [with_slash.status_code, without.status_code, read.status_code] == [201, 201, 200]


@pytest.mark.parametrize(
    "path", ["/api/projects//", "//api/projects", "/api//projects", "/projects"]
)
async def test_another_spelling_is_not_there(a_developer: Member, path: str) -> None:
    """API-1: one path more would be one way more around a rule for a path."""
    answer = await a_developer.api.get(f"http://lacewing.test{path}")

    assert answer.status_code == 404


async def test_ids_are_uuids_of_version_7_and_times_end_in_z(project: dict[str, Any]) -> None:
    """API-2: JSON in UTF-8, UUIDv7, RFC 3339 in UTC."""
    assert UUID(project["id"]).version == 7
    assert project["created_at"].endswith("Z")
    assert "T" in project["created_at"]


async def test_an_answer_is_json_and_keeps_every_character(mona: Member) -> None:
    """API-2: UTF-8 from end to end."""
    name = "Übersicht 日本 🦋"

    answer = await mona.api.post("/api/projects", json={"name": name})

    assert answer.headers["content-type"] == "application/json"
    assert name.encode() in answer.content


@pytest.mark.parametrize(
    ("query", "named", "kind"),
    [
        ("colour=red", "colour", "unknown"),
        ("limit=5&limit=6", "limit", "repeated"),
        ("limit=5&Limit=6", "Limit", "unknown"),
        ("sort=name&lim%69t=1&limit=1", "limit", "repeated"),
        ("=x", "", "unknown"),
        ("search[]=x", "search[]", "unknown"),
        ("limit", None, None),
    ],
)
async def test_an_unknown_or_repeated_parameter_is_refused_and_named(
    a_developer: Member, query: str, named: str | None, kind: str | None
) -> None:
    """API-7: parameters are whitelisted."""
    answer = await a_developer.api.get(f"/api/projects?{query}")

    assert answer.status_code == 422
    if named is not None:
        assert answer.json()["errors"] == [
            {"loc": ["query", named], "msg": answer.json()["errors"][0]["msg"], "type": kind}
        ]


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("POST", "/api/projects?dry_run=true"),
        ("GET", "/api/auth/me?limit=5"),
        ("POST", "/api/auth/logout?all=1"),
    ],
)
async def test_an_operation_without_parameters_takes_none(
    a_manager: Member, method: str, path: str
) -> None:
    """API-7: also where no list is asked for; nothing is changed by the refused request."""
    body = {"name": "Web"} if path.startswith("/api/projects") else None

    answer = await a_manager.api.request(method, path, json=body)

    assert answer.status_code == 422
    assert answer.json()["errors"][0]["type"] == "unknown"
    assert (await a_manager.api.get("/api/projects")).json()["data"] == []


async def test_a_query_that_is_no_utf8_is_malformed(a_developer: Member) -> None:
    """API-4: bytes that are no UTF-8 get 400."""
    answer = await a_developer.api.get("/api/projects?search=%ff")

    assert answer.status_code == 400
    assert answer.json()["type"] == "malformed"


@pytest.mark.parametrize("limit", [1, 100])
async def test_a_limit_at_its_bounds_is_taken(a_developer: Member, limit: int) -> None:
    """API-5: 1 to 100."""
    answer = await a_developer.api.get("/api/projects", params={"limit": limit})

    assert answer.status_code == 200


@pytest.mark.parametrize("limit", ["0", "101", "-1", "ten", "", "1e2", "5.5"])
async def test_another_limit_is_refused_and_never_clamped(a_developer: Member, limit: str) -> None:
    """API-5: silently clamping would lose rows that the client believes to have."""
    answer = await a_developer.api.get("/api/projects", params={"limit": limit})

    assert answer.status_code == 422
    assert answer.json()["errors"][0]["loc"] == ["query", "limit"]


@pytest.mark.parametrize("sort", ["rank", "--name", "name,key", "-", "NAME", "id"])
async def test_a_sort_that_is_not_on_the_list_is_refused(a_developer: Member, sort: str) -> None:
    """API-6: one field name of a list per endpoint."""
    answer = await a_developer.api.get("/api/projects", params={"sort": sort})

    assert answer.status_code == 422
    assert answer.json()["errors"][0]["loc"] == ["query", "sort"]


async def test_a_method_that_a_path_does_not_take_is_told_which_it_takes(
    house: House, project: dict[str, Any]
) -> None:
    """API-4: 405 with ``Allow`` over all operations of the path (RFC 9110, 15.5.6)."""
    answer = await house.anonymous.put(f"/api/projects/{project['id']}", json={})

    assert answer.status_code == 405
    assert answer.headers["allow"] == "DELETE, GET, PATCH"
    assert answer.json()["type"] == "method-not-allowed"
