from typing import Final

from sqlalchemy import (
    Boolean,
    CheckConstraint,
    Column,
    ForeignKey,
    Index,
    Integer,
    String,
    Table,
    Text,
    UniqueConstraint,
    Uuid,
    text,
)

from lacewing.accounts.rules import USERNAME_LENGTH_MAX
from lacewing.kernel.db.encryption import Sealed
from lacewing.kernel.db.metadata import EPHEMERAL, metadata
from lacewing.kernel.db.types import Document, Timestamp

EMAIL: Final = "users.email"
FULL_NAME: Final = "users.full_name"

users = Table(
    "users",
    metadata,
    Column("id", Uuid, primary_key=True),
    Column("username", String(USERNAME_LENGTH_MAX), nullable=False),
    # The folded forms carry uniqueness and look-ups without regard to case.
    Column("username_key", Text, nullable=False, unique=True),
    Column("email", Sealed(EMAIL), nullable=False),
    Column("email_key", Text, nullable=False, unique=True),
    # When an identity provider vouched for the email as it stands; null for one merely typed in.
    Column("email_proven_at", Timestamp),
    Column("full_name", Sealed(FULL_NAME)),
    # Null for those who came with an import and never had a password here.
    Column("password_hash", Text),
    Column("role", Text, nullable=False),
    Column("is_active", Boolean, nullable=False),
    Column("created_at", Timestamp, nullable=False),
    Column("last_login", Timestamp),
    # When logins have failed lately, in seconds since 1970; never more than lock the account.
    Column("recent_failures", Document, nullable=False, server_default=text("'[]'")),
    Column("locked_until", Timestamp),
    Column("lock_count", Integer, nullable=False, server_default=text("0")),
    CheckConstraint("role IN ('developer', 'manager', 'admin')", "role_known"),
    Index(None, "created_at", "id"),
)

sessions = Table(
    "sessions",
    metadata,
    Column("id", Uuid, primary_key=True),
    Column("user_id", Uuid, ForeignKey("users.id", ondelete="CASCADE"), nullable=False),
    Column("created_at", Timestamp, nullable=False),
    Column("last_used_at", Timestamp, nullable=False),
    Column("expires_at", Timestamp, nullable=False),
    Column("ended_at", Timestamp),
    Column("end_reason", Text),
    Column("ip", Text),
    Column("user_agent", Text),
    Index(None, "user_id", "ended_at"),
    Index(None, "expires_at"),
    info=EPHEMERAL,
)

refresh_tokens = Table(
    "refresh_tokens",
    metadata,
    Column("session_id", Uuid, ForeignKey("sessions.id", ondelete="CASCADE"), primary_key=True),
    Column("generation", Integer, primary_key=True, autoincrement=False),
    # SHA-256 of the token's id, which only the token itself carries.
    Column("token_hash", Text, nullable=False, unique=True),
    Column("issued_at", Timestamp, nullable=False),
    Column("expires_at", Timestamp, nullable=False),
    Column("consumed_at", Timestamp),
    Index(
        "uq_refresh_tokens_one_live",
        "session_id",
        unique=True,
        postgresql_where=text("consumed_at IS NULL"),
        sqlite_where=text("consumed_at IS NULL"),
    ),
    info=EPHEMERAL,
)

known_devices = Table(
    "known_devices",
    metadata,
    Column("id", Uuid, primary_key=True),
    Column("user_id", Uuid, ForeignKey("users.id", ondelete="CASCADE"), nullable=False),
    # SHA-256 of what its cookie holds.
    Column("token_hash", Text, nullable=False, unique=True),
    Column("created_at", Timestamp, nullable=False),
    Column("expires_at", Timestamp, nullable=False),
    # As of users: failed logins from this very device.
    Column("recent_failures", Document, nullable=False),
    Index(None, "user_id"),
    Index(None, "expires_at"),
    info=EPHEMERAL,
)

personal_access_tokens = Table(
    "personal_access_tokens",
    metadata,
    Column("id", Uuid, primary_key=True),
    Column("user_id", Uuid, ForeignKey("users.id", ondelete="CASCADE"), nullable=False),
    Column("name", Text, nullable=False),
    Column("token_hash", Text, nullable=False, unique=True),
    # Its last characters, so that its owner can tell it from others.
    Column("hint", Text, nullable=False),
    Column("scopes", Document, nullable=False),
    # Null: all projects that its owner sees.
    Column("project_ids", Document),
    Column("created_at", Timestamp, nullable=False),
    Column("expires_at", Timestamp, nullable=False),
    Column("last_used_at", Timestamp),
    Column("revoked_at", Timestamp),
    Index(None, "user_id", "created_at", "id"),
)

identities = Table(
    "identities",
    metadata,
    Column("id", Uuid, primary_key=True),
    Column("user_id", Uuid, ForeignKey("users.id", ondelete="CASCADE"), nullable=False),
    Column("provider", Text, nullable=False),
    # Who somebody is elsewhere: the only pair that never changes (OpenID Connect Core, 5.7).
    Column("issuer", Text, nullable=False),
    Column("subject", Text, nullable=False),
    Column("created_at", Timestamp, nullable=False),
    Column("last_used_at", Timestamp, nullable=False),
    UniqueConstraint("issuer", "subject"),
    Index(None, "user_id", "created_at", "id"),
)

used_login_states = Table(
    "used_login_states",
    metadata,
    Column("state_hash", Text, primary_key=True),
    Column("expires_at", Timestamp, nullable=False),
    Index(None, "expires_at"),
    info=EPHEMERAL,
)
