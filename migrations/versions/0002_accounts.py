"""Users, sessions and refresh tokens."""

import sqlalchemy as sa
from alembic import op

from lacewing.kernel.db.types import Document, Timestamp

revision = "0002_accounts"
down_revision = "0001_kernel"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "users",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("username", sa.String(length=50), nullable=False),
        sa.Column("username_key", sa.Text(), nullable=False),
        sa.Column("email", sa.Text(), nullable=False),
        sa.Column("email_key", sa.Text(), nullable=False),
        sa.Column("full_name", sa.Text(), nullable=True),
        sa.Column("password_hash", sa.Text(), nullable=True),
        sa.Column("role", sa.Text(), nullable=False),
        sa.Column("is_active", sa.Boolean(), nullable=False),
        sa.Column("created_at", Timestamp(), nullable=False),
        sa.Column("last_login", Timestamp(), nullable=True),
        sa.Column("recent_failures", Document(), server_default=sa.text("'[]'"), nullable=False),
        sa.Column("locked_until", Timestamp(), nullable=True),
        sa.Column("lock_count", sa.Integer(), server_default=sa.text("0"), nullable=False),
        sa.CheckConstraint(
            "role IN ('developer', 'manager', 'admin')", name=("ck_users_role_known")
        ),
        sa.PrimaryKeyConstraint("id", name=("pk_users")),
        sa.UniqueConstraint("email_key", name=("uq_users_email_key")),
        sa.UniqueConstraint("username_key", name=("uq_users_username_key")),
    )
    op.create_index(("ix_users_created_at_id"), "users", ["created_at", "id"], unique=False)
    op.create_table(
        "sessions",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("user_id", sa.Uuid(), nullable=False),
        sa.Column("created_at", Timestamp(), nullable=False),
        sa.Column("last_used_at", Timestamp(), nullable=False),
        sa.Column("expires_at", Timestamp(), nullable=False),
        sa.Column("ended_at", Timestamp(), nullable=True),
        sa.Column("end_reason", sa.Text(), nullable=True),
        sa.Column("ip", sa.Text(), nullable=True),
        sa.Column("user_agent", sa.Text(), nullable=True),
        sa.ForeignKeyConstraint(
            ["user_id"], ["users.id"], name=("fk_sessions_user_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=("pk_sessions")),
    )
    op.create_index(("ix_sessions_expires_at"), "sessions", ["expires_at"], unique=False)
    op.create_index(
        ("ix_sessions_user_id_ended_at"), "sessions", ["user_id", "ended_at"], unique=False
    )
    op.create_table(
        "refresh_tokens",
        sa.Column("session_id", sa.Uuid(), nullable=False),
        sa.Column("generation", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("token_hash", sa.Text(), nullable=False),
        sa.Column("issued_at", Timestamp(), nullable=False),
        sa.Column("expires_at", Timestamp(), nullable=False),
        sa.Column("consumed_at", Timestamp(), nullable=True),
        sa.ForeignKeyConstraint(
            ["session_id"],
            ["sessions.id"],
            name=("fk_refresh_tokens_session_id"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("session_id", "generation", name=("pk_refresh_tokens")),
        sa.UniqueConstraint("token_hash", name=("uq_refresh_tokens_token_hash")),
    )
    op.create_index(
        "uq_refresh_tokens_one_live",
        "refresh_tokens",
        ["session_id"],
        unique=True,
        postgresql_where=sa.text("consumed_at IS NULL"),
        sqlite_where=sa.text("consumed_at IS NULL"),
    )


def downgrade() -> None:
    op.drop_table("refresh_tokens")
    op.drop_table("sessions")
    op.drop_table("users")
