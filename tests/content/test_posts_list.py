import pytest

from tests.content.acts import NOWHERE, ids, new_post, new_posts, path_of, titles
from tests.support.house import House, Member
from tests.tracker.acts import Json, faults, read, walk, walk_numbered


@pytest.fixture
async def row(house: House, maria: Member, noor: Member) -> list[Json]:
    """Five posts, of which the first two are of one moment and the third was changed last."""
    made = []
    for number in range(5):
        made.append(await new_post((maria, noor)[number % 2], f"Number {number}"))
        house.clock.advance(minutes=number > 0)
    changed = await maria.api.patch(path_of(made[2]), json={"title": "Changed"})
    made[2] = changed.json()
    return made


async def test_posts_are_sorted_by_each_time(maria: Member, row: list[Json]) -> None:
    """CON-1, API-5, API-6: both ways, by cursor and by page; newest first unless asked."""
    by_change = [*row[:2], *row[3:], row[2]]
    for sort, expected in (("created_at", row), ("updated_at", by_change)):
        up = await walk(maria, "/api/posts", sort=sort, limit=2)
        down = await walk(maria, "/api/posts", sort=f"-{sort}", limit=2)
        numbered = await walk_numbered(maria, "/api/posts", sort=sort, limit=2)

        assert up == numbered == expected
        assert down == up[::-1]
    assert (await read(maria, "/api/posts/"))["data"] == row[::-1]


async def test_posts_are_filtered_by_author(
    maria: Member, noor: Member, adam: Member, row: list[Json]
) -> None:
    """CON-1: by id, username or `me`; several; together with words."""
    hers, theirs = row[::2], row[1::2]
    every = {
        "me": hers,
        "maria": hers,
        "MARIA": hers,
        str(maria.id): hers,
        "noor": theirs,
        "me,noor": row,
        "adam": [],
        NOWHERE: [],
    }
    for author, expected in every.items():
        found = await walk(maria, "/api/posts", author=author, sort="created_at", limit=2)
        assert found == expected, author
    assert await titles(noor, author="me") == ["Number 3", "Number 1"]
    assert await titles(adam, author="maria", search="number") == ["Number 4", "Number 0"]


SENSELESS = [
    ("author", "nobody-of-this-name"),
    ("search", ""),
    ("search", "s" * 201),
    ("search", "a\x00b"),
    ("sort", "title"),
    ("sort", "--created_at"),
    ("limit", "0"),
    ("limit", "101"),
    ("page", "0"),
    ("tag", "news"),
]


async def test_a_parameter_that_makes_no_sense_is_named(maria: Member) -> None:
    """API-5, API-7: 422."""
    for parameter, value in SENSELESS:
        answer = await maria.api.get("/api/posts", params={parameter: value})

        assert faults(answer) == [["query", parameter]], (parameter, value)


@pytest.mark.usefixtures("row")
async def test_a_cursor_belongs_to_its_sort_and_filters(maria: Member) -> None:
    """API-5: under others it is refused; together with a page too."""
    cursor = (await read(maria, "/api/posts", limit=2))["next_cursor"]

    for params in (
        {"sort": "created_at"}, {"author": "me"}, {"search": "number"}, {"page": "2"},
    ):  # fmt: skip
        answer = await maria.api.get("/api/posts", params={"cursor": cursor, **params})
        assert answer.status_code == 400, params
    other = await maria.api.get("/api/collections", params={"cursor": cursor})
    assert other.status_code == 400


async def test_a_walk_sees_what_stays_exactly_once(house: House, maria: Member) -> None:
    """API-5: while others write and delete."""
    made = await new_posts(maria, 6)
    first = await read(maria, "/api/posts", limit=2)
    house.clock.advance(seconds=1)
    await new_post(maria, "Later")
    for gone in (made[4], made[3]):
        await maria.api.delete(path_of(gone))

    rest = await walk(maria, "/api/posts", limit=2, cursor=first["next_cursor"])

    assert ids(first["data"]) + ids(rest) == ids([made[5], made[4], made[2], made[1], made[0]])
