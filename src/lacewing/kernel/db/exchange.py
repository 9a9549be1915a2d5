"""Everything in the database as JSON lines, and back (UX-3).

The first line tells the format and the schema; each further one is ``{"table", "row"}``. What ends
by itself (sessions, idempotency keys) stays behind: ``Table.info`` marks it.
"""

from collections.abc import Iterable, Iterator
from typing import Any, Final

import msgspec
from sqlalchemy import Connection, Row, Table, delete, func, insert, select
from sqlalchemy.exc import DBAPIError, StatementError

from lacewing.kernel.db.metadata import metadata
from lacewing.kernel.errors import Conflict, Malformed

FORMAT: Final = 1
ROWS_AT_ONCE: Final = 500

_encode = msgspec.json.Encoder().encode


class NotEmpty(Conflict):
    code = "not-empty"
    title = "Only an empty Lacewing takes an export: there is something in this one."


class UnreadableExport(Malformed):
    code = "unreadable-export"
    title = "This file is no export of Lacewing."


class Header(msgspec.Struct, frozen=True):
    """The first line."""

    lacewing_export: int
    schema: str


class Line(msgspec.Struct, frozen=True):
    table: str
    row: dict[str, Any]


def exported_tables() -> list[Table]:
    """Tables whose rows are exported, those that others refer to first."""
    return [table for table in metadata.sorted_tables if not table.info.get("ephemeral")]


def export_lines(connection: Connection, schema: str) -> Iterator[bytes]:
    """Every row as a line, in an order that is the same each time."""
    yield _encode(Header(FORMAT, schema))
    for table in exported_tables():
        statement = select(table).order_by(*table.primary_key)
        names = ["".join(column.name) for column in table.columns]  # plain, not SQLAlchemy's kind
        rows: Iterable[Row[Any]] = connection.execution_options(yield_per=ROWS_AT_ONCE).execute(
            statement
        )
        for row in rows:
            yield _encode(Line("".join(table.name), dict(zip(names, row, strict=True))))


def import_lines(connection: Connection, schema: str, lines: Iterable[bytes]) -> dict[str, int]:
    """Fill an empty database; how many rows each table got.

    Raises:
        NotEmpty: there is something in it.
        UnreadableExport: naming the line that can't be read.
    """
    tables = {table.name: table for table in exported_tables()}
    replaced = [table for table in tables.values() if table.info.get("replaced")]
    for table in tables.values():
        if table not in replaced and connection.scalar(
            select(func.count()).select_from(table.select().limit(1).subquery())
        ):
            raise NotEmpty
    for table in replaced:
        connection.execute(delete(table))
    counts = dict.fromkeys(tables, 0)
    waiting: list[dict[str, Any]] = []
    current: str | None = None
    number = 0
    for number, raw in enumerate(lines, start=1):
        if number == 1:
            _check_header(raw, schema)
            continue
        name, row = _read(raw, number, tables)
        if current is not None and (name != current or len(waiting) == ROWS_AT_ONCE):
            _insert(connection, tables[current], waiting, last_line=number - 1)
            waiting = []
        current = name
        waiting.append(row)
        counts[name] += 1
    if number == 0:
        raise UnreadableExport("The file is empty: even an empty export has one line.")
    if current is not None:
        _insert(connection, tables[current], waiting, last_line=number)
    _count_on(connection, tables.values())
    check_references(connection)
    return counts


def _insert(
    connection: Connection, table: Table, rows: list[dict[str, Any]], last_line: int
) -> None:
    try:
        connection.execute(insert(table), rows)
    except StatementError as error:
        if isinstance(error, DBAPIError) and error.connection_invalidated:
            raise
        first_line = last_line - len(rows) + 1
        raise UnreadableExport(
            f"Something in lines {first_line} to {last_line} does not fit: {error.orig}"
        ) from error


def _count_on(connection: Connection, tables: Iterable[Table]) -> None:
    """Let numbers that PostgreSQL gives to rows go on after those that came with the rows."""
    if connection.dialect.name != "postgresql":
        return
    for table in tables:
        for column in table.columns:
            if column.identity is not None:
                numbers = func.pg_get_serial_sequence(table.name, column.name)
                highest = select(func.coalesce(func.max(column), 0) + 1).scalar_subquery()
                connection.execute(select(func.setval(numbers, highest, False)))


def check_references(connection: Connection) -> None:
    """PostgreSQL has looked at each row; SQLite is asked once, for all."""
    if connection.dialect.name != "sqlite":
        return
    dangling = connection.exec_driver_sql("PRAGMA foreign_key_check").first()
    if dangling is not None:
        raise UnreadableExport(f"A row of {dangling[0]} refers to one of {dangling[2]} that lacks.")


def _check_header(raw: bytes, schema: str) -> None:
    try:
        header = msgspec.json.decode(raw, type=Header)
    except msgspec.MsgspecError as error:
        raise UnreadableExport(f"Line 1 is no header of an export: {error}") from error
    if header.lacewing_export != FORMAT:
        raise UnreadableExport(f"This program reads format {FORMAT}, not {header.lacewing_export}.")
    if header.schema != schema:
        raise UnreadableExport(
            f"The export is of schema {header.schema}, this program's is {schema}: "
            "import it with the version that wrote it, then upgrade."
        )


def _read(raw: bytes, number: int, tables: dict[str, Table]) -> tuple[str, dict[str, Any]]:
    try:
        line = msgspec.json.decode(raw, type=Line)
        columns = tables[line.table].columns
        if missing := columns.keys() - line.row.keys():
            raise UnreadableExport(f"Line {number} lacks {', '.join(sorted(missing))}.")
        row = {
            name: None if value is None else msgspec.convert(value, columns[name].type.python_type)
            for name, value in line.row.items()
        }
    except (msgspec.MsgspecError, KeyError, NotImplementedError) as error:
        raise UnreadableExport(f"Line {number} can't be read: {error}") from error
    return line.table, row
