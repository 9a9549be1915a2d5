from datetime import datetime
from typing import Any

import msgspec
from pydantic import Field

from lacewing.accounts.public import Person
from lacewing.kernel.schemas import Input, PagedQuery
from lacewing.notifications.rules import Reason


class NotificationQuery(PagedQuery):
    unread: bool | None = Field(None, description="`true`: only those without `read_at`.")


class NotificationView(msgspec.Struct, frozen=True):
    id: int
    """As in live messages: it grows."""
    type: str
    at: datetime
    reason: Reason
    actor: Person | None
    """Who did it; null: Lacewing itself."""
    title: str | None
    """Of what it is about, as it is now; null when that is gone."""
    link: str | None
    """Where it is found in the API."""
    data: dict[str, Any]
    read_at: datetime | None


class Marked(msgspec.Struct, frozen=True):
    marked: int
    """How many were unread."""


class Ticket(msgspec.Struct, frozen=True):
    ticket: str
    expires_in: int
    """In seconds."""
    last_event_id: int = 0
    """From where the socket goes on until it has had a message."""


class Preference(Input):
    reason: Reason
    is_wanted: bool


class PreferenceChange(Input):
    preferences: list[Preference] = Field(max_length=len(Reason))


class PreferenceView(msgspec.Struct, frozen=True):
    reason: Reason
    is_wanted: bool


class Preferences(msgspec.Struct, frozen=True):
    data: list[PreferenceView]
