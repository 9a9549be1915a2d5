from lacewing.kernel.actor import Role
from tests.dashboard.lives import Life
from tests.dashboard.recount import figures_in, recounted, told
from tests.support.house import House, Member
from tests.tracker.acts import archive, read

BOARD = "/api/dashboard/issues"


async def test_an_empty_database_gives_zeros_and_nulls(house: House, maria: Member) -> None:
    """DASH-2: every status, priority, age and day is there."""
    answer = await read(maria, BOARD)

    assert told(answer) == await recounted(house.settings, house.clock())
    assert {figure["count"] for figure in figures_in(answer)} == {0}
    times = answer["time_to_resolve_seconds"]
    assert (times["median"], times["p90"]) == (None, None)
    assert len(answer["opened_per_day"]) == len(answer["closed_per_day"]) == 30
    assert (answer["projects"], answer["next_cursor"], answer["has_more"]) == ([], None, False)
    assert answer["by_assignee"]["people"] == []


async def test_figures_equal_those_recounted_from_an_export(house: House, life: Life) -> None:
    """DASH-2: over all and of each project, while time and the worker go on."""
    for acts in (150, 150, 60):
        await life.go_on(acts)
        reader = await house.member(f"reader{len(life.issues)}")
        await _is_right(house, reader)

    boss = await house.member("boss", Role.ADMIN)
    await archive(boss, {"id": str(life.issues[0].project.id)})

    await _is_right(house, boss)


async def _is_right(house: House, reader: Member) -> None:
    answer = await read(reader, BOARD)
    assert told(answer) == await recounted(house.settings, house.clock())
    assert [each["project"]["name"] for each in answer["projects"]] == ["App", "Till", "Web"]
    for each in answer["projects"]:
        project_id = each["project"]["id"]
        alone = await read(reader, BOARD, project_id=project_id)
        assert (
            told(each)
            == told(alone)
            == await recounted(house.settings, house.clock(), {project_id})
        )
        assert alone["project"] == each["project"]
