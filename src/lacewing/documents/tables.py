from sqlalchemy import (
    BigInteger,
    Boolean,
    CheckConstraint,
    Column,
    ForeignKey,
    Index,
    Integer,
    String,
    Table,
    Text,
    Uuid,
)

from lacewing.kernel.db.metadata import metadata
from lacewing.kernel.db.types import Document, Timestamp

SHA256_LENGTH = 64

files = Table(
    "files",
    metadata,
    Column("sha256", String(SHA256_LENGTH), primary_key=True),
    Column("size_bytes", BigInteger, nullable=False),
    Column("created_at", Timestamp, nullable=False),
    # Until then an upload may be at it, whose record is not there yet.
    Column("claimed_until", Timestamp, nullable=False),
    # It is being removed: nobody may refer to it any more.
    Column("is_leaving", Boolean, nullable=False),
)
"""What the storage holds, or will in a moment: a row is there before its file, and after it."""

documents = Table(
    "documents",
    metadata,
    Column("id", Uuid, primary_key=True),
    Column("owner_id", Uuid, ForeignKey("users.id", ondelete="RESTRICT"), nullable=False),
    Column("project_id", Uuid, ForeignKey("projects.id", ondelete="RESTRICT")),
    Column("issue_id", Uuid, ForeignKey("issues.id", ondelete="RESTRICT")),
    Column("filename", Text, nullable=False),
    Column("content_type", Text, nullable=False),
    Column(
        "sha256",
        String(SHA256_LENGTH),
        ForeignKey("files.sha256", ondelete="RESTRICT"),
        nullable=False,
    ),
    Column("created_at", Timestamp, nullable=False),
    Column("updated_at", Timestamp, nullable=False),
    Column("status", Text, nullable=False),
    Column("progress", Integer, nullable=False),
    Column("step", Text),
    Column("failure", Text),
    Column("message", Text, nullable=False),
    CheckConstraint("status IN ('UPLOADED', 'PROCESSING', 'COMPLETED', 'FAILED')", "status_known"),
    Index(None, "created_at", "id"),
    Index(None, "owner_id", "created_at", "id"),
    Index(None, "project_id", "created_at", "id"),
    Index(None, "issue_id", "created_at", "id"),
    Index(None, "sha256"),
)

document_results = Table(
    "document_results",
    metadata,
    Column("document_id", Uuid, ForeignKey("documents.id", ondelete="CASCADE"), primary_key=True),
    Column("processor", Text, nullable=False),
    Column("processor_version", Text, nullable=False),
    Column("completed_at", Timestamp, nullable=False),
    # All that was found but the text itself.
    Column("found", Document, nullable=False),
)

document_texts = Table(
    "document_texts",
    metadata,
    Column("document_id", Uuid, ForeignKey("documents.id", ondelete="CASCADE"), primary_key=True),
    Column("part", Integer, primary_key=True, autoincrement=False),
    Column("text", Text, nullable=False),
)
"""The extracted text, cut into parts of a length that can be searched and read by itself."""
