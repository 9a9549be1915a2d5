"""A click on a figure shows the rows that it counts: no more, no fewer."""

from typing import Any

import httpx

from lacewing.kernel.actor import Role
from lacewing.kernel.ids import new_id
from tests.dashboard.lives import Life
from tests.dashboard.recount import Json, figures_in, told
from tests.support.house import House, Member
from tests.tracker.acts import new_issue, new_project, read, walk

BOARD = "/api/dashboard/issues"


async def rows_behind(api: httpx.AsyncClient, href: str) -> int:
    answer = await api.get(f"{href}{'&' if '?' in href else '?'}page=1&limit=1")
    assert answer.status_code == 200, (href, answer.text)
    page = answer.json()
    assert page["total_is_exact"] is True
    total: int = page["total"]
    return total


async def assert_right(api: httpx.AsyncClient, board: Json) -> None:
    figures = figures_in(board)
    found = [await rows_behind(api, figure["href"]) for figure in figures]
    assert found == [figure["count"] for figure in figures]


async def test_each_figure_counts_the_rows_of_its_list(house: House, life: Life) -> None:
    """DASH-2: over all and of each project; of every status, priority, assignee, day and age."""
    await life.go_on(250)
    reader = await house.member("reader")

    board = await read(reader, BOARD)

    await assert_right(reader.api, board)
    assert len(figures_in(board)) > 4 * 80
    assert sum(figure["count"] > 0 for figure in figures_in(board)) > 4 * 15


async def test_beyond_49_assignees_the_others_are_summed(
    house: House, mona: Member, maria: Member
) -> None:
    """DASH-2: those with the most issues stand there by name, the list of the others is exact."""
    project = await new_project(mona, "Web")
    people = [f"person{number}" for number in range(52)]
    for username in people:
        await house.member(username)
    for username in [*people, *people[:49], people[0]]:
        await new_issue(mona, project, assignee_id=username)
    await new_issue(mona, project)

    board = await read(maria, BOARD)

    by_assignee = board["by_assignee"]
    assert {each["assignee"]["username"] for each in by_assignee["people"]} == set(people[:49])
    assert by_assignee["people"][0]["assignee"]["username"] == people[0]
    assert by_assignee["people"][0]["count"] == 3
    assert by_assignee["others"]["count"] == 3
    assert by_assignee["unassigned"]["count"] == 1
    assert board["projects"][0]["by_assignee"]["others"]["count"] == 3
    await assert_right(maria.api, board)


async def test_projects_come_in_pages(mona: Member, maria: Member) -> None:
    """DASH-2, API-5: by name and by cursor, each with its own figures; those over all stay."""
    for number in range(5):
        project = await new_project(mona, f"Project {number}")
        for _ in range(number):
            await new_issue(maria, project)
    first = await read(maria, BOARD, limit=2)
    second = await read(maria, BOARD, limit=2, cursor=first["next_cursor"])
    third = await read(maria, BOARD, limit=2, cursor=second["next_cursor"])

    pages = [first, second, third]
    assert [len(page["projects"]) for page in pages] == [2, 2, 1]
    assert [page["has_more"] for page in pages] == [True, True, False]
    told_of = [
        (each["project"]["name"], each["total"]["count"])
        for page in pages
        for each in page["projects"]
    ]
    assert told_of == [(f"Project {number}", number) for number in range(5)]
    assert {page["total"]["count"] for page in pages} == {10}
    assert {page["project"] for page in pages} == {None}


async def test_what_the_board_does_not_know_is_named(mona: Member, maria: Member) -> None:
    """DASH-2, API-4, API-5, API-7: 422 with the parameter; a cursor leads on where it is from."""
    project = await new_project(mona, "Web")
    await new_project(mona, "App")
    cursor = (await read(maria, BOARD, limit=1))["next_cursor"]
    refusals: list[tuple[dict[str, Any], int, str]] = [
        ({"page": 1}, 422, "validation-failed"),
        ({"sort": "name"}, 422, "validation-failed"),
        ({"limit": 0}, 422, "validation-failed"),
        ({"limit": 101}, 422, "validation-failed"),
        ({"project_id": "WEB"}, 422, "validation-failed"),
        ({"project_id": str(new_id())}, 404, "project-not-found"),
        ({"project_id": "00000000-0000-0000-0000-000000000000"}, 404, "project-not-found"),
        ({"cursor": "x"}, 400, "invalid-cursor"),
        ({"cursor": cursor, "project_id": project["id"]}, 400, "invalid-cursor"),
    ]

    for params, status, kind in refusals:
        answer = await maria.api.get(BOARD, params=params)
        assert (answer.status_code, answer.json()["type"]) == (status, kind), params

    assert (await maria.api.get(BOARD, params={"limit": 100})).status_code == 200
    assert (await maria.api.get(f"{BOARD}/")).status_code == 200


async def test_a_held_token_is_told_of_its_projects_alone(house: House, life: Life) -> None:
    """DASH-2: figures over all are those of its projects together; the others are not there."""
    await life.go_on(60)
    monika = await house.member("monika", Role.MANAGER)
    projects = [project["id"] for project in await walk(monika, "/api/projects")]
    for held in (projects[:1], projects[:2]):
        token = await monika.api.post(
            "/api/auth/personal-access-tokens",
            json={"name": "Board", "scopes": ["read"], "project_ids": held},
        )
        api = house.client({"Authorization": f"Bearer {token.json()['token']}"})

        board = (await api.get(BOARD)).json()
        alone = await api.get(BOARD, params={"project_id": held[0]})
        other = await api.get(BOARD, params={"project_id": projects[2]})

        assert [each["project"]["id"] for each in board["projects"]] == held
        assert board["total"]["count"] == sum(each["total"]["count"] for each in board["projects"])
        assert told(alone.json()) == told(board["projects"][0])
        assert (other.status_code, other.json()["type"]) == (404, "project-not-found")
        await assert_right(api, board)
