"""One client that listens: first what it has missed, then what happens."""

import asyncio
from collections.abc import AsyncGenerator
from typing import Final, Protocol
from uuid import UUID

import msgspec

from lacewing.kernel.actor import Actor
from lacewing.notifications.live.frames import RELOAD, RESYNC, Frame

QUEUE_MAX: Final = 256
"""Messages that wait for one client; one that is slower is sent away, rather than slow others."""


class Ending(msgspec.Struct, frozen=True):
    """Why the server ends a connection (RFC 6455, section 7.4)."""

    code: int
    reason: str


SESSION_ENDED: Final = Ending(4401, "The session has ended.")
TOO_SLOW: Final = Ending(1013, "Too slow: connect again with the id of your last message.")
GOING_AWAY: Final = Ending(1012, "The server restarts: connect again.")


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

    def __init__(self, source: Source, actor: Actor, last_event_id: int | None) -> None:
        self._source = source
        self.actor = actor
        self._last_event_id = last_event_id
        self._queue: asyncio.Queue[Frame | None] = asyncio.Queue(QUEUE_MAX + 2)
        self.ending: Ending | None = None
        self.ended: Final = asyncio.Event()

    @property
    def user_id(self) -> UUID:
        return self.actor.id

    def put(self, frame: Frame) -> None:
        """Let the client have this next; one that lets too many wait is ended."""
        if self.ending is not None:
            return
        if self._queue.qsize() >= QUEUE_MAX:
            self._drop_waiting()
            self._queue.put_nowait(RESYNC)
            self.end(TOO_SLOW)
            return
        self._queue.put_nowait(frame)

    def end(self, ending: Ending) -> None:
        """No more messages after those that wait."""
        if self.ending is None:
            self.ending = ending
            self.ended.set()
            self._queue.put_nowait(None)

    def _drop_waiting(self) -> None:
        while not self._queue.empty():
            self._queue.get_nowait()

    async def frames(self) -> AsyncGenerator[Frame]:
        """Every message, until the connection ends."""
        try:
            async for frame in self._missed():
                yield frame
            while (next_frame := await self._queue.get()) is not None:
                yield next_frame
        finally:
            self._source.leave(self)

    async def _missed(self) -> AsyncGenerator[Frame]:
        """What came after ``last_event_id``; at its end the client hears what happens live."""
        position = self._source.head if self._last_event_id is None else self._last_event_id
        if not await self._source.is_kept_after(position):
            yield RELOAD
            position = self._source.head
        while self.ending is None and position < self._source.head:
            until = self._source.head
            told, position = await self._source.read_missed(self.actor, position, until)
            for frame in told:
                yield frame
        # Nothing is awaited in between: what is passed on from here on is after ``position``.
        self._source.join(self)
