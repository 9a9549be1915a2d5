from datetime import datetime
from typing import Annotated, Any, Final
from uuid import UUID

import msgspec
from pydantic import BeforeValidator, Field

from lacewing.kernel.schemas import PAGE_LIMIT_DEFAULT, PAGE_LIMIT_MAX, Input, Line, split_values

TYPES_MAX: Final = 50
TYPE_LENGTH_MAX: Final = 100
SEQUENCE_MAX: Final = 2**63 - 1
SOURCE: Final = "lacewing"


class FeedQuery(Input):
    after: int | None = Field(
        None,
        ge=0,
        le=SEQUENCE_MAX,
        description="`next_after` of the answer before; without it: from the first event kept.",
    )
    type: Annotated[
        list[Annotated[Line, Field(max_length=TYPE_LENGTH_MAX)]] | None,
        BeforeValidator(split_values),
    ] = Field(
        None,
        max_length=TYPES_MAX,
        description="Only these, separated by commas.",
        examples=["issue.created,comment.created"],
    )
    limit: int = Field(
        PAGE_LIMIT_DEFAULT, ge=1, le=PAGE_LIMIT_MAX, description="How many events to answer."
    )


class Metadata(msgspec.Struct, frozen=True):
    source: str
    version: int
    """Of this type of event: see the list of events."""


class FeedEvent(msgspec.Struct, frozen=True):
    sequence: int
    """Its place in the log: without gaps, and growing."""
    event_id: UUID
    event_type: str
    timestamp: datetime
    user_id: UUID | None
    """Who did it; null: Lacewing itself."""
    data: dict[str, Any]
    metadata: Metadata


class Feed(msgspec.Struct, frozen=True):
    data: list[FeedEvent]
    next_after: int
    """To be sent as ``after`` for what comes later."""
    has_more: bool
