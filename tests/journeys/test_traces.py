from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.documents.papers import pdf
from tests.support.collector import Collector, collecting
from tests.support.processes import admin_token, environment_of, serving, working
from tests.webhooks.receiver import LOOPBACK, receiving

pytestmark = pytest.mark.system


async def test_one_trace_leads_from_a_request_to_the_job_and_the_webhook_it_caused(
    database_url: str, tmp_path: Path
) -> None:
    """OPS-4: server and worker are two processes; the receiver can go on with the trace."""
    with collecting() as collector:
        environment = environment_of(
            database_url,
            tmp_path,
            LACEWING_OTLP_ENDPOINT=collector.url,
            LACEWING_WORKER_IN_SERVER="false",
            LACEWING_WEBHOOK_PRIVATE_NETWORKS=f"{LOOPBACK}/32",
            LACEWING_ENVIRONMENT="development",
        )
        async with receiving() as receiver:
            with serving(environment) as server, working(environment) as worker:
                headers = {"Authorization": f"Bearer {admin_token(server, environment)}"}
                async with httpx.AsyncClient(
                    base_url=server.url, headers=headers, timeout=60
                ) as client:
                    issue = await _write_issue(client, receiver.url("/a-secret-path"))
                    upload = await _process_document(client)
                    await collector.until(lambda got: bool(got.named("job webhooks.deliver")))
                    await collector.until(lambda got: bool(got.named("job documents.process")))
                worker.terminate()
                worker.wait(timeout=60)
                server.stop()
        [delivered] = receiver.received

    told = _of_webhook(collector, issue)
    assert told["trace"] == delivered.headers["traceparent"].split("-")[1]
    assert told["call"].id == delivered.headers["traceparent"].split("-")[2]
    assert told["call"].attributes["http.response.status_code"] == 204
    assert not told["job"].is_error
    assert told["call"].attributes["server.address"] == LOOPBACK
    assert "a-secret-path" not in str(collector.spans)
    assert (
        told["job"].service["service.instance.id"] != told["request"].service["service.instance.id"]
    )
    consumed = collector.named("consume webhooks")
    assert told["trace"] in {linked for span in consumed for linked in span.links}

    processed = collector.trace(upload)
    [job] = [span for span in processed if span.name == "job documents.process"]
    assert "UPDATE documents" in {span.name for span in processed if span.parent_id == job.id}
    assert "document.process_completed" in job.events
    told_by_worker = (tmp_path / "worker.log").read_text(encoding="utf-8").splitlines()
    [line] = [line for line in told_by_worker if "process_completed" in line]
    assert f"trace_id={upload}" in line
    assert "request_id=request-process" in line


async def _write_issue(client: httpx.AsyncClient, url: str) -> str:
    """The path of the request that the webhook tells of."""
    project = (await client.post("/api/projects", json={"name": "Web", "key": "WEB"})).json()
    hooks = f"/api/projects/{project['id']}/webhooks"
    made = await client.post(hooks, json={"url": url, "event_types": ["issue.created"]})
    assert made.status_code == 201, made.text
    issues = f"/api/projects/{project['id']}/issues"
    answer = await client.post(issues, json={"title": "It is slow"})
    assert answer.status_code == 201, answer.text
    return issues


async def _process_document(client: httpx.AsyncClient) -> str:
    """The trace of the request that asked for it."""
    files = {"file": ("paper.pdf", pdf("Some text."), "application/pdf")}
    document = (await client.post("/api/documents/upload", files=files)).json()
    trace_id = "4bf92f3577b34da6a3ce929d0e0e4736"
    answer = await client.post(
        f"/api/documents/{document['document_id']}/process",
        headers={
            "traceparent": f"00-{trace_id}-00f067aa0ba902b7-01",
            "X-Request-ID": "request-process",
        },
    )
    assert answer.status_code == 202, answer.text
    return trace_id


def _of_webhook(collector: Collector, issues: str) -> dict[str, Any]:
    [request] = [
        span
        for span in collector.spans
        if span.kind == "SERVER"
        and span.name.startswith("POST")
        and span.attributes.get("url.path") == issues
    ]
    trace = collector.trace(request.trace_id)
    [job] = [span for span in trace if span.name == "job webhooks.deliver"]
    [call] = [span for span in trace if span.name == "POST" and span.kind == "CLIENT"]
    [written] = [span for span in trace if span.id == job.parent_id]
    assert call.parent_id == job.id
    assert written.id == request.id
    return {"trace": request.trace_id, "request": request, "job": job, "call": call}
