"""A limit on the size of bodies, whatever ``Content-Length`` says (SEC-1, SEC-6)."""

from starlette.requests import ClientDisconnect
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from lacewing.kernel.errors import Malformed
from lacewing.kernel.web.problems import PayloadTooLarge, refusal_response

_CLOSE = (b"connection", b"close")


class BodyLimit:
    """Refuses bodies over ``limit_bytes``, and requests whose length is told in two ways.

    On overflow inside ``receive`` nothing may be raised (the framework would take it for a bad
    body): a flag is set, the application sees a disconnect, and its answer is replaced.
    """

    def __init__(self, app: ASGIApp, limit_bytes: int) -> None:
        self.app = app
        self._limit = limit_bytes

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
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
        if declared is not None and declared.isdigit() and int(declared) > self._limit:
            await self._refuse(self._too_large(), scope, receive, send)
            return
        if declared is None and not is_chunked:
            await self.app(scope, receive, send)
            return
        await self._count(scope, receive, send)

    async def _count(self, scope: Scope, receive: Receive, send: Send) -> None:
        received = 0
        is_over = has_begun = False

        async def receive_counted() -> Message:
            nonlocal received, is_over
            if is_over:
                return {"type": "http.disconnect"}
            message = await receive()
            if message["type"] == "http.request":
                received += len(message.get("body", b""))
                if received > self._limit:
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
            await self._refuse(self._too_large(), scope, receive, send)

    def _too_large(self) -> PayloadTooLarge:
        return PayloadTooLarge(f"The body may have {self._limit} bytes at most.")

    @staticmethod
    async def _refuse(
        refusal: Malformed | PayloadTooLarge, scope: Scope, receive: Receive, send: Send
    ) -> None:
        async def send_and_close(message: Message) -> None:
            if message["type"] == "http.response.start":
                message["headers"] = [*message["headers"], _CLOSE]
            await send(message)

        response = refusal_response(refusal, scope["path"], scope["lacewing.request_id"])
        await response(scope, receive, send_and_close)
