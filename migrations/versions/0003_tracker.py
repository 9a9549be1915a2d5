"""Projects, issues, comments, their history, and full-text search."""

import sqlalchemy as sa
from alembic import op

from lacewing.kernel.db.types import Document, Timestamp

revision = "0003_tracker"
down_revision = "0002_accounts"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "projects",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("key", sa.String(length=10), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("name_key", sa.Text(), nullable=False),
        sa.Column("description", sa.Text(), nullable=False),
        sa.Column("created_by", sa.Uuid(), nullable=False),
        sa.Column("created_at", Timestamp(), nullable=False),
        sa.Column("updated_at", Timestamp(), nullable=False),
        sa.Column("is_archived", sa.Boolean(), nullable=False),
        sa.Column("last_issue_number", sa.Integer(), server_default=sa.text("0"), nullable=False),
        sa.ForeignKeyConstraint(
            ["created_by"], ["users.id"], name=("fk_projects_created_by"), ondelete="RESTRICT"
        ),
        sa.PrimaryKeyConstraint("id", name=("pk_projects")),
        sa.UniqueConstraint("key", name=("uq_projects_key")),
        sa.UniqueConstraint("name_key", name=("uq_projects_name_key")),
    )
    op.create_index(("ix_projects_created_at_id"), "projects", ["created_at", "id"], unique=False)
    op.create_index(("ix_projects_created_by"), "projects", ["created_by"], unique=False)
    op.create_index(("ix_projects_updated_at_id"), "projects", ["updated_at", "id"], unique=False)
    op.create_table(
        "issues",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("project_id", sa.Uuid(), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("title", sa.Text(), nullable=False),
        sa.Column("description", sa.Text(), nullable=False),
        sa.Column("description_html", sa.Text(), nullable=False),
        sa.Column("status", sa.Text(), nullable=False),
        sa.Column("priority", sa.SmallInteger(), nullable=False),
        sa.Column("reporter_id", sa.Uuid(), nullable=False),
        sa.Column("assignee_id", sa.Uuid(), nullable=True),
        sa.Column("due_date", sa.Date(), nullable=True),
        sa.Column("due_order", sa.Date(), nullable=False),
        sa.Column("labels", Document(), nullable=False),
        sa.Column("created_at", Timestamp(), nullable=False),
        sa.Column("updated_at", Timestamp(), nullable=False),
        sa.Column("comment_count", sa.Integer(), nullable=False),
        sa.Column("external_id", sa.Text(), nullable=True),
        sa.CheckConstraint(
            "status IN ('open', 'in_progress', 'resolved', 'closed', 'reopened')",
            name=("ck_issues_status_known"),
        ),
        sa.ForeignKeyConstraint(
            ["assignee_id"], ["users.id"], name=("fk_issues_assignee_id"), ondelete="SET NULL"
        ),
        sa.ForeignKeyConstraint(
            ["project_id"], ["projects.id"], name=("fk_issues_project_id"), ondelete="RESTRICT"
        ),
        sa.ForeignKeyConstraint(
            ["reporter_id"], ["users.id"], name=("fk_issues_reporter_id"), ondelete="RESTRICT"
        ),
        sa.PrimaryKeyConstraint("id", name=("pk_issues")),
        sa.UniqueConstraint("project_id", "external_id", name=("uq_issues_project_id_external_id")),
        sa.UniqueConstraint("project_id", "number", name=("uq_issues_project_id_number")),
    )
    op.create_index(
        ("ix_issues_assignee_id_created_at_id"),
        "issues",
        ["assignee_id", "created_at", "id"],
        unique=False,
    )
    op.create_index(("ix_issues_created_at_id"), "issues", ["created_at", "id"], unique=False)
    op.create_index(("ix_issues_due_order_id"), "issues", ["due_order", "id"], unique=False)
    op.create_index(("ix_issues_priority_id"), "issues", ["priority", "id"], unique=False)
    op.create_index(
        ("ix_issues_project_id_created_at_id"),
        "issues",
        ["project_id", "created_at", "id"],
        unique=False,
    )
    op.create_index(
        ("ix_issues_project_id_due_order_id"),
        "issues",
        ["project_id", "due_order", "id"],
        unique=False,
    )
    op.create_index(
        ("ix_issues_project_id_priority_id"),
        "issues",
        ["project_id", "priority", "id"],
        unique=False,
    )
    op.create_index(
        ("ix_issues_project_id_updated_at_id"),
        "issues",
        ["project_id", "updated_at", "id"],
        unique=False,
    )
    op.create_index(
        ("ix_issues_reporter_id_created_at_id"),
        "issues",
        ["reporter_id", "created_at", "id"],
        unique=False,
    )
    op.create_index(("ix_issues_updated_at_id"), "issues", ["updated_at", "id"], unique=False)
    op.create_table(
        "issue_labels",
        sa.Column("issue_id", sa.Uuid(), nullable=False),
        sa.Column("label", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(
            ["issue_id"], ["issues.id"], name=("fk_issue_labels_issue_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("issue_id", "label", name=("pk_issue_labels")),
    )
    op.create_index(
        ("ix_issue_labels_label_issue_id"), "issue_labels", ["label", "issue_id"], unique=False
    )
    op.create_table(
        "comments",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("issue_id", sa.Uuid(), nullable=False),
        sa.Column("author_id", sa.Uuid(), nullable=False),
        sa.Column("content", sa.Text(), nullable=False),
        sa.Column("content_html", sa.Text(), nullable=False),
        sa.Column("created_at", Timestamp(), nullable=False),
        sa.Column("updated_at", Timestamp(), nullable=False),
        sa.Column("external_id", sa.Text(), nullable=True),
        sa.ForeignKeyConstraint(
            ["author_id"], ["users.id"], name=("fk_comments_author_id"), ondelete="RESTRICT"
        ),
        sa.ForeignKeyConstraint(
            ["issue_id"], ["issues.id"], name=("fk_comments_issue_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=("pk_comments")),
        sa.UniqueConstraint("issue_id", "external_id", name=("uq_comments_issue_id_external_id")),
    )
    op.create_index(("ix_comments_author_id"), "comments", ["author_id"], unique=False)
    op.create_index(
        ("ix_comments_issue_id_created_at_id"),
        "comments",
        ["issue_id", "created_at", "id"],
        unique=False,
    )
    op.create_table(
        "issue_history",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("issue_id", sa.Uuid(), nullable=False),
        sa.Column("at", Timestamp(), nullable=False),
        sa.Column("actor_id", sa.Uuid(), nullable=True),
        sa.Column("field", sa.Text(), nullable=False),
        sa.Column("before", Document(), nullable=True),
        sa.Column("after", Document(), nullable=True),
        sa.Column("comment_id", sa.Uuid(), nullable=True),
        sa.ForeignKeyConstraint(
            ["actor_id"], ["users.id"], name=("fk_issue_history_actor_id"), ondelete="SET NULL"
        ),
        sa.ForeignKeyConstraint(
            ["comment_id"],
            ["comments.id"],
            name=("fk_issue_history_comment_id"),
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["issue_id"], ["issues.id"], name=("fk_issue_history_issue_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=("pk_issue_history")),
    )
    op.create_index(("ix_issue_history_actor_id"), "issue_history", ["actor_id"], unique=False)
    op.create_index(("ix_issue_history_comment_id"), "issue_history", ["comment_id"], unique=False)
    op.create_index(
        ("ix_issue_history_issue_id_at_id"), "issue_history", ["issue_id", "at", "id"], unique=False
    )
    _make_searchable()


def downgrade() -> None:
    _undo_searchable()
    op.drop_table("issue_history")
    op.drop_table("comments")
    op.drop_table("issue_labels")
    op.drop_table("issues")
    op.drop_table("projects")


def _make_searchable() -> None:
    if op.get_context().dialect.name == "postgresql":
        # English stems, but no stop words: in a tracker "not" and "on" are words like others.
        op.execute(
            "CREATE TEXT SEARCH DICTIONARY lacewing_stem (TEMPLATE = snowball, Language = english)"
        )
        op.execute("CREATE TEXT SEARCH CONFIGURATION lacewing (COPY = english)")
        op.execute(
            "ALTER TEXT SEARCH CONFIGURATION lacewing ALTER MAPPING FOR "
            "asciiword, word, hword_part, hword_asciipart, hword, asciihword WITH lacewing_stem"
        )
        op.execute(
            "CREATE TABLE issue_search (issue_id uuid PRIMARY KEY REFERENCES issues (id) "
            "ON DELETE CASCADE, document tsvector NOT NULL)"
        )
        op.execute("CREATE INDEX ix_issue_search_document ON issue_search USING gin (document)")
        return
    op.execute(
        "CREATE TABLE issue_search_rows (issue_id CHAR(32) PRIMARY KEY REFERENCES issues (id) "
        "ON DELETE CASCADE, row_id INTEGER NOT NULL UNIQUE)"
    )
    op.execute(
        "CREATE VIRTUAL TABLE issue_texts USING fts5(title, body, "
        "tokenize = 'porter unicode61 remove_diacritics 2')"
    )


def _undo_searchable() -> None:
    if op.get_context().dialect.name == "postgresql":
        op.drop_table("issue_search")
        op.execute("DROP TEXT SEARCH CONFIGURATION lacewing")
        op.execute("DROP TEXT SEARCH DICTIONARY lacewing_stem")
        return
    op.drop_table("issue_texts")
    op.drop_table("issue_search_rows")
