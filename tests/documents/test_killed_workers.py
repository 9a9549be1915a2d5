import os
import signal
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from sqlalchemy import func, select

from lacewing.documents.tables import document_results, documents
from lacewing.kernel.db import open_database
from lacewing.kernel.events.tables import outbox
from lacewing.settings import Settings
from tests.documents import papers
from tests.support.brokers import rabbitmq
from tests.support.cannot import cannot_test
from tests.support.processes import admin_token, environment_of, serving, working
from tests.support.servers import CannotStart

DOCUMENTS = 100
KILLS = 5
PAGES = 12
DEADLINE_SECONDS = 120
LOOK_SECONDS = 0.1


@pytest.fixture(params=["embedded", "celery"])
def broker_url(request: pytest.FixtureRequest) -> Iterator[str]:
    if request.param == "embedded":
        yield ""
        return
    try:
        with rabbitmq() as url:
            yield url
    except CannotStart as error:
        cannot_test(error)


def _count(api: httpx.Client, status: str) -> int:
    answer = api.get("/api/documents", params={"status": status, "page": 1, "limit": 1})
    total: int = answer.json()["total"]
    return total


def _wait_for(api: httpx.Client, completed: int) -> int:
    """How many are, once at least so many are."""
    deadline = time.monotonic() + DEADLINE_SECONDS
    while (count := _count(api, "COMPLETED")) < completed:
        assert time.monotonic() < deadline, f"{count} of {completed} after {DEADLINE_SECONDS} s"
        time.sleep(LOOK_SECONDS)
    return count


@pytest.mark.system
async def test_a_worker_killed_five_times_over_loses_nothing_and_stores_each_result_once(
    make_settings: Callable[..., Settings], database_url: str, tmp_path: Path, broker_url: str
) -> None:
    """DOC-10: whatever ran is picked up again, by the table alone and by Celery over RabbitMQ."""
    environment = environment_of(
        database_url, tmp_path, LACEWING_BROKER_URL=broker_url, LACEWING_WORKER_IN_SERVER="false"
    )
    with serving(environment) as server:
        token = admin_token(server, environment)
        with httpx.Client(base_url=server.url, headers={"Authorization": f"Bearer {token}"}) as api:
            for number in range(DOCUMENTS):
                _upload_and_start(api, number)

            kills = 0
            while kills < KILLS:
                with working(environment) as worker:
                    done = _wait_for(api, min(DOCUMENTS - 1, _count(api, "COMPLETED") + 5))
                    os.killpg(worker.pid, signal.SIGKILL)
                    worker.wait()
                kills += done < DOCUMENTS
                assert done < DOCUMENTS, "the documents are too few to kill a worker among them"
            with working(environment):
                _wait_for(api, DOCUMENTS)

    counts = await _stored(make_settings())
    assert counts == {
        "results": DOCUMENTS,
        "completed": DOCUMENTS,
        "document.process_completed": DOCUMENTS,
    }


def _upload_and_start(api: httpx.Client, number: int) -> None:
    paper = papers.pdf(*(f"Report {number}, page {page}." for page in range(PAGES)))
    upload = api.post("/api/documents/upload", files={"file": ("report.pdf", paper)})
    assert upload.status_code == 201, upload.text
    started = api.post(f"/api/documents/{upload.json()['document_id']}/process")
    assert started.status_code == 202, started.text


async def _stored(settings: Settings) -> dict[str, Any]:
    database = await open_database(settings.database, settings.general.data_dir)
    session = database.session()
    completed = select(func.count()).where(documents.c.status == "COMPLETED")
    told = select(func.count()).where(outbox.c.name == "document.process_completed")
    counts = {
        "results": await session.scalar(select(func.count()).select_from(document_results)),
        "completed": await session.scalar(completed),
        "document.process_completed": await session.scalar(told),
    }
    await database.close()
    return counts
