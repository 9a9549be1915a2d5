import os
import subprocess
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from tests.documents import papers
from tests.support.cannot import cannot_test
from tests.support.processes import admin_token, environment_of, serving

DISK_BYTES = 2 * 1024 * 1024
PAPER_BYTES = 300_000
UPLOADS_MAX = 20


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A file system of its own that is soon full."""
    folder = tmp_path / "disk"
    folder.mkdir()
    mounting = ["mount", "-t", "tmpfs", "-o", f"size={DISK_BYTES}", "tmpfs", str(folder)]
    if os.geteuid() != 0 or subprocess.run(mounting, check=False).returncode != 0:
        cannot_test("a small file system can be mounted by root alone")
    yield folder
    subprocess.run(["umount", str(folder)], check=True)


def _files(folder: Path) -> list[Path]:
    return [path for path in folder.rglob("*") if path.is_file()]


@pytest.mark.system
@pytest.mark.one_database
def test_a_full_disk_is_told_clearly_and_when_there_is_room_it_goes_on(
    database_url: str, tmp_path: Path, small_disk: Path
) -> None:
    """DOC-7: no half file stays, no record without one, and no restart is needed."""
    environment = environment_of(
        database_url, tmp_path, LACEWING_STORAGE_URL=(small_disk / "files").as_uri()
    )
    with serving(environment) as server:
        token = admin_token(server, environment)
        with httpx.Client(base_url=server.url, headers={"Authorization": f"Bearer {token}"}) as api:
            kept = []
            for number in range(UPLOADS_MAX):
                answer = _upload(api, number)
                if answer.status_code != 201:
                    break
                kept.append(answer.json()["document_id"])

            assert answer.status_code == 503
            assert answer.json()["type"] == "storage-full"
            assert answer.headers["retry-after"]
            assert 0 < len(kept) == len(_files(small_disk))
            assert all(path.stat().st_size == PAPER_BYTES for path in _files(small_disk))
            assert api.get("/api/documents?page=1").json()["total"] == len(kept)

            subprocess.run(
                ["mount", "-o", f"remount,size={DISK_BYTES * 4}", str(small_disk)], check=True
            )

            assert _upload(api, UPLOADS_MAX).status_code == 201


def _upload(api: httpx.Client, number: int) -> httpx.Response:
    paper = papers.pdf_of_size(PAPER_BYTES, "Report", number)
    return api.post("/api/documents/upload", files={"file": ("report.pdf", paper)})
