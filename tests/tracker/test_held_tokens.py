"""Personal access tokens that are held to some projects: the others are not there for them."""

from dataclasses import dataclass

import httpx
import pytest

from tests.support.house import House, Member

OTHERS = (
    ("GET", "/api/projects/{project}", None),
    ("PATCH", "/api/projects/{project}", {"description": "Changed."}),
    ("DELETE", "/api/projects/{project}", None),
    ("GET", "/api/projects/{project}/issues", None),
    ("POST", "/api/projects/{project}/issues", {"title": "New"}),
    ("GET", "/api/issues/{issue}", None),
    ("GET", "/api/issues/{key}", None),
    ("PATCH", "/api/issues/{issue}", {"title": "Changed"}),
    ("GET", "/api/issues/{issue}/history", None),
    ("GET", "/api/issues/{issue}/transitions", None),
    ("GET", "/api/issues/{issue}/comments", None),
    ("POST", "/api/issues/{issue}/comments", {"content": "New"}),
    ("GET", "/api/comments/{comment}", None),
    ("PATCH", "/api/comments/{comment}", {"content": "Changed"}),
)


@dataclass
class Held:
    """A token for one project, and the names of what is in that one and in another."""

    api: httpx.AsyncClient
    mine: dict[str, str]
    others: dict[str, str]


async def _filled(mona: Member, name: str) -> dict[str, str]:
    project = (await mona.api.post("/api/projects", json={"name": name})).json()
    path = f"/api/projects/{project['id']}/issues"
    issue = (await mona.api.post(path, json={"title": "Slow"})).json()
    path = f"/api/issues/{issue['id']}/comments"
    comment = (await mona.api.post(path, json={"content": "Very."})).json()
    return {
        "project": project["id"],
        "issue": issue["id"],
        "key": issue["key"],
        "comment": comment["id"],
    }


@pytest.fixture
async def held(house: House, mona: Member) -> Held:
    mine, others = await _filled(mona, "Web"), await _filled(mona, "App")
    wanted = {"name": "Build", "scopes": ["write"], "project_ids": [mine["project"]]}
    token = (await mona.api.post("/api/auth/personal-access-tokens", json=wanted)).json()
    api = house.client({"Authorization": f"Bearer {token['token']}"})
    return Held(api, mine, others)


@pytest.mark.parametrize(("method", "path", "body"), OTHERS)
async def test_things_of_other_projects_are_not_there(
    held: Held, mona: Member, method: str, path: str, body: dict[str, str] | None
) -> None:
    """As 404, and unchanged; those of its own project are."""
    before = (await mona.api.get("/api/issues")).json()

    refused = await held.api.request(method, path.format_map(held.others), json=body)
    after = (await mona.api.get("/api/issues")).json()
    allowed = await held.api.request(method, path.format_map(held.mine), json=body)

    assert refused.status_code == 404, refused.text
    assert after == before
    assert allowed.is_success, allowed.text


async def test_lists_hold_what_is_in_its_projects(held: Held) -> None:
    """Projects and issues, by cursor, by page and by search; the count too."""
    projects = (await held.api.get("/api/projects", params={"page": 1})).json()
    issues = (await held.api.get("/api/issues", params={"page": 1})).json()
    found = (await held.api.get("/api/issues", params={"search": "slow"})).json()

    assert [each["id"] for each in projects["data"]] == [held.mine["project"]]
    assert (projects["total"], issues["total"]) == (1, 1)
    assert [each["id"] for each in issues["data"]] == [held.mine["issue"]]
    assert [each["id"] for each in found["data"]] == [held.mine["issue"]]


async def test_what_is_of_no_project_is_not_for_it(held: Held) -> None:
    """It makes no project, changes no profile; but it knows its colleagues' names."""
    made = await held.api.post("/api/projects", json={"name": "New"})
    renamed = await held.api.patch("/api/auth/me", json={"full_name": "New"})
    people = await held.api.get("/api/users")

    assert (made.status_code, renamed.status_code, people.status_code) == (403, 403, 200)
    assert made.json()["type"] == "insufficient-scope"
