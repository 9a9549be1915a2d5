"""What several groups of settings share."""

from typing import Any


def split_by_commas(value: Any) -> Any:
    """Comma-separated text, as an environment variable has it, to a list."""
    if isinstance(value, str):
        return [part.strip() for part in value.split(",") if part.strip()]
    return value
