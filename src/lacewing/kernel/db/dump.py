"""All rows of all tables, as they stand: what a backup keeps, and puts back.

An export leaves behind what ends by itself; a backup takes it too, so that afterwards all is as it
was: sessions and tokens, jobs that wait, webhooks' secrets, figures, keys of idempotency. Only what
is searched is made anew, since each database keeps it in its own way.
"""

from collections.abc import Callable, Iterable, Iterator
from typing import Any, Final

import msgspec
from sqlalchemy import (
    DDL,
    Column,
    Connection,
    Executable,
    Integer,
    MetaData,
    Table,
    delete,
    func,
    insert,
    inspect,
    literal,
    select,
)

from lacewing.kernel.db.exchange import check_references
from lacewing.kernel.db.metadata import metadata
from lacewing.kernel.errors import Malformed

ROWS_AT_ONCE: Final = 500

_encode = msgspec.json.Encoder().encode
_unfinished = Table("unfinished_restore", MetaData(), Column("has_rows", Integer))
"""There while a restore is under way: no program runs on the database then.

It has a row once the rows of the database are those of the backup, and nobody's work.
"""


def _ddl(statement: str, **names: str) -> DDL:
    return DDL(statement, context=names)  # type: ignore[no-untyped-call]  # SQLAlchemy's own gap


_LOCK = _ddl("LOCK TABLE %(fullname)s IN EXCLUSIVE MODE")
_DISABLE_TRIGGERS = _ddl("ALTER TABLE %(fullname)s DISABLE TRIGGER USER")
_ENABLE_TRIGGERS = _ddl("ALTER TABLE %(fullname)s ENABLE TRIGGER USER")


class UnknownRow(Malformed):
    code = "unknown-row"
    title = "A row is for a table or column that is not there, or of values that do not fit."


def dumped_tables() -> list[Table]:
    """Every table whose rows a backup holds, those that others refer to first."""
    return [table for table in metadata.sorted_tables if not table.info.get("of_this_place")]


def dump_rows(connection: Connection, table: Table) -> Iterator[bytes]:
    """Each row as a JSON object; what is JSON in it keeps its order where its database does.

    On an older schema it has the columns of that one: later migrations add the others.
    """
    there = {column["name"] for column in inspect(connection).get_columns(table.name)}
    columns = [column for column in table.columns if column.name in there]
    names = ["".join(column.name) for column in columns]  # plain, not SQLAlchemy's kind
    statement = select(*columns).order_by(*table.primary_key)
    for row in connection.execution_options(yield_per=ROWS_AT_ONCE).execute(statement):
        yield _encode(dict(zip(names, row, strict=True)))


def load_rows(connection: Connection, table: Table, lines: Iterable[bytes]) -> None:
    """Put such rows in.

    Raises:
        UnknownRow: one has something that this program's table has not.
    """
    waiting: list[dict[str, Any]] = []
    for line in lines:
        waiting.append(_read(table, line))
        if len(waiting) == ROWS_AT_ONCE:
            connection.execute(insert(table), waiting)
            waiting = []
    if waiting:
        connection.execute(insert(table), waiting)


def _read(table: Table, line: bytes) -> dict[str, Any]:
    try:
        return {
            name: None
            if value is None
            else msgspec.convert(value, table.columns[name].type.python_type)
            for name, value in msgspec.json.decode(line, type=dict[str, Any]).items()
        }
    except (msgspec.MsgspecError, KeyError) as error:
        raise UnknownRow(f"{table.name}: {error}") from error


def is_taken(connection: Connection) -> bool:
    """Whether anything is there that somebody has made.

    What a server writes by itself is not, nor what a restore has left that did not end.
    """
    return not _are_rows_restored(connection) and any(
        connection.scalar(select(literal(1)).select_from(table).limit(1)) is not None
        for table in _tables_there(connection)
        if not table.info.get("ephemeral") and not table.info.get("replaced")
    )


def _tables_there(connection: Connection) -> list[Table]:
    there = inspect(connection).get_table_names()
    return [table for table in dumped_tables() if table.name in there]


def lock_all(connection: Connection) -> None:
    """Let nobody else write until the transaction ends, and wait for those who do.

    Only with ``READ COMMITTED`` are the latter's rows seen afterwards. On SQLite whoever begins to
    change something is alone from then on.
    """
    if connection.dialect.name == "postgresql":
        _execute_all(connection, (_LOCK.against(table) for table in _tables_there(connection)))


def is_restore_unfinished(connection: Connection) -> bool:
    return inspect(connection).has_table(_unfinished.name)


def begin_restore(connection: Connection) -> None:
    """Keep programs away from now on; one that did not end may have begun before."""
    _unfinished.create(connection, checkfirst=True)


def note_restored_rows(connection: Connection) -> None:
    """From now on the rows are the backup's: another restore may replace them."""
    connection.execute(insert(_unfinished), {"has_rows": 1})


def end_restore(connection: Connection) -> None:
    """Let programs in."""
    _unfinished.drop(connection, checkfirst=True)


def give_up_restore(connection: Connection) -> None:
    """Let programs in, unless half of what they would find is of a backup."""
    if not _are_rows_restored(connection):
        end_restore(connection)


def _are_rows_restored(connection: Connection) -> bool:
    has_mark = is_restore_unfinished(connection)
    return has_mark and connection.scalar(select(_unfinished.c.has_rows).limit(1)) is not None


def replace_all(connection: Connection, load: Callable[[], None]) -> None:
    """Empty every table, and let ``load`` fill them; what a row refers to must be there then.

    Nothing else is written meanwhile: not by triggers, which would note each row as a new one, nor
    by others.

    Raises:
        UnreadableExport: a row refers to one that lacks.
    """
    lock_all(connection)
    tables = _tables_there(connection)
    turn_off, turn_on = _of_triggers(connection, tables)
    _execute_all(connection, turn_off)
    _execute_all(connection, (delete(table) for table in reversed(tables)))
    load()
    _execute_all(connection, turn_on)
    _count_on(connection, tables)
    check_references(connection)


def _execute_all(connection: Connection, statements: Iterable[Executable]) -> None:
    for statement in statements:
        connection.execute(statement)


def _of_triggers(connection: Connection, tables: list[Table]) -> tuple[list[DDL], list[DDL]]:
    """Statements that turn them off, and on again; a transaction that fails turns them on too."""
    if connection.dialect.name == "postgresql":
        return (
            [_DISABLE_TRIGGERS.against(table) for table in tables],
            [_ENABLE_TRIGGERS.against(table) for table in tables],
        )
    triggers = connection.exec_driver_sql(
        "SELECT name, sql FROM sqlite_master WHERE type = 'trigger'"
    ).all()
    quote = connection.dialect.identifier_preparer.quote
    return (
        [_ddl("DROP TRIGGER %(name)s", name=quote(name)) for name, _ in triggers],
        [_ddl("%(create)s", create=create) for _, create in triggers],
    )


def _count_on(connection: Connection, tables: Iterable[Table]) -> None:
    """Let numbers that PostgreSQL gives to rows go on after those that came with the rows."""
    if connection.dialect.name != "postgresql":
        return
    for table in tables:
        for column in table.primary_key:
            if isinstance(column.type, Integer):
                numbers = func.pg_get_serial_sequence(table.name, column.name)  # or null
                highest = select(func.coalesce(func.max(column), 0) + 1).scalar_subquery()
                connection.execute(select(func.setval(numbers, highest, False)))
