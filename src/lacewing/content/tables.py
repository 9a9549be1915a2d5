from sqlalchemy import (
    Column,
    ForeignKey,
    Index,
    Integer,
    String,
    Table,
    Text,
    UniqueConstraint,
    Uuid,
)

from lacewing.content.rules import COLLECTION_NAME_LENGTH_MAX, TITLE_LENGTH_MAX
from lacewing.kernel.db.metadata import metadata
from lacewing.kernel.db.types import Timestamp

posts = Table(
    "posts",
    metadata,
    Column("id", Uuid, primary_key=True),
    Column("author_id", Uuid, ForeignKey("users.id", ondelete="RESTRICT"), nullable=False),
    Column("title", String(TITLE_LENGTH_MAX), nullable=False),
    Column("body", Text, nullable=False),
    Column("body_html", Text, nullable=False),
    Column("created_at", Timestamp, nullable=False),
    Column("updated_at", Timestamp, nullable=False),
    # Where it came from, so that an import run again adds only what is new.
    Column("external_id", Text, unique=True),
    Index(None, "created_at", "id"),
    Index(None, "updated_at", "id"),
    Index(None, "author_id", "created_at", "id"),
    Index(None, "author_id", "updated_at", "id"),
)

deleted_imports = Table(
    "deleted_imported_posts",
    metadata,
    Column("external_id", Text, primary_key=True),
)
"""Where posts came from that are deleted here: an import brings none of them back."""

collections = Table(
    "collections",
    metadata,
    Column("id", Uuid, primary_key=True),
    Column("owner_id", Uuid, ForeignKey("users.id", ondelete="RESTRICT"), nullable=False),
    Column("name", String(COLLECTION_NAME_LENGTH_MAX), nullable=False),
    Column("created_at", Timestamp, nullable=False),
    Column("updated_at", Timestamp, nullable=False),
    Index(None, "owner_id", "created_at", "id"),
    Index(None, "owner_id", "updated_at", "id"),
)

collection_posts = Table(
    "collection_posts",
    metadata,
    Column(
        "collection_id", Uuid, ForeignKey("collections.id", ondelete="CASCADE"), primary_key=True
    ),
    # A post that is deleted leaves every collection with the same statement.
    Column("post_id", Uuid, ForeignKey("posts.id", ondelete="CASCADE"), primary_key=True),
    # Grows along the collection; there are gaps where posts have left.
    Column("position", Integer, nullable=False),
    UniqueConstraint("collection_id", "position"),
    Index(None, "post_id"),
)
