"""What is no handshake is answered as all else is, and says nothing to the logs."""

import base64
import os
import socket
from collections.abc import Iterator
from contextlib import suppress

import httpx
import msgspec
import pytest

from lacewing.kernel.web.sockets import FRAMES_PER_SECOND_MAX
from tests.kernel.conftest import StartedServer, started_server
from tests.support.house import PASSWORD
from tests.support.waiting import DEADLINE_SECONDS

pytestmark = pytest.mark.system

PATH = "/ws/notifications"
SECRET = "s3cr3t-that-nobody-may-read"
TRIES = 5
TEXT = b"\x81\x81\x00\x00\x00\x00x"


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[StartedServer]:
    with started_server(tmp_path_factory.mktemp("handshakes")) as started:
        yield started


@pytest.fixture(scope="module")
def token(server: StartedServer) -> str:
    account = {"username": "maria", "password": PASSWORD}
    with httpx.Client(base_url=server.url, timeout=60) as api:
        api.post("/api/auth/register", json={**account, "email": "maria@example.com"})
        found: str = api.post("/api/auth/login", json=account).json()["access_token"]
    return found


def head_of(target: str, *headers: str) -> bytes:
    """The request of a handshake."""
    key = base64.b64encode(os.urandom(16)).decode()
    lines = (
        f"GET {target} HTTP/1.1", "Host: lacewing", "Upgrade: websocket", "Connection: Upgrade",
        "Sec-WebSocket-Version: 13", f"Sec-WebSocket-Key: {key}", *headers, "", "",
    )  # fmt: skip
    return "\r\n".join(lines).encode()


def shake(server: StartedServer, target: str, *headers: str) -> tuple[dict[str, str], bytes]:
    """Head and body of what such a handshake is answered with, to the end of the connection."""
    answer = b""
    with socket.create_connection(("127.0.0.1", server.port), DEADLINE_SECONDS) as connection:
        connection.sendall(head_of(target, *headers))
        while received := connection.recv(65_536):
            answer += received
    head, _, body = answer.partition(b"\r\n\r\n")
    status, *fields = head.decode().split("\r\n")
    named = {name.lower(): value for name, _, value in (each.partition(": ") for each in fields)}
    return {"status": status.split()[1], **named}, body


@pytest.mark.parametrize(
    ("target", "headers", "status", "kind"),
    [
        (f"{PATH}?last_event_id={'0' * 5_000}", [], 422, "validation-failed"),
        (f"{PATH}?last_event_id=-1", [], 422, "validation-failed"),
        (f"{PATH}?last_event_id={2**63}", [], 422, "validation-failed"),
        (f"{PATH}?last_event_id={'0' * 9_000}", [], 414, "request-uri-too-long"),
        (PATH, ["X-Long: " + "a" * 9_000], 431, "request-header-fields-too-large"),
        (PATH, [f"X-{each}: a" for each in range(150)], 431, "request-header-fields-too-large"),
        (PATH, ["Content-Length: 5"], 400, "bad-request"),
        (PATH, ["Sec-WebSocket-Protocol: bearer, é"], 400, "bad-request"),
        (f"{PATH}?ticket={SECRET}", [], 422, "validation-failed"),
        (f"/nowhere?ticket={SECRET}", [], 403, "forbidden"),
        (PATH, ["Origin: http://["], 403, "foreign-origin"),
        (PATH, ["Origin: http://\u2100"], 403, "foreign-origin"),
    ],
    ids=[
        "endless number", "no number", "beyond all numbers", "long line", "long header",
        "many headers", "with a body", "bad subprotocol", "secret in the URL", "nowhere",
        "origin that is none", "origin beyond ASCII",
    ],
)  # fmt: skip
def test_what_is_no_handshake_is_answered(
    server: StartedServer, token: str, target: str, headers: list[str], status: int, kind: str
) -> None:
    """API-10, SEC-3, SEC-8: with a problem, and an end; logged is neither a fault nor the query."""
    head, body = shake(server, target, f"Authorization: Bearer {token}", *headers)
    log = server.log.read_text(encoding="utf-8")

    assert head["status"] == str(status)
    assert head["content-type"] == "application/problem+json"
    assert head["x-content-type-options"] == "nosniff"
    problem = msgspec.json.decode(body)
    assert (problem["type"], problem["status"]) == (kind, status)
    assert problem["request_id"] == head["x-request-id"]
    assert "Traceback" not in log
    assert SECRET not in log


@pytest.mark.parametrize(
    "early", [b"\xff" * 10, TEXT * (FRAMES_PER_SECOND_MAX + 1)], ids=["no frames", "too many"]
)
def test_who_does_not_wait_for_the_answer_is_cut(
    server: StartedServer, token: str, early: bytes
) -> None:
    """SEC-6: RFC 6455, section 4.1, has clients wait; it is no fault of ours."""
    for _ in range(TRIES):
        with socket.create_connection(("127.0.0.1", server.port), DEADLINE_SECONDS) as connection:
            connection.sendall(head_of(PATH, f"Authorization: Bearer {token}"))
            with suppress(ConnectionError):
                while True:
                    connection.sendall(early)

    assert "Traceback" not in server.log.read_text(encoding="utf-8")
