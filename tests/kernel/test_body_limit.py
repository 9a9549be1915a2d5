"""Bodies over the limit, told truly, told falsely, or not told at all."""

from collections.abc import AsyncIterator

import httpx
import pytest

from lacewing.kernel.web.settings import MIB
from tests.kernel.logs import Log
from tests.support.house import House, Member

JSON = {"Content-Type": "application/json"}
LIMIT = MIB


def _body(size: int) -> bytes:
    """A valid new project of ``size`` bytes: JSON may be padded with blanks."""
    start = b'{"name": "Web"'
    return start + b" " * (size - len(start) - 1) + b"}"


async def _chunks(body: bytes, size: int = 65_536) -> AsyncIterator[bytes]:
    for at in range(0, len(body), size):
        yield body[at : at + size]


async def _is_untouched(reader: Member) -> bool:
    data: list[object] = (await reader.api.get("/api/projects")).json()["data"]
    return data == []


@pytest.mark.parametrize("is_chunked", [False, True])
async def test_a_body_at_the_limit_is_taken(mona: Member, *, is_chunked: bool) -> None:
    """SEC-1: 1 MB, told by its length or in chunks."""
    body = _body(LIMIT)

    answer = await mona.api.post(
        "/api/projects", content=_chunks(body) if is_chunked else body, headers=JSON
    )

    assert answer.status_code == 201


@pytest.mark.parametrize("is_chunked", [False, True])
async def test_a_body_one_byte_over_the_limit_is_refused(
    a_manager: Member, *, is_chunked: bool
) -> None:
    """SEC-1: 413 as a problem document, the connection is closed, and nothing is made."""
    body = _body(LIMIT + 1)

    answer = await a_manager.api.post(
        "/api/projects", content=_chunks(body) if is_chunked else body, headers=JSON
    )

    assert answer.status_code == 413
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.headers["connection"] == "close"
    assert answer.json()["type"] == "content-too-large"
    assert await _is_untouched(a_manager)


async def test_a_body_in_many_small_chunks_is_counted_as_a_whole(a_manager: Member) -> None:
    """SEC-1: no chunk is over the limit, all of them are."""
    answer = await a_manager.api.post(
        "/api/projects", content=_chunks(_body(LIMIT + 1), size=1_000), headers=JSON
    )

    assert answer.status_code == 413
    assert await _is_untouched(a_manager)


async def test_the_end_of_a_body_over_the_limit_is_never_read(a_manager: Member) -> None:
    """SEC-1: memory stays bounded, however much is sent."""
    sent = 0

    async def endless() -> AsyncIterator[bytes]:
        nonlocal sent
        while sent < 100 * MIB:
            sent += 65_536
            yield b" " * 65_536

    answer = await a_manager.api.post("/api/projects", content=endless(), headers=JSON)

    assert answer.status_code == 413
    assert sent <= LIMIT + 2 * 65_536


async def test_a_false_length_is_not_believed(shared_house: House, a_manager: Member) -> None:
    """SEC-1: a small ``Content-Length`` before a large body."""
    statuses = []
    sent = [{"type": "http.request", "body": _body(LIMIT + 1), "more_body": False}]

    async def receive() -> dict[str, object]:
        return sent.pop() if sent else {"type": "http.disconnect"}

    async def send(message: dict[str, object]) -> None:
        if message["type"] == "http.response.start":
            statuses.append(message["status"])

    await shared_house.app(_scope(a_manager, b"14"), receive, send)  # type: ignore[arg-type]  # ASGI messages are dicts

    assert statuses == [413]
    assert await _is_untouched(a_manager)


@pytest.mark.parametrize("length", ["-1", "+5", "1e9", "0x10", "5, 5", "99999999999999999999999"])
async def test_a_length_that_is_none_or_huge_is_refused_or_counted(
    a_manager: Member, length: str
) -> None:
    """SEC-1, API-4: whatever stands in ``Content-Length``, no 500."""
    answer = await a_manager.api.post(
        "/api/projects", content=_body(LIMIT + 1), headers={**JSON, "Content-Length": length}
    )

    assert answer.status_code in {400, 413}
    assert await _is_untouched(a_manager)


async def test_a_length_and_chunks_together_are_refused(a_manager: Member) -> None:
    """SEC-6: such a request may be smuggled; 400, closed, and nothing is made."""
    headers = {**JSON, "Content-Length": "15", "Transfer-Encoding": "chunked"}

    answer = await a_manager.api.post("/api/projects", content=b'{"name": "Web"}', headers=headers)

    assert answer.status_code == 400
    assert answer.headers["connection"] == "close"
    assert await _is_untouched(a_manager)


@pytest.mark.parametrize("method", ["GET", "DELETE", "PATCH", "PUT", "OPTIONS"])
async def test_the_limit_holds_for_every_method(a_manager: Member, method: str) -> None:
    """SEC-1: also where no body is expected."""
    answer: httpx.Response = await a_manager.api.request(
        method, "/api/projects", content=b" " * (LIMIT + 1), headers=JSON
    )

    assert answer.status_code == 413


async def test_a_client_that_goes_away_in_the_middle_is_no_fault_of_ours(
    shared_house: House, a_manager: Member, log: Log
) -> None:
    """OPS-5: nothing is made, nothing is answered, and no error is logged."""
    sent: list[object] = []
    waiting: list[dict[str, object]] = [
        {"type": "http.disconnect"},
        {"type": "http.request", "body": b'{"name": "W', "more_body": True},
    ]

    async def receive() -> dict[str, object]:
        return waiting.pop()

    async def send(message: object) -> None:
        sent.append(message)

    await shared_house.app(_scope(a_manager, b"20"), receive, send)

    assert sent == []
    assert [(line["event"], line["level"], line["status"]) for line in log.lines] == [
        ("request", "info", 499)
    ]
    assert await _is_untouched(a_manager)


def _scope(asker: Member, length: bytes) -> dict[str, object]:
    """A ``POST`` of a project whose body may be another one than ``length`` tells."""
    return {
        "type": "http", "http_version": "1.1", "method": "POST", "path": "/api/projects",
        "raw_path": b"/api/projects", "query_string": b"", "scheme": "http", "root_path": "",
        "client": ("127.0.0.1", 1), "server": ("lacewing.test", 80),
        "headers": [
            (b"content-type", b"application/json"),
            (b"content-length", length),
            (b"authorization", f"Bearer {asker.access_token}".encode()),
        ],
    }  # fmt: skip
