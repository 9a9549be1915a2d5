"""A database in which no worker does what the test has not asked for, and which has no clock."""

from datetime import datetime
from typing import Any
from uuid import UUID

import msgspec

from lacewing.accounts.store import users
from lacewing.dashboard.service.issues import read_overview
from lacewing.kernel.actor import Actor, Role
from lacewing.kernel.db import Database, transaction
from lacewing.kernel.ids import new_id
from lacewing.kernel.pagination import PageRequest
from lacewing.kernel.preconditions import ANYTHING
from lacewing.kernel.work import Origin, Work
from lacewing.settings import Settings
from lacewing.tracker.jobs import fold_tallies
from lacewing.tracker.rules import Status
from lacewing.tracker.schemas import IssueView, NewIssue, NewProject
from lacewing.tracker.service.changes import change_issue
from lacewing.tracker.service.issues import create_issue
from lacewing.tracker.service.projects import create_project
from tests.dashboard.lives import Life
from tests.dashboard.recount import Counts, recounted, told
from tests.support.house import TestClock

PEOPLE = ("maria", "noor")


class Still:
    """See the module."""

    def __init__(self, database: Database, settings: Settings) -> None:
        self.database = database
        self.settings = settings
        self.clock = TestClock()
        self.boss = Actor(new_id(), "adam", Role.ADMIN)
        self.projects: list[UUID] = []

    async def begin(self) -> Life:
        """People and two projects; nothing has happened yet."""
        await self.enter({"adam": self.boss.id} | {name: new_id() for name in PEOPLE})
        async with transaction(self.database) as session:
            work = self._work(session, self.clock())
            for name in ("Web", "App"):
                self.projects.append((await create_project(work, NewProject(name=name))).id)
        return Life(self.database, self.clock, self.boss, PEOPLE, self.projects, seed=11)

    async def enter(self, people: dict[str, UUID]) -> None:
        """Users with these names and ids."""
        async with transaction(self.database) as session:
            for username, user_id in people.items():
                await users.insert_user(
                    session,
                    user_id=user_id,
                    username=username,
                    email=f"{username}@example.com",
                    full_name=None,
                    password_hash=None,
                    role=Role.DEVELOPER,
                    is_active=True,
                    now=self.clock(),
                )

    async def report(self, at: datetime, **fields: Any) -> IssueView:
        async with transaction(self.database) as session:
            wanted = NewIssue(title="Login fails", **fields)
            return await create_issue(self._work(session, at), self.projects[0], wanted)

    async def move(self, issue: IssueView, at: datetime, *statuses: str) -> None:
        """Take the issue through ``statuses``, all at that moment."""
        for status in statuses:
            async with transaction(self.database) as session:
                await change_issue(
                    self._work(session, at), issue.id, {"status": Status(status)}, ANYTHING
                )

    async def told(self) -> Counts:
        """What the dashboard says over all."""
        work = self._work(self.database.session(), self.clock())
        overview = await read_overview(work, PageRequest(20), None)
        return told(msgspec.to_builtins(overview.figures))

    async def recounted(self) -> Counts:
        return await recounted(self.settings, self.clock())

    async def execute(self, *statements: Any) -> None:
        async with transaction(self.database) as session:
            for statement in statements:
                await session.execute(statement)

    async def rows(self, statement: Any) -> list[Any]:
        return await self.database.session().all(lambda *row: row, statement)

    async def fold(self) -> int:
        """As a worker does it once."""
        async with transaction(self.database) as session:
            return await fold_tallies(session, self.clock())

    def _work(self, session: Any, at: datetime) -> Work:
        return Work(session, at, Origin(), self.boss)


def counted(counts: dict[Any, int]) -> dict[Any, int]:
    """What there is any of."""
    return {key: count for key, count in counts.items() if count}
