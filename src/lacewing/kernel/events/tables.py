"""The event log: written in the transaction of each change, numbered by the relay afterwards."""

from sqlalchemy import (
    BigInteger,
    Column,
    Identity,
    Index,
    Integer,
    SmallInteger,
    Table,
    Text,
    Uuid,
    text,
)

from lacewing.kernel.db.metadata import REPLACED, metadata
from lacewing.kernel.db.types import Document, Timestamp

outbox = Table(
    "outbox",
    metadata,
    # In what order they were written: whoever holds the lock of a thing, writes its next event.
    # No clock keeps that order over several machines.
    Column("position", BigInteger().with_variant(Integer, "sqlite"), Identity(), primary_key=True),
    Column("id", Uuid, nullable=False, unique=True),
    Column("name", Text, nullable=False),
    Column("version", SmallInteger, nullable=False, server_default=text("1")),
    Column("at", Timestamp, nullable=False),
    Column("actor_id", Uuid),
    Column("request_id", Text),
    # The span that it was told in (W3C Trace Context), if that is traced.
    Column("traceparent", Text),
    Column("data", Document, nullable=False),
    # Given after commit: numbers given at insert time commit out of order, and readers skip some.
    Column("sequence", BigInteger, unique=True),
    Index(
        "ix_outbox_waiting",
        "position",
        postgresql_where=text("sequence IS NULL"),
        sqlite_where=text("sequence IS NULL"),
    ),
)

event_cursors = Table(
    "event_cursors",
    metadata,
    Column("consumer", Text, primary_key=True),
    # The number of the last event that it has dealt with.
    Column("sequence", BigInteger, nullable=False),
    info=REPLACED,
)
