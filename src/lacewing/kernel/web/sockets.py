"""WebSockets: their protocol in the server, who may open one, and the work of a handshake."""

import logging
import socket
from asyncio import BaseTransport
from collections.abc import AsyncGenerator, Collection
from contextlib import asynccontextmanager
from http import HTTPStatus
from typing import Any, Final, cast
from urllib.parse import urlsplit

from fastapi import WebSocket
from uvicorn._types import ASGISendEvent
from uvicorn.protocols.utils import ClientDisconnected
from uvicorn.protocols.websockets.websockets_sansio_impl import WebSocketsSansIOProtocol
from websockets.datastructures import Headers
from websockets.frames import CloseCode, Frame
from websockets.http11 import Response
from websockets.server import ServerProtocol

from lacewing.kernel.web.problems import PROBLEM_JSON
from lacewing.kernel.web.protocol import end_streams, own_problem
from lacewing.kernel.web.runtime import Runtime
from lacewing.kernel.work import Work

MESSAGE_BYTES_MAX: Final = 64 * 1024
"""Of what a client sends; a larger message closes with 1009."""
FRAMES_PER_SECOND_MAX: Final = 100
"""Of what a client sends, who has nothing to say: fragments of a message and pings too."""
PING_SECONDS: Final = 20.0
ABORT_SECONDS: Final = 5.0
"""What a client may take to close its side, before the connection is cut."""
SEND_BUFFER_BYTES: Final = 64 * 1024
"""Of what is sent, the kernel would keep megabytes for a client that does not read it."""

_logger = logging.getLogger("lacewing.sockets")
# Each handshake would be told with its query, in which a client may have put what is secret.
_logger.setLevel(logging.WARNING)


class _Handshake(ServerProtocol):
    """Refuses what is no handshake in our words (API-10)."""

    def reject(self, status: HTTPStatus | int, text: str) -> Response:
        status = HTTPStatus(status)
        code = status.phrase.lower().replace(" ", "-")
        request_id, body = own_problem(code, status, text.strip() or status.phrase)
        headers = Headers(
            {
                "Content-Type": PROBLEM_JSON,
                "Content-Length": str(len(body)),
                "X-Request-ID": request_id,
                "X-Content-Type-Options": "nosniff",
                "Cache-Control": "no-store",
                "Connection": "close",
            }
        )
        return Response(status.value, status.phrase, headers, body)


class SocketProtocol(WebSocketsSansIOProtocol):
    """Answers all that is no handshake, and cuts connections whose other side does not read.

    Nothing that a client says is kept or passed on; the parser alone sees how long a message is.
    """

    _frames_left = FRAMES_PER_SECOND_MAX
    _counted_until = 0.0

    def __init__(self, *arguments: Any, **options: Any) -> None:
        super().__init__(*arguments, **options)
        self.logger = _logger
        self.conn = _Handshake(max_size=self.config.ws_max_size, logger=_logger)

    def connection_made(self, transport: BaseTransport) -> None:
        super().connection_made(transport)
        connection = transport.get_extra_info("socket")
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, SEND_BUFFER_BYTES)

    def data_received(self, data: bytes) -> None:
        super().data_received(data)
        if self.conn.handshake_exc is not None and not self.handshake_initiated:
            self._refuse_head()

    def _refuse_head(self) -> None:
        """The request's line or headers are too long, or such as no handshake has."""
        answer = b"".join(self.conn.data_to_send())
        if not answer:
            refusal = self.conn.reject(HTTPStatus.BAD_REQUEST, "This is no WebSocket handshake.")
            answer = refusal.serialize()
        self.handshake_initiated = self.handshake_complete = self.close_sent = True
        self.transport.write(answer)
        self.transport.close()
        self._abort_later()

    async def run_asgi(self) -> None:
        await super().run_asgi()
        self._abort_later()

    async def send(self, message: ASGISendEvent) -> None:
        await self.writable.wait()
        if self.close_sent:
            raise ClientDisconnected  # it did not answer pings, say: no fault of the application
        await super().send(message)
        # After a denial too, which uvicorn takes for a fault.
        self.handshake_complete |= self.close_sent

    def handle_text(self, event: Frame) -> None:  # noqa: ARG002  the base class names it
        self._count_frame()

    def handle_bytes(self, event: Frame) -> None:  # noqa: ARG002  as above
        self._count_frame()

    def handle_cont(self, event: Frame) -> None:  # noqa: ARG002  as above
        self._count_frame()

    def handle_ping(self) -> None:
        super().handle_ping()
        self._count_frame()

    def _count_frame(self) -> None:
        """Close with 1008 (RFC 6455, section 7.4.1) on whoever sends too many."""
        if (now := self.loop.time()) >= self._counted_until:
            self._frames_left = FRAMES_PER_SECOND_MAX
            self._counted_until = now + 1
        self._frames_left -= 1
        if self._frames_left < 0 and not self.close_sent:
            self.conn.fail(CloseCode.POLICY_VIOLATION, "Too many frames.")
            self.handle_parser_exception()

    def handle_parser_exception(self) -> None:
        """Who sends frames before the handshake is answered is cut: no close frame may be sent."""
        if self.conn.close_sent is None:
            self.close_sent = True
            self.transport.abort()
            return
        super().handle_parser_exception()

    def pause_writing(self) -> None:
        """Nor is anything read from a client that does not read: each ping would be answered."""
        super().pause_writing()
        self.transport.pause_reading()

    def resume_writing(self) -> None:
        super().resume_writing()
        if not self.transport.is_closing():
            self.transport.resume_reading()

    def keepalive_timeout(self) -> None:
        super().keepalive_timeout()
        self._abort_later()

    def shutdown(self) -> None:
        """Close with 1012; a socket that is just being opened is closed when it is open."""
        end_streams(self.app_state)
        if self.handshake_complete:
            super().shutdown()

    def _abort_later(self) -> None:
        self.loop.call_later(ABORT_SECONDS, self.transport.abort)


def is_of_origin(websocket: WebSocket, allowed: Collection[str]) -> bool:
    """Whether the page that opens the socket may (RFC 6455, section 10.2).

    No browser leaves the header out, so what comes without it is no page.
    """
    origin = websocket.headers.get("origin")
    if origin is None or origin in allowed or "*" in allowed:
        return True
    try:
        page = urlsplit(origin)
    except ValueError:
        return False
    host = websocket.headers.get("host", "")
    scheme: str = websocket.scope["scheme"]
    scheme = {"ws": "http", "wss": "https"}.get(scheme, scheme)
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
