"""PERM-1, the whole matrix: every action by every kind of actor."""

from dataclasses import dataclass

import httpx
import pytest

from lacewing.kernel.actor import Role
from tests.support.house import House, Member
from tests.tracker.acts import Json, new_comment, new_issue, new_project, nothing_changes

ACTORS = (
    "anonymous",
    "developer",
    "reporter",
    "assignee",
    "author",
    "manager",
    "creator",
    "demoted",
    "admin",
)
"""``creator``: a manager, of the project. ``demoted``: created the other project, then lost the
role. ``author`` wrote the comment and is a developer."""

VIEW = "401 200 200 200 200 200 200 200 200"
ADD = "401 201 201 201 201 201 201 201 201"
EDIT = "401 403 200 200 403 200 200 403 200"
MATRIX: dict[str, str] = {
    # action                      anonymous ... admin, as in ACTORS
    "GET /projects": VIEW,
    "GET /project": VIEW,
    "GET /project/issues": VIEW,
    "GET /issues": VIEW,
    "GET /issue": VIEW,
    "GET /issue/history": VIEW,
    "GET /issue/transitions": VIEW,
    "GET /issue/comments": VIEW,
    "GET /comment": VIEW,
    "POST /projects": "401 403 403 403 403 201 201 403 201",
    "PATCH /project": "401 403 403 403 403 403 200 403 200",
    "PATCH /left": "401 403 403 403 403 403 403 403 200",
    "DELETE /archivable": "401 403 403 403 403 403 204 403 204",
    "POST /project/issues": ADD,
    "POST /issue/comments": ADD,
    "PATCH /issue": EDIT,
    "PATCH /issue status": EDIT,
    "PATCH /issue assignee_id": "401 403 200 403 403 200 200 403 200",
    "PATCH /comment": "401 403 403 403 200 403 403 403 403",
    "DELETE /comment": "405 405 405 405 405 405 405 405 405",
    "DELETE /issue": "405 405 405 405 405 405 405 405 405",
}


@dataclass
class Scene:
    """Who is there, and what they act upon."""

    people: dict[str, Member]
    api: dict[str, httpx.AsyncClient]
    paths: dict[str, str]


@pytest.fixture
async def scene(house: House) -> Scene:
    people = {
        name: await house.member(name, role)
        for name, role in (
            ("developer", Role.DEVELOPER),
            ("reporter", Role.DEVELOPER),
            ("assignee", Role.DEVELOPER),
            ("author", Role.DEVELOPER),
            ("manager", Role.MANAGER),
            ("creator", Role.MANAGER),
            ("demoted", Role.MANAGER),
            ("admin", Role.ADMIN),
        )
    }
    project = await new_project(people["creator"], "Web shop", key="WEB")
    archivable = await new_project(people["creator"], "Old shop", key="OLD")
    left = await new_project(people["demoted"], "Left behind", key="LEFT")
    path = f"/api/users/{people['demoted'].id}"
    demoted = await people["admin"].api.patch(path, json={"role": "developer"})
    assert demoted.status_code == 200
    issue = await new_issue(people["reporter"], project, assignee_id="assignee")
    comment = await new_comment(people["author"], issue)
    return Scene(
        people,
        {"anonymous": house.anonymous} | {name: member.api for name, member in people.items()},
        {
            "projects": "/api/projects",
            "project": f"/api/projects/{project['id']}",
            "archivable": f"/api/projects/{archivable['id']}",
            "left": f"/api/projects/{left['id']}",
            "issues": "/api/issues",
            "issue": f"/api/issues/{issue['id']}",
            "comment": f"/api/comments/{comment['id']}",
        },
    )


BODIES: dict[str, Json] = {
    "POST /projects": {"name": "Project of {actor}"},
    "PATCH /project": {"description": "By {actor}"},
    "PATCH /left": {"description": "By {actor}"},
    "POST /project/issues": {"title": "By {actor}"},
    "POST /issue/comments": {"content": "By {actor}"},
    "PATCH /issue": {"title": "By {actor}"},
    "PATCH /issue status": {"status": "in_progress"},
    "PATCH /issue assignee_id": {"assignee_id": "author"},
    "PATCH /comment": {"content": "By {actor}"},
}


@pytest.mark.parametrize("action", MATRIX)
async def test_the_matrix_holds(house: House, scene: Scene, action: str) -> None:
    """PERM-1: who may, may; who may not is refused, and nothing changes."""
    verb, target = action.split(maxsplit=1)
    target = target.split()[0]
    name, _, tail = target.removeprefix("/").partition("/")
    path = scene.paths[name] + (f"/{tail}" if tail else "")

    for actor, expected in zip(ACTORS, MATRIX[action].split(), strict=True):
        api = scene.api[actor]
        fields = BODIES.get(action)
        body = fields and {name: value.format(actor=actor) for name, value in fields.items()}
        if expected in {"401", "403", "405"}:
            async with nothing_changes(house):
                answer = await api.request(verb, path, json=body)
        else:
            answer = await api.request(verb, path, json=body)
        assert answer.status_code == int(expected), (actor, answer.text)
        if expected == "401":
            assert answer.headers["WWW-Authenticate"].startswith("Bearer")
        await scene.api["admin"].patch(scene.paths["issue"], json={"assignee_id": "assignee"})


async def test_a_creator_has_their_rights_only_while_a_manager(house: House, scene: Scene) -> None:
    """PERM-1, AUTH-17: lost with the role, at once, and back with it."""
    admin, path = scene.api["admin"], f"/api/users/{scene.people['demoted'].id}"

    async with nothing_changes(house):
        before = await scene.api["demoted"].patch(scene.paths["left"], json={"name": "Mine"})
    assert (await admin.patch(path, json={"role": "manager"})).status_code == 200
    after = await scene.api["demoted"].patch(scene.paths["left"], json={"name": "Mine"})

    assert (before.status_code, after.status_code) == (403, 200)


async def test_an_assignee_loses_the_right_to_edit_with_the_issue(scene: Scene) -> None:
    """PERM-1: who was the assignee is a developer like others."""
    path = scene.paths["issue"]
    assert (await scene.api["assignee"].patch(path, json={"title": "A"})).status_code == 200

    await scene.api["reporter"].patch(path, json={"assignee_id": None})

    assert (await scene.api["assignee"].patch(path, json={"title": "B"})).status_code == 403
