"""What requests may carry: the base of all input, and texts without traps."""

import re
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Annotated, Any, ClassVar, Final

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
DECIMAL_PLACES_MAX: Final = 2
"""Of money and of what is measured like it (API-2)."""
_CENT: Final = Decimal("0.01")
_DECIMAL: Final = re.compile(r"-?[0-9]{1,30}(\.[0-9]{1,30})?")
"""A decimal as people write it, of a length that is quickly read: no exponent, no blank."""


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


def on_the_calendar(moment: datetime) -> datetime:
    """Refuse what UTC has no date for: near its ends an offset leads beyond the calendar."""
    try:
        moment.astimezone(UTC)
    except OverflowError:
        raise PydanticCustomError("datetime_range", "must be within the years 1 to 9999") from None
    return moment


def split_values(value: Any) -> Any:
    """``status=open,reopened`` to its values; a repeated parameter is refused earlier."""
    if isinstance(value, list) and len(value) == 1:
        value = value[0]
    return [part.strip() for part in value.split(",")] if isinstance(value, str) else value


def exact(value: Any) -> Any:
    """What is written exactly, with two decimals at the most: more are refused, not rounded.

    A number must come as an ``int`` or ``Decimal``, as it does in an ``ExactInput``.
    """
    if isinstance(value, str) and _DECIMAL.fullmatch(value):
        value = Decimal(value)
    if isinstance(value, bool) or not isinstance(value, int | Decimal):
        raise PydanticCustomError("decimal_type", "must be a decimal, as in 9.99")
    if isinstance(value, int):
        return value
    exponent = value.as_tuple().exponent
    if not isinstance(exponent, int):
        raise PydanticCustomError("finite_number", "must be a finite number")
    if -exponent > DECIMAL_PLACES_MAX:
        raise PydanticCustomError("decimal_max_places", "must have no more than two decimals")
    return value


def in_cents(value: Decimal) -> Decimal:
    """The same value with two decimals, and zero without a sign: its one spelling."""
    return value.quantize(_CENT) + 0


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
Moment = Annotated[AwareDatetime, BeforeValidator(written_out), AfterValidator(on_the_calendar)]
"""A moment with its offset from UTC."""
Day = Annotated[date, BeforeValidator(written_out)]


class Input(BaseModel):
    """The base of everything that a client sends: an unknown field is named, not ignored."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class ExactInput(Input):
    """A body whose numbers are decimals as they were written, and never pass through a float."""


class CursorQuery(Input):
    """The query parameters of every list, also of one that knows no page numbers (API-5)."""

    UNBOUND: ClassVar[frozenset[str]] = frozenset({"limit", "cursor", "page"})
    """What may change from one page to the next: no cursor is bound to it."""

    limit: int = Field(
        PAGE_LIMIT_DEFAULT, ge=1, le=PAGE_LIMIT_MAX, description="How many rows to answer."
    )
    cursor: Text | None = Field(
        None,
        max_length=CURSOR_LENGTH_MAX,
        description="`next_cursor` of the page before.",
    )


class PagedQuery(CursorQuery):
    """The query parameters of a list that is also paged by number; not by both at once."""

    page: int | None = Field(
        None,
        ge=1,
        le=PAGE_NUMBER_MAX,
        description="A page by number, from 1, not together with `cursor`; the answer then "
        "counts the rows, up to 10,000.",
    )
