"""Security headers on every answer (SEC-3, after OWASP's list)."""

from typing import Final

from starlette.types import ASGIApp, Message, Receive, Scope, Send

STRICT_POLICY: Final = (
    b"default-src 'none'; frame-ancestors 'none'; base-uri 'none'; form-action 'none'"
)

_HEADERS: Final = (
    (b"x-content-type-options", b"nosniff"),
    (b"x-frame-options", b"DENY"),
    (b"x-xss-protection", b"1; mode=block"),
    (b"referrer-policy", b"no-referrer"),
    (b"permissions-policy", b"camera=(), geolocation=(), microphone=(), payment=(), usb=()"),
    (b"cross-origin-opener-policy", b"same-origin"),
    (b"cross-origin-resource-policy", b"same-origin"),
)
_HSTS: Final = (b"strict-transport-security", b"max-age=31536000; includeSubDomains")


class SecurityHeaders:
    """Adds what the answer does not set itself (the docs page brings its own policy)."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] not in {"http", "websocket"}:
            await self.app(scope, receive, send)
            return
        is_https = scope.get("scheme") in {"https", "wss"}

        async def send_with_headers(message: Message) -> None:
            if message["type"].endswith("http.response.start"):  # of a refused socket too
                headers = [*message.get("headers", ()), *_HEADERS]
                names = {name.lower() for name, _ in headers}
                if b"content-security-policy" not in names:
                    headers.append((b"content-security-policy", STRICT_POLICY))
                if b"cache-control" not in names:
                    headers.append((b"cache-control", b"no-store"))
                if is_https:
                    headers.append(_HSTS)
                message["headers"] = headers
            await send(message)

        await self.app(scope, receive, send_with_headers)
