"""Jobs and their dead letters; documents, their files, results and words."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

from lacewing.kernel.db.types import Document, Timestamp

revision = "0005_documents"
down_revision = "0004_security"
branch_labels = None
depends_on = None


def upgrade() -> None:
    _create_jobs()
    _create_documents()
    op.create_table(
        "issue_attached_texts",
        sa.Column("document_id", sa.Uuid(), nullable=False),
        sa.Column("issue_id", sa.Uuid(), nullable=False),
        sa.Column("filename", sa.Text(), nullable=False),
        sa.Column("text", sa.Text(), nullable=False),
        sa.Column("created_at", Timestamp(), nullable=False),
        sa.ForeignKeyConstraint(
            ["issue_id"],
            ["issues.id"],
            name=("fk_issue_attached_texts_issue_id"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("document_id", name=("pk_issue_attached_texts")),
    )
    op.create_index(
        ("ix_issue_attached_texts_issue_id_created_at_document_id"),
        "issue_attached_texts",
        ["issue_id", "created_at", "document_id"],
    )
    _make_searchable()


def downgrade() -> None:
    if op.get_context().dialect.name == "postgresql":
        op.drop_table("document_search")
        op.drop_column("issue_search", "attached")
    else:
        op.execute("DROP TABLE document_words")
        op.drop_table("document_search_rows")
    for table in (
        "issue_attached_texts",
        "document_texts",
        "document_results",
        "documents",
        "files",
        "dead_jobs",
        "jobs",
    ):
        op.drop_table(table)


def _create_jobs() -> None:
    op.create_table(
        "jobs",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("payload", Document(), nullable=False),
        sa.Column("key", sa.Text(), nullable=True),
        sa.Column("created_at", Timestamp(), nullable=False),
        sa.Column("request_id", sa.Text(), nullable=True),
        sa.Column("due_at", Timestamp(), nullable=False),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("lease_id", sa.Uuid(), nullable=True),
        sa.Column("sent_at", Timestamp(), nullable=True),
        sa.Column("last_error", sa.Text(), nullable=True),
        sa.PrimaryKeyConstraint("id", name=("pk_jobs")),
        sa.UniqueConstraint("key", name=("uq_jobs_key")),
    )
    op.create_index(("ix_jobs_due_at_id"), "jobs", ["due_at", "id"])
    op.create_table(
        "dead_jobs",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("payload", Document(), nullable=False),
        sa.Column("created_at", Timestamp(), nullable=False),
        sa.Column("request_id", sa.Text(), nullable=True),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("died_at", Timestamp(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=("pk_dead_jobs")),
    )
    op.create_index(("ix_dead_jobs_died_at_id"), "dead_jobs", ["died_at", "id"])


def _create_documents() -> None:
    op.create_table(
        "files",
        sa.Column("sha256", sa.String(length=64), nullable=False),
        sa.Column("size_bytes", sa.BigInteger(), nullable=False),
        sa.Column("created_at", Timestamp(), nullable=False),
        sa.Column("claimed_until", Timestamp(), nullable=False),
        sa.Column("is_leaving", sa.Boolean(), nullable=False),
        sa.PrimaryKeyConstraint("sha256", name=("pk_files")),
    )
    op.create_table(
        "documents",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("owner_id", sa.Uuid(), nullable=False),
        sa.Column("project_id", sa.Uuid(), nullable=True),
        sa.Column("issue_id", sa.Uuid(), nullable=True),
        sa.Column("filename", sa.Text(), nullable=False),
        sa.Column("content_type", sa.Text(), nullable=False),
        sa.Column("sha256", sa.String(length=64), nullable=False),
        sa.Column("created_at", Timestamp(), nullable=False),
        sa.Column("updated_at", Timestamp(), nullable=False),
        sa.Column("status", sa.Text(), nullable=False),
        sa.Column("progress", sa.Integer(), nullable=False),
        sa.Column("step", sa.Text(), nullable=True),
        sa.Column("failure", sa.Text(), nullable=True),
        sa.Column("message", sa.Text(), nullable=False),
        sa.CheckConstraint(
            "status IN ('UPLOADED', 'PROCESSING', 'COMPLETED', 'FAILED')",
            name=("ck_documents_status_known"),
        ),
        sa.ForeignKeyConstraint(
            ["owner_id"], ["users.id"], name=("fk_documents_owner_id"), ondelete="RESTRICT"
        ),
        sa.ForeignKeyConstraint(
            ["project_id"], ["projects.id"], name=("fk_documents_project_id"), ondelete="RESTRICT"
        ),
        sa.ForeignKeyConstraint(
            ["issue_id"], ["issues.id"], name=("fk_documents_issue_id"), ondelete="RESTRICT"
        ),
        sa.ForeignKeyConstraint(
            ["sha256"], ["files.sha256"], name=("fk_documents_sha256"), ondelete="RESTRICT"
        ),
        sa.PrimaryKeyConstraint("id", name=("pk_documents")),
    )
    for columns in (
        ["created_at", "id"],
        ["owner_id", "created_at", "id"],
        ["project_id", "created_at", "id"],
        ["issue_id", "created_at", "id"],
        ["sha256"],
    ):
        op.create_index((f"ix_documents_{'_'.join(columns)}"), "documents", columns)
    op.create_table(
        "document_results",
        sa.Column("document_id", sa.Uuid(), nullable=False),
        sa.Column("processor", sa.Text(), nullable=False),
        sa.Column("processor_version", sa.Text(), nullable=False),
        sa.Column("completed_at", Timestamp(), nullable=False),
        sa.Column("found", Document(), nullable=False),
        sa.ForeignKeyConstraint(
            ["document_id"],
            ["documents.id"],
            name=("fk_document_results_document_id"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("document_id", name=("pk_document_results")),
    )
    op.create_table(
        "document_texts",
        sa.Column("document_id", sa.Uuid(), nullable=False),
        sa.Column("part", sa.Integer(), nullable=False),
        sa.Column("text", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(
            ["document_id"],
            ["documents.id"],
            name=("fk_document_texts_document_id"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("document_id", "part", name=("pk_document_texts")),
    )


def _make_searchable() -> None:
    if op.get_context().dialect.name == "postgresql":
        op.add_column(
            "issue_search",
            sa.Column(
                "attached", postgresql.TSVECTOR(), server_default=sa.text("''"), nullable=False
            ),
        )
        op.create_table(
            "document_search",
            sa.Column("document_id", sa.Uuid(), nullable=False),
            sa.Column("part", sa.Integer(), nullable=False),
            sa.Column("words", postgresql.TSVECTOR(), nullable=False),
            sa.ForeignKeyConstraint(
                ["document_id"],
                ["documents.id"],
                name=("fk_document_search_document_id"),
                ondelete="CASCADE",
            ),
            sa.PrimaryKeyConstraint("document_id", "part", name=("pk_document_search")),
        )
        op.create_index(
            ("ix_document_search_words"), "document_search", ["words"], postgresql_using="gin"
        )
        return
    op.create_table(
        "document_search_rows",
        sa.Column("document_id", sa.Uuid(), nullable=False),
        sa.Column("part", sa.Integer(), nullable=False),
        sa.Column("row_id", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("document_id", "part", name=("pk_document_search_rows")),
        sa.UniqueConstraint("row_id", name=("uq_document_search_rows_row_id")),
    )
    op.execute(
        "CREATE VIRTUAL TABLE document_words USING fts5"
        "(words, tokenize = 'porter unicode61 remove_diacritics 2')"
    )
