"""Messages as they go to clients, the same in sockets and streams."""

from typing import Final

import msgspec

from lacewing.kernel.subjects import Subject
from lacewing.notifications.rules import Reason
from lacewing.notifications.store.notifications import Told

_encode: Final = msgspec.json.Encoder().encode


class Frame(msgspec.Struct, frozen=True):
    """One message."""

    text: str
    id: int | None = None
    """From where the client can go on: of the event, if it is one."""


RESYNC: Final = Frame(_encode({"type": "resync"}).decode())
"""The client was too slow: it must connect again, with the id of its last message."""


def reload_at(position: int) -> Frame:
    """What the client has missed up to there can't be told: it must read its things anew."""
    return Frame(_encode({"id": position, "type": "reload"}).decode(), position)


def frame_of(told: Told, subject: Subject | None) -> Frame:
    """The message ``{"id", "type", "at", "data"}`` of one event for one reason (LIVE-2)."""
    event = told.event
    data = {
        **event.data,
        "reason": told.reason,
        "is_own": told.reason is Reason.OWN,
        "actor": told.actor,
        "title": None if subject is None else subject.title,
        "link": None if subject is None else subject.link,
    }
    message = {"id": event.sequence, "type": event.name, "at": event.at, "data": data}
    return Frame(_encode(message).decode(), event.sequence)
