"""Products, with an index of those that are not deleted for each order, and their words."""

import sqlalchemy as sa
from alembic import op

from lacewing.kernel.db.types import Timestamp

revision = "0007_catalogue"
down_revision = "0006_events"
branch_labels = None
depends_on = None

LIVE = sa.text("deleted_at IS NULL")
TALLY = "INSERT INTO product_tallies (products, rated, hundredths)"


def upgrade() -> None:
    op.create_table(
        "products",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("words", sa.Text(), nullable=False),
        sa.Column("category", sa.Text(), nullable=False),
        sa.Column("price", sa.BigInteger(), nullable=False),
        sa.Column("rating", sa.BigInteger(), nullable=True),
        sa.Column("rating_order", sa.BigInteger(), nullable=False),
        sa.Column("created_by", sa.Uuid(), nullable=False),
        sa.Column("created_at", Timestamp(), nullable=False),
        sa.Column("updated_at", Timestamp(), nullable=False),
        sa.Column("deleted_at", Timestamp(), nullable=True),
        sa.Column("external_id", sa.Text(), nullable=True),
        sa.CheckConstraint("price >= 0", name=("ck_products_price_not_negative")),
        sa.CheckConstraint("rating BETWEEN 0 AND 500", name=("ck_products_rating_in_range")),
        sa.CheckConstraint(
            "rating_order = coalesce(rating, -1)", name=("ck_products_rating_order_follows")
        ),
        sa.ForeignKeyConstraint(
            ["created_by"], ["users.id"], name=("fk_products_created_by"), ondelete="RESTRICT"
        ),
        sa.PrimaryKeyConstraint("id", name=("pk_products")),
        sa.UniqueConstraint("external_id", name=("uq_products_external_id")),
    )
    for key in ("price", "rating_order", "created_at"):
        for columns in ([key, "id"], ["category", key, "id"]):
            op.create_index(
                (f"ix_products_{'_'.join(columns)}"),
                "products",
                columns,
                postgresql_where=LIVE,
                sqlite_where=LIVE,
            )
    op.create_index(("ix_products_created_by"), "products", ["created_by"])
    _make_searchable()
    _keep_count()


def downgrade() -> None:
    if op.get_context().dialect.name == "postgresql":
        op.execute("DROP TRIGGER products_tallied ON products")
        op.execute("DROP FUNCTION tally_product()")
        op.drop_table("product_search")
    else:
        op.execute("DROP TABLE product_words")
        op.drop_table("product_search_rows")
        for verb in ("insert", "update", "delete"):
            op.execute(f"DROP TRIGGER products_tallied_{verb}")
    op.drop_table("product_tallies")
    op.drop_table("products")


def _make_searchable() -> None:
    if op.get_context().dialect.name == "postgresql":
        op.execute(
            "CREATE TABLE product_search (product_id uuid CONSTRAINT pk_product_search PRIMARY KEY "
            "CONSTRAINT fk_product_search_product_id REFERENCES products (id) ON DELETE CASCADE, "
            "words tsvector NOT NULL)"
        )
        op.execute("CREATE INDEX ix_product_search_words ON product_search USING gin (words)")
        return
    op.create_table(
        "product_search_rows",
        sa.Column("product_id", sa.Uuid(), nullable=False),
        sa.Column("row_id", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("product_id", name=("pk_product_search_rows")),
        sa.UniqueConstraint("row_id", name=("uq_product_search_rows_row_id")),
    )
    op.execute(
        "CREATE VIRTUAL TABLE product_words USING fts5"
        "(words, tokenize = 'unicode61 remove_diacritics 2', prefix = '1 2 3')"
    )


def _keep_count() -> None:
    """Whatever becomes of a product, and by whatever way, a row tells (DASH-1)."""
    op.create_table(
        "product_tallies",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("products", sa.BigInteger(), nullable=False),
        sa.Column("rated", sa.BigInteger(), nullable=False),
        sa.Column("hundredths", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=("pk_product_tallies")),
    )
    new, old = _counted("NEW"), _counted("OLD")
    added = f"{TALLY} VALUES ({', '.join(new)})"
    removed = f"{TALLY} VALUES ({', '.join(f'-({each})' for each in old)})"
    difference = ", ".join(f"({now}) - ({before})" for now, before in zip(new, old, strict=True))
    changed = f"{TALLY} VALUES ({difference})"
    is_different = " OR ".join(
        f"({now}) <> ({before})" for now, before in zip(new, old, strict=True)
    )
    if op.get_context().dialect.name == "postgresql":
        op.execute(
            "CREATE FUNCTION tally_product() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN "
            f"IF TG_OP = 'INSERT' THEN {added}; "
            f"ELSIF TG_OP = 'DELETE' THEN {removed}; "
            f"ELSIF {is_different} THEN {changed}; END IF; "
            "RETURN NULL; END $$"
        )
        op.execute(
            "CREATE TRIGGER products_tallied AFTER INSERT OR DELETE OR UPDATE OF rating, "
            "deleted_at ON products FOR EACH ROW EXECUTE FUNCTION tally_product()"
        )
        return
    for verb, what in (
        ("insert", f"INSERT ON products BEGIN {added}; END"),
        (
            "update",
            f"UPDATE OF rating, deleted_at ON products WHEN {is_different} BEGIN {changed}; END",
        ),
        ("delete", f"DELETE ON products BEGIN {removed}; END"),
    ):
        op.execute(f"CREATE TRIGGER products_tallied_{verb} AFTER {what}")


def _counted(row: str) -> list[str]:
    """What a product counts for: as one, as one with a rating, and its rating."""
    is_live = f"{row}.deleted_at IS NULL"
    is_rated = f"{is_live} AND {row}.rating IS NOT NULL"
    return [
        f"CASE WHEN {is_live} THEN 1 ELSE 0 END",
        f"CASE WHEN {is_rated} THEN 1 ELSE 0 END",
        f"CASE WHEN {is_rated} THEN {row}.rating ELSE 0 END",
    ]
