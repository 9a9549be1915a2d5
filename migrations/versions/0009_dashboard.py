"""When issues were done, how many there are of each kind, and the triggers that keep count."""

import sqlalchemy as sa
from alembic import op

from lacewing.kernel.db.types import Timestamp

revision = "0009_dashboard"
down_revision = "0008_content"
branch_labels = None
depends_on = None

_COUNTED = (
    "project_id",
    "status",
    "priority",
    "assignee_id",
    "due_date",
    "created_at",
    "closed_at",
    "resolve_seconds",
)
_JOURNAL = f"INSERT INTO issue_tally_journal (weight, {', '.join(_COUNTED)})"
_NEW = f"{_JOURNAL} VALUES (1, {', '.join(f'NEW.{name}' for name in _COUNTED)})"
_OLD = f"{_JOURNAL} VALUES (-1, {', '.join(f'OLD.{name}' for name in _COUNTED)})"
_INDEXES = (
    ("ix_issues_closed_at", ["closed_at"]),
    ("ix_issues_project_id_closed_at", ["project_id", "closed_at"]),
    ("ix_issues_resolve_seconds_project_id", ["resolve_seconds", "project_id"]),
    ("ix_issues_project_id_resolve_seconds", ["project_id", "resolve_seconds"]),
)


def upgrade() -> None:
    op.add_column("issues", sa.Column("closed_at", Timestamp(), nullable=True))
    op.add_column("issues", sa.Column("resolve_seconds", sa.BigInteger(), nullable=True))
    _tell_when_issues_were_done()
    for name, columns in _INDEXES:
        last = "closed_at" if "closed_at" in columns else "resolve_seconds"
        is_there = sa.text(f"{last} IS NOT NULL")
        op.create_index((name), "issues", columns, postgresql_where=is_there, sqlite_where=is_there)
    op.create_table(
        "issue_tallies",
        sa.Column("scope", sa.Uuid(), nullable=False),
        sa.Column("dimension", sa.Text(), nullable=False),
        sa.Column(
            "key", sa.Text().with_variant(sa.Text(collation="C"), "postgresql"), nullable=False
        ),
        sa.Column("count", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("scope", "dimension", "key", name=("pk_issue_tallies")),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "issue_tally_journal",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("weight", sa.SmallInteger(), nullable=False),
        sa.Column("project_id", sa.Uuid(), nullable=False),
        sa.Column("status", sa.Text(), nullable=False),
        sa.Column("priority", sa.SmallInteger(), nullable=False),
        sa.Column("assignee_id", sa.Uuid(), nullable=True),
        sa.Column("due_date", sa.Date(), nullable=True),
        sa.Column("created_at", Timestamp(), nullable=False),
        sa.Column("closed_at", Timestamp(), nullable=True),
        sa.Column("resolve_seconds", sa.BigInteger(), nullable=True),
        sa.PrimaryKeyConstraint("id", name=("pk_issue_tally_journal")),
    )
    _keep_count()
    names = ", ".join(_COUNTED)
    op.execute(f"{_JOURNAL} SELECT 1, {names} FROM issues")


def downgrade() -> None:
    if op.get_context().dialect.name == "postgresql":
        op.execute("DROP TRIGGER issues_tallied ON issues")
        op.execute("DROP FUNCTION tally_issue()")
    else:
        for verb in ("insert", "update", "delete"):
            op.execute(f"DROP TRIGGER issues_tallied_{verb}")
    op.drop_table("issue_tally_journal")
    op.drop_table("issue_tallies")
    for name, _ in _INDEXES:
        op.drop_index((name), "issues")
    op.drop_column("issues", "resolve_seconds")
    op.drop_column("issues", "closed_at")


def _tell_when_issues_were_done() -> None:
    """From the history; where it says nothing, the last change is the best guess."""

    def last_move(status: str) -> str:
        return (
            "(SELECT max(at) FROM issue_history WHERE issue_id = issues.id "
            f"AND field = 'status' AND CAST(after AS TEXT) = '\"{status}\"')"
        )

    op.execute(
        f"UPDATE issues SET closed_at = COALESCE({last_move('closed')}, updated_at) "
        "WHERE status = 'closed'"
    )
    resolved_at = f"COALESCE({last_move('resolved')}, closed_at, updated_at)"
    op.execute(
        f"UPDATE issues SET resolve_seconds = {_seconds_between('created_at', resolved_at)} "
        "WHERE status IN ('resolved', 'closed')"
    )


def _seconds_between(start: str, end: str) -> str:
    if op.get_context().dialect.name == "postgresql":
        epochs = f"EXTRACT(epoch FROM {end}) - EXTRACT(epoch FROM {start})"
        return f"GREATEST(0, FLOOR({epochs}))"
    # Whole seconds, and one less where the fraction of the end is the smaller one.
    whole = f"CAST(strftime('%s', {end}) AS INTEGER) - CAST(strftime('%s', {start}) AS INTEGER)"
    return f"MAX(0, {whole} - (substr({end}, 21) < substr({start}, 21)))"


def _keep_count() -> None:
    """Whatever becomes of an issue, and by whatever way, the journal tells (DASH-2)."""
    names = ", ".join(_COUNTED)
    if op.get_context().dialect.name == "postgresql":
        op.execute(
            "CREATE FUNCTION tally_issue() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN "
            f"IF TG_OP <> 'INSERT' THEN {_OLD}; END IF; "
            f"IF TG_OP <> 'DELETE' THEN {_NEW}; END IF; "
            "RETURN NULL; END $$"
        )
        op.execute(
            f"CREATE TRIGGER issues_tallied AFTER INSERT OR DELETE OR UPDATE OF {names} ON issues "
            "FOR EACH ROW EXECUTE FUNCTION tally_issue()"
        )
        return
    for verb, what in (
        ("insert", f"INSERT ON issues BEGIN {_NEW}; END"),
        ("update", f"UPDATE OF {names} ON issues BEGIN {_OLD}; {_NEW}; END"),
        ("delete", f"DELETE ON issues BEGIN {_OLD}; END"),
    ):
        op.execute(f"CREATE TRIGGER issues_tallied_{verb} AFTER {what}")
