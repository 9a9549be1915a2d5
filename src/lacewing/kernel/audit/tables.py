from sqlalchemy import BigInteger, Column, Index, Table, Text, Uuid

from lacewing.kernel.db.metadata import EPHEMERAL, metadata
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

audit_pending = Table(
    "audit_pending",
    metadata,
    Column("entry_id", Uuid, primary_key=True),
    info=EPHEMERAL,
)
"""Entries that the chain has not taken in yet; a trigger notes each new one."""

audit_chain = Table(
    "audit_chain",
    metadata,
    Column("sequence", BigInteger, primary_key=True, autoincrement=False),
    Column("entry_id", Uuid, nullable=False, unique=True),
    # Hexadecimal; no foreign key, so that a missing entry can be told from one never made.
    Column("link", Text, nullable=False),
    info=EPHEMERAL,
)
"""Each entry bound to all before it; keyed by this installation, so an export leaves it out."""
