"""The kernel's tables: audit log, outbox, idempotency keys."""

import sqlalchemy as sa
from alembic import op

from lacewing.kernel.db.types import Document, Timestamp

revision = "0001_kernel"
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "audit_log",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("at", Timestamp(), nullable=False),
        sa.Column("user_id", sa.Uuid(), nullable=True),
        sa.Column("ip", sa.Text(), nullable=True),
        sa.Column("request_id", sa.Text(), nullable=True),
        sa.Column("action", sa.Text(), nullable=False),
        sa.Column("resource", sa.Text(), nullable=True),
        sa.Column("outcome", sa.Text(), nullable=False),
        sa.Column("details", Document(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=("pk_audit_log")),
    )
    op.create_index(
        ("ix_audit_log_action_at_id"), "audit_log", ["action", "at", "id"], unique=False
    )
    op.create_index(("ix_audit_log_at_id"), "audit_log", ["at", "id"], unique=False)
    op.create_index(
        ("ix_audit_log_user_id_at_id"), "audit_log", ["user_id", "at", "id"], unique=False
    )
    op.create_table(
        "idempotency_keys",
        sa.Column("owner", sa.Text(), nullable=False),
        sa.Column("key", sa.Text(), nullable=False),
        sa.Column("fingerprint", sa.Text(), nullable=False),
        sa.Column("created_at", Timestamp(), nullable=False),
        sa.Column("claimed_until", Timestamp(), nullable=False),
        sa.Column("status", sa.SmallInteger(), nullable=True),
        sa.Column("headers", Document(), nullable=True),
        sa.Column("body", sa.LargeBinary(), nullable=True),
        sa.PrimaryKeyConstraint("owner", "key", name=("pk_idempotency_keys")),
    )
    op.create_index(
        ("ix_idempotency_keys_created_at"), "idempotency_keys", ["created_at"], unique=False
    )
    op.create_table(
        "outbox",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("at", Timestamp(), nullable=False),
        sa.Column("actor_id", sa.Uuid(), nullable=True),
        sa.Column("request_id", sa.Text(), nullable=True),
        sa.Column("data", Document(), nullable=False),
        sa.Column("sequence", sa.BigInteger(), nullable=True),
        sa.PrimaryKeyConstraint("id", name=("pk_outbox")),
        sa.UniqueConstraint("sequence", name=("uq_outbox_sequence")),
    )
    op.create_index(
        "ix_outbox_waiting",
        "outbox",
        ["id"],
        unique=False,
        postgresql_where=sa.text("sequence IS NULL"),
        sqlite_where=sa.text("sequence IS NULL"),
    )
    _make_append_only()


def downgrade() -> None:
    _undo_append_only()
    op.drop_table("outbox")
    op.drop_table("idempotency_keys")
    op.drop_table("audit_log")


def _make_append_only() -> None:
    """Refuse to change or delete what stands in the audit log (SEC-9)."""
    if op.get_context().dialect.name == "postgresql":
        op.execute(
            "CREATE FUNCTION refuse_change() RETURNS trigger LANGUAGE plpgsql AS "
            "$$ BEGIN RAISE EXCEPTION 'the audit log is append-only'; END $$"
        )
        op.execute(
            "CREATE TRIGGER audit_log_append_only BEFORE UPDATE OR DELETE OR TRUNCATE "
            "ON audit_log FOR EACH STATEMENT EXECUTE FUNCTION refuse_change()"
        )
        return
    for verb in ("UPDATE", "DELETE"):
        op.execute(
            f"CREATE TRIGGER audit_log_no_{verb.lower()} BEFORE {verb} ON audit_log "
            "BEGIN SELECT RAISE(ABORT, 'the audit log is append-only'); END"
        )
    # SQLite's REPLACE deletes without asking the trigger above.
    op.execute(
        "CREATE TRIGGER audit_log_no_replace BEFORE INSERT ON audit_log "
        "WHEN EXISTS (SELECT 1 FROM audit_log WHERE id = NEW.id OR rowid = NEW.rowid) "
        "BEGIN SELECT RAISE(ABORT, 'the audit log is append-only'); END"
    )


def _undo_append_only() -> None:
    if op.get_context().dialect.name == "postgresql":
        op.execute("DROP TRIGGER audit_log_append_only ON audit_log")
        op.execute("DROP FUNCTION refuse_change()")
        return
    for verb in ("update", "delete", "replace"):
        op.execute(f"DROP TRIGGER audit_log_no_{verb}")
