"""WebSockets: their protocol in the server, who may open one, and the work of a handshake."""

from collections.abc import AsyncGenerator, Collection
from contextlib import asynccontextmanager
from typing import Final, cast
from urllib.parse import urlsplit

from fastapi import WebSocket
from uvicorn._types import ASGISendEvent
from uvicorn.protocols.websockets.websockets_sansio_impl import WebSocketsSansIOProtocol

from lacewing.kernel.web.runtime import Runtime
from lacewing.kernel.work import Work

MESSAGE_BYTES_MAX: Final = 64 * 1024
"""Of what a client sends; a larger message closes with 1009."""
PING_SECONDS: Final = 20.0
ABORT_SECONDS: Final = 5.0
"""What a client may take to close its side, before the connection is cut."""


class SocketProtocol(WebSocketsSansIOProtocol):
    """Cuts connections whose other side does not even read that they are closed."""

    async def run_asgi(self) -> None:
        await super().run_asgi()
        self._abort_later()

    async def send(self, message: ASGISendEvent) -> None:
        await super().send(message)
        if self.close_sent:
            self.handshake_complete = True  # after a denial too, which uvicorn takes for a fault

    def keepalive_timeout(self) -> None:
        super().keepalive_timeout()
        self._abort_later()

    def _abort_later(self) -> None:
        self.loop.call_later(ABORT_SECONDS, self.transport.abort)


def is_of_origin(websocket: WebSocket, allowed: Collection[str]) -> bool:
    """Whether the page that opens the socket may (RFC 6455, section 10.2).

    No browser leaves the header out, so what comes without it is no page.
    """
    origin = websocket.headers.get("origin")
    if origin is None or origin in allowed:
        return True
    page = urlsplit(origin)
    host = websocket.headers.get("host", "")
    scheme = {"ws": "http", "wss": "https"}.get(websocket.url.scheme, websocket.url.scheme)
    return page.netloc.lower() == host.lower() and page.scheme == scheme


@asynccontextmanager
async def work_of(websocket: WebSocket) -> AsyncGenerator[tuple[Work, Runtime]]:
    """The one unit of work of a handshake; it is committed when the block ends well."""
    runtime = cast("Runtime", websocket.app.state.runtime)
    session = runtime.database.session()
    work = Work(session=session, now=runtime.clock(), origin=websocket.scope["lacewing.origin"])
    try:
        yield work, runtime
        await session.commit()
    finally:
        await session.rollback()
