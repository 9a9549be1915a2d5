from sqlalchemy import (
    Boolean,
    CheckConstraint,
    Column,
    ForeignKey,
    Index,
    Integer,
    Table,
    Text,
    UniqueConstraint,
    Uuid,
)

from lacewing.kernel.db.metadata import EPHEMERAL, metadata
from lacewing.kernel.db.types import Document, Timestamp

webhooks = Table(
    "webhooks",
    metadata,
    Column("id", Uuid, primary_key=True),
    Column("project_id", Uuid, ForeignKey("projects.id", ondelete="RESTRICT"), nullable=False),
    Column("url", Text, nullable=False),
    Column("event_types", Document, nullable=False),
    Column("description", Text, nullable=False),
    Column("is_active", Boolean, nullable=False),
    # Why Lacewing itself switched it off.
    Column("off_reason", Text),
    # Since when every try has failed.
    Column("failing_since", Timestamp),
    Column("created_by", Uuid, ForeignKey("users.id", ondelete="RESTRICT"), nullable=False),
    Column("created_at", Timestamp, nullable=False),
    Column("updated_at", Timestamp, nullable=False),
    CheckConstraint("off_reason IN ('gone', 'failing')", "off_reason_known"),
    Index(None, "project_id", "created_at", "id"),
    Index(None, "created_by"),
)

webhook_secrets = Table(
    "webhook_secrets",
    metadata,
    Column("id", Uuid, primary_key=True),
    Column("webhook_id", Uuid, ForeignKey("webhooks.id", ondelete="CASCADE"), nullable=False),
    Column("sealed", Text, nullable=False),
    Column("created_at", Timestamp, nullable=False),
    # Of a secret that was replaced: until then it signs beside the new one.
    Column("signs_until", Timestamp),
    Index(None, "webhook_id"),
    info=EPHEMERAL,
)
"""Sealed by a key of this installation, so an export leaves them behind."""

webhook_deliveries = Table(
    "webhook_deliveries",
    metadata,
    Column("id", Uuid, primary_key=True),
    # No foreign key: a deleted webhook's are cleared in batches, however many there are.
    Column("webhook_id", Uuid, nullable=False),
    # The event's id, so that of one event there is one delivery for each webhook.
    Column("message_id", Uuid, nullable=False),
    Column("event_type", Text, nullable=False),
    Column("occurred_at", Timestamp, nullable=False),
    Column("data", Document, nullable=False),
    Column("status", Text, nullable=False),
    # Grows with each replay: a job of an earlier round finds that it is no longer wanted.
    Column("round", Integer, nullable=False),
    Column("attempts", Integer, nullable=False),
    # The last tries, each with its time, duration and outcome.
    Column("tries", Document, nullable=False),
    Column("last_status_code", Integer),
    Column("response_excerpt", Text),
    Column("error", Text),
    Column("next_attempt_at", Timestamp),
    Column("finished_at", Timestamp),
    UniqueConstraint("webhook_id", "message_id"),
    CheckConstraint("status IN ('pending', 'delivered', 'failed')", "status_known"),
    Index(None, "webhook_id", "occurred_at", "id"),
    # Of a list by type each status is a range too; the second one finds what is pending as well.
    Index(
        "ix_webhook_deliveries_by_type", "webhook_id", "event_type", "status", "occurred_at", "id"
    ),
    Index(None, "webhook_id", "status", "occurred_at", "id"),
    Index(None, "occurred_at"),
    info=EPHEMERAL,
)
"""What was sent or will be, kept for a while. As its jobs do, it stays behind in an export."""
