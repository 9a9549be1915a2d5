from lacewing.tracker.rules import Status
from tests.support.house import Member
from tests.tracker.acts import Json, archive, change, move, new_comment, new_issue, read


async def _told(member: Member, issue: Json) -> dict[str, str | None]:
    """For each status the reason against it, or ``None``."""
    answer = await read(member, f"/api/issues/{issue['key']}/transitions")
    assert [step["status"] for step in answer["data"]] == [status.value for status in Status]
    assert all(step["allowed"] is (step["reason"] is None) for step in answer["data"])
    return {step["status"]: step["reason"] for step in answer["data"]}


async def test_each_status_is_told_with_its_reason(maria: Member, issue: Json) -> None:
    """ISS-10: all five, one of them open to the asker."""
    told = await _told(maria, issue)

    assert told == {
        "open": "The issue is in this status already.",
        "in_progress": None,
        "resolved": "From open the next steps are: in_progress.",
        "closed": "From open the next steps are: in_progress.",
        "reopened": "From open the next steps are: in_progress.",
    }


async def test_what_is_told_is_what_happens(maria: Member, project: Json) -> None:
    """ISS-6, ISS-7, ISS-10: along the whole way, for a critical issue without a comment."""
    way = ("in_progress", "resolved", "reopened")
    for depth in range(len(way) + 1):
        for target in Status:
            issue = await new_issue(maria, project, priority="critical")
            issue = await move(maria, issue, *way[:depth])
            reason = (await _told(maria, issue))[target]

            answer = await change(maria, issue, status=target.value)

            if target == issue["status"]:
                continue
            assert answer.status_code == (200 if reason is None else 409)
            if reason is not None:
                assert answer.json()["detail"] == reason


async def test_a_missing_comment_is_the_reason(maria: Member, noor: Member, project: Json) -> None:
    """ISS-7, ISS-10: until there is one."""
    issue = await new_issue(maria, project, priority="critical")
    await move(maria, issue, "in_progress", "resolved")

    before = await _told(maria, issue)
    await new_comment(noor, issue)
    after = await _told(maria, issue)

    assert before["closed"] == "A critical issue can't be closed without at least one comment."
    assert before["reopened"] is None
    assert after["closed"] is None


async def test_who_may_not_edit_may_not_move(
    maria: Member, noor: Member, mona: Member, adam: Member, issue: Json
) -> None:
    """PERM-1, ISS-10: a developer is told so; reporter, assignee, manager and admin may."""
    told = await _told(noor, issue)
    await change(maria, issue, assignee_id="noor")

    assert "reporter and assignee" in (told["in_progress"] or "")
    assert None not in told.values()
    for member in (maria, noor, mona, adam):
        assert (await _told(member, issue))["in_progress"] is None


async def test_nothing_moves_in_an_archived_project(
    maria: Member, mona: Member, project: Json, issue: Json
) -> None:
    """ISS-8, ISS-10: for nobody."""
    await archive(mona, project)

    for member in (maria, mona):
        told = await _told(member, issue)
        assert None not in told.values()
        assert "archived" in (told["in_progress"] or "")
