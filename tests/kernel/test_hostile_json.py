"""JSON that is made to cost time, memory or a 500; told to a really started server."""

import time
from collections.abc import Iterator

import httpx
import pytest

from tests.kernel.conftest import StartedServer, started_server
from tests.support.house import Member

pytestmark = pytest.mark.system

TOKENS = "/api/auth/personal-access-tokens"
JSON = {"Content-Type": "application/json"}
SECONDS_AT_MOST = 3
"""A few milliseconds are usual: more than this means that time grows faster than the body."""
ANSWER_BYTES_AT_MOST = 65_536
MILLION = 1_000_000
DEEP = 100_000


def _as_username(value: bytes) -> bytes:
    return b'{"username": ' + value + b', "password": "x"}'


def _beside(value: bytes) -> bytes:
    return b'{"username": "x", "password": "x", "z": ' + value + b"}"


MALFORMED = {
    "lists in lists": b"[" * DEEP + b"]" * DEEP,
    "lists without an end": b"[" * DEEP,
    "objects in objects": b'{"a":' * DEEP + b"1" + b"}" * DEEP,
    "lists in objects in lists": b'[{"a":' * DEEP,
    "lists in a field": _as_username(b"[" * DEEP + b"]" * DEEP),
    "lists in an unknown field": _beside(b"[" * DEEP + b"]" * DEEP),
    "lists beside a lone surrogate": _as_username(b'"\\ud800", "z": ' + b"[" * DEEP + b"]" * DEEP),
    "NaN": _as_username(b"NaN"),
    "Infinity": _as_username(b"Infinity"),
    "-Infinity": _as_username(b"-Infinity"),
    "NaN in an unknown field": _beside(b"NaN"),
    "a number of a million digits": _as_username(b"1" * MILLION),
    "a negative one": _as_username(b"-" + b"1" * MILLION),
    "one beside a lone surrogate": _as_username(b'"\\ud800", "z": ' + b"1" * MILLION),
    "a number of 5,000 digits": _as_username(b"1" * 5_000),
    "an exponent of 999": _as_username(b"1e999"),
    "an exponent of nine digits": _as_username(b"-1e999999999"),
    "an exponent of 100,000 digits": _as_username(b"1e" + b"9" * 100_000),
    "half a surrogate": _as_username(b'"\\ud8"'),
    "a surrogate in UTF-8": _as_username(b'"\xed\xa0\x80"'),
    "a NUL in two bytes": _as_username(b'"\xc0\x80"'),
    "a million blanks": b" " * MILLION,
    "a megabyte of comments": b"/" * MILLION,
}
NOT_VALID = {
    "lists in a field, as deep as JSON goes": _as_username(b"[" * 900 + b"]" * 900),
    "a fraction of a million digits": _as_username(b"0." + b"1" * MILLION),
    "an exponent of 100,000 digits below one": _as_username(b"1e-" + b"9" * 100_000),
    "a number of 4,000 digits": _as_username(b"1" * 4_000),
    "a high surrogate alone": _as_username(b'"\\ud800"'),
    "a low surrogate alone": _as_username(b'"\\udc00"'),
    "two in the wrong order": _as_username(b'"\\udc00\\ud800"'),
    "one in an unknown field": _beside(b'"\\ud800"'),
    "one as a name": b'{"\\ud800": 1}',
    "a megabyte of them": _as_username(b'"' + b"\\ud800" * 170_000 + b'"'),
    "a megabyte of NULs": _as_username(b'"' + b"\\u0000" * 170_000 + b'"'),
    "a text of a megabyte": _as_username(b'"' + b"a" * MILLION + b'"'),
    "a password of a megabyte": b'{"username": "x", "password": "' + b"a" * MILLION + b'"}',
    "a list of half a million": _as_username(b"[" + b"1," * 499_000 + b"1]"),
    "a body of 300,000 objects": b"[" + b"{}," * 300_000 + b"{}]",
    "a name of a megabyte": b'{"' + b"k" * MILLION + b'": 1}',
    "20,000 unknown names": _beside(b"1" + b"".join(b',"k%d":1' % n for n in range(20_000))),
}
REPEATED = {
    "a known name": b'{"username": "a", "username": "b", "password": "x"}',
    "a password": b'{"username": "a", "password": "x", "password": "y"}',
    "an unknown name, 140,000 times": _beside(b"1" + b', "z":1' * 140_000),
    "a name in another spelling": b'{"username": "a", "user\\u006eame": "b", "password": "x"}',
}
"""Two readers of the same text may take different ones (RFC 8259, section 4)."""


@pytest.fixture(scope="module")
def raw_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[StartedServer]:
    """One server with its own SQLite: what is tested lies before any database."""
    with started_server(tmp_path_factory.mktemp("raw")) as started:
        yield started


def _log_in(server: StartedServer, body: bytes) -> tuple[httpx.Response, float]:
    """The answer, and the seconds that it took."""
    with httpx.Client(base_url=server.url, timeout=30) as client:
        client.get("/health/live")
        started = time.monotonic()
        answer = client.post("/api/auth/login", content=body, headers=JSON)
        return answer, time.monotonic() - started


@pytest.mark.parametrize("name", MALFORMED)
def test_what_is_no_json_is_refused_at_once(raw_server: StartedServer, name: str) -> None:
    """SEC-6, API-4: 400, however deep or long."""
    answer, seconds = _log_in(raw_server, MALFORMED[name])

    assert (answer.status_code, answer.json()["type"]) == (400, "malformed-json")
    assert seconds < SECONDS_AT_MOST


@pytest.mark.parametrize("name", NOT_VALID)
def test_json_that_is_not_wanted_is_refused_at_once_and_in_few_words(
    raw_server: StartedServer, name: str
) -> None:
    """SEC-6, API-4: 422; a megabyte of faults is not told in several megabytes."""
    answer, seconds = _log_in(raw_server, NOT_VALID[name])

    assert (answer.status_code, answer.json()["type"]) == (422, "validation-failed")
    assert seconds < SECONDS_AT_MOST
    assert len(answer.content) <= ANSWER_BYTES_AT_MOST


@pytest.mark.parametrize("name", REPEATED)
def test_a_name_that_stands_twice_is_refused(raw_server: StartedServer, name: str) -> None:
    """SEC-6: what a filter before us has read must be what we read."""
    answer, _ = _log_in(raw_server, REPEATED[name])

    assert answer.status_code in {400, 422}


@pytest.mark.parametrize(
    "number",
    [
        pytest.param("1" * 4_000, id="4,000 digits"),
        pytest.param("-" + "1" * 4_000, id="4,000 digits below zero"),
        pytest.param("1" * 100_000, id="100,000 digits"),
        "99999999999999999999", "1e3", "1e308", "1e400", "1e-400", "1.5", "-0", "0", "367",
        "NaN", "[30]", "{}", '"thirty"',
    ],
)  # fmt: skip
async def test_a_number_that_is_none_here_is_refused(a_developer: Member, number: str) -> None:
    """SEC-6, API-4: a whole number within its range, and nothing that looks like one."""
    body = f'{{"name": "ci", "scopes": ["read"], "expires_in_days": {number}}}'

    answer = await a_developer.api.post(TOKENS, content=body, headers=JSON)

    assert answer.status_code in {400, 422}
    assert (await a_developer.api.get(TOKENS)).json()["data"] == []


def test_a_server_that_was_told_all_this_still_answers(raw_server: StartedServer) -> None:
    """OPS-5: and its log holds no fault of its own."""
    bodies = [*MALFORMED.values(), *NOT_VALID.values()]

    answers = [_log_in(raw_server, body)[0] for body in bodies[::5]]

    assert all(400 <= answer.status_code < 500 for answer in answers)
    assert httpx.get(f"{raw_server.url}/health/live").status_code == 200
    assert "Traceback" not in raw_server.log.read_text(encoding="utf-8")
