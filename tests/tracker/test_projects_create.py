from typing import Any

from tests.support.house import House, Member
from tests.tracker.acts import faults, new_project, nothing_changes, read


async def test_a_manager_creates_a_project(mona: Member) -> None:
    """PRJ-2, NAME-4: the answer shows all that the project is, and its creator as a person."""
    body = {"name": "Web shop", "key": "web", "description": "Where we **sell**."}

    answer = await mona.api.post("/api/projects", json=body)

    created = answer.json()
    assert answer.status_code == 201
    assert answer.headers["Location"] == f"/api/projects/{created['id']}"
    assert created["created_by"] == {"id": str(mona.id), "username": "mona", "full_name": None}
    assert created["created_at"] == created["updated_at"]
    assert created["created_at"].endswith("Z")
    assert (created["key"], created["name"]) == ("WEB", "Web shop")
    assert created["description"] == "Where we **sell**."
    assert created["is_archived"] is False
    assert await read(mona, f"/api/projects/{created['id']}") == created


KEYS: list[tuple[str, str]] = [
    ("Web shop", "WS"),
    ("Backend", "BACK"),
    ("a b c d e f g h", "ABCDEF"),
    ("Q", "QPR"),
    ("3D model viewer", "MV"),
    ("2024", "PR"),
    ("Проект", "PR2"),
    ("🚀", "PR3"),
    ("Straße", "STRA"),
]


async def test_a_key_is_made_from_the_name(mona: Member) -> None:
    """PRJ-2: the key may be left out, whatever the name is written in."""
    made = [(name, (await new_project(mona, name))["key"]) for name, _ in KEYS]

    assert made == KEYS


async def test_keys_made_from_like_names_differ(mona: Member) -> None:
    """PRJ-2: a key is unique also when it is made."""
    names = ["Web shop", "Wine seller", "Word search", "Wall street"]

    keys = [(await new_project(mona, name))["key"] for name in names]

    assert keys == ["WS", "WS2", "WS3", "WS4"]


AT_THE_LIMIT: list[tuple[str, str]] = [
    ("name", "n" * 100),
    ("name", "🚀" * 100),
    ("name", "  padded  "),
    ("key", "AB"),
    ("key", "A123456789"),
    ("key", " web "),
    ("description", "d" * 1_000),
    ("description", ""),
    ("description", "two\nlines"),
]


async def test_a_value_at_the_limit_is_taken(mona: Member) -> None:
    """PRJ-2: a name of 100 characters, a key of 2 to 10, a description of 1,000."""
    for number, (field, value) in enumerate(AT_THE_LIMIT):
        created = await new_project(mona, **{"name": f"Shop {number}", field: value})

        expected = value if field == "description" else value.strip()
        assert created[field] == (expected.upper() if field == "key" else expected)


BEYOND_THE_LIMIT: list[tuple[str, Any]] = [
    ("name", "n" * 101),
    ("name", ""),
    ("name", "   "),
    ("name", "two\nlines"),
    ("name", "nul\x00"),
    ("name", None),
    ("name", 7),
    ("name", ["Web"]),
    ("key", "A"),
    ("key", "A1234567890"),
    ("key", "1AB"),
    ("key", "WEB-1"),
    ("key", "ÄB"),
    ("key", ""),
    ("key", 7),
    ("description", "d" * 1_001),
    ("description", "nul\x00"),
    ("description", None),
    ("created_by", "00000000-0000-0000-0000-000000000000"),
    ("is_archived", True),
    ("colour", "red"),
]


async def test_a_value_beyond_the_limit_is_refused(house: House, mona: Member) -> None:
    """PRJ-2: too long, blank, NUL, of the wrong type, or an unknown field: 422, naming it."""
    for field, value in BEYOND_THE_LIMIT:
        async with nothing_changes(house):
            answer = await mona.api.post("/api/projects", json={"name": "Web shop", field: value})

        assert faults(answer) == [["body", field]], value


async def test_a_lone_surrogate_is_refused(house: House, mona: Member) -> None:
    """PRJ-2, SEC-6: no UTF-8 holds it."""
    headers = {"Content-Type": "application/json"}

    async with nothing_changes(house):
        answer = await mona.api.post(
            "/api/projects", content=rb'{"name": "\ud800 shop"}', headers=headers
        )

    assert answer.status_code == 422


SAME_NAMES = ["Web shop", "WEB SHOP", " web shop ", "\uff37eb shop"]


async def test_a_name_is_unique_without_regard_to_case(house: House, mona: Member) -> None:
    """PRJ-2: the second project of a name is a 409 that says so."""
    await new_project(mona, "Web shop")

    for name in SAME_NAMES:
        async with nothing_changes(house):
            answer = await mona.api.post("/api/projects", json={"name": name, "key": "OTHER"})

        assert answer.status_code == 409, name
        assert answer.json()["type"] == "project-name-taken"


async def test_a_key_is_unique_without_regard_to_case(house: House, mona: Member) -> None:
    """PRJ-2: keys name issues, so no two projects share one."""
    await new_project(mona, "Web shop", key="WEB")

    async with nothing_changes(house):
        answer = await mona.api.post("/api/projects", json={"name": "Another", "key": "web"})

    assert answer.status_code == 409
    assert answer.json()["type"] == "project-key-taken"
