"""What came of a try."""

from http import HTTPStatus
from typing import Final

import msgspec

_SUCCESS: Final = range(200, 300)
_REDIRECTION: Final = range(300, 400)


class Outcome(msgspec.Struct, frozen=True):
    duration_ms: int = 0
    status_code: int | None = None
    excerpt: str | None = None
    """The beginning of the response."""
    retry_after: str | None = None
    """The header of that name."""
    failure: str | None = None
    """Why there was no response."""

    @property
    def is_success(self) -> bool:
        return self.status_code in _SUCCESS

    @property
    def is_gone(self) -> bool:
        """Whether the receiver wants no more of it, ever."""
        return self.status_code == HTTPStatus.GONE

    @property
    def error(self) -> str | None:
        """Why it is none, in words; ``None`` for a success."""
        if self.is_success:
            return None
        if self.status_code in _REDIRECTION:
            return f"The receiver answered {self.status_code}; redirects are not followed."
        if self.status_code is not None:
            return f"The receiver answered {self.status_code}."
        return self.failure
