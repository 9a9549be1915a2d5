"""Which programs may run on the schema: the promise that a newer schema gives to older programs."""

import sqlalchemy as sa
from alembic import op

revision = "0013_schema_promise"
down_revision = "0012_job_lanes"
branch_labels = None
depends_on = None
phase = "expand"
oldest_program = "0013_schema_promise"
"""Those of before knew of no promise, and refuse any schema but their own."""


def upgrade() -> None:
    op.create_table(
        "schema_promise",
        sa.Column("oldest_program", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("oldest_program", name=("pk_schema_promise")),
    )


def downgrade() -> None:
    op.drop_table("schema_promise")
