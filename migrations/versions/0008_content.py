"""Posts, collections, and full-text search over posts."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

from lacewing.kernel.db.types import Timestamp

revision = "0008_content"
down_revision = "0007_catalogue"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "posts",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("author_id", sa.Uuid(), nullable=False),
        sa.Column("title", sa.String(length=200), nullable=False),
        sa.Column("body", sa.Text(), nullable=False),
        sa.Column("body_html", sa.Text(), nullable=False),
        sa.Column("created_at", Timestamp(), nullable=False),
        sa.Column("updated_at", Timestamp(), nullable=False),
        sa.Column("external_id", sa.Text(), nullable=True),
        sa.ForeignKeyConstraint(
            ["author_id"], ["users.id"], name=("fk_posts_author_id"), ondelete="RESTRICT"
        ),
        sa.PrimaryKeyConstraint("id", name=("pk_posts")),
        sa.UniqueConstraint("external_id", name=("uq_posts_external_id")),
    )
    for key in ("created_at", "updated_at"):
        for columns in ([key, "id"], ["author_id", key, "id"]):
            op.create_index((f"ix_posts_{'_'.join(columns)}"), "posts", columns)
    op.create_table(
        "deleted_imported_posts",
        sa.Column("external_id", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("external_id", name=("pk_deleted_imported_posts")),
    )
    _create_collections()
    _make_searchable()


def downgrade() -> None:
    if op.get_context().dialect.name == "postgresql":
        op.drop_table("post_search")
    else:
        op.execute("DROP TABLE post_words")
        op.drop_table("post_search_rows")
    for table in ("collection_posts", "collections", "deleted_imported_posts", "posts"):
        op.drop_table(table)


def _create_collections() -> None:
    op.create_table(
        "collections",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("owner_id", sa.Uuid(), nullable=False),
        sa.Column("name", sa.String(length=200), nullable=False),
        sa.Column("created_at", Timestamp(), nullable=False),
        sa.Column("updated_at", Timestamp(), nullable=False),
        sa.ForeignKeyConstraint(
            ["owner_id"], ["users.id"], name=("fk_collections_owner_id"), ondelete="RESTRICT"
        ),
        sa.PrimaryKeyConstraint("id", name=("pk_collections")),
    )
    for columns in (["owner_id", "created_at", "id"], ["owner_id", "updated_at", "id"]):
        op.create_index((f"ix_collections_{'_'.join(columns)}"), "collections", columns)
    op.create_table(
        "collection_posts",
        sa.Column("collection_id", sa.Uuid(), nullable=False),
        sa.Column("post_id", sa.Uuid(), nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(
            ["collection_id"],
            ["collections.id"],
            name=("fk_collection_posts_collection_id"),
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["post_id"], ["posts.id"], name=("fk_collection_posts_post_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("collection_id", "post_id", name=("pk_collection_posts")),
        sa.UniqueConstraint(
            "collection_id", "position", name=("uq_collection_posts_collection_id_position")
        ),
    )
    op.create_index(("ix_collection_posts_post_id"), "collection_posts", ["post_id"])


def _make_searchable() -> None:
    if op.get_context().dialect.name == "postgresql":
        op.create_table(
            "post_search",
            sa.Column("post_id", sa.Uuid(), nullable=False),
            sa.Column("words", postgresql.TSVECTOR(), nullable=False),
            sa.ForeignKeyConstraint(
                ["post_id"], ["posts.id"], name=("fk_post_search_post_id"), ondelete="CASCADE"
            ),
            sa.PrimaryKeyConstraint("post_id", name=("pk_post_search")),
        )
        op.create_index(("ix_post_search_words"), "post_search", ["words"], postgresql_using="gin")
        return
    op.create_table(
        "post_search_rows",
        sa.Column("post_id", sa.Uuid(), nullable=False),
        sa.Column("row_id", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("post_id", name=("pk_post_search_rows")),
        sa.UniqueConstraint("row_id", name=("uq_post_search_rows_row_id")),
    )
    op.execute(
        "CREATE VIRTUAL TABLE post_words USING fts5"
        "(words, tokenize = 'porter unicode61 remove_diacritics 2')"
    )
