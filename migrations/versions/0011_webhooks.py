"""Webhooks, their secrets and deliveries; lanes of jobs."""

import sqlalchemy as sa
from alembic import op

from lacewing.kernel.db.types import Document, Timestamp

revision = "0011_webhooks"
down_revision = "0010_notifications"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("jobs", sa.Column("lane", sa.Text(), nullable=True))
    op.create_table(
        "webhooks",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("project_id", sa.Uuid(), nullable=False),
        sa.Column("url", sa.Text(), nullable=False),
        sa.Column("event_types", Document(), nullable=False),
        sa.Column("description", sa.Text(), nullable=False),
        sa.Column("is_active", sa.Boolean(), nullable=False),
        sa.Column("off_reason", sa.Text(), nullable=True),
        sa.Column("failing_since", Timestamp(), nullable=True),
        sa.Column("created_by", sa.Uuid(), nullable=False),
        sa.Column("created_at", Timestamp(), nullable=False),
        sa.Column("updated_at", Timestamp(), nullable=False),
        sa.CheckConstraint(
            "off_reason IN ('gone', 'failing')", name=("ck_webhooks_off_reason_known")
        ),
        sa.ForeignKeyConstraint(
            ["project_id"], ["projects.id"], name=("fk_webhooks_project_id"), ondelete="RESTRICT"
        ),
        sa.ForeignKeyConstraint(
            ["created_by"], ["users.id"], name=("fk_webhooks_created_by"), ondelete="RESTRICT"
        ),
        sa.PrimaryKeyConstraint("id", name=("pk_webhooks")),
    )
    op.create_index(
        ("ix_webhooks_project_id_created_at_id"), "webhooks", ["project_id", "created_at", "id"]
    )
    op.create_index(("ix_webhooks_created_by"), "webhooks", ["created_by"])
    op.create_table(
        "webhook_secrets",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("webhook_id", sa.Uuid(), nullable=False),
        sa.Column("sealed", sa.Text(), nullable=False),
        sa.Column("created_at", Timestamp(), nullable=False),
        sa.Column("signs_until", Timestamp(), nullable=True),
        sa.ForeignKeyConstraint(
            ["webhook_id"],
            ["webhooks.id"],
            name=("fk_webhook_secrets_webhook_id"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("id", name=("pk_webhook_secrets")),
    )
    op.create_index(("ix_webhook_secrets_webhook_id"), "webhook_secrets", ["webhook_id"])
    _create_deliveries()


def _create_deliveries() -> None:
    op.create_table(
        "webhook_deliveries",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("webhook_id", sa.Uuid(), nullable=False),
        sa.Column("message_id", sa.Uuid(), nullable=False),
        sa.Column("event_type", sa.Text(), nullable=False),
        sa.Column("occurred_at", Timestamp(), nullable=False),
        sa.Column("data", Document(), nullable=False),
        sa.Column("status", sa.Text(), nullable=False),
        sa.Column("round", sa.Integer(), nullable=False),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("tries", Document(), nullable=False),
        sa.Column("last_status_code", sa.Integer(), nullable=True),
        sa.Column("response_excerpt", sa.Text(), nullable=True),
        sa.Column("error", sa.Text(), nullable=True),
        sa.Column("next_attempt_at", Timestamp(), nullable=True),
        sa.Column("finished_at", Timestamp(), nullable=True),
        sa.CheckConstraint(
            "status IN ('pending', 'delivered', 'failed')",
            name=("ck_webhook_deliveries_status_known"),
        ),
        sa.PrimaryKeyConstraint("id", name=("pk_webhook_deliveries")),
        sa.UniqueConstraint(
            "webhook_id", "message_id", name=("uq_webhook_deliveries_webhook_id_message_id")
        ),
    )
    op.create_index(
        ("ix_webhook_deliveries_webhook_id_occurred_at_id"),
        "webhook_deliveries",
        ["webhook_id", "occurred_at", "id"],
    )
    op.create_index(
        ("ix_webhook_deliveries_by_type"),
        "webhook_deliveries",
        ["webhook_id", "event_type", "status", "occurred_at", "id"],
    )
    op.create_index(
        ("ix_webhook_deliveries_webhook_id_status_occurred_at_id"),
        "webhook_deliveries",
        ["webhook_id", "status", "occurred_at", "id"],
    )
    op.create_index(("ix_webhook_deliveries_occurred_at"), "webhook_deliveries", ["occurred_at"])


def downgrade() -> None:
    for table in ("webhook_deliveries", "webhook_secrets", "webhooks"):
        op.drop_table(table)
    op.execute("DELETE FROM jobs WHERE lane IS NOT NULL")
    op.drop_column("jobs", "lane")
