"""``docker-compose.yml``, really run: our image and files, upon stand-ins of the public images."""

import asyncio
import json
import ssl
from collections.abc import AsyncIterator, Iterator
from typing import Any

import httpx
import pytest
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import InvalidStatus

from tests.delivery.composing import (
    PASSWORD,
    Composed,
    composed_by,
    make_secrets,
    token_of,
)
from tests.delivery.images import make_standins
from tests.delivery.traffic import flowing, titles_of
from tests.documents.papers import pdf
from tests.support.docker import CommandFailed, Engine
from tests.support.waiting import until

SERVING = {"nginx", "server-1", "server-2", "worker", "postgres", "redis", "rabbitmq"}
SECRETS = (
    "postgres_password", "redis_password", "rabbitmq_password", "secret_key", "metrics_token",
    "pii_encryption_key", "pii_hash_key",
)  # fmt: skip
HEARD_WITHIN_SECONDS = 60


@pytest.fixture(scope="module")
def composed(
    engine: Engine, image: str, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Composed]:
    """All of it, up and well, by `make up` of a fresh clone: Compose builds the image."""
    # From the layers of this one: what its steps fetch is not to be had inside of this engine.
    assert image
    make_standins(engine)
    with composed_by(engine, tmp_path_factory.mktemp("composed")) as composed:
        composed.up()
        composed.make_admin("root")
        yield composed


@pytest.fixture
async def admin(composed: Composed) -> AsyncIterator[httpx.AsyncClient]:
    async with composed.client(await token_of(composed, "root")) as client:
        yield client


async def _new_project(admin: httpx.AsyncClient, key: str) -> str:
    answer = await admin.post("/api/projects", json={"key": key, "name": f"Project {key}"})
    assert answer.status_code == 201, answer.text
    project_id: str = answer.json()["id"]
    return project_id


def test_all_of_it_comes_up_and_is_well(composed: Composed) -> None:
    """OPS-7: `make up`, so `docker compose up --wait`, returns when each part says so itself."""
    assert {name: composed.health(name) for name in SERVING} == dict.fromkeys(SERVING, "healthy")


async def test_one_does_all_of_a_working_day_through_nginx(composed: Composed) -> None:
    """OPS-7, OPS-8: from registering to logging out, over TLS, heard of over the WebSocket."""
    async with composed.client() as client:
        await _register(composed, client)
        client.headers["Authorization"] = f"Bearer {await token_of(composed, 'maria')}"
        async with await _socket(composed, client) as socket:
            project_id = await _new_project(client, "DAY")
            issue = await _made(
                client, f"/api/projects/{project_id}/issues", {"title": "It does not start"}
            )
            comment = await _made(
                client, f"/api/issues/{issue['id']}/comments", {"content": "*Now* it does."}
            )
            heard = await _hear(socket, "comment.created")
        text = await _processed(client, pdf("The paper that this day rests on."))
        left = await client.post("/api/auth/logout")
        after = await client.get("/api/auth/me")

    assert "<em>Now</em>" in comment["content_html"]
    assert heard["data"]["issue_id"] == issue["id"]
    assert "this day rests on" in text
    assert (left.is_success, after.status_code) == (True, 401)


async def _register(composed: Composed, client: httpx.AsyncClient) -> None:
    """Maria, whom an administrator makes a manager."""
    body = {"username": "maria", "email": "maria@example.com", "password": PASSWORD}
    user = await _made(client, "/api/auth/register", body)
    async with composed.client(await token_of(composed, "root")) as admin:
        done = await admin.patch(f"/api/users/{user['id']}", json={"role": "manager"})
        assert done.status_code == 200, done.text


async def _made(client: httpx.AsyncClient, path: str, body: dict[str, str]) -> dict[str, Any]:
    answer = await client.post(path, json=body)
    assert answer.status_code == 201, answer.text
    made: dict[str, Any] = answer.json()
    return made


async def _socket(
    composed: Composed, client: httpx.AsyncClient, origin: str | None = None
) -> ClientConnection:
    ticket = (await client.post("/api/notifications/ticket")).json()["ticket"]
    return await connect(
        composed.url.replace("https", "wss") + "/ws/notifications/",
        ssl=composed.tls,
        origin=origin,  # type: ignore[arg-type]  # a NewType of str
        subprotocols=["lacewing", f"ticket.{ticket}"],  # type: ignore[list-item]  # as above
    )


async def _hear(socket: ClientConnection, kind: str) -> dict[str, Any]:
    """The next message of this kind."""
    async with asyncio.timeout(HEARD_WITHIN_SECONDS):
        while True:
            told: dict[str, Any] = json.loads(await socket.recv())
            if told["type"] == kind:
                return told


async def _processed(client: httpx.AsyncClient, content: bytes) -> str:
    """The text of a document that was uploaded and processed."""
    files = {"file": ("paper.pdf", content, "application/pdf")}
    uploaded = await client.post("/api/documents/upload", files=files)
    assert uploaded.status_code == 201, uploaded.text
    path = f"/api/documents/{uploaded.json()['document_id']}"
    assert (await client.post(f"{path}/process")).status_code == 202

    async def is_done() -> bool:
        status = (await client.get(f"{path}/status")).json()
        assert status["status"] != "FAILED", status
        return bool(status["status"] == "COMPLETED")

    await until(is_done)
    result: dict[str, Any] = (await client.get(f"{path}/result")).json()
    return json.dumps(result)


async def test_a_server_that_stops_in_the_middle_of_traffic_fails_no_request(
    composed: Composed, admin: httpx.AsyncClient
) -> None:
    """OPS-6, OPS-8: nor does one that comes back; and what was written is there once."""
    project_id = await _new_project(admin, "STOP")

    async with flowing(admin, project_id) as traffic:
        await traffic.goes_on(50)
        await asyncio.to_thread(composed.compose, "stop", "server-1")
        await traffic.goes_on(100)
        await asyncio.to_thread(composed.compose, "start", "server-1")
        await until(_is_well(composed, "server-1"))
        await traffic.goes_on(100)

    print(f"\nOne of two servers stopped and started: {len(traffic.failed)} of "  # noqa: T201  a figure
          f"{traffic.answered + len(traffic.failed)} requests failed.")  # fmt: skip
    assert traffic.failed == []
    assert sorted(await titles_of(admin, project_id)) == sorted(traffic.written)


async def test_a_rolling_restart_fails_no_request(
    composed: Composed, admin: httpx.AsyncClient
) -> None:
    """OPS-6, OPS-8: both servers and the worker are new afterwards; nothing is lost or doubled."""
    project_id = await _new_project(admin, "ROLL")
    before = composed.compose("ps", "--quiet", "server-1", "server-2", "worker").split()

    async with flowing(admin, project_id) as traffic:
        await traffic.goes_on(50)
        await asyncio.to_thread(composed.restart_servers)
        await traffic.goes_on(50)

    after = composed.compose("ps", "--quiet", "server-1", "server-2", "worker").split()
    print(f"\nRolling restart of both servers: {len(traffic.failed)} of "  # noqa: T201  a figure
          f"{traffic.answered + len(traffic.failed)} requests failed.")  # fmt: skip
    assert traffic.failed == []
    assert len(after) == 3
    assert not set(before) & set(after)
    assert sorted(await titles_of(admin, project_id)) == sorted(traffic.written)


def _is_well(composed: Composed, service: str) -> Any:
    async def is_well() -> bool:
        return await asyncio.to_thread(composed.health, service) == "healthy"

    return is_well


@pytest.mark.parametrize("service", sorted(SERVING))
def test_each_part_is_restrained(composed: Composed, service: str) -> None:
    """OPS-7: not root, read-only, no capabilities, no new ones, limited, and it says how it is."""
    container = composed.compose("ps", "--quiet", service).strip()
    [about] = json.loads(composed.engine.docker("inspect", container))

    host = about["HostConfig"]
    assert about["Config"]["User"] not in {"", "root", "0", "0:0"}
    assert host["ReadonlyRootfs"] is True
    assert host["CapDrop"] == ["ALL"]
    assert not host["CapAdd"]
    assert host["SecurityOpt"] == ["no-new-privileges:true"]
    assert host["Memory"] > 0
    assert host["NanoCpus"] > 0
    assert host["PidsLimit"] > 0
    assert about["State"]["Health"]["Status"] == "healthy"


@pytest.mark.parametrize("service", sorted(SERVING))
def test_no_secret_stands_in_an_environment(composed: Composed, service: str) -> None:
    """OPS-7, SEC-8: secrets are files; `docker inspect` shows none of them."""
    container = composed.compose("ps", "--quiet", service).strip()
    shown = composed.engine.docker("inspect", container)
    secrets = [(composed.folder / name).read_text(encoding="utf-8").strip() for name in SECRETS]

    assert [secret for secret in secrets if secret in shown] == []


REACHED = "python -c 'import socket; socket.create_connection((\"{host}\", {port}), 5)'"


@pytest.mark.parametrize(
    ("host", "port"), [("postgres", 5432), ("redis", 6379), ("rabbitmq", 5672)]
)
def test_what_holds_data_is_reached_by_the_servers_and_not_by_nginx(
    composed: Composed, host: str, port: int
) -> None:
    """OPS-7: networks are apart; nginx does not so much as know the name."""
    composed.compose("exec", "-T", "server-1", "sh", "-c", REACHED.format(host=host, port=port))
    with pytest.raises(CommandFailed):
        composed.compose("exec", "-T", "nginx", "curl", "-m5", f"telnet://{host}:{port}")


@pytest.mark.parametrize(
    ("network", "is_internal"),
    [("app", True), ("data", True), ("edge", False), ("outbound", False)],
)
def test_inner_networks_have_no_way_out(
    composed: Composed, network: str, *, is_internal: bool
) -> None:
    """OPS-7: Docker forwards nothing from them, whatever routes their containers make."""
    name = f"{composed.variables['COMPOSE_PROJECT_NAME']}_{network}"
    [about] = json.loads(composed.engine.docker("network", "inspect", name))

    assert about["Internal"] is is_internal


def test_what_holds_data_meets_nobody_outside_its_network(composed: Composed) -> None:
    """OPS-7: not even nginx at the address where the world meets it."""
    container = composed.compose("ps", "--quiet", "nginx").strip()
    [about] = json.loads(composed.engine.docker("inspect", container))
    networks = about["NetworkSettings"]["Networks"]
    address = networks[f"{composed.variables['COMPOSE_PROJECT_NAME']}_edge"]["IPAddress"]
    ask = ["exec", "-T", "postgres", "curl", "-sSm3", f"http://{address}:8080/"]

    with pytest.raises(CommandFailed, match="timed out"):
        composed.compose(*ask)


async def test_the_servers_are_told_who_asks(composed: Composed) -> None:
    """OPS-8, SEC-2: the client's own address reaches them, as nginx reaches them by the one
    network where they believe it."""
    async with composed.client(headers={"X-Request-ID": "who-asks"}) as client:
        answer = await client.get("/api/posts")
    found: dict[str, dict[str, Any]] = {}

    async def are_logged() -> bool:
        told = composed.compose("logs", "--no-log-prefix", "nginx", "server-1", "server-2")
        lines = [json.loads(line) for line in told.splitlines() if '"who-asks"' in line]
        found.update({line["event"]: line for line in lines})
        return {"proxied", "request"} <= set(found)

    await until(are_logged)
    proxied = found["proxied"]

    subnet = composed.variables["LACEWING_SUBNET"]
    assert answer.status_code == 401
    assert proxied["server"] in {f"{subnet}.11:8000", f"{subnet}.12:8000"}
    assert found["request"]["ip"] == proxied["ip"]
    assert proxied["ip"] != f"{subnet}.10"


async def test_a_page_of_the_site_may_open_a_socket(composed: Composed) -> None:
    """LIVE-3, OPS-8: its origin is the public address, which the servers learn from nginx."""
    async with composed.client(await token_of(composed, "root")) as client:
        async with await _socket(composed, client, composed.url):
            pass
        with pytest.raises(InvalidStatus, match="403"):
            await _socket(composed, client, "https://evil.example")


def test_only_nginx_is_open_to_the_world(composed: Composed) -> None:
    """OPS-7: no other part publishes a port."""
    published = {}
    for service in SERVING:
        container = composed.compose("ps", "--quiet", service).strip()
        [about] = json.loads(composed.engine.docker("inspect", container))
        published[service] = sorted(about["HostConfig"]["PortBindings"] or {})

    assert published.pop("nginx") == ["8080/tcp", "8443/tcp"]
    assert set(map(tuple, published.values())) == {()}


async def test_all_of_it_comes_back_with_what_it_had(
    composed: Composed, admin: httpx.AsyncClient
) -> None:
    """OPS-7: volumes are named, so they outlive the containers; tokens stay good, as keys do."""
    project_id = await _new_project(admin, "KEPT")

    await asyncio.to_thread(composed.compose, "down")
    await asyncio.to_thread(composed.up)

    kept = await admin.get(f"/api/projects/{project_id}")
    assert kept.status_code == 200, kept.text


def test_a_new_certificate_is_taken_up(composed: Composed) -> None:
    """OPS-8: by `make up`, be it renewed by the script or put there by hand."""
    (composed.folder / "server.pem").unlink()

    composed.up()

    port = int(composed.variables["LACEWING_HTTPS_PORT"])
    [_, served] = ssl.get_server_certificate(("localhost", port)).split(
        "-----BEGIN CERTIFICATE-----"
    )
    assert served.strip() in (composed.folder / "server.pem").read_text(encoding="utf-8")
    assert composed.health("nginx") == "healthy"


def test_secrets_that_are_there_stay(composed: Composed) -> None:
    """OPS-7: `make up` can be run again; and others on this machine are kept out."""
    before = {file.name: file.read_bytes() for file in composed.folder.iterdir() if file.is_file()}
    # As whoever made the folder by hand has it.
    composed.folder.chmod(0o755)
    make_secrets(composed.folder)

    after = {file.name: file.read_bytes() for file in composed.folder.iterdir() if file.is_file()}
    assert after == before
    assert composed.folder.stat().st_mode & 0o077 == 0
