"""A limit on the size of bodies, whatever ``Content-Length`` says (SEC-1, SEC-6)."""

from collections.abc import Mapping

from starlette.requests import ClientDisconnect
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from lacewing.kernel.errors import Malformed, PayloadTooLarge
from lacewing.kernel.web.problems import refusal_response


class BodyLimit:
    """Refuses bodies over ``limit_bytes``, and requests whose length is told in two ways.

    On overflow inside ``receive`` nothing may be raised (the framework would take it for a bad
    body): a flag is set, the application sees a disconnect, and its answer is replaced.
    """

    def __init__(
        self,
        app: ASGIApp,
        limit_bytes: int,
        others: Mapping[tuple[str, str], int] | None = None,
    ) -> None:
        self.app = app
        self._limit = limit_bytes
        self._others = others or {}
        """Limits of single operations, by method and path."""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        limit = self._others.get((scope["method"], scope["path"].rstrip("/")), self._limit)
        declared: bytes | None = None
        is_chunked = False
        for name, value in scope["headers"]:
            if name == b"content-length":
                declared = value
            elif name == b"transfer-encoding":
                is_chunked = True
        if declared is not None and is_chunked:
            # RFC 9112, section 6.1: a request that is told in two ways may be smuggled.
            refusal = Malformed("`Content-Length` and `Transfer-Encoding` exclude each other.")
            await self._refuse(refusal, scope, receive, send)
            return
        if declared is not None and declared.isdigit() and int(declared) > limit:
            await self._refuse(_too_large(limit), scope, receive, send)
            return
        if declared is None and not is_chunked:
            await self.app(scope, receive, send)
            return
        await self._count(limit, scope, receive, send)

    async def _count(self, limit: int, scope: Scope, receive: Receive, send: Send) -> None:
        received = 0
        is_over = has_begun = False

        async def receive_counted() -> Message:
            nonlocal received, is_over
            if is_over:
                return {"type": "http.disconnect"}
            message = await receive()
            if message["type"] == "http.request":
                received += len(message.get("body", b""))
                if received > limit:
                    is_over = True
                    return {"type": "http.disconnect"}
            return message

        async def send_unless_over(message: Message) -> None:
            nonlocal has_begun
            if not is_over:
                has_begun = True
                await send(message)

        try:
            await self.app(scope, receive_counted, send_unless_over)
        except ClientDisconnect:
            if not is_over:
                raise
        if is_over and not has_begun:
            await self._refuse(_too_large(limit), scope, receive, send)

    @staticmethod
    async def _refuse(
        refusal: Malformed | PayloadTooLarge, scope: Scope, receive: Receive, send: Send
    ) -> None:
        response = refusal_response(refusal, scope["path"], scope["lacewing.request_id"])
        response.headers["Connection"] = "close"
        await response(scope, receive, send)


def _too_large(limit: int) -> PayloadTooLarge:
    return PayloadTooLarge(f"The body may have {limit} bytes at most.")
