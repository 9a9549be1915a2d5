import pytest

from tests.support.house import House, Member
from tests.tracker.acts import Json, change, move, new_comment, new_issue, nothing_changes


async def _resolved(member: Member, project: Json, priority: str) -> Json:
    issue = await new_issue(member, project, priority=priority)
    return await move(member, issue, "in_progress", "resolved")


@pytest.mark.parametrize("actor", ["maria", "mona", "adam"])
async def test_a_critical_issue_is_not_closed_without_a_comment(
    house: House, maria: Member, mona: Member, adam: Member, project: Json, actor: str
) -> None:
    """ISS-7: by nobody."""
    member = {"maria": maria, "mona": mona, "adam": adam}[actor]
    issue = await _resolved(maria, project, "critical")

    async with nothing_changes(house):
        answer = await change(member, issue, status="closed")

    assert answer.status_code == 409
    assert answer.json()["type"] == "comment-needed"


async def test_a_comment_of_anybody_opens_the_way(
    maria: Member, noor: Member, project: Json
) -> None:
    """ISS-7: one is enough."""
    issue = await _resolved(maria, project, "critical")
    await new_comment(noor, issue)

    answer = await change(maria, issue, status="closed")

    assert answer.status_code == 200
    assert answer.json()["status"] == "closed"


async def test_the_priority_after_the_change_counts(
    house: House, maria: Member, project: Json
) -> None:
    """ISS-7: what is made critical and closed at once needs the comment, what is made less not."""
    raised = await _resolved(maria, project, "low")
    lowered = await _resolved(maria, project, "critical")

    async with nothing_changes(house):
        refused = await change(maria, raised, status="closed", priority="critical")
    closed = await change(maria, lowered, status="closed", priority="high")

    assert refused.status_code == 409
    assert refused.json()["type"] == "comment-needed"
    assert closed.status_code == 200
    assert (closed.json()["status"], closed.json()["priority"]) == ("closed", "high")


async def test_other_priorities_close_without_a_comment(maria: Member, project: Json) -> None:
    """ISS-7: it is about critical ones alone."""
    for priority in ("low", "medium", "high"):
        issue = await _resolved(maria, project, priority)

        answer = await change(maria, issue, status="closed")

        assert answer.status_code == 200


async def test_a_forbidden_step_is_told_before_the_missing_comment(
    house: House, maria: Member, project: Json
) -> None:
    """ISS-6, ISS-7: a comment would not help an open issue to be closed."""
    issue = await new_issue(maria, project, priority="critical")

    async with nothing_changes(house):
        answer = await change(maria, issue, status="closed")

    assert answer.json()["type"] == "transition-not-allowed"
