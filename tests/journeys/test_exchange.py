"""Exports in the test's own process: what a whole program would be too slow for."""

import json
from collections.abc import AsyncIterator, Callable, Iterator
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest

import lacewing.main  # noqa: F401  all tables register
from lacewing.kernel.db.database import DatabaseSettings
from lacewing.kernel.db.exchange import (
    ROWS_AT_ONCE,
    NotEmpty,
    UnreadableExport,
    export_lines,
    import_lines,
)
from lacewing.kernel.db.offline import Connection, use_connection
from tests.catalogue.acts import delete, new_product, path_of
from tests.content.acts import new_collection, new_posts
from tests.notifications.acts import all_told
from tests.support.databases import DatabaseTemplate, SqliteTemplate
from tests.support.house import House, Member
from tests.tracker.acts import new_comment, new_issue, new_project

SCHEMA = "this one"
Spoil = Callable[[list[dict[str, Any]]], None]


def settings_of(url: str | None) -> DatabaseSettings:
    return DatabaseSettings(database_url=url)


async def exported(url: str | None, folder: Path) -> list[bytes]:
    def export(connection: Connection) -> list[bytes]:
        return list(export_lines(connection, SCHEMA))

    return await use_connection(settings_of(url), folder, export)


async def imported(url: str, folder: Path, lines: list[bytes]) -> dict[str, int]:
    def take(connection: Connection) -> dict[str, int]:
        return import_lines(connection, SCHEMA, lines)

    return await use_connection(settings_of(url), folder, take)


@pytest.fixture
async def lines(house: House, maria: Member, mona: Member, tmp_path: Path) -> list[bytes]:
    """An export of a small team's work, with all that texts may hold."""
    project = await new_project(mona, "Web shop", key="WEB")
    issue = await new_issue(
        maria, project, 'Quotes ", \\ and \N{BUG}', description="a\nb\u2028c", labels=["x y"]
    )
    await new_comment(maria, issue, "Zebra")
    product = await new_product(maria, "Café table", price="19.99", rating=4.35)
    await delete(maria, await new_product(maria, "Deleted, and kept"))
    await maria.api.patch(path_of(product), json={"price": "20.01"})
    await maria.api.patch(f"/api/issues/{issue['id']}", json={"due_date": "2030-01-31"})
    posts = await new_posts(maria, 2)
    await new_collection(mona, "To read", *posts[::-1])
    await all_told(house)
    return await exported(house.settings.database.database_url, tmp_path)


@pytest.fixture
async def sqlite(tmp_path_factory: pytest.TempPathFactory) -> SqliteTemplate:
    template = SqliteTemplate(tmp_path_factory.mktemp("other"))
    await template.prepare()
    return template


@pytest.fixture
async def fresh(
    database_template: DatabaseTemplate, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[str]:
    """Another database of the same kind, which holds nothing."""
    async with database_template.copied(tmp_path_factory.mktemp("fresh")) as url:
        yield url


async def test_an_export_goes_to_the_other_database_and_back_unchanged(
    lines: list[bytes],
    fresh: str,
    sqlite: SqliteTemplate,
    tmp_path: Path,
) -> None:
    """UX-3: byte for byte, by way of SQLite, into a fresh database of its own kind."""
    (tmp_path / "there").mkdir()
    async with sqlite.copied(tmp_path / "there") as there:
        await imported(there, tmp_path, lines)
        on_the_way = await exported(there, tmp_path)
    await imported(fresh, tmp_path, on_the_way)
    returned = await exported(fresh, tmp_path)

    assert len(lines) > 10
    assert on_the_way == lines
    assert returned == lines


async def test_a_house_that_holds_anything_takes_no_export(
    house: House, lines: list[bytes], tmp_path: Path
) -> None:
    """UX-3: nothing is mixed, nothing doubled, nothing changed."""
    url = house.settings.database.database_url
    assert url is not None

    with pytest.raises(NotEmpty):
        await imported(url, tmp_path, lines)

    assert await exported(url, tmp_path) == lines


def _rows(lines: list[dict[str, Any]], table: str) -> Iterator[dict[str, Any]]:
    return (line["row"] for line in lines[1:] if line["table"] == table)


def _doubled(lines: list[dict[str, Any]]) -> None:
    lines.insert(2, lines[1])


def _dangling(lines: list[dict[str, Any]]) -> None:
    next(_rows(lines, "comments"))["issue_id"] = str(uuid4())


def _lacking(lines: list[dict[str, Any]]) -> None:
    del next(_rows(lines, "users"))["role"]


def _mistyped(lines: list[dict[str, Any]]) -> None:
    next(_rows(lines, "users"))["created_at"] = "yesterday"


def _unknown_column(lines: list[dict[str, Any]]) -> None:
    next(_rows(lines, "users"))["shoe_size"] = 44


def _rounded(lines: list[dict[str, Any]]) -> None:
    next(_rows(lines, "products"))["price"] = "19.999"


def _unknown_table(lines: list[dict[str, Any]]) -> None:
    lines[1]["table"] = "shoes"


def _unknown_role(lines: list[dict[str, Any]]) -> None:
    next(_rows(lines, "users"))["role"] = "king"


def _other_schema(lines: list[dict[str, Any]]) -> None:
    lines[0]["schema"] = "another one"


def _other_format(lines: list[dict[str, Any]]) -> None:
    lines[0]["lacewing_export"] = 99


def _no_header(lines: list[dict[str, Any]]) -> None:
    del lines[0]


@pytest.mark.parametrize(
    ("spoil", "reason"),
    [
        (_doubled, "lines 2 to"),
        (_dangling, "comments|lines"),
        (_lacking, "Line .* lacks role"),
        (_mistyped, "Line "),
        (_unknown_column, "Line .*shoe_size"),
        (_rounded, "Something in lines .*"),
        (_unknown_table, "Line 2 .*shoes"),
        (_unknown_role, "lines .*role_known"),
        (_other_schema, "another one"),
        (_other_format, "99"),
        (_no_header, "Line 1"),
    ],
)
async def test_a_spoiled_export_is_refused_whole_with_its_place(
    fresh: str,
    lines: list[bytes],
    tmp_path: Path,
    spoil: Spoil,
    reason: str,
) -> None:
    """UX-3: whole or not at all, never with a stack trace."""
    told = [json.loads(line) for line in lines]
    spoil(told)
    spoiled = [json.dumps(line).encode() for line in told]

    with pytest.raises(UnreadableExport, match=reason):
        await imported(fresh, tmp_path, spoiled)

    assert len(await exported(fresh, tmp_path)) == 1


@pytest.mark.parametrize("line", [b"", b"{", b"null", b"\xff", b'{"table": "users"}'])
async def test_a_line_that_is_no_row_is_named(
    fresh: str, lines: list[bytes], tmp_path: Path, line: bytes
) -> None:
    """UX-3: by its number, also at the end."""
    with pytest.raises(UnreadableExport, match=f"Line {len(lines) + 1} "):
        await imported(fresh, tmp_path, [*lines, line])


async def test_an_empty_file_is_no_export(fresh: str, tmp_path: Path) -> None:
    """UX-3: a backup that was never written is not taken for an empty one."""
    with pytest.raises(UnreadableExport, match="empty"):
        await imported(fresh, tmp_path, [])


@pytest.mark.parametrize("count", [ROWS_AT_ONCE - 1, ROWS_AT_ONCE, ROWS_AT_ONCE + 1])
async def test_rows_at_the_edge_of_a_batch_are_all_taken(
    fresh: str, lines: list[bytes], tmp_path: Path, count: int
) -> None:
    """UX-3: at the limit of one statement and one beyond."""
    user = next(json.loads(line) for line in lines[1:] if json.loads(line)["table"] == "users")
    users = [_renamed(user, number) for number in range(count)]

    counts = await imported(fresh, tmp_path, [lines[0], *users])

    assert counts["users"] == count


def _renamed(line: dict[str, Any], number: int) -> bytes:
    name = f"user{number}"
    own = {"id": str(uuid4()), "username": name, "username_key": name, "email_key": name}
    return json.dumps({**line, "row": {**line["row"], **own}}).encode()
