"""Who watches which issue, who is told of which event, and tickets for sockets."""

import sqlalchemy as sa
from alembic import op

from lacewing.kernel.db.types import Timestamp

revision = "0010_notifications"
down_revision = "0009_dashboard"
branch_labels = None
depends_on = None

_UNREAD = sa.text("read_at IS NULL")
_OF_OTHERS = sa.text("reason <> 'own'")


def upgrade() -> None:
    op.create_table(
        "issue_watches",
        sa.Column("issue_id", sa.Uuid(), nullable=False),
        sa.Column("user_id", sa.Uuid(), nullable=False),
        sa.Column("is_watching", sa.Boolean(), nullable=False),
        sa.ForeignKeyConstraint(
            ["issue_id"], ["issues.id"], name=("fk_issue_watches_issue_id"), ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(
            ["user_id"], ["users.id"], name=("fk_issue_watches_user_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("issue_id", "user_id", name=("pk_issue_watches")),
    )
    op.create_index(("ix_issue_watches_user_id"), "issue_watches", ["user_id"])
    op.create_table(
        "notifications",
        sa.Column("sequence", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("user_id", sa.Uuid(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("read_at", Timestamp()),
        sa.ForeignKeyConstraint(
            ["user_id"], ["users.id"], name=("fk_notifications_user_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("sequence", "user_id", name=("pk_notifications")),
    )
    op.create_index(("ix_notifications_user_id_sequence"), "notifications", ["user_id", "sequence"])
    op.create_index(
        "ix_notifications_of_others",
        "notifications",
        ["user_id", "sequence"],
        postgresql_where=_OF_OTHERS,
        sqlite_where=_OF_OTHERS,
    )
    op.create_index(
        "ix_notifications_unread",
        "notifications",
        ["user_id", "sequence"],
        postgresql_where=_UNREAD,
        sqlite_where=_UNREAD,
    )
    op.create_table(
        "notification_preferences",
        sa.Column("user_id", sa.Uuid(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("is_wanted", sa.Boolean(), nullable=False),
        sa.ForeignKeyConstraint(
            ["user_id"],
            ["users.id"],
            name=("fk_notification_preferences_user_id"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("user_id", "reason", name=("pk_notification_preferences")),
    )
    op.create_table(
        "live_tickets",
        sa.Column("token_hash", sa.Text(), nullable=False),
        sa.Column("session_id", sa.Uuid(), nullable=False),
        sa.Column("expires_at", Timestamp(), nullable=False),
        sa.PrimaryKeyConstraint("token_hash", name=("pk_live_tickets")),
    )
    op.create_index(("ix_live_tickets_expires_at"), "live_tickets", ["expires_at"])


def downgrade() -> None:
    for table in (
        "live_tickets",
        "notification_preferences",
        "notifications",
        "issue_watches",
    ):
        op.drop_table(table)
