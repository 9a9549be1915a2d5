"""The event log: its order of writing, versions, and cursors of consumers."""

import sqlalchemy as sa
from alembic import op

from lacewing.kernel.db.types import Document, Timestamp

revision = "0006_events"
down_revision = "0005_documents"
branch_labels = None
depends_on = None

_WAITING = sa.text("sequence IS NULL")


def upgrade() -> None:
    op.create_table(
        "event_cursors",
        sa.Column("consumer", sa.Text(), nullable=False),
        sa.Column("sequence", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("consumer", name=("pk_event_cursors")),
    )
    op.drop_index("ix_outbox_waiting", "outbox")
    if op.get_context().dialect.name == "postgresql":
        op.drop_constraint("pk_outbox", "outbox")
        op.add_column(
            "outbox", sa.Column("position", sa.BigInteger(), sa.Identity(), nullable=False)
        )
        op.add_column(
            "outbox",
            sa.Column("version", sa.SmallInteger(), nullable=False, server_default=sa.text("1")),
        )
        _place_by_id()
        op.create_primary_key("pk_outbox", "outbox", ["position"])
        op.create_unique_constraint("uq_outbox_id", "outbox", ["id"])
    else:
        # No other way to another primary key.
        op.rename_table("outbox", "outbox_before")
        _create_outbox(
            sa.Column("position", sa.Integer(), nullable=False),
            sa.Column("version", sa.SmallInteger(), nullable=False, server_default=sa.text("1")),
            sa.PrimaryKeyConstraint("position", name=("pk_outbox")),
            sa.UniqueConstraint("id", name=("uq_outbox_id")),
        )
        _move("outbox_before", "outbox")
    op.create_index(
        "ix_outbox_waiting",
        "outbox",
        ["position"],
        postgresql_where=_WAITING,
        sqlite_where=_WAITING,
    )


def downgrade() -> None:
    op.drop_index("ix_outbox_waiting", "outbox")
    if op.get_context().dialect.name == "postgresql":
        op.drop_constraint("uq_outbox_id", "outbox")
        op.drop_constraint("pk_outbox", "outbox")
        op.create_primary_key("pk_outbox", "outbox", ["id"])
        op.drop_column("outbox", "position")
        op.drop_column("outbox", "version")
    else:
        op.rename_table("outbox", "outbox_after")
        _create_outbox(sa.PrimaryKeyConstraint("id", name=("pk_outbox")))
        _move("outbox_after", "outbox")
    op.create_index(
        "ix_outbox_waiting", "outbox", ["id"], postgresql_where=_WAITING, sqlite_where=_WAITING
    )
    op.drop_table("event_cursors")


def _place_by_id() -> None:
    """Ids hold their time, so they keep the order; a table that was vacuumed may not."""
    op.execute(
        "UPDATE outbox SET position = placed.place "
        "FROM (SELECT id, row_number() OVER (ORDER BY id) AS place FROM outbox) AS placed "
        "WHERE placed.id = outbox.id"
    )
    op.execute(
        "SELECT setval(pg_get_serial_sequence('outbox', 'position'), "
        "(SELECT coalesce(max(position), 0) + 1 FROM outbox), false)"
    )


def _create_outbox(*others: sa.Column | sa.Constraint) -> None:
    op.create_table(
        "outbox",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("at", Timestamp(), nullable=False),
        sa.Column("actor_id", sa.Uuid()),
        sa.Column("request_id", sa.Text()),
        sa.Column("data", Document(), nullable=False),
        sa.Column("sequence", sa.BigInteger()),
        sa.UniqueConstraint("sequence", name=("uq_outbox_sequence")),
        *others,
    )


def _move(source: str, target: str) -> None:
    names = ("id", "name", "at", "actor_id", "request_id", "data", "sequence")
    before = sa.table(source, *map(sa.column, names))
    after = sa.table(target, *map(sa.column, names))
    op.execute(sa.insert(after).from_select(names, sa.select(before).order_by(before.c.id)))
    op.drop_table(source)
