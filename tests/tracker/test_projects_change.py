from typing import Any

from tests.support.house import House, Member
from tests.tracker.acts import Json, archive, faults, new_project, nothing_changes, read


async def _patch(member: Member, project: Json, **fields: Any) -> Any:
    return await member.api.patch(f"/api/projects/{project['id']}", json=fields)


async def test_its_creator_changes_a_project(house: House, mona: Member, project: Json) -> None:
    """PRJ-4: only what is sent is changed, and the time of it is kept."""
    house.clock.advance(minutes=1)

    answer = await _patch(mona, project, name="Shop", description="New.")

    changed = answer.json()
    assert answer.status_code == 200
    assert changed["updated_at"] > project["updated_at"]
    assert changed == {
        **project,
        "name": "Shop",
        "description": "New.",
        "updated_at": changed["updated_at"],
    }
    assert await read(mona, f"/api/projects/{project['id']}") == changed


async def test_a_change_to_the_same_changes_nothing(
    house: House, mona: Member, project: Json
) -> None:
    """PRJ-4: no new time, no event."""
    house.clock.advance(minutes=1)

    async with nothing_changes(house):
        same = await _patch(mona, project, name=" Web shop ", is_archived=False)
        empty = await _patch(mona, project)

    assert same.json() == empty.json() == project


async def test_a_project_may_change_the_case_of_its_own_name(mona: Member, project: Json) -> None:
    """PRJ-4: its old name does not stand in its way."""
    answer = await _patch(mona, project, name="WEB SHOP")

    assert answer.status_code == 200
    assert answer.json()["name"] == "WEB SHOP"


async def test_a_project_cannot_take_the_name_of_another(
    house: House, mona: Member, project: Json
) -> None:
    """PRJ-4: names stay unique without regard to case."""
    await new_project(mona, "Till")

    async with nothing_changes(house):
        answer = await _patch(mona, project, name="TILL")

    assert answer.status_code == 409
    assert answer.json()["type"] == "project-name-taken"


NO_VALUES: list[tuple[str, Any]] = [
    ("name", ""),
    ("name", "n" * 101),
    ("name", None),
    ("description", "d" * 1_001),
    ("is_archived", None),
    ("is_archived", "yes"),
    ("is_archived", 1),
    ("key", "NEW"),
    ("created_by", "maria"),
]


async def test_a_change_that_is_no_value_is_refused(
    house: House, mona: Member, project: Json
) -> None:
    """PRJ-4: as when it is created; the key and the creator never change."""
    for field, value in NO_VALUES:
        async with nothing_changes(house):
            answer = await _patch(mona, project, **{field: value})

        assert faults(answer) == [["body", field]], value


async def test_archiving_twice_is_no_error(house: House, mona: Member, project: Json) -> None:
    """PRJ-5: nothing is deleted, and the second time nothing happens."""
    await archive(mona, project)

    async with nothing_changes(house):
        await archive(mona, project)

    kept = await read(mona, f"/api/projects/{project['id']}")
    assert kept == {**project, "is_archived": True, "updated_at": kept["updated_at"]}


async def test_an_archived_project_is_brought_back(mona: Member, project: Json) -> None:
    """PRJ-5: and may be renamed in the same change."""
    await archive(mona, project)

    answer = await _patch(mona, project, is_archived=False, name="Shop again")

    assert answer.status_code == 200
    assert answer.json()["is_archived"] is False
    assert answer.json()["name"] == "Shop again"


async def test_an_archived_project_keeps_its_name_and_key(
    house: House, mona: Member, project: Json
) -> None:
    """PRJ-5: since it may come back."""
    await archive(mona, project)

    async with nothing_changes(house):
        name = await mona.api.post("/api/projects", json={"name": "Web shop", "key": "NEW"})
        key = await mona.api.post("/api/projects", json={"name": "New", "key": "WEB"})

    assert (name.status_code, key.status_code) == (409, 409)


NOT_THERE = [("00000000-0000-7000-8000-000000000000", 404), ("WEB", 422), ("1", 422)]


async def test_a_project_that_is_not_there(house: House, mona: Member) -> None:
    """PRJ-3, PRJ-4, PRJ-5: 404, and 422 for what is no id."""
    for method, body in (("GET", None), ("PATCH", {"name": "Shop"}), ("DELETE", None)):
        for project_id, status in NOT_THERE:
            async with nothing_changes(house):
                answer = await mona.api.request(method, f"/api/projects/{project_id}", json=body)

            assert answer.status_code == status
