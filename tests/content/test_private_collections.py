"""A collection is its owner's alone: for nobody else is it even there."""

import pytest

from tests.content.acts import NOWHERE, ids, new_collection, nothing_changes, path_of
from tests.support.house import House, Member
from tests.tracker.acts import Json, read

ACTS = (
    ("GET", "", None),
    ("PUT", "", {"name": "Mine", "post_ids": []}),
    ("PATCH", "", {"name": "Mine"}),
    ("DELETE", "", None),
    ("POST", "/add_post", {"post_id": NOWHERE}),
    ("POST", "/remove_post", {"post_id": NOWHERE}),
)


@pytest.mark.parametrize(("method", "path", "body"), ACTS)
async def test_somebody_elses_collection_is_not_there(
    house: House, noor: Member, adam: Member, collection: Json, method: str, path: str, body: Json
) -> None:
    """CON-2: a 404 for a developer and an administrator alike, the same as for none at all."""
    for member in (noor, adam):
        async with nothing_changes(house):
            others = await member.api.request(method, f"{path_of(collection)}{path}", json=body)
            none = await member.api.request(method, f"/api/collections/{NOWHERE}{path}", json=body)

        assert others.status_code == none.status_code == 404
        assert {**others.json(), "instance": "", "request_id": ""} == {
            **none.json(), "instance": "", "request_id": "",
        }  # fmt: skip


async def test_a_tag_tells_nobody_that_a_collection_is_there(
    house: House, noor: Member, collection: Json
) -> None:
    """CON-2, API-9: 404, not 412."""
    async with nothing_changes(house):
        answer = await noor.api.delete(path_of(collection), headers={"If-Match": '"any"'})

    assert answer.status_code == 404


@pytest.mark.usefixtures("collection")
async def test_everybody_lists_their_own(maria: Member, noor: Member, adam: Member) -> None:
    """CON-2: administrators too; the count tells of no others."""
    hers = await new_collection(noor, "Mine")

    for member, expected in ((noor, [hers["id"]]), (adam, [])):
        found = await read(member, "/api/collections", page=1)
        assert ids(found["data"]) == expected
        assert found["total"] == len(expected)
    assert (await read(maria, "/api/collections", page=1))["total"] == 1


async def test_a_token_that_is_held_to_projects_has_no_posts(
    house: House, maria: Member, mona: Member, post: Json, collection: Json
) -> None:
    """PERM-1: they belong to none; one that is not held reads, and writes with its scope."""
    project = (await mona.api.post("/api/projects", json={"name": "Web"})).json()
    wanted = {"name": "Build", "scopes": ["write"]}
    path = "/api/auth/personal-access-tokens"
    held = await maria.api.post(path, json={**wanted, "project_ids": [project["id"]]})
    free = await maria.api.post(path, json={"name": "Reader", "scopes": ["read"]})
    api, reader = (
        house.client({"Authorization": f"Bearer {made.json()['token']}"}) for made in (held, free)
    )
    reads = ["/api/posts", path_of(post), "/api/collections", path_of(collection)]
    writes = [
        ("POST", "/api/posts", {"title": "T", "body": "B"}),
        ("DELETE", path_of(post), None),
        ("POST", "/api/collections", {"name": "N"}),
        ("DELETE", path_of(collection), None),
    ]

    async with nothing_changes(house):
        refused = [
            *[await api.get(each) for each in reads],
            *[await api.request(method, each, json=body) for method, each, body in writes],
            *[await reader.request(method, each, json=body) for method, each, body in writes],
        ]
    taken = [await reader.get(each) for each in reads]

    assert {answer.status_code for answer in refused} == {403}
    assert {answer.json()["type"] for answer in refused} == {"insufficient-scope"}
    assert {answer.status_code for answer in taken} == {200}
