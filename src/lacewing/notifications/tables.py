from sqlalchemy import BigInteger, Boolean, Column, ForeignKey, Index, Table, Text, Uuid, text

from lacewing.kernel.db.metadata import metadata
from lacewing.kernel.db.types import Timestamp

_UNREAD = text("read_at IS NULL")
_OF_OTHERS = text("reason <> 'own'")

notifications = Table(
    "notifications",
    metadata,
    # The number of the event in the log, where all else about it stands.
    Column("sequence", BigInteger, primary_key=True, autoincrement=False),
    Column("user_id", Uuid, ForeignKey("users.id", ondelete="CASCADE"), primary_key=True),
    Column("reason", Text, nullable=False),
    Column("read_at", Timestamp),
    Index(None, "user_id", "sequence"),
    # An inbox holds what others did; most of what is written may be one's own.
    Index(
        "ix_notifications_of_others",
        "user_id",
        "sequence",
        postgresql_where=_OF_OTHERS,
        sqlite_where=_OF_OTHERS,
    ),
    Index(
        "ix_notifications_unread",
        "user_id",
        "sequence",
        postgresql_where=_UNREAD,
        sqlite_where=_UNREAD,
    ),
)

notification_preferences = Table(
    "notification_preferences",
    metadata,
    Column("user_id", Uuid, ForeignKey("users.id", ondelete="CASCADE"), primary_key=True),
    Column("reason", Text, primary_key=True),
    Column("is_wanted", Boolean, nullable=False),
)

live_tickets = Table(
    "live_tickets",
    metadata,
    Column("token_hash", Text, primary_key=True),
    Column("session_id", Uuid, nullable=False),
    Column("expires_at", Timestamp, nullable=False),
    Index(None, "expires_at"),
    info={"ephemeral": True},
)
"""One-time ways into a socket, for pages that can send no header."""
