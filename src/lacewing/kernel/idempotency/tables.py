from sqlalchemy import Column, Index, LargeBinary, SmallInteger, Table, Text

from lacewing.kernel.db.metadata import EPHEMERAL, metadata
from lacewing.kernel.db.types import Document, Timestamp

idempotency_keys = Table(
    "idempotency_keys",
    metadata,
    Column("owner", Text, primary_key=True),
    Column("key", Text, primary_key=True),
    Column("fingerprint", Text, nullable=False),
    Column("created_at", Timestamp, nullable=False),
    # Until then nobody else carries the request out; a crash leaves it to the next try.
    Column("claimed_until", Timestamp, nullable=False),
    # The answer, once there is one.
    Column("status", SmallInteger),
    Column("headers", Document),
    Column("body", LargeBinary),
    Index(None, "created_at"),
    info=EPHEMERAL,
)
