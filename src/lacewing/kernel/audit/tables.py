from sqlalchemy import Column, Index, Table, Text, Uuid

from lacewing.kernel.db.metadata import metadata
from lacewing.kernel.db.types import Document, Timestamp

audit_log = Table(
    "audit_log",
    metadata,
    Column("id", Uuid, primary_key=True),
    Column("at", Timestamp, nullable=False),
    # No foreign key: an entry outlives whom it tells of.
    Column("user_id", Uuid),
    Column("ip", Text),
    Column("request_id", Text),
    Column("action", Text, nullable=False),
    Column("resource", Text),
    Column("outcome", Text, nullable=False),
    Column("details", Document, nullable=False),
    Index(None, "at", "id"),
    Index(None, "action", "at", "id"),
    Index(None, "user_id", "at", "id"),
)
"""Triggers refuse ``UPDATE`` and ``DELETE`` on both databases (see the migrations)."""
