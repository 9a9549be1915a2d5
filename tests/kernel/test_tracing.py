import re
from collections.abc import AsyncIterator, Callable, Iterator

import pytest
from opentelemetry.semconv import attributes as stable

from lacewing.kernel.actor import Role
from lacewing.settings import Settings
from tests.kernel.logs import Log
from tests.support.collector import Collector, Span, collecting
from tests.support.house import House, open_house

TRACE_ID = "0af7651916cd43dd8448eb211c80319c"
CALLER = "b7ad6b7169203331"
TRACEPARENT = f"00-{TRACE_ID}-{CALLER}-01"
STRANGER = "203.0.113.7"
SECRET = "a-word-that-nobody-else-may-read"
CONVENTIONS = (
    "db", "error", "http", "network", "server", "url",
)  # fmt: skip


@pytest.fixture
def collector() -> Iterator[Collector]:
    with collecting() as listening:
        yield listening


@pytest.fixture
async def traced_house(
    make_settings: Callable[..., Settings], collector: Collector
) -> AsyncIterator[House]:
    async with open_house(make_settings(LACEWING_OTLP_ENDPOINT=collector.url)) as house:
        yield house


def stable_names() -> set[str]:
    """The attributes that OpenTelemetry has promised to keep."""
    modules = [
        __import__(f"{stable.__name__}.{name}_attributes", fromlist=["*"]) for name in CONVENTIONS
    ]
    return {value for module in modules for value in vars(module).values() if _is_name(value)}


def _is_name(value: object) -> bool:
    return isinstance(value, str) and bool(re.fullmatch(r"[a-z_]+(\.[a-z_]+)+", value))


async def trace_of(house: House, collector: Collector, name: str) -> tuple[Span, list[Span]]:
    """The only span of that name, and all of its trace, once the house is closed."""
    await house.app.state.spans.close()
    [found] = collector.named(name)
    return found, collector.trace(found.trace_id)


async def test_a_request_goes_on_with_its_callers_trace_and_tells_its_statements(
    traced_house: House, collector: Collector, log: Log
) -> None:
    """OPS-4, OPS-5: one trace from the proxy to the SQL; the log has its id and the request's."""
    mona = await traced_house.member("mona", Role.MANAGER)

    answer = await mona.api.post(
        "/api/projects",
        json={"name": SECRET, "key": "WEB"},
        headers={"traceparent": TRACEPARENT, "X-Request-ID": "request-1"},
    )
    request, trace = await trace_of(traced_house, collector, "POST /api/projects")

    assert answer.status_code == 201
    assert (request.trace_id, request.parent_id, request.kind) == (TRACE_ID, CALLER, "SERVER")
    assert request.attributes["http.route"] == "/api/projects"
    assert request.attributes["http.response.status_code"] == 201
    assert request.attributes["lacewing.request_id"] == "request-1"
    assert "project.created" in request.events
    statements = {span.name for span in trace if span.parent_id == request.id}
    assert {"INSERT projects", "INSERT outbox", "COMMIT"} <= statements
    [line] = log.requests()
    assert (line["trace_id"], line["request_id"]) == (TRACE_ID, "request-1")


async def test_spans_name_things_as_the_conventions_do_and_tell_no_value(
    traced_house: House, collector: Collector
) -> None:
    """OPS-4, SEC-8: traces are read by many; of statements they have the text, never a value.

    Nor does one tell who asked.
    """
    mona = await traced_house.member("mona", Role.MANAGER)
    await mona.api.post("/api/projects", json={"name": SECRET, "key": "WEB"})
    stranger = traced_house.client({"User-Agent": f"Browser/{SECRET}"}, ip=STRANGER)
    await stranger.get(f"/api/users/{SECRET}?cursor={SECRET}")
    await traced_house.app.state.spans.close()

    told = [span.attributes for span in collector.spans]
    names = {name for attributes in told for name in attributes}

    assert {name for name in names if not name.startswith("lacewing.")} <= stable_names()
    assert {"db.query.text", "db.system.name", "url.path"} <= names
    assert SECRET not in str(collector.spans)
    assert "mona@example.com" not in str(collector.spans)
    assert STRANGER not in str(collector.spans)


async def test_a_statement_that_fails_names_the_failure_and_nothing_else(
    traced_house: House, collector: Collector
) -> None:
    """SEC-8: the driver's message holds the value that was there already."""
    mona = await traced_house.member("mona", Role.MANAGER)
    for _ in range(2):
        answer = await mona.api.post("/api/projects", json={"name": "Web", "key": "TAKEN"})
    await traced_house.app.state.spans.close()

    failed = [span for span in collector.spans if span.is_error]

    assert answer.status_code == 409
    assert {span.name for span in failed} == {"INSERT projects"}
    assert failed[0].attributes["error.type"] in {"IntegrityError", "UniqueViolationError"}
    assert "TAKEN" not in str(failed)


async def test_the_share_of_traces_that_is_kept_is_the_servers_to_say(
    make_settings: Callable[..., Settings], collector: Collector, log: Log
) -> None:
    """OPS-4: a caller's flag can't have everything recorded; the log has the id all the same."""
    settings = make_settings(LACEWING_OTLP_ENDPOINT=collector.url, LACEWING_TRACE_RATIO="0")

    async with open_house(settings) as house:
        await house.anonymous.get("/api/users", headers={"traceparent": TRACEPARENT})

    assert collector.spans == []
    assert log.requests()[0]["trace_id"] == TRACE_ID


async def test_probes_are_not_traced(traced_house: House, collector: Collector) -> None:
    """OPS-4: they come every few seconds."""
    for path in ("/health/live", "/health/ready", "/metrics"):
        await traced_house.anonymous.get(path)
    await traced_house.anonymous.get("/api/nothing")
    await traced_house.app.state.spans.close()

    requests = [span.name for span in collector.spans if span.kind == "SERVER"]
    assert requests == ["GET"]


@pytest.mark.parametrize("header", ["", "nonsense", f"00-{'0' * 32}-{CALLER}-01", "\u00e9" * 600])
async def test_a_callers_header_that_is_no_trace_begins_a_new_one(
    traced_house: House, collector: Collector, header: str
) -> None:
    """W3C Trace Context, section 3.2: what can't be read is passed over."""
    answer = await traced_house.anonymous.get(
        "/api/users", headers=[(b"traceparent", header.encode())]
    )
    request, _ = await trace_of(traced_house, collector, "GET /api/users")

    assert answer.status_code == 401
    assert not request.parent_id
    assert request.trace_id != "0" * 32


async def test_a_collector_that_is_not_there_holds_nobody_up(
    make_settings: Callable[..., Settings],
) -> None:
    """OPS-6: requests are answered, and the server stops, as if no traces were wanted."""
    async with open_house(make_settings(LACEWING_OTLP_ENDPOINT="http://127.0.0.1:9")) as house:
        answer = await house.anonymous.get("/api/users")

    assert answer.status_code == 401
