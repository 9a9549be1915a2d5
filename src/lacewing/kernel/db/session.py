"""The narrow session that stores see: four verbs, and a transaction that begins by itself.

A statement that changes or locks rows begins the transaction; reads before it stand alone. So a
use case may read and think (hash a password, say) before it holds anything, and must lock
(``with_for_update``) what it decides upon.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Literal, Protocol, TypeVar

from sqlalchemy import Executable

from lacewing.kernel.db.encryption import FieldCipher

Parameters = Mapping[str, Any]
Row = TypeVar("Row")
DialectName = Literal["postgresql", "sqlite"]


class Session(Protocol):
    """One unit of work. Rows are handed to ``make`` as positional arguments."""

    @property
    def dialect(self) -> DialectName: ...

    @property
    def cipher(self) -> FieldCipher:
        """What seals personal data before it is written; what is read, is open already."""

    async def one(
        self, make: Callable[..., Row], statement: Executable, parameters: Parameters = ...
    ) -> Row | None:
        """The first row, or ``None``."""

    async def all(
        self, make: Callable[..., Row], statement: Executable, parameters: Parameters = ...
    ) -> list[Row]:
        """Every row; the statement has a limit."""

    async def scalar(self, statement: Executable, parameters: Parameters = ...) -> Any:
        """The first column of the first row, or ``None``."""

    async def execute(self, statement: Executable, parameters: Parameters = ...) -> int:
        """Carry it out; how many rows it touched.

        Raises:
            UniqueViolation: such a row is there already.
            DatabaseUnavailable: nothing was kept; trying again later may help.
        """

    async def execute_many(self, statement: Executable, rows: Sequence[Parameters]) -> None:
        """Carry it out once for each of ``rows``, which all have the same names."""

    async def commit(self) -> None:
        """Make it durable. Called by whoever opened the session, never by a use case."""

    async def rollback(self) -> None:
        """Undo what is not committed; safe to call twice."""
