"""The database: one narrow session over PostgreSQL (raw asyncpg) and SQLite (group commit).

Statements are SQLAlchemy Core, built once in ``store`` modules and compiled once per database.
"""

from lacewing.kernel.db.database import Database, open_database, transaction
from lacewing.kernel.db.failures import DatabaseUnavailable, UniqueViolation
from lacewing.kernel.db.session import Parameters, Session

__all__ = [
    "Database",
    "DatabaseUnavailable",
    "Parameters",
    "Session",
    "UniqueViolation",
    "open_database",
    "transaction",
]
