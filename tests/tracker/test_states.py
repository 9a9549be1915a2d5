from itertools import pairwise

from lacewing.kernel.transitions import next_states
from lacewing.tracker.rules import STEPS, Status
from tests.support.house import House, Member
from tests.tracker.acts import Json, change, faults, move, new_issue, nothing_changes

WAY_TO = {
    Status.OPEN: (),
    Status.IN_PROGRESS: ("in_progress",),
    Status.RESOLVED: ("in_progress", "resolved"),
    Status.CLOSED: ("in_progress", "resolved", "closed"),
    Status.REOPENED: ("in_progress", "resolved", "reopened"),
}
AS_SPECIFIED = {
    "open": ["in_progress"],
    "in_progress": ["resolved"],
    "resolved": ["closed", "reopened"],
    "closed": ["reopened"],
    "reopened": ["in_progress"],
}


def test_the_table_of_steps_is_the_specified_one() -> None:
    """ISS-6: data in one place."""
    table = {status.value: [str(to) for to in next_states(STEPS, status)] for status in Status}

    assert table == AS_SPECIFIED


async def test_every_pair_of_statuses_is_judged_by_the_table(
    house: House, maria: Member, project: Json
) -> None:
    """ISS-6: a step of the table is taken; any other is a 409 that names the steps allowed."""
    for source in Status:
        for target in Status:
            issue = await new_issue(maria, project, f"{source} to {target}")
            issue = await move(maria, issue, *WAY_TO[source])
            assert issue["status"] == source

            if (source, target) in STEPS or source is target:
                answer = await change(maria, issue, status=target.value)
                assert answer.status_code == 200, answer.text
                assert answer.json()["status"] == target
                continue
            async with nothing_changes(house):
                answer = await change(maria, issue, status=target.value, title="Not kept")
            assert answer.status_code == 409
            assert answer.json()["type"] == "transition-not-allowed"
            assert answer.json()["allowed"] == AS_SPECIFIED[source]
            assert all(step in answer.json()["detail"] for step in AS_SPECIFIED[source])


async def test_an_issue_goes_round_and_round(maria: Member, issue: Json) -> None:
    """ISS-6: reopened as often as needed."""
    way = ["in_progress", "resolved", "closed", "reopened", "in_progress", "resolved", "reopened"]

    moved = await move(maria, issue, *way)

    assert all((Status(a), Status(b)) in STEPS for a, b in pairwise(["open", *way]))
    assert moved["status"] == "reopened"


async def test_a_status_that_there_is_not_is_refused(
    house: House, maria: Member, issue: Json
) -> None:
    """ISS-6: 422."""
    for status in ("done", "OPEN", "", None, 1, ["closed"]):
        async with nothing_changes(house):
            answer = await change(maria, issue, status=status)

        assert faults(answer) == [["body", "status"]]
