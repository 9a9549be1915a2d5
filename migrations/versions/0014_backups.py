"""Which backups were made, and until when one under way keeps files from being removed."""

import sqlalchemy as sa
from alembic import op

from lacewing.kernel.db.types import Timestamp

revision = "0014_backups"
down_revision = "0013_schema_promise"
branch_labels = None
depends_on = None
phase = "expand"


def upgrade() -> None:
    op.create_table(
        "backups",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("started_at", Timestamp(), nullable=False),
        sa.Column("holds_files_until", Timestamp(), nullable=False),
        sa.Column("finished_at", Timestamp()),
        sa.Column("size_bytes", sa.BigInteger()),
        sa.Column("is_sealed", sa.Boolean(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=("pk_backups")),
    )
    op.create_index(("ix_backups_finished_at"), "backups", ["finished_at"])


def downgrade() -> None:
    op.drop_table("backups")
