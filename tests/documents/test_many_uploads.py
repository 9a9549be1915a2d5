import asyncio
import hashlib
import socket
from collections import Counter
from functools import partial
from pathlib import Path
from urllib.parse import urlsplit

import httpx
import pytest

from tests.documents import papers
from tests.support.processes import Server, admin_token, environment_of, serving
from tests.support.uploading import BOUNDARY, form_of, memory_kib, request_of, send_at_once

UPLOADS = 1_000
UPLOAD_BYTES = 200_000
GROWTH_KIB_MAX = 100 * 1024
LIMIT_BYTES = 8 * 1024 * 1024
TWO_GIGABYTES = 2 * 1024**3
CHUNK = b"x" * (64 * 1024)


def _stored_files(folder: Path) -> list[Path]:
    return [path for path in (folder / "files").rglob("*") if path.is_file()]


@pytest.mark.system
def test_a_thousand_uploads_at_once_all_land_in_bounded_memory(
    database_url: str, tmp_path: Path
) -> None:
    """DOC-12: none is refused, none is lost or mixed up, and the server grows by little."""
    environment = environment_of(database_url, tmp_path)
    contents = [papers.pdf_of_size(UPLOAD_BYTES, "Report", number) for number in range(UPLOADS)]
    with serving(environment) as server:
        token = admin_token(server, environment)
        before = memory_kib(server.process.pid, "VmRSS")

        requests = [partial(_request, server.url, token, content) for content in contents]
        answers = asyncio.run(send_at_once(server.url, requests))

        growth = memory_kib(server.process.pid, "VmHWM") - before

    assert Counter(answer.status for answer in answers) == {201: UPLOADS}
    expected = [hashlib.sha256(content).hexdigest() for content in contents]
    assert [answer.body["sha256"] for answer in answers] == expected
    stored = {
        path.name: hashlib.sha256(path.read_bytes()).hexdigest() for path in _stored_files(tmp_path)
    }
    assert stored == dict(zip(expected, expected, strict=True))
    assert growth < GROWTH_KIB_MAX


def _request(url: str, token: str, content: bytes) -> bytes:
    return request_of(url, token, form_of(content, "report.pdf"))


@pytest.mark.system
@pytest.mark.one_database
def test_two_gigabytes_without_a_length_are_cut_off_at_the_limit(
    database_url: str, tmp_path: Path
) -> None:
    """DOC-8, SEC-1: what is too much is neither kept nor read to its end."""
    environment = environment_of(
        database_url, tmp_path, LACEWING_UPLOAD_LIMIT_BYTES=str(LIMIT_BYTES)
    )
    with serving(environment) as server:
        token = admin_token(server, environment)
        before = memory_kib(server.process.pid, "VmRSS")

        answer, sent = _send_without_end(server, token)

        growth = memory_kib(server.process.pid, "VmHWM") - before
        assert answer.startswith(b"HTTP/1.1 413 ")
        assert b"content-too-large" in answer
        assert sent < LIMIT_BYTES * 2
        assert _stored_files(tmp_path) == []
        assert growth < GROWTH_KIB_MAX
        assert httpx.get(f"{server.url}/health/live").status_code == 200


def _send_without_end(server: Server, token: str) -> tuple[bytes, int]:
    """The answer, and how many bytes the server took before it gave it."""
    parts = urlsplit(server.url)
    assert parts.hostname is not None
    assert parts.port is not None
    head = (
        f"POST /api/documents/upload HTTP/1.1\r\nHost: {parts.netloc}\r\n"
        f"Authorization: Bearer {token}\r\nTransfer-Encoding: chunked\r\n"
        f"Content-Type: multipart/form-data; boundary={BOUNDARY.decode()}\r\n\r\n"
    )
    opening = (
        b'--%b\r\nContent-Disposition: form-data; name="file"; filename="a.pdf"\r\n\r\n%%PDF-1.7\n'
        % BOUNDARY
    )
    sent = 0
    with socket.create_connection((parts.hostname, parts.port), timeout=30) as connection:
        connection.sendall(head.encode() + _chunk(opening))
        connection.settimeout(10)
        try:
            while sent < TWO_GIGABYTES:
                connection.sendall(_chunk(CHUNK))
                sent += len(CHUNK)
        except (ConnectionError, TimeoutError):
            pass  # as it should be: the server does not read on
        return connection.recv(65_536), sent


def _chunk(data: bytes) -> bytes:
    return b"%x\r\n%b\r\n" % (len(data), data)
