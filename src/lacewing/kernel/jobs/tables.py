"""Jobs that wait or run, and those that were given up.

A lease moves ``due_at`` into the future (as the visibility timeout of a queue does): while the
worker lives it moves it on, and when the worker dies the job is simply due again. An export leaves
them behind: who imports it begins anew what was under way.
"""

from sqlalchemy import Column, Index, Integer, Table, Text, Uuid

from lacewing.kernel.db.metadata import metadata
from lacewing.kernel.db.types import Document, Timestamp

jobs = Table(
    "jobs",
    metadata,
    Column("id", Uuid, primary_key=True),
    Column("kind", Text, nullable=False),
    Column("payload", Document, nullable=False),
    # Of the jobs with one key only one is there at a time.
    Column("key", Text, unique=True),
    # Of the jobs with one lane a worker runs only some at a time.
    Column("lane", Text),
    Column("created_at", Timestamp, nullable=False),
    Column("request_id", Text),
    # The span that asked for it (W3C Trace Context), if that is traced.
    Column("traceparent", Text),
    Column("due_at", Timestamp, nullable=False),
    Column("attempts", Integer, nullable=False),
    Column("lease_id", Uuid),
    # When a broker was last told of it.
    Column("sent_at", Timestamp),
    Column("last_error", Text),
    # What is due of one kind, and of one lane of it: never past the backlog of others.
    Index(None, "kind", "due_at", "id"),
    Index(None, "kind", "lane", "due_at", "id"),
    info={"ephemeral": True},
)

dead_jobs = Table(
    "dead_jobs",
    metadata,
    Column("id", Uuid, primary_key=True),
    Column("kind", Text, nullable=False),
    Column("payload", Document, nullable=False),
    Column("created_at", Timestamp, nullable=False),
    Column("request_id", Text),
    Column("attempts", Integer, nullable=False),
    Column("died_at", Timestamp, nullable=False),
    Column("reason", Text, nullable=False),
    Index(None, "died_at", "id"),
    info={"ephemeral": True},
)
"""The dead-letter table: nothing leaves it but by hand."""
