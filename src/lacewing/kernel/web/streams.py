"""Answers without an end of their own."""

import asyncio
from collections.abc import AsyncGenerator, Callable
from typing import Final

from starlette.types import Message, Receive, Scope, Send

from lacewing.kernel.web.answers import PRIVATE, Stream
from lacewing.kernel.web.protocol import CUT, ENDLESS

EVENT_STREAM: Final = "text/event-stream"


class LiveStream(Stream):
    """Server-Sent Events until ``ended`` is set, or the client has gone."""

    def __init__(
        self,
        content: AsyncGenerator[bytes],
        ended: asyncio.Event,
        leave: Callable[[], None],
        close_seconds: float,
        send_seconds: float,
    ) -> None:
        # nginx must not keep messages back until it has a buffer of them.
        headers = {**PRIVATE, "X-Accel-Buffering": "no"}
        super().__init__(content, headers=headers, media_type=EVENT_STREAM)
        self._ended = ended
        self._leave = leave
        self._close_seconds = close_seconds
        self._send_seconds = send_seconds

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        scope[ENDLESS] = True
        cutting = asyncio.create_task(self._cut_if_unread(scope))
        loop = asyncio.get_running_loop()

        async def send_in_time(message: Message) -> None:
            """Whoever reads nothing for so long is gone, whether messages wait for it or not."""
            too_late = loop.call_later(self._send_seconds, _cut, scope)
            try:
                await send(message)
            finally:
                too_late.cancel()

        try:
            await super().__call__(scope, receive, send_in_time)
        finally:
            cutting.cancel()
            # A client that is gone at once has had no content that could have ended.
            self._leave()

    async def _cut_if_unread(self, scope: Scope) -> None:
        """Whoever is sent away for being slow may not even read that."""
        await self._ended.wait()
        await asyncio.sleep(self._close_seconds)
        _cut(scope)


def _cut(scope: Scope) -> None:
    if CUT in scope:
        scope[CUT]()
