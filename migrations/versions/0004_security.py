"""Known devices, personal access tokens, linked identities, and the chain of the audit log."""

import sqlalchemy as sa
from alembic import op

from lacewing.kernel.db.types import Document, Timestamp

revision = "0004_security"
down_revision = "0003_tracker"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("users", sa.Column("email_proven_at", Timestamp(), nullable=True))
    op.create_table(
        "known_devices",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("user_id", sa.Uuid(), nullable=False),
        sa.Column("token_hash", sa.Text(), nullable=False),
        sa.Column("created_at", Timestamp(), nullable=False),
        sa.Column("expires_at", Timestamp(), nullable=False),
        sa.Column("recent_failures", Document(), nullable=False),
        sa.ForeignKeyConstraint(
            ["user_id"], ["users.id"], name=("fk_known_devices_user_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=("pk_known_devices")),
        sa.UniqueConstraint("token_hash", name=("uq_known_devices_token_hash")),
    )
    op.create_index(("ix_known_devices_expires_at"), "known_devices", ["expires_at"])
    op.create_index(("ix_known_devices_user_id"), "known_devices", ["user_id"])
    op.create_table(
        "personal_access_tokens",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("user_id", sa.Uuid(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("token_hash", sa.Text(), nullable=False),
        sa.Column("hint", sa.Text(), nullable=False),
        sa.Column("scopes", Document(), nullable=False),
        sa.Column("project_ids", Document(), nullable=True),
        sa.Column("created_at", Timestamp(), nullable=False),
        sa.Column("expires_at", Timestamp(), nullable=False),
        sa.Column("last_used_at", Timestamp(), nullable=True),
        sa.Column("revoked_at", Timestamp(), nullable=True),
        sa.ForeignKeyConstraint(
            ["user_id"],
            ["users.id"],
            name=("fk_personal_access_tokens_user_id"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("id", name=("pk_personal_access_tokens")),
        sa.UniqueConstraint("token_hash", name=("uq_personal_access_tokens_token_hash")),
    )
    op.create_index(
        ("ix_personal_access_tokens_user_id_created_at_id"),
        "personal_access_tokens",
        ["user_id", "created_at", "id"],
    )
    op.create_table(
        "identities",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("user_id", sa.Uuid(), nullable=False),
        sa.Column("provider", sa.Text(), nullable=False),
        sa.Column("issuer", sa.Text(), nullable=False),
        sa.Column("subject", sa.Text(), nullable=False),
        sa.Column("created_at", Timestamp(), nullable=False),
        sa.Column("last_used_at", Timestamp(), nullable=False),
        sa.ForeignKeyConstraint(
            ["user_id"], ["users.id"], name=("fk_identities_user_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=("pk_identities")),
        sa.UniqueConstraint("issuer", "subject", name=("uq_identities_issuer_subject")),
    )
    op.create_index(
        ("ix_identities_user_id_created_at_id"), "identities", ["user_id", "created_at", "id"]
    )
    op.create_table(
        "used_login_states",
        sa.Column("state_hash", sa.Text(), nullable=False),
        sa.Column("expires_at", Timestamp(), nullable=False),
        sa.PrimaryKeyConstraint("state_hash", name=("pk_used_login_states")),
    )
    op.create_index(("ix_used_login_states_expires_at"), "used_login_states", ["expires_at"])
    op.create_table(
        "audit_pending",
        sa.Column("entry_id", sa.Uuid(), nullable=False),
        sa.PrimaryKeyConstraint("entry_id", name=("pk_audit_pending")),
    )
    op.create_table(
        "audit_chain",
        sa.Column("sequence", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("entry_id", sa.Uuid(), nullable=False),
        sa.Column("link", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("sequence", name=("pk_audit_chain")),
        sa.UniqueConstraint("entry_id", name=("uq_audit_chain_entry_id")),
    )
    # The trigger first: it waits for whoever is writing, whose entries are then seen here.
    _note_each_new_entry()
    op.execute(
        "INSERT INTO audit_pending (entry_id) SELECT id FROM audit_log WHERE true "
        "ON CONFLICT DO NOTHING"
    )


def downgrade() -> None:
    if op.get_context().dialect.name == "postgresql":
        op.execute("DROP TRIGGER audit_log_noted ON audit_log")
        op.execute("DROP FUNCTION note_audit_entry()")
    else:
        op.execute("DROP TRIGGER audit_log_noted")
    for table in (
        "audit_chain",
        "audit_pending",
        "used_login_states",
        "identities",
        "personal_access_tokens",
        "known_devices",
    ):
        op.drop_table(table)
    op.drop_column("users", "email_proven_at")


def _note_each_new_entry() -> None:
    """Whatever enters the audit log waits to be chained, in the same transaction (SEC-9)."""
    if op.get_context().dialect.name == "postgresql":
        op.execute(
            "CREATE FUNCTION note_audit_entry() RETURNS trigger LANGUAGE plpgsql AS "
            "$$ BEGIN INSERT INTO audit_pending (entry_id) VALUES (NEW.id); RETURN NULL; END $$"
        )
        op.execute(
            "CREATE TRIGGER audit_log_noted AFTER INSERT ON audit_log "
            "FOR EACH ROW EXECUTE FUNCTION note_audit_entry()"
        )
        return
    op.execute(
        "CREATE TRIGGER audit_log_noted AFTER INSERT ON audit_log "
        "BEGIN INSERT INTO audit_pending (entry_id) VALUES (NEW.id); END"
    )
