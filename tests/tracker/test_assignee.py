from uuid import UUID

import pytest

from tests.support.house import House, Member
from tests.tracker.acts import Json, change, faults, new_issue, nothing_changes

NOBODY_HAS_IT = "00000000-0000-7000-8000-000000000000"


async def test_an_assignee_is_named_by_id_or_username(
    maria: Member, noor: Member, project: Json
) -> None:
    """ISS-2, ISS-4, NAME-4: in any spelling of either; null takes them away."""
    person = {"id": str(noor.id), "username": "noor", "full_name": None}

    for name in (str(noor.id), str(noor.id).upper(), noor.id.hex, "noor", "NOOR", " noor "):
        created = await new_issue(maria, project, assignee_id=name)
        freed = await change(maria, created, assignee_id=None)
        assigned = await change(maria, created, assignee_id=name)

        assert created["assignee"] == person
        assert freed.json()["assignee"] is None
        assert assigned.json()["assignee"] == person


@pytest.mark.parametrize("name", ["nobody", NOBODY_HAS_IT, "me", "none", "null", "gone", "id"])
async def test_an_unknown_or_inactive_assignee_is_refused(
    house: House, maria: Member, project: Json, issue: Json, name: str
) -> None:
    """ISS-9: 422, for a new issue and for a change."""
    gone = await house.member("gone", is_active=False)
    who = str(gone.id) if name == "id" else name

    async with nothing_changes(house):
        path = f"/api/projects/{project['id']}/issues"
        created = await maria.api.post(path, json={"title": "T", "assignee_id": who})
        changed = await change(maria, issue, title="Not kept", assignee_id=who)

    assert faults(created) == faults(changed) == [["body", "assignee_id"]]


async def test_who_leaves_keeps_their_issues(
    house: House, maria: Member, noor: Member, adam: Member, project: Json
) -> None:
    """ISS-9: other changes of an issue go on after its assignee was deactivated."""
    issue = await new_issue(maria, project, assignee_id="noor")
    left = await adam.api.patch(f"/api/users/{noor.id}", json={"is_active": False})
    assert left.status_code == 200

    same = await change(maria, issue, title="Renamed", assignee_id="noor")
    async with nothing_changes(house):
        path = f"/api/projects/{project['id']}/issues"
        other = await maria.api.post(path, json={"title": "T", "assignee_id": "noor"})

    assert same.status_code == 200
    assert same.json()["assignee"]["username"] == "noor"
    assert faults(other) == [["body", "assignee_id"]]


async def test_who_may_change_the_assignee(
    house: House, maria: Member, noor: Member, mona: Member, adam: Member, project: Json
) -> None:
    """PERM-1: reporter, managers and administrators; not the assignee, who may change the rest."""
    other = await house.member("olga")
    issue = await new_issue(maria, project, assignee_id="noor")

    async with nothing_changes(house):
        by_assignee = await change(noor, issue, assignee_id="olga", title="Not kept")
        freed = await change(noor, issue, assignee_id=None)
        by_other = await change(other, issue, assignee_id="olga")
    same = await change(noor, issue, assignee_id=str(noor.id), title="Kept")
    allowed = [
        (await change(member, issue, assignee_id=who)).status_code
        for member, who in ((maria, "olga"), (mona, "noor"), (adam, None))
    ]

    assert by_assignee.json()["type"] == freed.json()["type"] == "not-yours-to-assign"
    assert (by_assignee.status_code, freed.status_code, by_other.status_code) == (403, 403, 403)
    assert (same.status_code, same.json()["title"]) == (200, "Kept")
    assert allowed == [200, 200, 200]


async def test_any_developer_assigns_the_issue_they_report(
    noor: Member, maria: Member, project: Json
) -> None:
    """PERM-1: its reporter may change its assignee, and name one to begin with."""
    issue = await new_issue(noor, project, assignee_id="maria")

    assert UUID(issue["assignee"]["id"]) == maria.id
    assert (await change(noor, issue, assignee_id=None)).status_code == 200
