"""Events and jobs know the span that they come from."""

import sqlalchemy as sa
from alembic import op

revision = "0015_traces"
down_revision = "0014_backups"
branch_labels = None
depends_on = None
phase = "expand"


def upgrade() -> None:
    for table in ("outbox", "jobs"):
        op.add_column(table, sa.Column("traceparent", sa.Text(), nullable=True))


def downgrade() -> None:
    for table in ("outbox", "jobs"):
        op.drop_column(table, "traceparent")
