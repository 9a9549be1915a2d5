"""Indexes by which workers find what is due of one kind, and of one lane of it."""

from alembic import op

revision = "0012_job_lanes"
down_revision = "0011_webhooks"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_index(("ix_jobs_kind_due_at_id"), "jobs", ["kind", "due_at", "id"])
    op.create_index(("ix_jobs_kind_lane_due_at_id"), "jobs", ["kind", "lane", "due_at", "id"])
    op.drop_index(("ix_jobs_due_at_id"), table_name="jobs")


def downgrade() -> None:
    op.create_index(("ix_jobs_due_at_id"), "jobs", ["due_at", "id"])
    op.drop_index(("ix_jobs_kind_lane_due_at_id"), table_name="jobs")
    op.drop_index(("ix_jobs_kind_due_at_id"), table_name="jobs")
