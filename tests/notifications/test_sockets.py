"""The way into a socket: who is let in, and by what."""

from collections.abc import Iterator
from contextlib import AbstractContextManager, ExitStack
from dataclasses import dataclass
from typing import Any

import httpx
import msgspec
import pytest
from websockets.exceptions import ConnectionClosed, InvalidStatus
from websockets.sync.client import ClientConnection, connect

from lacewing.kernel.web.sockets import FRAMES_PER_SECOND_MAX, MESSAGE_BYTES_MAX
from lacewing.notifications.rules import SOCKETS_OF_USER_MAX
from tests.kernel.conftest import StartedServer, started_server
from tests.support.house import PASSWORD

pytestmark = pytest.mark.system

ALLOWED = "https://board.example"
PUBLIC = "https://Tracker.example"
PUBLIC_ORIGIN = "https://tracker.example"
"""As browsers write it."""
FOREIGN = "https://evil.example"
PATH = "/ws/notifications"
WAIT_SECONDS = 20
FRAMES = {
    "texts": b"\x81\x81\x00\x00\x00\x00x",
    "bytes": b"\x82\x81\x00\x00\x00\x00x",
    "pings": b"\x89\x81\x00\x00\x00\x00x",
}


@dataclass
class Person:
    server: StartedServer
    name: str
    token: str

    @property
    def bearer(self) -> dict[str, str]:
        return {"Authorization": f"Bearer {self.token}"}

    def post(self, path: str, body: Any = None) -> httpx.Response:
        return httpx.post(f"{self.server.url}{path}", headers=self.bearer, json=body, timeout=30)

    def ticket(self) -> str:
        found: str = self.post("/api/notifications/ticket").json()["ticket"]
        return found

    def socket(self, query: str = "", **options: Any) -> AbstractContextManager[ClientConnection]:
        url = self.server.url.replace("http", "ws", 1) + PATH + query
        opened: AbstractContextManager[ClientConnection] = connect(
            url, open_timeout=WAIT_SECONDS, **options
        )
        return opened

    def refusal(self, **options: Any) -> tuple[int, str]:
        """Status and type of the problem that the handshake is answered with."""
        with pytest.raises(InvalidStatus) as caught, self.socket(**options):
            pass
        response = caught.value.response
        assert response.headers["content-type"] == "application/problem+json"
        return response.status_code, msgspec.json.decode(response.body or b"")["type"]


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[StartedServer]:
    folder = tmp_path_factory.mktemp("sockets")
    settings = {"LACEWING_CORS_ORIGINS": ALLOWED, "LACEWING_PUBLIC_URL": PUBLIC}
    with started_server(folder, **settings) as started:
        yield started


def person(server: StartedServer, name: str) -> Person:
    body = {"username": name, "email": f"{name}@example.com", "password": PASSWORD}
    httpx.post(f"{server.url}/api/auth/register", json=body, timeout=30)
    login = httpx.post(
        f"{server.url}/api/auth/login", json={"username": name, "password": PASSWORD}, timeout=30
    )
    return Person(server, name, login.json()["access_token"])


@pytest.fixture(scope="module")
def maria(server: StartedServer) -> Person:
    return person(server, "maria")


def hears(socket: ClientConnection, writer: Person) -> bool:
    """Whether a post of the writer's is heard."""
    post = writer.post("/api/posts", {"title": "News", "body": "All of it."}).json()
    told = msgspec.json.decode(socket.recv(timeout=WAIT_SECONDS))
    found: bool = told["data"]["post_id"] == post["id"]
    return found


def close_code(socket: ClientConnection) -> int:
    """With what the server closes it, before it says anything else."""
    with pytest.raises(ConnectionClosed) as caught:
        socket.recv(timeout=WAIT_SECONDS)
    assert caught.value.rcvd is not None
    return caught.value.rcvd.code


@pytest.mark.parametrize("way", ["ticket", "bearer", "header", "header and subprotocol"])
@pytest.mark.parametrize("slash", ["", "/"])
def test_each_way_in_is_one(maria: Person, way: str, slash: str) -> None:
    """LIVE-1: with the subprotocol that it offered, if any."""
    ways: dict[str, dict[str, Any]] = {
        "ticket": {"subprotocols": ["lacewing", f"ticket.{maria.ticket()}"]},
        "bearer": {"subprotocols": ["bearer", maria.token]},
        "header": {"additional_headers": maria.bearer},
        "header and subprotocol": {
            "additional_headers": maria.bearer,
            "subprotocols": ["lacewing"],
        },
    }
    answered = {"bearer": "bearer", "header": None}.get(way, "lacewing")

    with maria.socket(slash, **ways[way]) as socket:
        assert socket.subprotocol == answered
        assert hears(socket, maria)


def test_a_ticket_is_good_once(maria: Person) -> None:
    """LIVE-1: 401 for the second who shows it, and for one that never was."""
    ticket = maria.ticket()
    with maria.socket(subprotocols=["lacewing", f"ticket.{ticket}"]):
        again = maria.refusal(subprotocols=["lacewing", f"ticket.{ticket}"])
    made_up = maria.refusal(subprotocols=["lacewing", "ticket.x"])

    assert again == made_up == (401, "invalid-ticket")


@pytest.mark.parametrize(
    ("options", "kind"),
    [
        ({}, "unauthenticated"),
        ({"subprotocols": ["bearer", "x.y.z"]}, "invalid-token"),
        ({"subprotocols": ["lacewing"]}, "unauthenticated"),
        ({"additional_headers": {"Authorization": "Basic eDp5"}}, "unauthenticated"),
        ({"additional_headers": {"Authorization": "Bearer x"}}, "invalid-token"),
    ],
)
def test_nobody_else_is_let_in(maria: Person, options: dict[str, Any], kind: str) -> None:
    """LIVE-1, API-3: 401 as a problem document, before the socket is open."""
    assert maria.refusal(**options) == (401, kind)


def test_a_ticket_is_kept_nowhere(maria: Person) -> None:
    """API-8, LIVE-1: asked for again with the same key it is another one."""
    headers = {**maria.bearer, "Idempotency-Key": "once"}
    url = f"{maria.server.url}/api/notifications/ticket"
    first, second = (httpx.post(url, headers=headers, timeout=30).json() for _ in range(2))

    assert first["ticket"] != second["ticket"]


def test_a_token_in_the_address_is_refused(maria: Person) -> None:
    """LIVE-1: it would stand in logs; no other parameter is known either."""
    assert maria.refusal(query=f"?token={maria.token}") == (422, "validation-failed")
    assert maria.refusal(query="?last_event_id=x", additional_headers=maria.bearer) == (
        422,
        "validation-failed",
    )


def test_a_ticket_of_a_session_that_has_ended_is_none(server: StartedServer) -> None:
    """LIVE-1: whoever logs out, is out."""
    noor = person(server, "noor")
    ticket = noor.ticket()
    noor.post("/api/auth/logout")

    assert noor.refusal(subprotocols=["lacewing", f"ticket.{ticket}"]) == (401, "invalid-ticket")


@pytest.mark.parametrize("origin", [FOREIGN, "null", f"{ALLOWED}.evil.example", "https://"])
def test_a_page_of_a_foreign_origin_is_refused(maria: Person, origin: str) -> None:
    """LIVE-1: though it has a good token; browsers send cookies, and pages may send tickets."""
    assert maria.refusal(origin=origin, additional_headers=maria.bearer) == (403, "foreign-origin")


def test_pages_of_allowed_origins_and_of_the_server_itself_are_let_in(maria: Person) -> None:
    """LIVE-1, SEC-4: as the settings say; behind a proxy the server has another name."""
    for origin in (ALLOWED, maria.server.url, PUBLIC_ORIGIN):
        with maria.socket(origin=origin, additional_headers=maria.bearer) as socket:
            assert hears(socket, maria)


def test_a_token_that_is_held_to_projects_hears_nothing(maria: Person) -> None:
    """LIVE-1: as it reads no notifications."""
    made = maria.post(
        "/api/auth/personal-access-tokens",
        {
            "name": "Build",
            "scopes": ["read"],
            "project_ids": ["019c1b2e-7f3a-7b11-9c0e-1f2a3b4c5d6e"],
        },
    )
    headers = {"Authorization": f"Bearer {made.json()['token']}"}

    assert maria.refusal(additional_headers=headers) == (403, "forbidden")


@pytest.mark.parametrize(
    ("size", "closes"), [(MESSAGE_BYTES_MAX, False), (MESSAGE_BYTES_MAX + 1, True)]
)
def test_a_message_that_is_too_large_closes(maria: Person, size: int, *, closes: bool) -> None:
    """LIVE-3: 1009; at the limit it is only passed over."""
    with maria.socket(additional_headers=maria.bearer) as socket:
        socket.send("x" * size)
        if closes:
            assert close_code(socket) == 1009
        else:
            assert hears(socket, maria)


@pytest.mark.parametrize("frame", FRAMES.values(), ids=FRAMES)
@pytest.mark.parametrize("closes", [False, True])
def test_a_client_that_says_too_much_is_sent_away(
    maria: Person, frame: bytes, *, closes: bool
) -> None:
    """LIVE-3: 1008; at the limit it is only passed over."""
    with maria.socket(additional_headers=maria.bearer) as socket:
        socket.socket.sendall(frame * (FRAMES_PER_SECOND_MAX + closes))
        if closes:
            assert close_code(socket) == 1008
        else:
            assert hears(socket, maria)


def test_one_user_opens_so_many_sockets_and_no_more(server: StartedServer) -> None:
    """LIVE-3: at the limit and one beyond, streams counted too."""
    mona = person(server, "mona")
    with ExitStack() as sockets:
        for _ in range(SOCKETS_OF_USER_MAX):
            sockets.enter_context(mona.socket(additional_headers=mona.bearer))
        refused = mona.refusal(additional_headers=mona.bearer)
        stream = httpx.get(f"{server.url}/api/notifications/stream", headers=mona.bearer)

    assert refused == (409, "too-many-sockets")
    assert (stream.status_code, stream.json()["type"]) == (409, "too-many-sockets")


def test_a_socket_closes_when_its_session_ends(server: StartedServer) -> None:
    """LIVE-1: 4401."""
    sven = person(server, "sven")
    with sven.socket(additional_headers=sven.bearer) as socket:
        sven.post("/api/auth/logout")
        code = close_code(socket)

    assert code == 4401


def test_a_stream_tells_the_same_and_goes_on_where_it_was(maria: Person) -> None:
    """LIVE-2: Server-Sent Events, by ``Last-Event-ID``."""
    with maria.socket(additional_headers=maria.bearer) as socket:
        maria.post("/api/posts", {"title": "One", "body": "1"})
        first = socket.recv(timeout=WAIT_SECONDS)
        maria.post("/api/posts", {"title": "Two", "body": "2"})
        second = socket.recv(timeout=WAIT_SECONDS)
    last = msgspec.json.decode(first)["id"]

    events = []
    with httpx.stream(
        "GET",
        f"{maria.server.url}/api/notifications/stream",
        headers={**maria.bearer, "Last-Event-ID": str(last)},
        timeout=WAIT_SECONDS,
    ) as stream:
        assert stream.headers["content-type"].startswith("text/event-stream")
        for line in stream.iter_lines():
            if line.startswith(("id:", "data:")):
                events.append(line)
            if line.startswith("data:"):
                break

    second_id = msgspec.json.decode(second)["id"]
    assert events == [f"id: {last}", f"id: {second_id}", f"data: {second!s}"]
