"""Gives each request its id and its origin, and puts the id on the answer (API-10)."""

import re
from collections.abc import Sequence
from ipaddress import IPv4Network, IPv6Network, ip_address
from typing import Final
from uuid import uuid4

import structlog
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from lacewing.kernel.work import Origin

_SANE_ID: Final = re.compile(rb"[A-Za-z0-9._:-]{1,64}")
_READ: Final = frozenset({b"x-request-id", b"user-agent", b"x-forwarded-proto"})
USER_AGENT_KEPT: Final = 200
"""Characters of a ``User-Agent`` that are kept; it is the client's own word."""

Network = IPv4Network | IPv6Network


class RequestIdentity:
    """Sets ``lacewing.request_id`` and ``lacewing.origin`` in the scope."""

    def __init__(self, app: ASGIApp, trusted_proxies: Sequence[Network]) -> None:
        self.app = app
        self._trusted = tuple(trusted_proxies)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] not in {"http", "websocket"}:
            await self.app(scope, receive, send)
            return
        given = {name: value for name, value in scope["headers"] if name in _READ}
        own_id = given.get(b"x-request-id", b"")
        request_id = own_id.decode() if _SANE_ID.fullmatch(own_id) else str(uuid4())
        agent = given.get(b"user-agent", b"")
        ip = self._origin_of(scope, given.get(b"x-forwarded-proto"))
        scope["lacewing.request_id"] = request_id
        scope["lacewing.origin"] = Origin(
            ip, agent[:USER_AGENT_KEPT].decode("latin-1") or None, request_id
        )
        structlog.contextvars.clear_contextvars()
        structlog.contextvars.bind_contextvars(request_id=request_id)
        header = (b"x-request-id", request_id.encode())

        async def send_with_id(message: Message) -> None:
            if message["type"].endswith("http.response.start"):  # of a refused socket too
                message["headers"] = [*message.get("headers", ()), header]
            await send(message)

        await self.app(scope, receive, send_with_id)

    def _origin_of(self, scope: Scope, protocol: bytes | None) -> str | None:
        """The client's address; and, where a trusted proxy tells it, the scheme it used."""
        peer: str | None = scope["client"][0] if scope.get("client") else None
        if not self._trusted or not self._is_trusted(peer):
            return peer
        if protocol in {b"http", b"https"}:
            scope["scheme"] = protocol.decode()
        hops = [value for name, value in scope["headers"] if name == b"x-forwarded-for"]
        return self._client_address(peer, b",".join(hops).decode("latin-1"))

    def _client_address(self, peer: str | None, forwarded: str) -> str | None:
        """The last address that no trusted proxy wrote: everything left of it may be invented."""
        for hop in reversed([part.strip() for part in forwarded.split(",")]):
            try:
                ip_address(hop)
            except ValueError:
                return peer
            if not self._is_trusted(hop):
                return hop
            peer = hop
        return peer

    def _is_trusted(self, address: str | None) -> bool:
        if address is None:
            return False
        try:
            parsed = ip_address(address)
        except ValueError:
            return False
        return any(parsed in network for network in self._trusted)
