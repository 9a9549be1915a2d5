"""Alembic's entry: uses the connection that the program hands over."""

from alembic import context
from alembic.migration import MigrationContext

from lacewing.accounts import tables as _accounts  # ruff: ignore[unused-import]  registers its tables
from lacewing.catalogue import tables as _catalogue  # ruff: ignore[unused-import]  registers its tables
from lacewing.content import tables as _content  # ruff: ignore[unused-import]  registers its tables
from lacewing.documents import tables as _documents  # ruff: ignore[unused-import]  registers its tables
from lacewing.kernel.audit import tables as _audit  # ruff: ignore[unused-import]  registers its tables
from lacewing.kernel.backup import tables as _backup  # ruff: ignore[unused-import]  registers its tables
from lacewing.kernel.db.metadata import metadata
from lacewing.kernel.db.promise import keep_promise
from lacewing.kernel.events import tables as _events  # ruff: ignore[unused-import]  registers its tables
from lacewing.kernel.idempotency import tables as _idempotency  # ruff: ignore[unused-import]  registers its tables
from lacewing.kernel.jobs import tables as _jobs  # ruff: ignore[unused-import]  registers its tables
from lacewing.notifications import tables as _notifications  # ruff: ignore[unused-import]  registers its tables
from lacewing.tracker import tables as _tracker  # ruff: ignore[unused-import]  registers its tables
from lacewing.webhooks import tables as _webhooks  # ruff: ignore[unused-import]  registers its tables

connection = context.config.attributes["connection"]
if connection.dialect.name == "postgresql":
    # A migration runs beside the code now live: it must not stand in its way for long.
    connection.exec_driver_sql("SET lock_timeout = '10s'")
context.configure(
    connection=connection,
    target_metadata=metadata,
    transaction_per_migration=False,
    render_as_batch=connection.dialect.name == "sqlite",
)
with context.begin_transaction():
    context.run_migrations()
    revision = MigrationContext.configure(connection).get_current_revision()
    keep_promise(connection, context.script, revision)
