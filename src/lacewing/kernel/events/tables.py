"""The outbox: every event, in the transaction of its change; numbered by the relay afterwards."""

from sqlalchemy import BigInteger, Column, Index, Table, Text, Uuid, text

from lacewing.kernel.db.metadata import metadata
from lacewing.kernel.db.types import Document, Timestamp

outbox = Table(
    "outbox",
    metadata,
    Column("id", Uuid, primary_key=True),
    Column("name", Text, nullable=False),
    Column("at", Timestamp, nullable=False),
    Column("actor_id", Uuid),
    Column("request_id", Text),
    Column("data", Document, nullable=False),
    # Given after commit: numbers given at insert time commit out of order, and readers skip some.
    Column("sequence", BigInteger, unique=True),
    Index(
        "ix_outbox_waiting",
        "id",
        postgresql_where=text("sequence IS NULL"),
        sqlite_where=text("sequence IS NULL"),
    ),
)
