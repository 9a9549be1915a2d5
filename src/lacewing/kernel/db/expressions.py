"""SQL expressions that each database spells in its own way."""

from typing import Any

from sqlalchemy import Boolean, ColumnElement, Insert, Text, bindparam
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql.compiler import SQLCompiler

from lacewing.kernel.db.types import Many


class any_of(ColumnElement[bool]):  # ruff: ignore[invalid-class-name]  reads as the SQL operator that it is
    """``column`` is one of the values bound to ``parameter``: one statement for any number."""

    inherit_cache = True
    type = Boolean()

    def __init__(self, column: ColumnElement[Any], parameter: str) -> None:
        self.column = column
        self.values = bindparam(parameter, type_=Many(column.type))

    def self_group(self, against: Any = None) -> "any_of":  # ruff: ignore[unused-method-argument]  the base class names it
        """As it is: for SQLite SQLAlchemy would compare it with 1, which no index can answer."""
        return self


class also_any_of(any_of):  # ruff: ignore[invalid-class-name]  reads as the SQL operator that it is
    """``any_of`` for lists: it passes over rows of a walk along the index of their order.

    SQLite shall not find the rows by this column and then sort all of them.
    """

    inherit_cache = True


@compiles(any_of, "postgresql")
def _any_of_array(element: any_of, compiler: SQLCompiler, **options: Any) -> str:
    column = compiler.process(element.column, **options)
    return f"{column} = ANY ({compiler.process(element.values, **options)})"


@compiles(any_of, "sqlite")
def _any_of_json(element: any_of, compiler: SQLCompiler, **options: Any) -> str:
    column = compiler.process(element.column, **options)
    values = compiler.process(element.values, **options)
    if isinstance(element, also_any_of):
        column = f"+{column}"
    return f"{column} IN (SELECT value FROM json_each({values}))"  # nosec B608  # ruff: ignore[hardcoded-sql-expression]  parts that are compiled


class contains_text(ColumnElement[bool]):  # ruff: ignore[invalid-class-name]  reads as the SQL operator that it is
    """``column`` contains the text bound to ``parameter``, every character meaning itself.

    Without regard to case only where both sides are folded already.
    """

    inherit_cache = True
    type = Boolean()

    def __init__(self, column: ColumnElement[Any], parameter: str) -> None:
        self.column = column
        self.part = bindparam(parameter, type_=Text())


@compiles(contains_text, "postgresql")
def _position(element: contains_text, compiler: SQLCompiler, **options: Any) -> str:
    column = compiler.process(element.column, **options)
    return f"position({compiler.process(element.part, **options)} in {column}) > 0"


@compiles(contains_text, "sqlite")
def _instr(element: contains_text, compiler: SQLCompiler, **options: Any) -> str:
    column = compiler.process(element.column, **options)
    return f"instr({column}, {compiler.process(element.part, **options)}) > 0"


class insert_new(Insert):  # ruff: ignore[invalid-class-name]  reads as the SQL statement that it is
    """``INSERT``, which leaves a row alone that is there already: it then touches none.

    A ``UniqueViolation`` would end the whole transaction in PostgreSQL.
    """

    inherit_cache = True


@compiles(insert_new)
def _insert_or_leave(element: insert_new, compiler: SQLCompiler, **options: Any) -> str:
    inserting: str = compiler.visit_insert(element, **options)  # type: ignore[no-untyped-call]  # SQLAlchemy's own gap
    return f"{inserting} ON CONFLICT DO NOTHING"
