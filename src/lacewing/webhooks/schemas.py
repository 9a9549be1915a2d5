"""What goes over the wire."""

from datetime import datetime
from typing import Annotated, ClassVar
from uuid import UUID

import msgspec
from pydantic import AfterValidator, BeforeValidator, Field, StrictBool
from pydantic_core import PydanticCustomError

from lacewing.accounts.public import Person
from lacewing.kernel.schemas import Input, Line, Moment, PagedQuery, Text, split_values
from lacewing.tracker.public import ProjectRef
from lacewing.webhooks import rules
from lacewing.webhooks.rules import ALL_EVENTS, OffReason, Status


def _check_url(url: str) -> str:
    try:
        rules.parse_url(url)
    except ValueError as error:
        raise PydanticCustomError("webhook_url", "{why}", {"why": str(error)}) from None
    return url


def _in_order(event_types: list[str]) -> list[str]:
    """Each once, sorted; with ``*`` that alone, since it holds all others."""
    return [ALL_EVENTS] if ALL_EVENTS in event_types else sorted(set(event_types))


Url = Annotated[
    Line,
    Field(max_length=rules.URL_LENGTH_MAX, examples=["https://hooks.example.com/lacewing"]),
    AfterValidator(_check_url),
]
EventTypes = Annotated[
    list[Annotated[Line, Field(max_length=rules.EVENT_TYPE_LENGTH_MAX)]],
    Field(
        min_length=1,
        max_length=rules.EVENT_TYPES_MAX,
        description="Names of events, or `*` for all.",
        examples=[["issue.created", "comment.created"]],
    ),
    AfterValidator(_in_order),
]
Description = Annotated[Text, Field(max_length=rules.DESCRIPTION_LENGTH_MAX)]


class NewWebhook(Input):
    url: Url
    event_types: EventTypes
    description: Description = ""
    is_active: StrictBool = True


class WebhookChange(Input):
    """Only what is sent is changed."""

    url: Url = ""
    event_types: EventTypes = Field(default_factory=list)
    description: Description = ""
    is_active: StrictBool = False


class ReplayWindow(Input):
    """When the events happened."""

    since: Moment = Field(description="At this moment or later.")
    until: Moment = Field(description="Before this moment.")


class DeliveryQuery(PagedQuery):
    status: Annotated[list[Status], BeforeValidator(split_values)] | None = Field(
        None, max_length=len(Status), description="One or more statuses, comma-separated."
    )
    event_type: Text | None = Field(None, max_length=rules.EVENT_TYPE_LENGTH_MAX)


class WebhookView(msgspec.Struct, frozen=True):
    UNEDITED: ClassVar[frozenset[str]] = frozenset({"failing_since"})

    id: UUID
    project: ProjectRef
    url: str
    event_types: list[str]
    description: str
    is_active: bool
    off_reason: OffReason | None
    """Why Lacewing has switched it off: ``gone`` (410), ``failing`` (for days)."""
    failing_since: datetime | None
    """Since when every try has failed."""
    created_by: Person
    created_at: datetime
    updated_at: datetime


class NewWebhookView(WebhookView, frozen=True, kw_only=True):
    """The one answer, beside that of a rotation, that holds the secret."""

    secret: str


class RotatedSecretView(msgspec.Struct, frozen=True):
    """The new secret; until then the one before it signs too."""

    secret: str
    old_secret_signs_until: datetime


class TryView(msgspec.Struct, frozen=True):
    """One try at one delivery."""

    at: datetime
    duration_ms: int
    status_code: int | None
    error: str | None


class DeliveryView(msgspec.Struct, frozen=True):
    """One message to one webhook; ``message_id`` is its header ``webhook-id``."""

    id: UUID
    message_id: UUID
    event_type: str
    occurred_at: datetime
    status: Status
    attempts: int
    last_status_code: int | None
    response_excerpt: str | None
    error: str | None
    next_attempt_at: datetime | None
    finished_at: datetime | None
    tries: list[TryView]
    """The last ones, the oldest first."""


class Replayed(msgspec.Struct, frozen=True):
    """How many deliveries will be sent once more."""

    replayed: int
