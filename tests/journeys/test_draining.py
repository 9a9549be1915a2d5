"""Requests that are on their way when a server is told to stop: no client did anything wrong."""

import asyncio
import signal
import socket
import time
from pathlib import Path

import pytest

from tests.support.processes import STOP_SECONDS, Server, environment_of, serving

pytestmark = pytest.mark.system

CLIENTS = 40
CONNECTIONS_MAX = 800
PAUSE_SECONDS = 0.01
"""Between two that connect: eight seconds of them fit into the files that a process may have."""
REGISTRATION = (
    b"POST /api/auth/register HTTP/1.1\r\nHost: localhost\r\n"
    b"Content-Type: application/json\r\nContent-Length: %d\r\n\r\n%b"
)


def _registration(name: str) -> bytes:
    text = f'{{"username": "{name}", "email": "{name}@example.com", "password": "Correct-Horse-7"}}'
    return REGISTRATION % (len(text), text.encode())


def _connect(server: Server) -> socket.socket:
    port = int(server.url.rpartition(":")[2])
    return socket.create_connection(("127.0.0.1", port), timeout=60)


def _connect_until_refused(server: Server) -> list[socket.socket]:
    """Everyone who was let in; each has asked something."""
    connections: list[socket.socket] = []
    while len(connections) < CONNECTIONS_MAX:
        try:
            connection = _connect(server)
        except ConnectionRefusedError:
            return connections
        connection.sendall(b"GET /health/live HTTP/1.1\r\nHost: localhost\r\n\r\n")
        connections.append(connection)
        time.sleep(PAUSE_SECONDS)
    for connection in connections:
        connection.close()
    raise AssertionError("it still listens")


def _answer(connection: socket.socket) -> bytes:
    """All that comes until the server closes."""
    parts = []
    with connection:
        while part := connection.recv(65_536):
            parts.append(part)
    return b"".join(parts)


@pytest.mark.parametrize("workers", [1, 2])
async def test_who_has_connected_is_answered(
    database_url: str, redis_url: str, tmp_path: Path, workers: int
) -> None:
    """OPS-6: also who stood in the queue of the listening socket when SIGTERM came; of one process
    or of several, which share it."""
    environment = environment_of(database_url, tmp_path, LACEWING_REDIS_URL=redis_url)
    with serving(environment, workers=workers) as server:
        server.process.send_signal(signal.SIGTERM)
        connections = _connect_until_refused(server)
        answers = [await asyncio.to_thread(_answer, each) for each in connections]
        await asyncio.to_thread(server.process.wait, STOP_SECONDS)

    assert answers
    assert {answer[:12] for answer in answers} == {b"HTTP/1.1 200"}


async def test_a_request_on_a_connection_that_was_idle_is_answered(
    database_url: str, tmp_path: Path
) -> None:
    """OPS-6: it comes after SIGTERM, and is told that it is the last. Of several processes each
    has its own half second, and nobody outside sees whose is over."""
    environment = environment_of(database_url, tmp_path, LACEWING_REGISTER_LIMIT_PER_MINUTE="0")
    with serving(environment) as server:
        connections = [_connect(server) for _ in range(CLIENTS)]
        for each in connections:
            each.sendall(b"GET /health/live HTTP/1.1\r\nHost: localhost\r\n\r\n")
            answer = b""
            while not answer.endswith(b'{"status":"ok"}'):
                answer += each.recv(65_536)
        stopping = asyncio.create_task(asyncio.to_thread(server.stop))
        await _until_nobody_is_let_in(server)
        for number, each in enumerate(connections):
            each.sendall(_registration(f"person{number}"))
        answers = [await asyncio.to_thread(_answer, each) for each in connections]
        await stopping

    assert {answer[:12] for answer in answers} == {b"HTTP/1.1 201"}
    assert any(b"\r\nconnection: close\r\n" in answer for answer in answers)


async def _until_nobody_is_let_in(server: Server) -> None:
    async with asyncio.timeout(60):
        while True:
            try:
                _connect(server).close()
            except OSError:
                return
            await asyncio.sleep(0)
