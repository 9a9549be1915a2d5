"""The clock, read by entry points alone; everything below is handed the time as an argument."""

from collections.abc import Callable
from datetime import UTC, datetime

Clock = Callable[[], datetime]


def utc_now() -> datetime:
    """The time now, aware, in UTC, to the microsecond."""
    return datetime.now(UTC)
