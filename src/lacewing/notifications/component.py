"""What the use cases of notifications are made of, put together once at start."""

from dataclasses import dataclass

from lacewing.notifications.live.hub import Hub
from lacewing.notifications.service.subjects import Describers


@dataclass(frozen=True)
class Notifications:
    describers: Describers
    hub: Hub
    allowed_origins: frozenset[str]
    """Pages that may open a socket, beside those of the server itself."""
