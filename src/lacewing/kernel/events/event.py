"""The base of every event."""

from collections.abc import Iterator
from datetime import datetime
from typing import Any, ClassVar
from uuid import UUID

import msgspec


class Event(msgspec.Struct, frozen=True):
    """A fact that others may care about; ids only, so that it tells nobody what they may not see.

    A domain derives its own with ``tag="issue.created"``: the name that consumers see. Members may
    be added to it; when one goes or means something else, ``version`` grows.
    """

    version: ClassVar[int] = 1


class RecordedEvent(msgspec.Struct, frozen=True):
    """An event as its consumers read it."""

    sequence: int
    """Its place in the log: no reader of a number will ever see a lower one come later."""
    id: UUID
    name: str
    version: int
    at: datetime
    actor_id: UUID | None
    """Who did it; ``None``: Lacewing itself."""
    data: dict[str, Any]
    request_id: str | None = None
    """Which request made it."""
    traceparent: str | None = None
    """The span that it was told in."""


def kinds_of_events(base: type[Event] = Event) -> Iterator[type[Event]]:
    """Every kind that has a name; those that only others derive from have none."""
    for kind in base.__subclasses__():
        if kind.__struct_config__.tag is not None:
            yield kind
        yield from kinds_of_events(kind)


def names_with(field: str) -> frozenset[str]:
    """The names of all events that have such a member."""
    return frozenset(name_of(kind) for kind in kinds_of_events() if field in kind.__struct_fields__)


def name_of(event: Event | type[Event]) -> str:
    """The event's public name."""
    kind = event if isinstance(event, type) else type(event)
    tag = kind.__struct_config__.tag
    assert isinstance(tag, str), f"{kind.__name__} has no tag"
    return tag
