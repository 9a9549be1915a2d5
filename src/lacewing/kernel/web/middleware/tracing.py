"""A span for each request (OPS-4); installed only when traces are wanted."""

import structlog
from opentelemetry.semconv.attributes import (
    http_attributes as http,
    network_attributes as network,
    url_attributes as url,
)
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from lacewing.kernel.spans import Making, Spans
from lacewing.kernel.web.middleware.access_log import METHODS, QUIET
from lacewing.kernel.web.paths import told_path

SERVER_ERRORS_FROM = 500
SWITCHED = 101
"""The status of a WebSocket that is opened."""
OTHER_METHOD = "_OTHER"
_CONTEXT_HEADERS = frozenset({b"traceparent", b"tracestate"})


class Tracing:
    """Goes on with the caller's trace (W3C Trace Context) and puts its id into the logs.

    The span of a socket ends when it is open: what comes afterwards is nobody's request.
    """

    def __init__(self, app: ASGIApp, spans: Spans) -> None:
        self.app = app
        self._spans = spans

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        # Probes come every few seconds, and nobody ever asks where their time went.
        if scope["type"] not in {"http", "websocket"} or scope["path"] in QUIET:
            await self.app(scope, receive, send)
            return
        method = scope.get("method", "GET")
        carrier = {
            name.decode("latin-1"): value.decode("latin-1")
            for name, value in scope["headers"]
            if name in _CONTEXT_HEADERS
        }
        name = method if method in METHODS else OTHER_METHOD
        with self._spans.request(name, carrier) as made:
            structlog.contextvars.bind_contextvars(trace_id=made.trace_id)

            async def send_and_note(message: Message) -> None:
                kind = message["type"]
                if kind.endswith("http.response.start"):
                    _note_answer(made, scope, name, message["status"])
                elif kind == "websocket.accept":
                    _note_answer(made, scope, name, SWITCHED)
                    made.span.end()
                await send(message)

            await self.app(scope, receive, send_and_note)


def _note_answer(made: Making, scope: Scope, method: str, status: int) -> None:
    """By now it is known which route it was; a span that is not kept notes nothing.

    Nothing says who asked: the access log has that, under the request's id.
    """
    span = made.span
    if not span.is_recording():
        return
    span.set_attribute(http.HTTP_REQUEST_METHOD, method)
    span.set_attribute(http.HTTP_RESPONSE_STATUS_CODE, status)
    span.set_attribute(url.URL_SCHEME, scope["scheme"])
    span.set_attribute(network.NETWORK_PROTOCOL_VERSION, scope.get("http_version", "1.1"))
    span.set_attribute("lacewing.request_id", scope["lacewing.request_id"])
    route = getattr(scope.get("route"), "path", None)
    if route is not None:
        span.update_name(f"{method} {route}")
        span.set_attribute(http.HTTP_ROUTE, route)
        span.set_attribute(url.URL_PATH, told_path(scope))
    if status >= SERVER_ERRORS_FROM:
        made.fail(str(status))
