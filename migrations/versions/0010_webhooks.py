"""Lanes of jobs."""

import sqlalchemy as sa
from alembic import op

revision = "0010_webhooks"
down_revision = "0006_events"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("jobs", sa.Column("lane", sa.Text(), nullable=True))


def downgrade() -> None:
    op.execute("DELETE FROM jobs WHERE lane IS NOT NULL")
    op.drop_column("jobs", "lane")
