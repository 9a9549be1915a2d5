import pytest

from tests.support.house import House, Member
from tests.tracker.acts import archive, faults, new_project, read, walk, walk_numbered

NAMES = ["beta", "Alpha", "Delta", "Charlie", "éclair", "50% off_", "Zulu"]


@pytest.fixture
async def shelf(house: House, mona: Member) -> None:
    """Seven projects made a minute apart; Charlie is archived, after that Alpha changed."""
    made = {}
    for name in NAMES:
        made[name] = await new_project(mona, name)
        house.clock.advance(minutes=1)
    await archive(mona, made["Charlie"])
    house.clock.advance(minutes=1)
    path = f"/api/projects/{made['Alpha']['id']}"
    await mona.api.patch(path, json={"description": "Changed."})


SORTED = {
    "name": ["50% off_", "Alpha", "beta", "Charlie", "Delta", "Zulu", "éclair"],
    "key": ["Alpha", "beta", "Charlie", "éclair", "Delta", "50% off_", "Zulu"],
    "created_at": NAMES,
    "updated_at": ["beta", "Delta", "éclair", "50% off_", "Zulu", "Charlie", "Alpha"],
}


@pytest.mark.usefixtures("shelf")
async def test_projects_are_sorted_by_each_field(maria: Member) -> None:
    """PRJ-1, API-6: both ways, by cursor and by page."""
    path = "/api/projects"

    for sort, expected in SORTED.items():
        up = await walk(maria, path, sort=sort, limit=2)
        down = await walk(maria, path, sort=f"-{sort}", limit=2)
        numbered = await walk_numbered(maria, path, sort=sort, limit=3)

        assert [row["name"] for row in up] == expected, sort
        assert down == up[::-1]
        assert numbered == up


FILTERED: list[tuple[dict[str, str], list[str]]] = [
    ({"search": "ALPHA"}, ["Alpha"]),
    ({"search": "lt"}, ["Delta"]),
    ({"search": "ÉCL"}, ["éclair"]),
    ({"search": "%"}, ["50% off_"]),
    ({"search": "_"}, ["50% off_"]),
    ({"search": "zul"}, ["Zulu"]),
    ({"search": "nothing"}, []),
    ({"is_archived": "true"}, ["Charlie"]),
    ({"is_archived": "false", "search": "l"}, ["Alpha", "Delta", "Zulu", "éclair"]),
    ({"is_archived": "true", "search": "alpha"}, []),
]


@pytest.mark.usefixtures("shelf")
async def test_projects_are_filtered(maria: Member) -> None:
    """PRJ-1: by part of the name or key, every character meaning itself, and by the archive."""
    for params, expected in FILTERED:
        found = await read(maria, "/api/projects", **params)

        assert [project["name"] for project in found["data"]] == expected, params


SENSELESS = [
    ("search", ""),
    ("search", "s" * 201),
    ("search", "a\x00b"),
    ("is_archived", "perhaps"),
    ("sort", "description"),
    ("sort", "--name"),
    ("limit", "0"),
    ("limit", "101"),
    ("page", "0"),
    ("owner", "mona"),
]


async def test_a_parameter_that_makes_no_sense_is_named(maria: Member) -> None:
    """PRJ-1, API-5, API-7: 422."""
    for parameter, value in SENSELESS:
        answer = await maria.api.get("/api/projects", params={parameter: value})

        assert faults(answer) == [["query", parameter]]
