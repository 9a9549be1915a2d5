"""Statements compiled once: SQL text, the order of its parameters, and what to do to values."""

from collections import OrderedDict
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import msgspec
from sqlalchemy import Column, ColumnElement, Dialect, Executable, Float, Numeric, Table
from sqlalchemy.sql.dml import UpdateBase
from sqlalchemy.sql.selectable import Select, SelectBase
from sqlalchemy.sql.visitors import iterate
from sqlalchemy.types import TypeDecorator, TypeEngine

from lacewing.kernel.db.encryption import NO_KEYS, FieldCipher, Sealed
from lacewing.kernel.db.session import Parameters

STATEMENTS_KEPT = 2_000
"""Compiled statements kept; a bound for statements that are built on the fly."""

_FLOAT8_CODE = 701
_NUMERIC_CODE = 1700
"""PostgreSQL's codes of types, which SQLAlchemy's result processors for numbers ask for."""

Convert = Callable[[Any], Any]
SealedPlace = tuple[int, int, str]
"""The places of a sealed value and of its row's id among the columns, and what it is bound to."""


class CompiledStatement(msgspec.Struct, frozen=True):
    """One statement for one database."""

    source: Executable | None
    sql: str
    operation: str
    """What it does, in one word: a label of measurements."""
    summary: str
    """That, and to which table: the name of its spans."""
    names: tuple[str, ...]
    defaults: dict[str, Any]
    bind_converters: tuple[Convert | None, ...]
    result_converters: tuple[Convert | None, ...] | None
    """One for each column, or ``None`` when no column needs one."""
    sealed: tuple[SealedPlace, ...]
    takes_locks: bool
    """Whether it changes or locks rows, so that it needs a transaction."""

    def arguments(self, parameters: Parameters) -> list[Any]:
        """The values in the order that the SQL text wants, converted for the driver."""
        defaults = self.defaults
        arguments = []
        for name, convert in zip(self.names, self.bind_converters, strict=True):
            value = parameters[name] if name in parameters else defaults[name]
            arguments.append(value if convert is None else convert(value))
        return arguments

    def converted(self, row: Any, cipher: FieldCipher = NO_KEYS) -> Any:
        """The values of ``row`` as Python means them; ``cipher`` opens those that are sealed."""
        if self.result_converters is not None:
            row = [
                value if convert is None else convert(value)
                for value, convert in zip(row, self.result_converters, strict=True)
            ]
        if self.sealed:
            row = list(row)
            for at, row_id_at, context in self.sealed:
                row[at] = cipher.open(context, row[row_id_at], row[at])
        return row


class StatementCache:
    """Compiles each statement once for all databases of a kind; lets go of the oldest."""

    def __init__(self, dialect: Dialect) -> None:
        self._dialect = dialect
        self._compiled: OrderedDict[tuple[Any, ...], CompiledStatement] = OrderedDict()

    def compiled(self, statement: Executable, parameters: Parameters) -> CompiledStatement:
        # The entry holds the statement, so its id cannot be given to another meanwhile.
        key = (
            (id(statement), *parameters) if isinstance(statement, UpdateBase) else (id(statement),)
        )
        found = self._compiled.get(key)
        if found is None:
            found = self._compiled[key] = self._compile(statement, list(parameters))
            if len(self._compiled) > STATEMENTS_KEPT:
                self._compiled.popitem(last=False)
        return found

    def _compile(self, statement: Executable, names: list[str]) -> CompiledStatement:
        is_change = isinstance(statement, UpdateBase)
        compiled = statement.compile(  # type: ignore[attr-defined]  # every Executable here is a ClauseElement
            dialect=self._dialect, column_keys=names if is_change else None
        )
        order = tuple(compiled.positiontup or ())
        columns = list(getattr(statement, "exported_columns", ()))
        results = [self._result_converter(column.type) for column in columns]
        operation = _operation_of(statement)
        return CompiledStatement(
            source=statement,
            sql=compiled.string,
            operation=operation,
            summary=f"{operation.upper()} {_table_of(statement)}".rstrip(),
            names=order,
            defaults=dict(compiled.params),
            bind_converters=tuple(
                compiled.binds[name].type.dialect_impl(self._dialect).bind_processor(self._dialect)
                for name in order
            ),
            result_converters=tuple(results) if any(results) else None,
            sealed=tuple(_sealed_places(columns)),
            takes_locks=is_change
            or (isinstance(statement, Select) and statement._for_update_arg is not None),  # ruff: ignore[private-member-access]  SQLAlchemy tells it nowhere else
        )

    def _result_converter(self, kind: TypeEngine[Any]) -> Convert | None:
        implementation = kind.dialect_impl(self._dialect)
        plain = (
            implementation.impl_instance
            if isinstance(implementation, TypeDecorator)
            else implementation
        )
        code = None
        if isinstance(plain, Float):
            code = _FLOAT8_CODE
        elif isinstance(plain, Numeric):
            code = _NUMERIC_CODE
        return implementation.result_processor(self._dialect, code)


def _operation_of(statement: Executable) -> str:
    kind = getattr(statement, "__visit_name__", "")
    if kind in {"insert", "update", "delete"}:
        return str(kind)
    return "select" if isinstance(statement, SelectBase) else "other"


def _table_of(statement: Executable) -> str:
    """The first table that it names."""
    for part in iterate(statement):  # type: ignore[arg-type]  # every Executable here is a ClauseElement
        if isinstance(part, Table):
            return str(part.name)
    return ""


def _sealed_places(columns: Sequence[ColumnElement[Any]]) -> Iterator[SealedPlace]:
    for at, column in enumerate(columns):
        if isinstance(column, Column) and isinstance(column.type, Sealed):
            yield at, _place_of(column.table.c.id, columns), column.type.context


def _place_of(row_id: ColumnElement[Any], columns: Sequence[ColumnElement[Any]]) -> int:
    for place, column in enumerate(columns):
        if column is row_id:
            return place
    raise LookupError(f"a sealed column is selected without {row_id}, which it is bound to")
