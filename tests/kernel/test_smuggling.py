"""Requests of which two servers might see different ends, beyond what test_raw_requests.py asks."""

from collections.abc import Iterator

import pytest

from tests.kernel.conftest import StartedServer, started_server
from tests.kernel.raw import HIDDEN, LAST, post, send_raw

pytestmark = pytest.mark.system

CHUNKED = "Transfer-Encoding: chunked"
NO_BODY = "0\r\n\r\n"
AS_CHUNK = f"{len(HIDDEN):x}\r\n{HIDDEN}\r\n{NO_BODY}"


@pytest.fixture(scope="module")
def raw_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[StartedServer]:
    """One server with its own SQLite, which believes the proxy that these tests are."""
    folder = tmp_path_factory.mktemp("raw")
    with started_server(folder, LACEWING_TRUSTED_PROXIES="127.0.0.0/8") as started:
        yield started


REFUSED = {
    "two equal lengths": post("Content-Length: 4", "Content-Length: 4", body="abcd"),
    "a length before chunks after a tab": post(
        "Content-Length: 4", "Transfer-Encoding:\tchunked", body=NO_BODY
    ),
    "chunks after a tab before a length": post(
        "Transfer-Encoding:\tchunked", "Content-Length: 4", body=NO_BODY
    ),
    "a length beside an empty coding": post(
        "Content-Length: 4", "Transfer-Encoding: ", body="abcd"
    ),
    "a length that the connection disowns": post(
        "Content-Length: 4", CHUNKED, "Connection: Content-Length", body=NO_BODY
    ),
    "a tab before the colon": post("Transfer-Encoding\t: chunked", body=NO_BODY),
    "a vertical tab before the coding": post("Transfer-Encoding: \x0bchunked", body=NO_BODY),
    "a vertical tab after the coding": post("Transfer-Encoding: chunked\x0b", body=NO_BODY),
    "a quoted coding": post('Transfer-Encoding: "chunked"', body=NO_BODY),
    "a coding with a parameter": post("Transfer-Encoding: chunked;q=1", body=NO_BODY),
    "identity alone": post("Transfer-Encoding: identity", body=NO_BODY),
    "an empty coding": post("Transfer-Encoding: ", body=NO_BODY),
    "chunks in chunks": post("Transfer-Encoding: chunked, chunked", body=NO_BODY),
    "chunks told twice": post(CHUNKED, CHUNKED, body=NO_BODY),
    "chunks in HTTP/1.0": post(CHUNKED, body=NO_BODY).replace("HTTP/1.1", "HTTP/1.0", 1),
    "a folded coding": post("Transfer-Encoding:\r\n chunked", body=NO_BODY),
    "a folded length": post("Content-Length:\r\n 4", body="abcd"),
    "a length in a fold": post("X-A: a\r\n Content-Length: 4", body="abcd"),
    "an empty length": post("Content-Length: ", body="abcd"),
    "two lengths in one": post("Content-Length: 4 4", body="abcd"),
    "a length with an underscore": post("Content-Length: 1_0", body="abcd"),
    "a length with an exponent": post("Content-Length: 4e0", body="abcd"),
    "a length that is a digit elsewhere": post("Content-Length: \xb2", body="abcd"),
    "a length of 2 to the 64 and 4": post("Content-Length: 18446744073709551620", body="abcd"),
    "a blank before the colon of a length": post("Content-Length : 4", body="abcd"),
    "bare LF everywhere": post("Content-Length: 4", body="abcd").replace("\r\n", "\n"),
    "a bare LF after a header": post("X-A: a\nContent-Length: 4", body="abcd"),
    "a bare LF before the body": post("Content-Length: 4").removesuffix("\r\n") + "\nabcd",
    "a NUL in a value": post("X-A: a\x00b", "Content-Length: 4", body="abcd"),
    "a NUL after a coding": post("Transfer-Encoding: chunked\x00", body=NO_BODY),
    "a NUL after a length": post("Content-Length: 4\x00", body="abcd"),
    "a control character in a value": post("X-A: a\x01b", "Content-Length: 4", body="abcd"),
    "a chunk of 2 to the 64 and 2": post(CHUNKED, body="10000000000000002\r\n{}\r\n" + NO_BODY),
    "a chunk size with 0x": post(CHUNKED, body="0x2\r\n{}\r\n" + NO_BODY),
    "a chunk size with a plus": post(CHUNKED, body="+2\r\n{}\r\n" + NO_BODY),
    "a chunk size with an underscore": post(CHUNKED, body="0_2\r\n{}\r\n" + NO_BODY),
    "a blank before a chunk size": post(CHUNKED, body=" 2\r\n{}\r\n" + NO_BODY),
    "a chunk without a size": post(CHUNKED, body="\r\n{}\r\n" + NO_BODY),
    "a bare LF after a chunk size": post(CHUNKED, body="2\n{}\r\n" + NO_BODY),
    "a bare LF after a chunk": post(CHUNKED, body="2\r\n{}\n" + NO_BODY),
    "a bare LF after an extension": post(CHUNKED, body="2;a=b\n{}\r\n" + NO_BODY),
    "a bare CR in an extension": post(CHUNKED, body="2;a\rb\r\n{}\r\n" + NO_BODY),
    "a chunk that is longer than told": post(CHUNKED, body="2\r\n{}xx" + NO_BODY),
    "an end with bare LF": post(CHUNKED, body="2\r\n{}\r\n0\n\n"),
    "a length in the trailers": post(CHUNKED, body="0\r\nContent-Length: 40\r\n\r\n"),
    "a coding in the trailers": post(CHUNKED, body=f"0\r\n{CHUNKED}\r\n\r\n"),
}


@pytest.mark.parametrize("name", REFUSED)
def test_a_request_with_a_doubtful_end_is_refused_and_its_connection_closed(
    raw_server: StartedServer, name: str
) -> None:
    """SEC-6: one 400, and what comes behind is never read as a request of its own."""
    answered = send_raw(raw_server, REFUSED[name] + HIDDEN)

    assert answered.statuses == [400]
    assert answered.has_closed
    assert not answered.is_hidden_answered
    assert b"application/problem+json" in answered.received


HELD = {
    "in a body of that length": (post(f"Content-Length: {len(HIDDEN)}", body=HIDDEN), 400),
    "in a body whose length has zeros before it": (
        post(f"Content-Length: 000{len(HIDDEN)}", body=HIDDEN), 400,
    ),
    "in a chunk": (post(CHUNKED, body=AS_CHUNK), 400),
    "in a chunk, told after a tab": (post("Transfer-Encoding:\tchunked", body=AS_CHUNK), 400),
    "in a chunk, told in capitals": (post("TRANSFER-ENCODING: CHUNKED", body=AS_CHUNK), 400),
    "in a chunk whose size has zeros before it": (post(CHUNKED, body="000" + AS_CHUNK), 400),
    "in a chunk with an extension": (
        post(CHUNKED, body=AS_CHUNK.replace("\r\n", ";a=b\r\n", 1)), 400,
    ),
    "in a body that nobody asked for": (
        f"GET /health/live HTTP/1.1\r\nHost: x\r\nContent-Length: {len(HIDDEN)}\r\n\r\n{HIDDEN}",
        200,
    ),
    "in a chunk that nobody asked for": (
        f"GET /health/live HTTP/1.1\r\nHost: x\r\n{CHUNKED}\r\n\r\n{AS_CHUNK}", 200,
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", HELD)
def test_a_request_inside_of_a_body_stays_there(raw_server: StartedServer, name: str) -> None:
    """SEC-6: what the length or the chunks hold is body, however it looks; the next is answered."""
    carrier, status = HELD[name]

    answered = send_raw(raw_server, carrier + LAST)

    assert answered.statuses == [status, 200]
    assert not answered.is_hidden_answered


def test_nothing_is_answered_after_a_request_that_closes(raw_server: StartedServer) -> None:
    """SEC-6: the connection ends where the client said so."""
    answered = send_raw(raw_server, LAST + HIDDEN)

    assert answered.statuses == [200]
    assert answered.has_closed


@pytest.mark.parametrize("trailer", ["X-Request-ID: told-behind", "X-Forwarded-For: 203.0.113.77"])
def test_a_trailer_is_no_header(raw_server: StartedServer, trailer: str) -> None:
    """SEC-6, SEC-2: a proxy has not looked at it, so it must not say who asks (RFC 9110, 6.5.1)."""
    head = post(CHUNKED, "X-Forwarded-For: 192.0.2.1", body="2\r\n{}\r\n")

    answered = send_raw(raw_server, f"{head}0\r\n{trailer}\r\n\r\n{LAST}")

    assert answered.statuses == [422, 200]
    assert b"told-behind" not in answered.received
    assert "203.0.113.77" not in raw_server.log.read_text(encoding="utf-8")
