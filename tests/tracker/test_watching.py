"""Watching issues: by a part in them, or by choice."""

from typing import Any, Final
from uuid import UUID

import pytest

from lacewing.kernel.db import transaction
from lacewing.tracker.public import find_watchers
from lacewing.tracker.rules import MENTIONS_MAX, mentioned_names, watchers_of
from tests.support.house import House, Member
from tests.tracker.acts import new_comment

Json = dict[str, Any]
ANN: Final = UUID(int=1)
BEN: Final = UUID(int=2)


@pytest.mark.parametrize(
    ("text", "names"),
    [
        ("@maria", ["maria"]),
        ("Ask @maria, @noor.k and (@mona).", ["maria", "noor.k", "mona"]),
        ("@maria @maria", ["maria"]),
        ("@maria: @noor! @mona?", ["maria", "noor", "mona"]),
        ("write to maria@example.com", []),
        ("see https://example.com/@maria and a/@b", []),
        ("`@maria` and ``@noor``", []),
        ("```\n@maria\n```\n~~~\n@noor\n~~~", []),
        ("```\n@maria, in a fence that nobody has closed", []),
        ("    @maria, indented", []),
        ("[ask](/@maria) [@noor](/people)", ["noor"]),
        ("@@maria", []),
        ("@ maria @-x @", []),
        ("", []),
        ("**@maria** _@noor_ __@mona__", ["maria", "noor", "mona"]),
        ("@maria- thanks", ["maria"]),
        ("@some_name_", ["some_name_"]),
    ],
)
def test_mentions_are_read_as_people_write_them(text: str, names: list[str]) -> None:
    """LIVE-1: ``@username``, but not in code, addresses and paths."""
    assert mentioned_names(text) == names


@pytest.mark.parametrize(("written", "read"), [(MENTIONS_MAX, 50), (MENTIONS_MAX + 1, 50)])
def test_a_text_mentions_so_many_people_at_most(written: int, read: int) -> None:
    """LIVE-1: at the limit and one beyond: the rest is only text."""
    assert len(mentioned_names(" ".join(f"@user{n}" for n in range(written)))) == read


@pytest.mark.parametrize(
    ("involved", "choices", "watchers"),
    [
        ([], {}, set()),
        ([ANN], {}, {ANN}),
        ([ANN], {ANN: False}, set()),
        ([], {BEN: True}, {BEN}),
        ([ANN], {BEN: True}, {ANN, BEN}),
        ([ANN, ANN], {ANN: True, BEN: False}, {ANN}),
    ],
)
def test_choice_goes_before_involvement(
    involved: list[UUID], choices: dict[UUID, bool], watchers: set[UUID]
) -> None:
    """LIVE-1: who has chosen not to hear of it, does not."""
    assert watchers_of(involved, choices) == watchers


async def watches(member: Member, issue: Json) -> bool:
    found: bool = (await member.api.get(f"/api/issues/{issue['id']}/watch")).json()["is_watching"]
    return found


async def test_reporter_assignee_and_who_comments_watch(
    house: House, maria: Member, noor: Member, mona: Member, issue: Json
) -> None:
    """LIVE-1: and nobody else; one who is no longer assigned, no longer."""
    await mona.api.patch(f"/api/issues/{issue['id']}", json={"assignee_id": "noor"})
    while_assigned = await watches(noor, issue)
    await mona.api.patch(f"/api/issues/{issue['id']}", json={"assignee_id": None})
    before = await watches(mona, issue)
    await new_comment(mona, issue)

    assert (while_assigned, before) == (True, False)
    async with transaction(house.database) as session:
        found = await find_watchers(session, [UUID(issue["id"])])
    assert found == {UUID(issue["id"]): {maria.id, mona.id}}


async def test_one_may_watch_and_cease_to_and_take_part_again(
    maria: Member, noor: Member, issue: Json
) -> None:
    """LIVE-1: each twice is no error; who comments again, hears of it again."""
    path = f"/api/issues/{issue['key']}/watch"

    answers = [await noor.api.post(path), await noor.api.post(path)]
    watching = await watches(noor, issue)
    ends = [await maria.api.delete(path), await maria.api.delete(path)]
    muted = await watches(maria, issue)
    await new_comment(maria, issue)

    assert [answer.status_code for answer in (*answers, *ends)] == [200] * 4
    assert (watching, muted) == (True, False)
    assert await watches(maria, issue)


async def test_only_an_issue_that_is_there_can_be_watched(maria: Member) -> None:
    """LIVE-1: 404."""
    answer = await maria.api.post("/api/issues/WEB-99/watch")

    assert (answer.status_code, answer.json()["type"]) == (404, "issue-not-found")


async def test_two_editors_of_a_watch_do_not_overwrite_each_other(
    maria: Member, issue: Json
) -> None:
    """API-9: 412 for the state of before."""
    path = f"/api/issues/{issue['id']}/watch"
    read = await maria.api.get(path)
    match = {"If-Match": read.headers["etag"]}

    first = await maria.api.delete(path, headers=match)
    second = await maria.api.delete(path, headers=match)

    assert (first.status_code, second.status_code) == (200, 412)
