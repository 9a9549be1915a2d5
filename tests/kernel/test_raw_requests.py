"""Bytes on a real socket to a really started server: what HTTP libraries would never send."""

import re
import socket
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from tests.kernel.conftest import StartedServer, started_server
from tests.support.house import PASSWORD

pytestmark = pytest.mark.system
TIMEOUT_SECONDS = 10
HIDDEN = "GET /api/hidden HTTP/1.1\r\nHost: x\r\n\r\n"


@pytest.fixture(scope="module")
def raw_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[StartedServer]:
    """One server with its own SQLite: what is tested lies before any database."""
    folder: Path = tmp_path_factory.mktemp("raw")
    with started_server(folder) as started:
        yield started


def _send(server: StartedServer, data: bytes) -> tuple[list[int], bytes, bool]:
    """The statuses that come back, all the bytes, and whether the server closed."""
    with socket.create_connection(("127.0.0.1", server.port), timeout=TIMEOUT_SECONDS) as client:
        client.sendall(data)
        received = b""
        try:
            while chunk := client.recv(65_536):
                received += chunk
                if b"\r\n\r\n" in received:
                    client.settimeout(0.3)
            has_closed = True
        except TimeoutError:
            has_closed = False
        except ConnectionResetError:
            has_closed = True
    statuses = [int(status) for status in re.findall(rb"HTTP/1\.1 ([0-9]{3}) ", received)]
    return statuses, received, has_closed


def _post(*headers: str, body: str = "") -> bytes:
    head = ["POST /api/auth/login HTTP/1.1", "Host: x", "Content-Type: application/json", *headers]
    return ("\r\n".join(head) + "\r\n\r\n" + body).encode()


@pytest.mark.parametrize(
    "request_bytes",
    [
        _post("Content-Length: 4", "Transfer-Encoding: chunked", body="0\r\n\r\n" + HIDDEN),
        _post("Transfer-Encoding: chunked", "Content-Length: 50", body="0\r\n\r\n" + HIDDEN),
        _post("Content-Length: 4", "transfer-encoding: Chunked", body="0\r\n\r\n" + HIDDEN),
        _post("Content-Length: 4", "Transfer-Encoding: identity", body="abcd" + HIDDEN),
        _post("Content-Length: 0", "Transfer-Encoding: xchunked", body="0\r\n\r\n" + HIDDEN),
        _post("Transfer-Encoding: chunked, identity", body="0\r\n\r\n" + HIDDEN),
        _post("Transfer-Encoding: xchunked", body="0\r\n\r\n" + HIDDEN),
        _post("Transfer-Encoding : chunked", body="0\r\n\r\n" + HIDDEN),
        _post("Transfer-Encoding: chunked", "Transfer-Encoding: x", body="0\r\n\r\n" + HIDDEN),
        _post("Content-Length: 4", "Content-Length: 5", body="abcde" + HIDDEN),
        _post("Content-Length: 4, 4", body="abcd" + HIDDEN),
        _post("Content-Length: +4", body="abcd" + HIDDEN),
        _post("Content-Length: -1", body=HIDDEN),
        _post("Content-Length: 0x4", body="abcd" + HIDDEN),
        _post("Content-Length: 99999999999999999999999", body="abcd"),
        _post("Transfer-Encoding: chunked", body="x\r\nabcd\r\n0\r\n\r\n" + HIDDEN),
        _post("Transfer-Encoding: chunked", body="-1\r\nabcd\r\n0\r\n\r\n" + HIDDEN),
        _post("Transfer-Encoding: chunked", body="FFFFFFFFFFFFFFFFF\r\nab\r\n" + HIDDEN),
        _post("X: a\rContent-Length: 4", body="abcd" + HIDDEN),
        _post("X\x00: a", body=HIDDEN),
        _post(" Folded: a", body=HIDDEN),
    ],
)
def test_a_request_that_may_be_smuggled_is_refused_and_its_connection_closed(
    raw_server: StartedServer, request_bytes: bytes
) -> None:
    """SEC-6: 400, closed, and what is hidden behind it is never answered."""
    statuses, received, has_closed = _send(raw_server, request_bytes)

    assert statuses in ([400], [413])
    assert has_closed
    assert b"/api/hidden" not in received
    assert b"application/problem+json" in received
    assert b"x-request-id" in received.lower()


@pytest.mark.parametrize(
    "request_bytes",
    [
        b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03",
        b"NONSENSE\r\n\r\n",
        b"GET\r\n\r\n",
        b"GET / HTTP/9.9\r\nHost: x\r\n\r\n",
        b"GET /\x00 HTTP/1.1\r\nHost: x\r\n\r\n",
        b"GET / HTTP/1.1\r\nno colon\r\n\r\n",
        b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
        b"GET / HTTP/1.1\r\nHost: x\r\nA: " + b"a" * 200_000 + b"\r\n\r\n",
        b"GET /" + b"a" * 200_000 + b" HTTP/1.1\r\nHost: x\r\n\r\n",
    ],
)
def test_bytes_that_are_no_request_break_nothing(
    raw_server: StartedServer, request_bytes: bytes
) -> None:
    """API-4: a client can never cause a 500; the next one is answered."""
    statuses, received, _ = _send(raw_server, request_bytes)
    after = httpx.get(f"{raw_server.url}/health/live")

    assert all(400 <= status < 500 for status in statuses)
    assert b"Traceback" not in received
    assert after.status_code == 200


def test_a_body_over_the_limit_is_refused_before_it_is_sent_whole(
    raw_server: StartedServer,
) -> None:
    """SEC-1: told by its length or found out in chunks, 413 and closed."""
    told = _send(raw_server, _post("Content-Length: 1048577", body="{"))
    chunk = f"{65_536:x}\r\n" + " " * 65_536 + "\r\n"
    found_out = _send(raw_server, _post("Transfer-Encoding: chunked", body=chunk * 17))

    assert told[0] == found_out[0] == [413]
    assert told[2]
    assert found_out[2]


def test_a_body_at_the_limit_is_read(raw_server: StartedServer) -> None:
    """SEC-1: exactly 1 MB is parsed (and fails validation for what it is)."""
    statuses, _, _ = _send(
        raw_server, _post("Content-Length: 1048576", body="[]" + " " * 1_048_574)
    )

    assert statuses == [422]


def test_requests_one_after_the_other_on_one_connection_are_all_answered(
    raw_server: StartedServer,
) -> None:
    """SEC-6: what is refused is smuggling, not pipelining."""
    one = b"GET /health/live HTTP/1.1\r\nHost: x\r\n\r\n"

    statuses, _, has_closed = _send(raw_server, one * 3)

    assert statuses == [200, 200, 200]
    assert not has_closed


def test_an_answer_names_no_software(raw_server: StartedServer) -> None:
    """API-3, SEC-3: nobody needs to know which server this is."""
    answer = httpx.get(f"{raw_server.url}/api/nothing")

    assert "server" not in answer.headers
    assert "x-powered-by" not in answer.headers
    assert answer.headers["x-frame-options"] == "DENY"


def test_the_log_of_a_started_server_holds_no_secret(raw_server: StartedServer) -> None:
    """SEC-8: the real process's own output."""
    secret = "seeded-secret-9c1d"
    for _ in range(3):
        httpx.post(
            f"{raw_server.url}/api/auth/login?token={secret}",
            json={"username": "nobody", "password": PASSWORD},
            headers={"Authorization": f"Bearer {secret}", "Cookie": f"a={secret}"},
        )
    httpx.post(f"{raw_server.url}/api/auth/login", json={"username": "x", "password": PASSWORD})

    written = raw_server.log.read_text(encoding="utf-8")
    assert "/api/auth/login" in written
    assert secret not in written
    assert PASSWORD not in written
