import time
from pathlib import Path

import httpx
import pytest

from tests.documents import papers
from tests.support.processes import Server, admin_token, environment_of, lacewing, serving

DEADLINE_SECONDS = 30
PASSWORD = "Correct-Horse-7"

pytestmark = [pytest.mark.system, pytest.mark.one_database]


def _api(server: Server, token: str) -> httpx.Client:
    return httpx.Client(base_url=server.url, headers={"Authorization": f"Bearer {token}"})


def _upload(api: httpx.Client, text: str) -> str:
    answer = api.post("/api/documents/upload", files={"file": ("a.pdf", papers.pdf(text))})
    document_id: str = answer.json()["document_id"]
    return document_id


def _wait_until_completed(api: httpx.Client, document_id: str) -> None:
    deadline = time.monotonic() + DEADLINE_SECONDS
    while api.get(f"/api/documents/{document_id}/status").json()["status"] != "COMPLETED":
        assert time.monotonic() < deadline
        time.sleep(0.05)


def test_an_export_brings_documents_their_texts_and_what_was_under_way(
    database_url: str, tmp_path: Path
) -> None:
    """UX-3, DOC-10: into a Lacewing that is empty, though it has been served once before."""
    storage = {"LACEWING_STORAGE_URL": (tmp_path / "papers").as_uri()}
    old = environment_of(database_url, tmp_path, **storage)
    with serving(old) as server:
        token = admin_token(server, old)
        with _api(server, token) as api:
            finished = _upload(api, "Zebra crossing")
            api.post(f"/api/documents/{finished}/process")
            _wait_until_completed(api, finished)
    with (
        serving({**old, "LACEWING_WORKER_IN_SERVER": "false"}) as server,
        _api(server, token) as api,
    ):
        under_way = _upload(api, "Giraffe house")
        assert api.post(f"/api/documents/{under_way}/process").status_code == 202
    export = tmp_path / "everything.jsonl"
    assert lacewing("export", str(export), environment=old).returncode == 0

    (tmp_path / "new").mkdir()
    new = environment_of(f"sqlite:///{tmp_path}/new/db.sqlite3", tmp_path / "new", **storage)
    with serving(new) as server:
        server.stop()
    done = lacewing("import", "lacewing", str(export), environment=new)

    assert done.returncode == 0, done.stderr
    with serving(new) as server:
        login = {"username": "root", "password": PASSWORD}
        token = httpx.post(f"{server.url}/api/auth/login", json=login).json()["access_token"]
        with _api(server, token) as api:
            _wait_until_completed(api, under_way)
            found = api.get("/api/documents", params={"search": "zebra"}).json()["data"]
            assert [document["document_id"] for document in found] == [finished]
            assert api.get(f"/api/documents/{under_way}/result").json()["text"] == "Giraffe house"
