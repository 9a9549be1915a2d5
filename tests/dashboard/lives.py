"""Lives of issues as chance has them, the same each time."""

from collections.abc import Sequence
from contextlib import suppress
from datetime import timedelta
from random import Random
from typing import Any
from uuid import UUID

from lacewing.kernel.actor import Actor
from lacewing.kernel.db import Database, transaction
from lacewing.kernel.preconditions import ANYTHING
from lacewing.kernel.transitions import next_states
from lacewing.kernel.work import Origin, Work
from lacewing.tracker.errors import CommentNeeded
from lacewing.tracker.rules import STEPS, Priority, Status
from lacewing.tracker.schemas import IssueView, NewIssue
from lacewing.tracker.service.changes import change_issue
from lacewing.tracker.service.issues import create_issue
from tests.support.house import TestClock

STAYS_CLOSED = 0.8
"""Most of what is closed is not reopened when it comes up again."""
SECONDS_BETWEEN = (0, 40, 3_000, 90_000, 700_000)


class Life:
    """What happens to the issues of some projects, one act after the other."""

    def __init__(
        self,
        database: Database,
        clock: TestClock,
        boss: Actor,
        people: Sequence[str],
        projects: Sequence[UUID],
        seed: int,
    ) -> None:
        self._database = database
        self._clock = clock
        self._boss = boss
        self._people = people
        self._projects = projects
        self._chance = Random(seed)
        self.issues: list[IssueView] = []

    async def go_on(self, acts: int) -> None:
        """So many things happen, over days and months."""
        for _ in range(acts):
            self._clock.advance(
                seconds=self._chance.choice(SECONDS_BETWEEN) * self._chance.random()
            )
            await self.act()

    async def act(self) -> None:
        """One thing happens now: an issue is reported or changed."""
        chance = self._chance
        at = chance.randrange(len(self.issues)) if self.issues else 0
        async with transaction(self._database) as session:
            work = Work(session, self._clock(), Origin(), self._boss)
            if not self.issues or chance.random() < 0.2:
                new = await create_issue(work, chance.choice(self._projects), self._new_issue())
                self.issues.append(new)
                return
            wanted = self._change(self.issues[at])
            with suppress(CommentNeeded):
                self.issues[at] = await change_issue(work, self.issues[at].id, wanted, ANYTHING)

    def _new_issue(self) -> NewIssue:
        return NewIssue(
            title="Login fails",
            priority=self._chance.choice(list(Priority)),
            assignee_id=self._chance.choice([None, *self._people]),
            due_date=self._some_day(),
        )

    def _change(self, issue: IssueView) -> dict[str, Any]:
        if issue.status is Status.CLOSED and self._chance.random() < STAYS_CLOSED:
            return {"due_date": self._some_day()}
        step = self._chance.choice(next_states(STEPS, issue.status))
        return self._chance.choice(
            [
                *[{"status": step}] * 5,
                {"status": step, "title": "Login fails again"},
                {"status": step, "priority": self._chance.choice(list(Priority))},
                {"assignee_id": self._chance.choice([None, *self._people])},
                {"due_date": self._some_day()},
                {"title": f"Login fails {self._chance.random()}"},
            ]
        )

    def _some_day(self) -> Any:
        due = self._clock() + timedelta(days=self._chance.randrange(-20, 40))
        return self._chance.choice([None, due.date()])
