"""The HTTP/1.1 protocol of the server: bounded heads, and problem documents for what is no HTTP."""

import asyncio
import select
from http import HTTPStatus
from typing import Any, Final
from uuid import uuid4

import msgspec
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol, RequestResponseCycle

from lacewing.kernel.web.intake import Intake
from lacewing.kernel.web.problems import PROBLEM_JSON, Problem

HEAD_BYTES_MAX: Final = 64 * 1024
"""A request's line and headers; more than browsers and proxies send."""
HEADERS_MAX: Final = 200
_LINE_BYTES: Final = 4
"""What a header takes beside its name and value: ``: `` and the line's end."""

_MALFORMED: Final = ("malformed-request", 400, "These bytes are no HTTP/1.1 request.")
_HEAD_TOO_LARGE: Final = (
    "headers-too-large",
    431,
    f"A request has at most {HEADERS_MAX} headers, and {HEAD_BYTES_MAX} bytes before its body.",
)


ON_SHUTDOWN: Final = "lacewing.on_shutdown"
"""In the state of the application's lifespan: what to call when the server begins to stop."""
CUT: Final = "lacewing.cut"
"""In the scope of a request: what cuts its connection, for answers that nobody reads."""
ENDLESS: Final = "lacewing.endless"
"""In the scope of a request whose answer has no end of its own: its time tells nothing."""

LINGER_SECONDS: Final = 0.5
"""How long an idle connection is kept when the server stops: a request may be on its way on it, and
a proxy may not send a POST again. Whatever is asked meanwhile is answered, and is the last."""

_intake: Final = Intake()
"""One a process, as the event loop is."""


class HeadTooLarge(Exception):  # ruff: ignore[error-suffix-on-exception-name]  told to the parser alone
    """Ends the parsing of a request."""


class NotHttp(Exception):  # ruff: ignore[error-suffix-on-exception-name]  as above
    """The parser takes it, but it is no request that may be answered."""


class ProblemProtocol(HttpToolsProtocol):
    """Bounds what a connection may send beside bodies, and refuses in words (SEC-6, API-3, API-10).

    Counted are the request's line and headers as they are parsed, and all bytes that are of no
    body: so neither a header that never ends nor the extensions and trailers of chunks can fill
    the memory.
    """

    _is_in_head = False
    _has_begun = False
    _is_refused = False
    _is_stopping = False
    _head_bytes = 0
    _header_count = 0
    _host_count = 0
    _body_bytes = 0
    _body_bytes_of_data = 0
    _other_bytes = 0

    waiting_bytes = 0
    """Of bodies that the application has not read yet."""

    def __init__(self, *arguments: Any, **options: Any) -> None:
        super().__init__(*arguments, **options)
        self.app = _intake.taking(self, self.app)

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]  # as uvicorn has it
        super().connection_made(transport)
        if _intake.is_full:
            # Only afterwards does the loop begin to read.
            self.loop.call_soon(_intake.hold, self)

    def connection_lost(self, exc: Exception | None) -> None:
        super().connection_lost(exc)
        _intake.forget(self)

    def shutdown(self) -> None:
        """One more request at most; answers without an end are told to find one."""
        end_streams(self.app_state)
        self._is_stopping = True
        if self._is_answering():
            super().shutdown()
        else:
            self.loop.call_later(LINGER_SECONDS, self._close_if_idle)

    def _is_answering(self) -> bool:
        cycle: RequestResponseCycle | None = self.cycle
        return cycle is not None and not cycle.response_complete

    def _close_if_idle(self) -> None:
        """Close, unless a request is being answered (its answer closes) or has come just now."""
        if self.transport.is_closing() or self._is_answering():
            return
        if _has_unread(self.transport):
            self.loop.call_later(0, self._close_if_idle)
        else:
            self.transport.close()

    def hold(self) -> None:
        """Read no more of this connection for now."""
        self.flow.pause_reading()

    def go_on(self) -> None:
        """Read this connection again."""
        if not self.transport.is_closing():
            self.flow.resume_reading()

    def data_received(self, data: bytes) -> None:
        if self._is_refused:
            return
        self._has_begun = False
        self._body_bytes_of_data = 0
        super().data_received(data)
        if not self._has_begun:
            self._other_bytes += len(data) - self._body_bytes_of_data
        if self._other_bytes > HEAD_BYTES_MAX + self._body_bytes and not self._is_refused:
            self._refuse(*_HEAD_TOO_LARGE)

    def on_message_begin(self) -> None:
        self._is_in_head = self._has_begun = True
        self._head_bytes = self._header_count = self._host_count = 0
        self._body_bytes = self._other_bytes = 0
        super().on_message_begin()
        self.scope[CUT] = self.transport.abort  # type: ignore[typeddict-unknown-key]  # ours

    def on_url(self, url: bytes) -> None:
        self._count(len(url))
        super().on_url(url)

    def on_header(self, name: bytes, value: bytes) -> None:
        """A header of the head; one in a trailer is dropped, as nobody may add any after it."""
        if self._is_in_head:
            self._header_count += 1
            self._count(len(name) + len(value) + _LINE_BYTES)
            self._check(name.lower(), value)
            super().on_header(name, value)

    def on_headers_complete(self) -> None:
        if self.parser.get_http_version() == "1.1" and self._host_count != 1:
            raise NotHttp
        self._is_in_head = False
        super().on_headers_complete()
        if self._is_stopping and self.cycle is not None:
            self.cycle.keep_alive = False

    def on_body(self, body: bytes) -> None:
        self._body_bytes += len(body)
        self._body_bytes_of_data += len(body)
        waited = len(self.cycle.body)
        super().on_body(body)
        if not self.pipeline:  # else its turn has not come, and reading is paused anyway
            others = (each for each in self.connections if isinstance(each, ProblemProtocol))
            _intake.add(self, len(self.cycle.body) - waited, others)

    def send_400_response(self, msg: str) -> None:  # noqa: ARG002  the base class names it
        is_too_large = self._head_bytes > HEAD_BYTES_MAX or self._header_count > HEADERS_MAX
        self._refuse(*(_HEAD_TOO_LARGE if is_too_large else _MALFORMED))

    def _check(self, name: bytes, value: bytes) -> None:
        """One host, and no coding that we would not undo (RFC 9112, sections 3.2 and 6.1)."""
        self._host_count += name == b"host"
        if name == b"transfer-encoding" and value.strip().lower() != b"chunked":
            raise NotHttp

    def _count(self, head_bytes: int) -> None:
        self._head_bytes += head_bytes
        if self._head_bytes > HEAD_BYTES_MAX or self._header_count > HEADERS_MAX:
            raise HeadTooLarge

    def _refuse(self, kind: str, status: int, detail: str) -> None:
        """Answer with a problem document, unless an answer is under way, and close."""
        self._is_refused = True
        cycle: RequestResponseCycle | None = self.cycle
        if cycle is None or cycle.response_complete or not cycle.response_started:
            self.transport.write(_problem(kind, status, detail))
        self.transport.close()


def end_streams(app_state: dict[str, Any]) -> None:
    """The server begins to stop: tell it to those who wait for more to send."""
    for end_all in app_state.get(ON_SHUTDOWN, ()):
        end_all()


def _has_unread(transport: asyncio.Transport) -> bool:
    """Whether something waits in the socket that the loop has not looked at yet."""
    poll = select.poll()
    poll.register(transport.get_extra_info("socket").fileno(), select.POLLIN)
    return bool(poll.poll(0))


def own_problem(kind: str, status: int, detail: str) -> tuple[str, bytes]:
    """A problem document of what never came to be a request: the id it is given, and the text."""
    request_id = str(uuid4())
    return request_id, msgspec.json.encode(Problem(kind, detail, status, detail, "", request_id))


def _problem(kind: str, status: int, detail: str) -> bytes:
    request_id, body = own_problem(kind, status, detail)
    head = (
        f"HTTP/1.1 {status} {HTTPStatus(status).phrase}\r\ncontent-type: {PROBLEM_JSON}\r\n"
        f"content-length: {len(body)}\r\nx-request-id: {request_id}\r\n"
        "x-content-type-options: nosniff\r\ncache-control: no-store\r\n"
        "connection: close\r\n\r\n"
    )
    return head.encode() + body
