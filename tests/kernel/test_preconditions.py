from typing import Any

import pytest

from tests.support.house import House, Member


@pytest.fixture
def path(project: dict[str, Any]) -> str:
    return f"/api/projects/{project['id']}"


async def test_a_thing_is_answered_with_a_strong_tag_and_304_while_it_is_the_same(
    mona: Member, path: str
) -> None:
    """API-9: ``ETag``, ``If-None-Match``."""
    read = await mona.api.get(path)
    tag = read.headers["etag"]

    again = await mona.api.get(path, headers={"If-None-Match": tag})

    assert tag.startswith('"')
    assert tag.endswith('"')
    assert again.status_code == 304
    assert again.content == b""
    assert again.headers["etag"] == tag


@pytest.mark.parametrize("shape", ["{tag}", "W/{tag}", '"other", {tag}', "*", '"x",W/{tag} , "y"'])
async def test_a_known_tag_is_found_in_any_list(mona: Member, path: str, shape: str) -> None:
    """API-9: ``If-None-Match`` compares weakly, takes a list and a star (RFC 9110, 13.1.2)."""
    tag = (await mona.api.get(path)).headers["etag"]

    again = await mona.api.get(path, headers={"If-None-Match": shape.format(tag=tag)})

    assert again.status_code == 304


async def test_another_tag_gets_the_whole_answer(mona: Member, path: str) -> None:
    """API-9: 200 with the new tag after a change."""
    old = (await mona.api.get(path)).headers["etag"]
    changed = await mona.api.patch(path, json={"description": "New."})

    read = await mona.api.get(path, headers={"If-None-Match": old})

    assert read.status_code == 200
    assert read.headers["etag"] == changed.headers["etag"] != old


async def test_the_tag_of_a_creation_is_that_of_the_thing(mona: Member) -> None:
    """API-9: whoever created a thing may change it by the tag that they got."""
    created = await mona.api.post("/api/projects", json={"name": "Web"})

    read = await mona.api.get(created.headers["location"])

    assert created.headers["etag"] == read.headers["etag"]


async def test_two_editors_can_not_overwrite_each_other(
    house: House, mona: Member, path: str
) -> None:
    """API-9: the second gets 412 with the current state and the fields that differ."""
    seen = (await mona.api.get(path)).headers["etag"]
    house.clock.advance(seconds=1)
    first = await mona.api.patch(path, json={"description": "First."}, headers={"If-Match": seen})

    second = await mona.api.patch(path, json={"name": "Second"}, headers={"If-Match": seen})

    document = second.json()
    assert (first.status_code, second.status_code) == (200, 412)
    assert document["type"] == "precondition-failed"
    assert document["current"] == first.json() == (await mona.api.get(path)).json()
    assert sorted(document["differing_fields"]) == ["description", "updated_at"]


async def test_a_fitting_tag_lets_the_change_through(mona: Member, path: str) -> None:
    """API-9: also as one of several, and as a star."""
    for shape in ("{tag}", '"x", {tag}', "*"):
        tag = (await mona.api.get(path)).headers["etag"]
        answer = await mona.api.patch(
            path, json={"description": shape}, headers={"If-Match": shape.format(tag=tag)}
        )

        assert answer.status_code == 200


@pytest.mark.parametrize("tag", ['"x"', "x", "W/{tag}", '""', '"é"', "{tag}x", '"AAAA"'])
async def test_a_tag_that_is_not_the_present_one_refuses_the_change(
    mona: Member, path: str, tag: str
) -> None:
    """API-9: ``If-Match`` compares strongly; a refused change changes nothing."""
    before = await mona.api.get(path)
    header = tag.format(tag=before.headers["etag"]).encode()

    answer = await mona.api.patch(path, json={"name": "Other"}, headers=[(b"if-match", header)])

    assert answer.status_code == 412
    assert answer.json()["differing_fields"]
    assert (await mona.api.get(path)).json() == before.json()


async def test_a_deletion_honours_the_tag_too(mona: Member, path: str) -> None:
    """API-9: ``DELETE``."""
    refused = await mona.api.delete(path, headers={"If-Match": '"x"'})
    state = (await mona.api.get(path)).json()["is_archived"]
    tag = (await mona.api.get(path)).headers["etag"]
    done = await mona.api.delete(path, headers={"If-Match": tag})

    assert (refused.status_code, state, done.status_code) == (412, False, 204)


async def test_whoever_may_not_change_a_thing_learns_nothing_by_a_tag(
    maria: Member, path: str
) -> None:
    """API-9, PERM-1: rights come before preconditions."""
    answer = await maria.api.patch(path, json={"name": "X"}, headers={"If-Match": '"x"'})

    assert answer.status_code == 403
    assert "current" not in answer.json()
