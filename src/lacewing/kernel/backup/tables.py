from sqlalchemy import BigInteger, Boolean, Column, Index, Table, Uuid

from lacewing.kernel.db.metadata import OF_THIS_PLACE, metadata
from lacewing.kernel.db.types import Timestamp

backups = Table(
    "backups",
    metadata,
    Column("id", Uuid, primary_key=True),
    Column("started_at", Timestamp, nullable=False),
    # Until then no file is removed from the storage: this backup may still want it.
    Column("holds_files_until", Timestamp, nullable=False),
    Column("finished_at", Timestamp),
    Column("size_bytes", BigInteger),
    Column("is_sealed", Boolean, nullable=False),
    Index(None, "finished_at"),
    info=OF_THIS_PLACE,
)
"""Which backups were made of this installation; one that is under way, or died, has no end."""
