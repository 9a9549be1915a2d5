"""Random walks of several people over one issue, each step foretold by a model of the rules."""

from dataclasses import dataclass
from random import Random

import pytest

from lacewing.tracker.rules import STEPS, Priority, Status
from tests.support.house import House, Member
from tests.tracker.acts import Json, nothing_changes, read, walk

STEPS_OF_A_WALK = 50


@dataclass
class Model:
    """What the issue should be."""

    reporter: str
    status: Status = Status.OPEN
    priority: Priority = Priority.MEDIUM
    assignee: str | None = None
    comments: int = 0
    archived: bool = False
    entries: int = 0

    def expected(self, actor: str, fields: Json) -> int:
        """The status of the answer when ``actor`` sends ``fields``."""
        boss = actor in {"mona", "adam"}
        may_edit = boss or actor in {self.reporter, self.assignee}
        reassigns = fields.get("assignee_id", self.assignee) != self.assignee
        if not may_edit or (reassigns and not boss and actor != self.reporter):
            return 403
        if self.changes(fields) == 0:
            return 200
        return 409 if self.archived or not self._may_go(fields) else 200

    def _may_go(self, fields: Json) -> bool:
        status = Status(fields.get("status", self.status))
        if status is self.status:
            return True
        is_critical = fields.get("priority", self.priority) == Priority.CRITICAL
        needs_comment = status is Status.CLOSED and is_critical and self.comments == 0
        return (self.status, status) in STEPS and not needs_comment

    def changes(self, fields: Json) -> int:
        """How many of ``fields`` differ."""
        now = {"status": self.status, "priority": self.priority, "assignee_id": self.assignee}
        return sum(now[name] != value for name, value in fields.items())

    def take(self, fields: Json) -> None:
        self.entries += self.changes(fields)
        self.status = Status(fields.get("status", self.status))
        self.priority = Priority(fields.get("priority", self.priority))
        self.assignee = fields.get("assignee_id", self.assignee)


def _random_change(random: Random) -> Json:
    fields: Json = {}
    if random.random() < 0.7:
        fields["status"] = random.choice(list(Status)).value
    if random.random() < 0.3:
        fields["priority"] = random.choice(["low", "critical", "critical"])
    if random.random() < 0.3:
        fields["assignee_id"] = random.choice(["maria", "noor", None])
    return fields


@pytest.mark.parametrize("seed", [1, 2, 3])
async def test_a_walk_goes_as_the_model_says(
    house: House,
    maria: Member,
    noor: Member,
    mona: Member,
    adam: Member,
    project: Json,
    issue: Json,
    seed: int,
) -> None:
    """ISS-4, ISS-6, ISS-7, ISS-8, PERM-1: together, in any order."""
    random, model = Random(seed), Model(reporter="maria")
    people = {member.username: member for member in (maria, noor, mona, adam)}
    path, project_path = f"/api/issues/{issue['id']}", f"/api/projects/{project['id']}"

    for _ in range(STEPS_OF_A_WALK):
        actor = random.choice(list(people))
        api = people[actor].api
        match random.randrange(8):
            case 0:
                said = await api.post(f"{path}/comments", json={"content": "Hm."})
                assert said.status_code == (409 if model.archived else 201)
                model.comments += not model.archived
            case 1:
                model.archived = not model.archived and random.random() < 0.3
                await mona.api.patch(project_path, json={"is_archived": model.archived})
            case _:
                fields = _random_change(random)
                expected = model.expected(actor, fields)
                if expected == 200:
                    answer = await api.patch(path, json=fields)
                    model.take(fields)
                else:
                    async with nothing_changes(house):
                        answer = await api.patch(path, json=fields)
                assert answer.status_code == expected, (actor, fields, model, answer.text)

        found = await read(maria, path)
        assert (found["status"], found["priority"]) == (model.status, model.priority)
        assert (found["assignee"] or {}).get("username") == model.assignee
        assert found["comment_count"] == model.comments
    assert len(await walk(maria, f"{path}/history", limit=100)) == model.entries
