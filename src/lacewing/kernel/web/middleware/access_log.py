"""One log line and one measurement for each request; and the net below all of them."""

import time

import structlog
from starlette.requests import ClientDisconnect
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from lacewing.kernel.metrics import REQUEST_SECONDS, REQUESTS_IN_FLIGHT, STREAMS_ENDED
from lacewing.kernel.web.problems import problem_of_status
from lacewing.kernel.web.protocol import ENDLESS

_log = structlog.get_logger("lacewing.access")
UNROUTED = "(none)"
CLIENT_GONE = 499
"""nginx's word for a client that went away before it had its answer; nobody receives it."""
METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})
OTHER = "OTHER"
"""Stands for the words that a stranger may make up: each would be a measurement of its own."""
QUIET = frozenset({"/health/live", "/health/ready", "/metrics"})
"""Asked every few seconds by machines: measured, not logged while all is well."""


class AccessLog:
    """Logs method, route, status, duration and user, never a query or a body (OPS-5, SEC-8)."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        started = time.perf_counter()
        status = 0

        async def send_and_note(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
            await send(message)

        REQUESTS_IN_FLIGHT.inc()
        try:
            await self.app(scope, receive, send_and_note)
        except ClientDisconnect:
            status = CLIENT_GONE
        except Exception:  # ruff: ignore[blind-except]  the net below everything: a bug is answered and logged once
            _log.exception("unexpected_error", method=scope["method"], path=scope["path"])
            if status == 0:
                response = problem_of_status(
                    scope["path"],
                    scope["lacewing.request_id"],
                    500,
                    "Something went wrong on our side. It has been logged under the request id.",
                )
                await response(scope, receive, send_and_note)
        finally:
            REQUESTS_IN_FLIGHT.dec()
            seconds = time.perf_counter() - started
            self._note(scope, status, seconds)

    @staticmethod
    def _note(scope: Scope, status: int, seconds: float) -> None:
        route = scope.get("route")
        template = getattr(route, "path", UNROUTED)
        if scope["path"] in QUIET:
            template = scope["path"]
        method = scope["method"]
        if template == UNROUTED or method not in METHODS:
            method = OTHER
        if ENDLESS in scope:
            STREAMS_ENDED.labels(template, status).inc()
        else:
            REQUEST_SECONDS.labels(method, template, status).observe(seconds)
        if template in QUIET and status == 200:  # ruff: ignore[magic-value-comparison]  all is well
            return
        user_id = scope.get("lacewing.user_id")
        _log.info(
            "request",
            method=scope["method"],
            route=template,
            status=status,
            duration_ms=round(seconds * 1000, 2),
            user_id=str(user_id) if user_id else None,
            ip=scope["lacewing.origin"].ip,
        )
