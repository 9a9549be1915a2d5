"""Measurements of whole processes: several of one server, and workers (OPS-4)."""

import os
import signal
from contextlib import suppress
from pathlib import Path

import httpx
import pytest
from prometheus_client.parser import text_string_to_metric_families

from tests.support.processes import environment_of, serving, working
from tests.support.servers import free_port, redis_process
from tests.support.waiting import until

pytestmark = pytest.mark.system

PROCESSES = 2


async def samples_of(client: httpx.AsyncClient, url: str) -> dict[str, float]:
    """The sums of all that is told under each name."""
    told: dict[str, float] = {}
    for family in text_string_to_metric_families((await client.get(f"{url}/metrics")).text):
        for sample in family.samples:
            told[sample.name] = told.get(sample.name, 0) + sample.value
    return told


@pytest.mark.one_database
async def test_a_process_that_is_killed_takes_its_gauges_along_and_leaves_its_counters(
    database_url: str, tmp_path: Path
) -> None:
    """OPS-4: what was under way in it, is so no more; what it has counted, was counted."""
    shared = tmp_path / "shared"
    shared.mkdir()
    with redis_process() as (redis, _):
        environment = environment_of(
            database_url,
            tmp_path,
            LACEWING_REDIS_URL=redis,
            PROMETHEUS_MULTIPROC_DIR=str(shared),
        )
        with serving(environment, workers=PROCESSES) as server:
            async with httpx.AsyncClient(timeout=60) as client:

                async def all_are_there() -> bool:
                    told = await samples_of(client, server.url)
                    return told.get("lacewing_processes") == PROCESSES

                await until(all_are_there)
                for _ in range(20):
                    await client.get(f"{server.url}/api/users")
                before = await samples_of(client, server.url)
                victim = int(next(shared.glob("gauge_livesum_*.db")).stem.rpartition("_")[2])
                os.kill(victim, signal.SIGKILL)

                async def another_is_there() -> bool:
                    with suppress(httpx.TransportError):  # connections that it had
                        is_gone = not (shared / f"gauge_livesum_{victim}.db").exists()
                        return await all_are_there() and is_gone
                    return False

                await until(another_is_there)
                after = await samples_of(client, server.url)

    counted = "lacewing_http_request_duration_seconds_count"
    assert after[counted] > before[counted]
    assert after["lacewing_http_requests_in_flight"] == 1
    assert after["process_start_time_seconds"] > 0


async def test_a_worker_answers_probes_and_tells_what_it_did(
    database_url: str, tmp_path: Path
) -> None:
    """OPS-4: as a server does, on a port of its own."""
    environment = environment_of(database_url, tmp_path)
    port = free_port()
    url = f"http://127.0.0.1:{port}"
    with working(environment, "--port", str(port)) as worker:
        async with httpx.AsyncClient(timeout=60) as client:

            async def is_there() -> bool:
                try:
                    return (await client.get(f"{url}/health/ready")).status_code == 200
                except httpx.TransportError:
                    return False

            await until(is_there)
            alive = await client.get(f"{url}/health/live")
            proxied = await client.get(f"{url}/metrics", headers={"X-Forwarded-For": "192.0.2.1"})
            unknown = await client.get(f"{url}/api/users")
            told = await samples_of(client, url)
        worker.terminate()
        code = worker.wait(timeout=60)

    assert alive.json() == {"status": "ok"}
    assert (proxied.status_code, unknown.status_code) == (404, 404)
    assert told["lacewing_processes"] == 1
    assert told["lacewing_db_statement_duration_seconds_count"] > 0
    assert told["process_resident_memory_bytes"] > 0
    assert code == 0
