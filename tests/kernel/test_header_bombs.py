"""Requests that are made of little but heads: refused before they cost memory or time."""

from collections.abc import Iterator

import httpx
import pytest

from lacewing.kernel.web.protocol import HEAD_BYTES_MAX, HEADERS_MAX
from tests.kernel.conftest import StartedServer, started_server
from tests.kernel.raw import HIDDEN, LAST, post, send_raw

pytestmark = pytest.mark.system

START = "GET /health/live HTTP/1.1\r\nHost: x\r\n"
CHUNKED = post("Transfer-Encoding: chunked")
MIB = 1_048_576
ENDLESS_BYTES = 8 * MIB
"""More than the buffers between two sockets hold, so that the server must have read a part."""
PATIENCE_SECONDS = 5
"""Whoever still waits for the end by then has read all of it."""

TOO_LARGE = {
    "a header of 100 KB": f"{START}A: {'a' * 100_000}\r\n\r\n",
    "a name of 100 KB": f"{START}{'a' * 100_000}: a\r\n\r\n",
    "ten headers of 10 KB": START + f"A: {'a' * 10_000}\r\n" * 10 + "\r\n",
    "10,000 headers": START + "".join(f"A{n}: b\r\n" for n in range(10_000)) + "\r\n",
    "10,000 times the same header": START + "A: b\r\n" * 10_000 + "\r\n",
    "10,000 cookies": START + "Cookie: a=b\r\n" * 10_000 + "\r\n",
    "a path of 1 MB": f"GET /{'a' * MIB} HTTP/1.1\r\nHost: x\r\n\r\n",
    "a query of 1 MB": f"GET /health/live?{'a' * MIB} HTTP/1.1\r\nHost: x\r\n\r\n",
    "a method of 1 MB": f"{'A' * MIB} / HTTP/1.1\r\nHost: x\r\n\r\n",
    "a version of 1 MB": f"GET / HTTP/1.{'1' * MIB}\r\nHost: x\r\n\r\n",
    "a chunk with an extension of 1 MB": f"{CHUNKED}2;{'a' * MIB}\r\n{{}}\r\n0\r\n\r\n",
    "a chunk size of a million zeros": f"{CHUNKED}{'0' * 1_000_000}2\r\n{{}}\r\n0\r\n\r\n",
    "a trailer of 1 MB": f"{CHUNKED}2\r\n{{}}\r\n0\r\nA: {'a' * MIB}\r\n\r\n",
    "100,000 trailers": f"{CHUNKED}2\r\n{{}}\r\n0\r\n" + "A: b\r\n" * 100_000 + "\r\n",
}
ENDLESS = {
    "path": ("GET /", "a"),
    "query": ("GET /?", "a"),
    "name": (START, "a"),
    "value": (f"{START}A: ", "a"),
    "blanks before a value": (f"{START}A:", " "),
    "headers": (START, "A: b\r\n"),
    "extension of a chunk": (f"{CHUNKED}2;", "a"),
    "size of a chunk": (CHUNKED, "0"),
    "trailer": (f"{CHUNKED}0\r\nA: ", "a"),
    "trailers": (f"{CHUNKED}0\r\n", "A: b\r\n"),
}


@pytest.fixture(scope="module")
def raw_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[StartedServer]:
    """One server with its own SQLite: what is tested lies before any database."""
    with started_server(tmp_path_factory.mktemp("raw")) as started:
        yield started


def _lives(server: StartedServer) -> bool:
    return httpx.get(f"{server.url}/health/live", timeout=5).status_code == 200


@pytest.mark.parametrize("name", TOO_LARGE)
def test_a_head_beyond_all_use_is_refused_and_the_connection_closed(
    raw_server: StartedServer, name: str
) -> None:
    """SEC-6, API-4: one 4xx, nothing behind it is answered, and the server lives."""
    answered = send_raw(raw_server, TOO_LARGE[name] + HIDDEN, PATIENCE_SECONDS)

    assert answered.statuses in ([400], [413], [414], [431])
    assert answered.has_closed
    assert not answered.is_hidden_answered
    assert _lives(raw_server)


@pytest.mark.parametrize("name", ENDLESS)
def test_what_never_ends_is_cut_off(raw_server: StartedServer, name: str) -> None:
    """SEC-6: else one connection could fill all memory, without ever being a request."""
    start, piece = ENDLESS[name]

    answered = send_raw(raw_server, start + piece * (ENDLESS_BYTES // len(piece)), PATIENCE_SECONDS)

    assert answered.has_closed
    assert answered.statuses in ([400], [414], [431])
    assert _lives(raw_server)


@pytest.mark.parametrize(
    "head",
    [
        f"{START}Cookie: {'a' * 8_000}\r\n",
        f"{START}Authorization: Bearer {'a' * 16_000}\r\n",
        START + "".join(f"X-Header-{n}: {'b' * 100}\r\n" for n in range(60)),
        f"GET /health/live?{'a' * 8_000} HTTP/1.1\r\nHost: x\r\n",
    ],
    ids=["a long cookie", "a long token", "sixty headers", "a long query"],
)
def test_a_head_that_browsers_and_proxies_make_is_read(
    raw_server: StartedServer, head: str
) -> None:
    """API-4: what is refused is an attack, not a large company's cookie."""
    answered = send_raw(raw_server, f"{head}\r\n{LAST}")

    assert answered.statuses == [200, 200]


def test_a_body_in_many_chunks_with_small_extensions_is_read(raw_server: StartedServer) -> None:
    """SEC-6: an honest sender may note something on each chunk, and something behind the last."""
    chunks = f"64;checksum=0123456789\r\n{' ' * 100}\r\n" * 5_000

    answered = send_raw(raw_server, f"{CHUNKED}{chunks}2\r\n{{}}\r\n0\r\nA: b\r\n\r\n{LAST}")

    assert answered.statuses == [422, 200]


def _status_of(server: StartedServer, *headers: str) -> list[int]:
    head = "".join(f"{each}\r\n" for each in ("Host: x", *headers, "Connection: close"))
    return send_raw(server, f"GET /health/live HTTP/1.1\r\n{head}\r\n", PATIENCE_SECONDS).statuses


def test_heads_go_up_to_their_limits_and_no_further(raw_server: StartedServer) -> None:
    """SEC-6: at each limit the request is answered, one beyond it is refused with a 431."""
    own = len("/health/live" + "Host" + "x" + "Connection" + "close") + 2 * 4
    room = HEAD_BYTES_MAX - own - len("A") - 4

    by_bytes = [_status_of(raw_server, f"A: {'a' * size}") for size in (room, room + 1)]
    by_count = [_status_of(raw_server, *["A: b"] * (HEADERS_MAX - 2 + n)) for n in (0, 1)]

    assert by_bytes == by_count == [[200], [431]]


def test_a_request_names_one_host(raw_server: StartedServer) -> None:
    """SEC-6: RFC 9112, section 3.2; what a proxy took for the host must be what we take."""
    start = "GET /health/live HTTP/1.1\r\n"

    none = send_raw(raw_server, f"{start}A: b\r\n\r\n", PATIENCE_SECONDS)
    two = send_raw(raw_server, f"{start}Host: a\r\nHost: b\r\n\r\n", PATIENCE_SECONDS)

    assert (none.statuses, two.statuses) == ([400], [400])
