"""``docker-compose.override.yml``: what a developer works with, on a copy of the checkout.

The mail catcher is not run: its image can't be pulled everywhere, and no Debian package is one.
"""

import json
import shutil
import socket
from collections.abc import Iterator

import httpx
import pytest

from tests.delivery.composing import Composed, composed_by
from tests.delivery.images import DEVELOPMENT_IMAGE, make_image, make_standins
from tests.support.docker import Engine
from tests.support.tools import ROOT
from tests.support.waiting import until

COPIED = ("src", "migrations", "deploy")
ADAPTER_SECONDS = 60


@pytest.fixture(scope="module")
def developed(
    engine: Engine, image: str, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Composed]:
    """A server that runs the code of a checkout."""
    assert image
    make_standins(engine)
    make_image(engine, tag=DEVELOPMENT_IMAGE, target="development")
    checkout, secrets = tmp_path_factory.mktemp("checkout"), tmp_path_factory.mktemp("secrets")
    for name in COPIED:
        shutil.copytree(ROOT / name, checkout / name)
    for file in ROOT.glob("docker-compose*.yml"):
        shutil.copy2(file, checkout)
    # The container's user is another than the one who checked out.
    checkout.parent.chmod(0o755)
    checkout.chmod(0o755)
    with composed_by(engine, secrets, checkout, "lacewing-development", image) as composed:
        composed.compose("up", "--no-build", "--wait", "server-1", override=True)
        yield composed


async def test_the_server_starts_anew_when_the_code_changes(developed: Composed) -> None:
    """OPS-7: hot reload, of the very files that an editor writes."""
    url = f"http://127.0.0.1:{developed.variables['LACEWING_DEV_PORT']}"
    async with httpx.AsyncClient(base_url=url, timeout=60) as client:
        before = (await client.get("/api/openapi.json")).json()["info"]["title"]
        main = developed.checkout / "src/lacewing/main.py"
        text = main.read_text(encoding="utf-8")
        main.write_text(text.replace('title="Lacewing"', 'title="Changed"'), encoding="utf-8")

        async def is_changed() -> bool:
            try:
                answer = await client.get("/api/openapi.json")
            except httpx.TransportError:
                return False
            return bool(answer.json()["info"]["title"] == "Changed")

        await until(is_changed)

    assert before == "Lacewing"


def test_a_debugger_is_let_in(developed: Composed) -> None:
    """OPS-7: something at the port answers by the Debug Adapter Protocol."""
    asked = json.dumps(
        {"seq": 1, "type": "request", "command": "initialize", "arguments": {"adapterID": "test"}}
    )
    address = ("127.0.0.1", int(developed.variables["LACEWING_DEBUG_PORT"]))
    with socket.create_connection(address, timeout=ADAPTER_SECONDS) as connection:
        connection.sendall(f"Content-Length: {len(asked)}\r\n\r\n{asked}".encode())
        answered = b""
        while b'"command":"initialize"' not in answered.replace(b" ", b""):
            received = connection.recv(65_536)
            assert received, answered
            answered += received

    assert b'"success":true' in answered.replace(b" ", b"")


def test_nothing_of_it_is_reached_from_other_machines(developed: Composed) -> None:
    """OPS-7, SEC-11: a debugger is a door: its port, and all of development, is this machine's."""
    told = json.loads(developed.compose("config", "--format=json", override=True))
    ports = [port for name in ("server-1", "mail") for port in told["services"][name]["ports"]]

    assert {port["target"] for port in ports} == {8000, 5678, 8025}
    assert {port["host_ip"] for port in ports} == {"127.0.0.1"}
