"""Column types that mean the same on both databases."""

from collections.abc import Sequence
from datetime import UTC, datetime
from decimal import Decimal
from enum import StrEnum
from typing import Any

import msgspec
from sqlalchemy import ARRAY, JSON, BigInteger, DateTime, Dialect, SmallInteger, String, Text
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.types import TypeDecorator, TypeEngine

_ISO_LENGTH = len("2026-01-31T12:00:00.000000Z")


class Timestamp(TypeDecorator[datetime]):
    """A moment in UTC, to the microsecond.

    PostgreSQL's ``timestamptz``; in SQLite RFC 3339 text of one width, which sorts as time does.
    """

    impl = DateTime(timezone=True)
    cache_ok = True

    @property
    def python_type(self) -> type[datetime]:
        return datetime

    def load_dialect_impl(self, dialect: Dialect) -> TypeEngine[Any]:
        if dialect.name == "sqlite":
            return dialect.type_descriptor(String(_ISO_LENGTH))
        return dialect.type_descriptor(DateTime(timezone=True))

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> Any:
        if value is None or dialect.name != "sqlite":
            return value
        moment = value.astimezone(UTC).replace(tzinfo=None)
        return moment.isoformat(timespec="microseconds") + "Z"

    def process_result_value(self, value: Any, dialect: Dialect) -> datetime | None:
        if value is None or dialect.name != "sqlite":
            return value  # type: ignore[no-any-return]  # asyncpg gives aware datetimes
        return datetime.fromisoformat(value)


class Ranked(TypeDecorator[StrEnum]):
    """A ``StrEnum`` kept as the rank of its member, so that sorting by it means something."""

    impl = SmallInteger
    cache_ok = True

    def __init__(self, kind: type[StrEnum]) -> None:
        self.kind = kind
        self._members = list(kind)
        super().__init__()

    @property
    def python_type(self) -> type[StrEnum]:
        return self.kind

    def process_bind_param(self, value: StrEnum | None, dialect: Dialect) -> int | None:  # ruff: ignore[unused-method-argument]  the base class names it
        return None if value is None else self._members.index(self.kind(value))

    def process_result_value(self, value: int | None, dialect: Dialect) -> StrEnum | None:  # ruff: ignore[unused-method-argument]  the base class names it
        return None if value is None else self._members[value]


class Scaled(TypeDecorator[Decimal]):
    """An exact decimal of so many places, kept as an integer of its smallest unit (cents, say).

    SQLite has no decimals, and PostgreSQL's ``numeric`` rounds what has too many places; integers
    compare, sort and add alike in both.
    """

    impl = BigInteger
    cache_ok = True

    def __init__(self, places: int) -> None:
        self.places = places
        super().__init__()

    @property
    def python_type(self) -> type[Decimal]:
        return Decimal

    def process_bind_param(self, value: Decimal | None, dialect: Dialect) -> int | None:  # ruff: ignore[unused-method-argument]  the base class names it
        if value is None:
            return None
        scaled = value.scaleb(self.places)
        if scaled != (whole := int(scaled)):
            raise ValueError(f"{value} has more than {self.places} decimals")
        return whole

    def process_result_value(self, value: int | None, dialect: Dialect) -> Decimal | None:  # ruff: ignore[unused-method-argument]  the base class names it
        return None if value is None else Decimal(value).scaleb(-self.places)


class Document(TypeDecorator[Any]):
    """Any JSON value: ``jsonb`` in PostgreSQL, text in SQLite."""

    impl = JSON
    cache_ok = True

    @property
    def python_type(self) -> Any:
        return Any

    def load_dialect_impl(self, dialect: Dialect) -> TypeEngine[Any]:
        return dialect.type_descriptor(Text() if dialect.name == "sqlite" else JSONB())

    def process_bind_param(self, value: Any, dialect: Dialect) -> Any:
        if value is None or dialect.name != "sqlite":
            return value
        return msgspec.json.encode(value).decode()

    def process_result_value(self, value: Any, dialect: Dialect) -> Any:
        if value is None or dialect.name != "sqlite":
            return value
        return msgspec.json.decode(value)


class Many(TypeDecorator[Sequence[Any]]):
    """Several values as one bound parameter, for ``any_of``; never a column."""

    impl = Text
    cache_ok = True

    def __init__(self, item: TypeEngine[Any]) -> None:
        self.item = item
        super().__init__()

    def load_dialect_impl(self, dialect: Dialect) -> TypeEngine[Any]:
        if dialect.name == "sqlite":
            return dialect.type_descriptor(Text())
        return dialect.type_descriptor(ARRAY(self.item.dialect_impl(dialect)))

    def process_bind_param(self, value: Sequence[Any] | None, dialect: Dialect) -> Any:
        if value is None:
            return None
        if dialect.name != "sqlite":
            return list(value)  # ARRAY converts the items
        convert = self.item.dialect_impl(dialect).bind_processor(dialect)
        items = list(value) if convert is None else [convert(item) for item in value]
        return msgspec.json.encode(items).decode()
