"""The program of before the last migration, really run on the schema of after it."""

import io
import os
import subprocess
import sys
import tarfile
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path

import httpx
import pytest

from tests.support.cannot import cannot_test
from tests.support.processes import Server, admin_token, environment_of, serving
from tests.support.servers import CannotStart, free_port, wait_for_port

pytestmark = pytest.mark.system

ROOT = Path(__file__).parents[2]
CODE = ("src", "migrations")


@pytest.fixture(scope="module")
def old_program(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The code as it was before the commit that brought the last migration."""
    [last] = sorted((ROOT / "migrations" / "versions").glob("*.py"))[-1:]
    try:
        path = str(last.relative_to(ROOT))
        added = _git("log", "--diff-filter=A", "--format=%H", "-1", "--", path).decode().strip()
        if not added:
            raise CannotStart("the last migration is in no commit yet")  # noqa: TRY301  told as others
        archive = _git("archive", f"{added}^", *CODE)
    except CannotStart as error:
        cannot_test(error)
    folder = tmp_path_factory.mktemp("old")
    with tarfile.open(fileobj=io.BytesIO(archive)) as tar:
        tar.extractall(folder, filter="data")
    assert not (folder / path).exists()
    return folder


def _git(*arguments: str) -> bytes:
    done = subprocess.run(["git", *arguments], cwd=ROOT, capture_output=True, check=False)
    if done.returncode != 0:
        raise CannotStart(f"git {' '.join(arguments)}: {done.stderr.decode()[-300:]}")
    return done.stdout


@contextmanager
def serving_old(program: Path, environment: dict[str, str]) -> Generator[Server]:
    """A server of that code, with the libraries of now."""
    port = free_port()
    folder = Path(environment["LACEWING_DATA_DIR"])
    log = folder / "old.log"
    start = "from lacewing.cli import main; main()"
    with log.open("wb") as output:
        process = subprocess.Popen(
            [sys.executable, "-c", start, "serve", "--port", str(port)],
            env={**os.environ, **environment, "PYTHONPATH": str(program / "src")},
            stdout=output,
            stderr=output,
            cwd=folder,
            start_new_session=True,
        )
    server = Server(f"http://127.0.0.1:{port}", process, log)
    try:
        wait_for_port(port, process, log)
        yield server
    finally:
        if process.poll() is None:
            server.kill()


def test_the_old_program_runs_on_the_new_schema_beside_the_new_one(
    old_program: Path, database_url: str, tmp_path: Path
) -> None:
    """OPS-2: during an upgrade both serve; each reads what the other has written."""
    environment = environment_of(database_url, tmp_path)
    with serving(environment) as new, serving_old(old_program, environment) as old:
        headers = {"Authorization": f"Bearer {admin_token(new, environment)}"}
        for name, writer, reader in (("ONE", new, old), ("TWO", old, new)):
            with (
                httpx.Client(base_url=writer.url, headers=headers, timeout=30) as writes,
                httpx.Client(base_url=reader.url, headers=headers, timeout=30) as reads,
            ):
                _write_and_read(writes, reads, name)
        assert httpx.get(f"{old.url}/health/ready").status_code == 200
        old_log = old.log.read_text(encoding="utf-8")
        assert new.stop() in {0, -15}

    assert "schema_newer" in old_log
    assert "Traceback" not in old_log


def _write_and_read(writes: httpx.Client, reads: httpx.Client, name: str) -> None:
    """A journey through one program, seen through the other."""
    person = {"username": f"maria-{name.lower()}", "password": "Correct-Horse-7"}
    registered = writes.post(
        "/api/auth/register", json={**person, "email": f"maria-{name}@example.com"}
    )
    assert registered.status_code == 201, registered.text
    assert reads.post("/api/auth/login", json=person).status_code == 200
    project = writes.post("/api/projects", json={"key": name, "name": f"Web {name}"}).json()
    made = writes.post(f"/api/projects/{project['id']}/issues", json={"title": "Aphids"})
    assert made.status_code == 201, made.text
    path = f"/api/issues/{made.json()['id']}"
    commented = reads.post(f"{path}/comments", json={"content": "Seen by the other one"})
    assert commented.status_code == 201, commented.text
    moved = reads.patch(path, json={"title": "Aphids again"})
    assert moved.status_code == 200, moved.text
    assert writes.get(path).json()["title"] == "Aphids again"
    found = writes.get("/api/issues", params={"search": "again"}).json()["data"]
    assert made.json()["id"] in {issue["id"] for issue in found}
