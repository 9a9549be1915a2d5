"""Limits per client address, over all and tighter ones for some operations (SEC-2)."""

from collections.abc import Mapping
from ipaddress import IPv6Address, ip_address, ip_network
from typing import Final

import msgspec
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from lacewing.kernel.errors import LimitExceeded
from lacewing.kernel.web.problems import refusal_response
from lacewing.kernel.web.rate_limits import RateLimiter, Verdict

FREE: Final = frozenset({"/health/live", "/health/ready", "/metrics"})
"""Probes come from the machine's own keepers."""
_IPV6_CLIENT_BITS: Final = 64
"""One client commonly owns a whole /64 (RFC 6177)."""


class TighterLimit(msgspec.Struct, frozen=True):
    """A limit of its own for some operations, shared by all paths with the same ``name``."""

    name: str
    per_minute: int


class RateLimit:
    """Counts each request; ``per_minute`` 0 turns all limits per address off."""

    def __init__(
        self,
        app: ASGIApp,
        limiter: RateLimiter,
        per_minute: int,
        tighter: Mapping[tuple[str, str], TighterLimit],
    ) -> None:
        self.app = app
        self._limiter = limiter
        self._per_minute = per_minute
        self._tighter = tighter

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if (
            scope["type"] not in {"http", "websocket"}
            or not self._per_minute
            or scope["path"] in FREE
        ):
            await self.app(scope, receive, send)
            return
        verdict = await self._count(scope)
        headers = _headers(verdict)

        async def send_with_headers(message: Message) -> None:
            if message["type"].endswith("http.response.start"):
                message["headers"] = [*message.get("headers", ()), *headers]
            await send(message)

        if verdict.is_allowed:
            await self.app(scope, receive, send_with_headers)
            return
        refusal = LimitExceeded(
            verdict.reset_seconds, f"At most {verdict.limit} such requests a minute."
        )
        response = refusal_response(refusal, scope["path"], scope["lacewing.request_id"])
        await response(scope, receive, send_with_headers)

    async def _count(self, scope: Scope) -> Verdict:
        key = client_key(scope["lacewing.origin"].ip)
        verdict = await self._limiter.hit("all", self._per_minute, key)
        tighter = self._tighter.get((scope.get("method", "GET"), scope["path"].rstrip("/")))
        if not verdict.is_allowed or tighter is None or not tighter.per_minute:
            return verdict
        return await self._limiter.hit(tighter.name, tighter.per_minute, key)


def client_key(ip: str | None) -> str:
    """What counts as one client: an IPv4 address, or the /64 of an IPv6 one."""
    if ip is None:
        return "unknown"
    try:
        address = ip_address(ip)
    except ValueError:
        return ip
    if isinstance(address, IPv6Address):
        if address.ipv4_mapped is not None:
            return str(address.ipv4_mapped)
        return str(ip_network((address, _IPV6_CLIENT_BITS), strict=False))
    return ip


def _headers(verdict: Verdict) -> tuple[tuple[bytes, bytes], ...]:
    return (
        (b"ratelimit-limit", str(verdict.limit).encode()),
        (b"ratelimit-remaining", str(verdict.remaining).encode()),
        (b"ratelimit-reset", str(verdict.reset_seconds).encode()),
    )
