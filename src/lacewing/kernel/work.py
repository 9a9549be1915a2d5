"""The unit of work that a use case is handed: session, time, who acts and from where."""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from lacewing.kernel.actor import Actor
from lacewing.kernel.db import Session
from lacewing.kernel.errors import Unauthenticated


@dataclass(frozen=True, slots=True)
class Origin:
    """Where a request came from."""

    ip: str | None = None
    user_agent: str | None = None
    request_id: str | None = None
    traceparent: str | None = None
    """The span that jobs of this work belong to, where it is not the current one."""


@dataclass(slots=True)
class Work:
    """One transaction of one actor; whoever made it commits it."""

    session: Session
    now: datetime
    origin: Origin
    found_actor: Actor | None = None
    has_told: bool = False
    """Whether events were written: whoever commits then rings the bell."""

    @property
    def actor(self) -> Actor:
        """Who acts.

        Raises:
            Unauthenticated: nobody is signed in.
        """
        if self.found_actor is None:
            raise Unauthenticated
        return self.found_actor

    @property
    def actor_id(self) -> UUID | None:
        return None if self.found_actor is None else self.found_actor.id
