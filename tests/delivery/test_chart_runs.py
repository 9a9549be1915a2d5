"""The program, run with what the chart gives to its pods (OPS-9)."""

import os
import subprocess
import sys
from pathlib import Path
from typing import Any
from uuid import uuid4

import asyncpg
import httpx
import yaml  # type: ignore[import-untyped]  # it brings no types

from tests.support.charts import CHART, Manifest, decoded, render, rendered, write_keys
from tests.support.processes import PROGRAM, admin_token, lacewing, serving
from tests.support.servers import free_port, wait_for_port

VALUES: dict[str, Any] = {"publicUrl": "https://tracker.example.com"}


def test_the_program_runs_on_what_the_chart_gives_it(tmp_path: Path) -> None:
    """OPS-9: with its variables and its keys, where nothing but data can be written."""
    chart = render(VALUES)
    pod = chart.one("Deployment", "-server")["spec"]["template"]
    keys, data = tmp_path / "keys", tmp_path / "data"
    data.mkdir()
    write_keys(chart, keys)
    before = sorted(keys.iterdir())
    environment = chart.environment(pod, tmp_path / "secrets", {}) | {
        "LACEWING_DATA_DIR": str(data),
        "LACEWING_KEYS_DIR": str(keys),
    }

    token_of_metrics = decoded(chart.one("Secret", "-lacewing"))["LACEWING_METRICS_TOKEN"]
    with serving(environment) as server:
        token = admin_token(server, environment)
        published = httpx.get(f"{server.url}/.well-known/jwks.json").json()["keys"]
        me = httpx.get(f"{server.url}/api/auth/me", headers={"Authorization": f"Bearer {token}"})
        measured = httpx.get(
            f"{server.url}/metrics",
            headers={"Authorization": f"Bearer {token_of_metrics}"},
        )
        probes = {
            probe["httpGet"]["path"]
            for name, probe in pod["spec"]["containers"][0].items()
            if name.endswith("Probe")
        }
        tested = _run_test_pod(chart.one("Pod", "-test"), server.url)
        answers = {path: httpx.get(server.url + path).status_code for path in probes}

    assert me.status_code == 200
    assert measured.status_code == 200
    assert tested.returncode == 0, tested.stderr
    assert "/health/ready 200" in tested.stdout
    assert answers == {"/health/live": 200, "/health/ready": 200}
    assert [path.name for path in before if path.name.startswith("sig")] == ["sig-0001.json"]
    assert len(published) == 1
    assert [path for path in sorted(keys.iterdir()) if path.suffix == ".json"] == before


async def test_the_migration_runs_with_what_its_hook_has(
    postgres_server: str, tmp_path: Path
) -> None:
    """OPS-9, OPS-2: which is less than the server has; then that finds its schema."""
    name = f"chart_{uuid4().hex}"
    connection = await asyncpg.connect(f"{postgres_server}/postgres")
    await connection.execute(f'CREATE DATABASE "{name}"')
    values = yaml.safe_load((CHART / "ci" / "everything-values.yaml").read_text(encoding="utf-8"))
    values["database"]["url"] = f"{postgres_server}/{name}"
    chart = render(values)
    job, server = (
        chart.one(*which)["spec"]["template"]
        for which in (("Job", "-migration"), ("Deployment", "-server"))
    )
    data = {"LACEWING_DATA_DIR": str(tmp_path)}

    try:
        before, migrated, after = (
            lacewing(*command, environment=chart.environment(pod, tmp_path / at, {}) | data)
            for command, pod, at in (
                (("db", "check"), server, "1"),
                (job["spec"]["containers"][0]["args"], job, "2"),
                (("db", "check"), server, "3"),
            )
        )
    finally:
        await connection.execute(f'DROP DATABASE "{name}" WITH (FORCE)')
        await connection.close()

    assert before.returncode == 4
    assert migrated.returncode == 0, migrated.stderr
    assert after.returncode == 0, after.stderr


def test_a_worker_answers_the_probes_of_its_pod(tmp_path: Path, redis_url: str) -> None:
    """OPS-9, OPS-4: called as the pod calls it, but on a port that is free here."""
    pod = rendered("everything").one("Deployment", "-worker")["spec"]["template"]
    [container] = pod["spec"]["containers"]
    port, log = free_port(), tmp_path / "worker.log"
    arguments = [str(port) if each == "8000" else each for each in container["args"]]
    probes = {
        probe["httpGet"]["path"] for name, probe in container.items() if name.endswith("Probe")
    }

    with (
        log.open("wb") as output,
        subprocess.Popen(
            [PROGRAM, *arguments],
            env={
                **os.environ,
                "LACEWING_DATA_DIR": str(tmp_path),
                "LACEWING_REDIS_URL": redis_url,
            },
            stdout=output,
            stderr=output,
            cwd=tmp_path,
        ) as process,
    ):
        try:
            wait_for_port(port, process, log)
            answers = {
                path: httpx.get(f"http://127.0.0.1:{port}{path}").status_code for path in probes
            }
        finally:
            process.terminate()

    assert answers == {"/health/live": 200, "/health/ready?exclude=redis": 200}
    assert process.returncode == 0


def _run_test_pod(pod: Manifest, url: str) -> "subprocess.CompletedProcess[str]":
    """What `helm test` does, with the address at which the server is here."""
    container = pod["spec"]["containers"][0]
    [program, option], [script, address] = container["command"], container["args"]
    assert (program, option) == ("python3", "-c")
    assert address.startswith("http://tracker-lacewing:")
    return subprocess.run(
        [sys.executable, option, script, url],
        capture_output=True, text=True, check=False, timeout=60,
    )  # fmt: skip
