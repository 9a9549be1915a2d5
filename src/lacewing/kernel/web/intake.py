"""A bound on what all connections together have sent and nobody has read yet (DOC-12).

Each connection alone may have a quarter of a megabyte in memory before its reading is paused: a
thousand that send at once would have all of it at once. So when more than ``WAITING_BYTES_MAX``
wait, nothing more is read from anybody until half of it is taken, or for ``HELD_SECONDS_MAX``: what
is never read must stop nobody for long. The rest waits in the buffers of the kernel, and so at the
senders.
"""

import asyncio
from collections.abc import Iterable
from typing import Final, Protocol

from starlette.types import ASGIApp, Message, Receive, Scope, Send

WAITING_BYTES_MAX: Final = 8 * 1024 * 1024
HELD_SECONDS_MAX: Final = 5.0


class Connection(Protocol):
    """One that can be told to send no more for now."""

    waiting_bytes: int

    def hold(self) -> None: ...

    def go_on(self) -> None: ...


class Intake:
    """What waits, over all connections of this process."""

    def __init__(self, limit_bytes: int = WAITING_BYTES_MAX) -> None:
        self._limit = limit_bytes
        self._waiting_bytes = 0
        self._held: set[Connection] = set()

    @property
    def is_full(self) -> bool:
        return self._waiting_bytes > self._limit

    def add(self, connection: Connection, count: int, others: Iterable[Connection]) -> None:
        """So many bytes have come in; when it is too much now, all are held."""
        was_full = self.is_full
        connection.waiting_bytes += count
        self._waiting_bytes += count
        if self.is_full and not was_full:
            for each in others:
                self.hold(each)
            asyncio.get_running_loop().call_later(HELD_SECONDS_MAX, self._let_go)

    def hold(self, connection: Connection) -> None:
        connection.hold()
        self._held.add(connection)

    def take(self, connection: Connection, count: int) -> None:
        """So many bytes were read; when there is room again, all that were held go on."""
        count = min(count, connection.waiting_bytes)
        connection.waiting_bytes -= count
        self._waiting_bytes -= count
        if self._held and self._waiting_bytes * 2 <= self._limit:
            self._let_go()

    def _let_go(self) -> None:
        held, self._held = self._held, set()
        for each in held:
            if each.waiting_bytes == 0:  # others go on when they are read
                each.go_on()

    def forget(self, connection: Connection) -> None:
        """The connection, or its request, has ended."""
        self.take(connection, connection.waiting_bytes)
        self._held.discard(connection)

    def taking(self, connection: Connection, app: ASGIApp) -> ASGIApp:
        """``app``, with what it reads of ``connection`` counted."""

        async def take_from(scope: Scope, receive: Receive, send: Send) -> None:
            async def receive_counted() -> Message:
                message = await receive()
                if body := message.get("body"):
                    self.take(connection, len(body))
                return message

            try:
                await app(scope, receive_counted, send)
            finally:
                self.take(connection, connection.waiting_bytes)

        return take_from
