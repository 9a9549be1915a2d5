"""One client that listens: first what it has missed, then what happens."""

import asyncio
from collections.abc import AsyncGenerator
from typing import Final, Protocol
from uuid import UUID

import msgspec

from lacewing.kernel.actor import Actor
from lacewing.kernel.errors import Unavailable
from lacewing.kernel.ids import new_id
from lacewing.notifications.live.frames import RESYNC, Frame, reload_at
from lacewing.notifications.metrics import ENDED, SENT, SOCKET

QUEUE_MAX: Final = 256
"""Messages that wait for one client; one that is slower is sent away, rather than slow others."""
CLOSE_SECONDS: Final = 5.0
"""What a client that is sent away may still take to read what waits."""


class Ending(msgspec.Struct, frozen=True):
    """Why the server ends a connection (RFC 6455, section 7.4)."""

    code: int
    reason: str
    name: str
    """A label of measurements."""


SESSION_ENDED: Final = Ending(4401, "The session has ended.", "session-ended")
TOO_SLOW: Final = Ending(
    1013, "Too slow: connect again with the id of your last message.", "too-slow"
)
GOING_AWAY: Final = Ending(1012, "The server restarts: connect again.", "going-away")
UNAVAILABLE: Final = Ending(
    1013, "What you have missed can't be read now: connect again later.", "unavailable"
)
for _ending in (SESSION_ENDED, TOO_SLOW, GOING_AWAY, UNAVAILABLE):
    ENDED.labels(_ending.name)


class Source(Protocol):
    """Where messages come from: the hub."""

    head: int
    """The number of the last event that was passed on."""

    async def is_kept_after(self, position: int) -> bool:
        """Whether every event after that number is still there, and that number has been."""

    async def read_missed(self, actor: Actor, after: int, until: int) -> tuple[list[Frame], int]:
        """Messages for one user, and the number up to which they are all."""

    def join(self, connection: "Connection") -> None:
        """It has all up to ``head``: from here on it gets what is passed on."""

    def leave(self, connection: "Connection") -> None:
        """It gets nothing more; twice is no error."""


class Connection:
    """What one socket or stream is sent, in order, each message once."""

    def __init__(
        self, source: Source, actor: Actor, last_event_id: int | None, kind: str = SOCKET
    ) -> None:
        self._source = source
        self._name = new_id().hex
        self.actor = actor
        self.kind: Final = kind
        # Where it begins is settled before the client knows that it is heard.
        self._reached = source.head if last_event_id is None else last_event_id
        self._is_live = False
        self._queue: asyncio.Queue[Frame | None] = asyncio.Queue(QUEUE_MAX + 2)
        self.ending: Ending | None = None
        self.ended: Final = asyncio.Event()

    @property
    def user_id(self) -> UUID:
        return self.actor.id

    @property
    def place(self) -> tuple[UUID, str]:
        """The user, and a name of its own."""
        return self.actor.id, self._name

    @property
    def position(self) -> int:
        """From where the client can go on, once it has had every frame that was handed out."""
        if self._is_live and self._queue.empty():
            self._reached = max(self._reached, self._source.head)
        return self._reached

    def put(self, frame: Frame) -> None:
        """Let the client have this next, unless it had it; one that lets too many wait is ended."""
        if self.ending is not None or (frame.id is not None and frame.id <= self._reached):
            return
        if self._queue.qsize() >= QUEUE_MAX:
            self._drop_waiting()
            self._queue.put_nowait(RESYNC)
            self.end(TOO_SLOW)
            return
        self._queue.put_nowait(frame)
        SENT.inc()

    def end(self, ending: Ending) -> None:
        """No more messages after those that wait; once the session has ended, not even those."""
        if self.ending is None:
            self.ending = ending
            ENDED.labels(ending.name).inc()
            if ending is SESSION_ENDED:
                self._drop_waiting()
            self.ended.set()
            self._queue.put_nowait(None)

    def leave(self) -> None:
        """It is not there any more; twice is no error."""
        self._source.leave(self)

    def _drop_waiting(self) -> None:
        while not self._queue.empty():
            self._queue.get_nowait()

    async def frames(self) -> AsyncGenerator[Frame]:
        """Every message, until the connection ends."""
        try:
            async for frame in self._missed():
                yield frame
            while (next_frame := await self._queue.get()) is not None:
                self._reached = next_frame.id or self._reached
                yield next_frame
        except Unavailable:
            self.end(UNAVAILABLE)
        finally:
            self.leave()

    async def _missed(self) -> AsyncGenerator[Frame]:
        """What came after the last message; at its end the client hears what happens live."""
        if not await self._source.is_kept_after(self._reached):
            self._reached = self._source.head
            yield reload_at(self._reached)
        while self.ending is None and self._reached < self._source.head:
            until = self._source.head
            told, self._reached = await self._source.read_missed(self.actor, self._reached, until)
            for frame in told:
                if self.ended.is_set():
                    return
                yield frame
        # Nothing is awaited in between: what is passed on from here on is what it has not had.
        self._source.join(self)
        self._is_live = True
