from sqlalchemy import (
    BigInteger,
    Boolean,
    CheckConstraint,
    Column,
    Date,
    ForeignKey,
    Index,
    Integer,
    SmallInteger,
    String,
    Table,
    Text,
    UniqueConstraint,
    Uuid,
    text,
)

from lacewing.kernel.db.metadata import EPHEMERAL, metadata
from lacewing.kernel.db.types import Document, Ranked, Timestamp
from lacewing.tracker.rules import PROJECT_KEY_LENGTH_MAX, Priority

projects = Table(
    "projects",
    metadata,
    Column("id", Uuid, primary_key=True),
    Column("key", String(PROJECT_KEY_LENGTH_MAX), nullable=False, unique=True),
    Column("name", Text, nullable=False),
    Column("name_key", Text, nullable=False, unique=True),
    Column("description", Text, nullable=False),
    Column("created_by", Uuid, ForeignKey("users.id", ondelete="RESTRICT"), nullable=False),
    Column("created_at", Timestamp, nullable=False),
    Column("updated_at", Timestamp, nullable=False),
    Column("is_archived", Boolean, nullable=False),
    # Taken by an update that locks the row until the commit: no gap, no double.
    Column("last_issue_number", Integer, nullable=False, server_default=text("0")),
    Index(None, "created_at", "id"),
    Index(None, "updated_at", "id"),
    Index(None, "created_by"),
)

issues = Table(
    "issues",
    metadata,
    Column("id", Uuid, primary_key=True),
    Column("project_id", Uuid, ForeignKey("projects.id", ondelete="RESTRICT"), nullable=False),
    Column("number", Integer, nullable=False),
    # No length here: what is imported may be longer than what is newly written.
    Column("title", Text, nullable=False),
    Column("description", Text, nullable=False),
    Column("description_html", Text, nullable=False),
    Column("status", Text, nullable=False),
    Column("priority", Ranked(Priority), nullable=False),
    Column("reporter_id", Uuid, ForeignKey("users.id", ondelete="RESTRICT"), nullable=False),
    Column("assignee_id", Uuid, ForeignKey("users.id", ondelete="SET NULL")),
    Column("due_date", Date),
    # The due date for sorting, the end of time where there is none.
    Column("due_order", Date, nullable=False),
    Column("labels", Document, nullable=False),
    Column("created_at", Timestamp, nullable=False),
    Column("updated_at", Timestamp, nullable=False),
    Column("comment_count", Integer, nullable=False),
    # Of its last move to closed, while it is closed.
    Column("closed_at", Timestamp),
    # From the report to the last move to resolved, while it is resolved or closed.
    Column("resolve_seconds", BigInteger),
    # Where it came from, so that an import run again adds only what is new.
    Column("external_id", Text),
    UniqueConstraint("project_id", "number"),
    UniqueConstraint("project_id", "external_id"),
    CheckConstraint(
        "status IN ('open', 'in_progress', 'resolved', 'closed', 'reopened')", "status_known"
    ),
    Index(None, "created_at", "id"),
    Index(None, "updated_at", "id"),
    Index(None, "priority", "id"),
    Index(None, "due_order", "id"),
    Index(None, "project_id", "created_at", "id"),
    Index(None, "project_id", "updated_at", "id"),
    Index(None, "project_id", "priority", "id"),
    Index(None, "project_id", "due_order", "id"),
    Index(None, "assignee_id", "created_at", "id"),
    Index(None, "reporter_id", "created_at", "id"),
    *(
        Index(None, *columns, postgresql_where=text(is_there), sqlite_where=text(is_there))
        for is_there, *columns in (
            ("closed_at IS NOT NULL", "closed_at"),
            ("closed_at IS NOT NULL", "project_id", "closed_at"),
            ("resolve_seconds IS NOT NULL", "resolve_seconds", "project_id"),
            ("resolve_seconds IS NOT NULL", "project_id", "resolve_seconds"),
        )
    ),
)

issue_labels = Table(
    "issue_labels",
    metadata,
    Column("issue_id", Uuid, ForeignKey("issues.id", ondelete="CASCADE"), primary_key=True),
    Column("label", Text, primary_key=True),
    Index(None, "label", "issue_id"),
)
"""The labels once more, for filters by label; ``issues.labels`` is for reading them."""

comments = Table(
    "comments",
    metadata,
    Column("id", Uuid, primary_key=True),
    Column("issue_id", Uuid, ForeignKey("issues.id", ondelete="CASCADE"), nullable=False),
    Column("author_id", Uuid, ForeignKey("users.id", ondelete="RESTRICT"), nullable=False),
    Column("content", Text, nullable=False),
    Column("content_html", Text, nullable=False),
    Column("created_at", Timestamp, nullable=False),
    Column("updated_at", Timestamp, nullable=False),
    Column("external_id", Text),
    UniqueConstraint("issue_id", "external_id"),
    Index(None, "issue_id", "created_at", "id"),
    Index(None, "author_id"),
)

issue_history = Table(
    "issue_history",
    metadata,
    Column("id", Uuid, primary_key=True),
    Column("issue_id", Uuid, ForeignKey("issues.id", ondelete="CASCADE"), nullable=False),
    Column("at", Timestamp, nullable=False),
    Column("actor_id", Uuid, ForeignKey("users.id", ondelete="SET NULL")),
    Column("field", Text, nullable=False),
    Column("before", Document),
    Column("after", Document),
    Column("comment_id", Uuid, ForeignKey("comments.id", ondelete="CASCADE")),
    Index(None, "issue_id", "at", "id"),
    Index(None, "comment_id"),
    Index(None, "actor_id"),
)

issue_attached_texts = Table(
    "issue_attached_texts",
    metadata,
    Column("document_id", Uuid, primary_key=True),
    Column("issue_id", Uuid, ForeignKey("issues.id", ondelete="CASCADE"), nullable=False),
    Column("filename", Text, nullable=False),
    Column("text", Text, nullable=False),
    Column("created_at", Timestamp, nullable=False),
    Index(None, "issue_id", "created_at", "document_id"),
)
"""The beginnings of the texts of documents, by which their issues are found."""

issue_watches = Table(
    "issue_watches",
    metadata,
    Column("issue_id", Uuid, ForeignKey("issues.id", ondelete="CASCADE"), primary_key=True),
    Column("user_id", Uuid, ForeignKey("users.id", ondelete="CASCADE"), primary_key=True),
    # False: this user does not want to hear of it, though involved.
    Column("is_watching", Boolean, nullable=False),
    Index(None, "user_id"),
)
"""What people have chosen; reporter, assignee and who has commented watch without a row."""

TallyKey = Text().with_variant(Text(collation="C"), "postgresql")
"""Compared by its bytes, whatever language the database speaks."""

issue_tallies = Table(
    "issue_tallies",
    metadata,
    # A project, or ``rules.EVERYWHERE``.
    Column("scope", Uuid, primary_key=True),
    Column("dimension", Text, primary_key=True),
    Column("key", TallyKey, primary_key=True),
    Column("count", Integer, nullable=False),
    info=EPHEMERAL,
    sqlite_with_rowid=False,
)
"""How many issues there are of each kind (``store.facets``), but for what the journal holds."""

issue_tally_journal = Table(
    "issue_tally_journal",
    metadata,
    Column("id", BigInteger().with_variant(Integer, "sqlite"), primary_key=True),
    # 1 for what an issue has become, -1 for what it was before.
    Column("weight", SmallInteger, nullable=False),
    Column("project_id", Uuid, nullable=False),
    Column("status", Text, nullable=False),
    Column("priority", Ranked(Priority), nullable=False),
    Column("assignee_id", Uuid),
    Column("due_date", Date),
    Column("created_at", Timestamp, nullable=False),
    Column("closed_at", Timestamp),
    Column("resolve_seconds", BigInteger),
    info=EPHEMERAL,
)
"""What the tallies do not know yet: triggers write it with each change of an issue, past no layer
(see the migrations), and a worker folds it into them."""
