"""What requests may carry: the base of all input, and texts without traps."""

from datetime import date
from typing import Annotated, Any

from pydantic import (
    AfterValidator,
    AwareDatetime,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    StringConstraints,
)
from pydantic_core import PydanticCustomError

PAGE_LIMIT_DEFAULT = 20
PAGE_LIMIT_MAX = 100
PAGE_NUMBER_MAX = 100_000
"""Deeper pages are the cursor's work: a page number costs as much as all pages before it."""
CURSOR_LENGTH_MAX = 1_024
SEARCH_LENGTH_MAX = 200


def without_nul(text: str) -> str:
    """Refuse NUL (no database keeps it in text) and lone surrogates (no UTF-8 holds them)."""
    if "\x00" in text:
        raise PydanticCustomError("nul_character", "must not contain the NUL character")
    try:
        text.encode()
    except UnicodeEncodeError:
        raise PydanticCustomError("lone_surrogate", "must not contain a lone surrogate") from None
    return text


def not_blank(text: str) -> str:
    if not text.strip():
        raise PydanticCustomError("blank", "must not be blank")
    return text


def on_one_line(text: str) -> str:
    if not text.isprintable():
        raise PydanticCustomError(
            "control_character", "must be one line without control characters"
        )
    return text


def written_out(value: Any) -> Any:
    """Refuse seconds since 1970, which pydantic would take for a time: the wire has RFC 3339."""
    if not isinstance(value, str) or value.strip().lstrip("+-").replace(".", "").isdigit():
        raise PydanticCustomError("date_format", "must be written as in RFC 3339: 2026-01-31…")
    return value


def split_values(value: Any) -> Any:
    """``status=open,reopened`` to its values; a repeated parameter is refused earlier."""
    if isinstance(value, list) and len(value) == 1:
        value = value[0]
    return [part.strip() for part in value.split(",")] if isinstance(value, str) else value


Text = Annotated[str, AfterValidator(without_nul)]
"""Any text, line breaks and all."""
Line = Annotated[
    str,
    StringConstraints(strip_whitespace=True),
    AfterValidator(without_nul),
    AfterValidator(not_blank),
    AfterValidator(on_one_line),
]
"""One line of visible text, trimmed, never blank."""
SearchText = Annotated[Text, Field(min_length=1, max_length=SEARCH_LENGTH_MAX)]
Moment = Annotated[AwareDatetime, BeforeValidator(written_out)]
"""A moment with its offset from UTC."""
Day = Annotated[date, BeforeValidator(written_out)]


class Input(BaseModel):
    """The base of everything that a client sends: an unknown field is named, not ignored."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class PagedQuery(Input):
    """The query parameters of every list (API-5)."""

    limit: int = Field(
        PAGE_LIMIT_DEFAULT, ge=1, le=PAGE_LIMIT_MAX, description="How many rows to answer."
    )
    cursor: Text | None = Field(
        None,
        max_length=CURSOR_LENGTH_MAX,
        description="`next_cursor` of the page before; not together with `page`.",
    )
    page: int | None = Field(
        None,
        ge=1,
        le=PAGE_NUMBER_MAX,
        description="A page by number, from 1; the answer then counts the rows, up to 10,000.",
    )
