"""What a database can refuse or fail at, in words that both share."""

from typing import ClassVar

from lacewing.kernel.errors import Unavailable


class UniqueViolation(Exception):  # ruff: ignore[error-suffix-on-exception-name]  PostgreSQL's own name for it
    """A row with these values is there already; ``constraint`` names the columns."""

    def __init__(self, constraint: str) -> None:
        self.constraint = constraint
        super().__init__(constraint)

    def is_about(self, column: str) -> bool:
        """Whether ``column`` takes part in the violated constraint."""
        return column in self.constraint


class DatabaseUnavailable(Unavailable):
    """The database is down, too slow, full or locked; nothing of the transaction was kept."""

    code = "database-unavailable"
    title = "The database does not answer at present."
    retry_after_seconds: ClassVar[int] = 5
