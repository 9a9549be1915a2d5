"""Bytes on a real socket, for what HTTP libraries would never send."""

import re
import socket
from dataclasses import dataclass

from tests.kernel.conftest import StartedServer

TIMEOUT_SECONDS = 10
HIDDEN = "GET /api/hidden HTTP/1.1\r\nHost: x\r\n\r\n"
"""What an attacker would smuggle; its problem document would name the path."""
LAST = "GET /health/live HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"
"""An honest request behind it all; after its answer the server closes."""


@dataclass(frozen=True)
class Answered:
    """All that came back on one connection until the server closed it."""

    statuses: list[int]
    received: bytes
    has_closed: bool

    @property
    def is_hidden_answered(self) -> bool:
        return b"/api/hidden" in self.received


def post(*headers: str, body: str = "") -> str:
    """A login with these headers, exactly as they stand."""
    head = ["POST /api/auth/login HTTP/1.1", "Host: x", "Content-Type: application/json", *headers]
    return "\r\n".join(head) + "\r\n\r\n" + body


def send_raw(
    server: StartedServer, data: str, timeout_seconds: float = TIMEOUT_SECONDS
) -> Answered:
    """Send each character as one byte, and read until the server closes or says no more."""
    received = b""
    has_closed = False
    with socket.create_connection(("127.0.0.1", server.port), timeout=timeout_seconds) as client:
        try:
            client.sendall(data.encode("latin-1"))
        except (ConnectionResetError, BrokenPipeError):
            has_closed = True  # Refused before all was sent; the answer still waits to be read.
        try:
            while chunk := client.recv(65_536):
                received += chunk
            has_closed = True
        except ConnectionResetError:
            has_closed = True
        except TimeoutError:
            pass
    statuses = [int(status) for status in re.findall(rb"HTTP/1\.1 ([0-9]{3}) ", received)]
    return Answered(statuses, received, has_closed)
