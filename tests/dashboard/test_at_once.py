import asyncio
from typing import Any
from uuid import UUID

from lacewing.kernel.actor import Actor, Role
from lacewing.kernel.db import transaction
from lacewing.tracker.jobs import fold_tallies
from tests.dashboard.lives import Life
from tests.dashboard.recount import recounted, told
from tests.support.house import House, Member
from tests.tracker.acts import new_project, read

BOARD = "/api/dashboard/issues"


async def test_figures_are_of_one_moment_while_ten_change_issues(
    house: House, adam: Member, mona: Member, maria: Member
) -> None:
    """DASH-2: what is read meanwhile agrees with itself; what is read then, with the issues."""
    project = await new_project(mona, "Web")
    boss = Actor(adam.id, adam.username, Role.ADMIN)
    lives = [
        Life(house.database, house.clock, boss, ["maria"], [UUID(project["id"])], seed=number)
        for number in range(10)
    ]
    seen: list[dict[str, Any]] = []

    async def change(life: Life) -> None:
        for _ in range(25):
            await life.act()

    async def watch() -> None:
        seen.extend([told(await read(maria, BOARD)) for _ in range(15)])

    async def fold() -> None:
        for _ in range(15):
            async with transaction(house.database) as session:
                await fold_tallies(session, house.clock())
            await asyncio.sleep(0)

    await asyncio.gather(*map(change, lives), watch(), fold(), fold())

    for each in seen:
        assert sum(each["by_status"].values()) == each["total"]
        assert sum(each["by_priority"].values()) == each["total"]
        assert sum(each["opened_per_day"].values()) == each["total"]
        assert sum(each["by_assignee"].values()) == each["total"]
        in_work = each["total"] - each["by_status"]["resolved"] - each["by_status"]["closed"]
        assert sum(each["open_age_days"].values()) == in_work
    assert [each["total"] for each in seen] == sorted(each["total"] for each in seen)
    at_last = told(await read(maria, BOARD))
    assert at_last == await recounted(house.settings, house.clock())
    assert at_last["total"] == sum(len(life.issues) for life in lives)
