"""The base of every event."""

import msgspec


class Event(msgspec.Struct, frozen=True):
    """A fact that others may care about; ids only, so that it tells nobody what they may not see.

    A domain derives its own with ``tag="issue.created"``: the name that consumers see.
    """


def name_of(event: Event) -> str:
    """The event's public name."""
    tag = type(event).__struct_config__.tag
    assert isinstance(tag, str), f"{type(event).__name__} has no tag"
    return tag
