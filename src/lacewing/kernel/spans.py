"""Spans by OpenTelemetry, sent by OTLP: what stands behind ``kernel.tracing`` when they are wanted.

Attributes have the names of OpenTelemetry's semantic conventions where those are stable, else they
begin with ``lacewing.``. No value of a statement, no query, no body, no URL of a webhook and no
message of an exception is ever in one: they may be secret, and traces are read by many (SEC-8). Nor
is the address of a client or the name of its browser.
"""

import asyncio
import os
import socket
import threading
from collections.abc import Generator, Iterable, Mapping
from contextlib import AbstractContextManager, contextmanager, nullcontext
from types import TracebackType
from typing import Any, Final, Self

from opentelemetry import context as contexts, trace
from opentelemetry.exporter.otlp.proto.http import Compression
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor
from opentelemetry.sdk.trace.sampling import ParentBased, TraceIdRatioBased
from opentelemetry.semconv.attributes import (
    db_attributes as db,
    error_attributes as errors,
    http_attributes as http,
    server_attributes as server,
    service_attributes as service,
)
from opentelemetry.trace import Link, Span, SpanKind, Status, StatusCode
from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

EXPORT_SECONDS: Final = 5.0
"""How long a collector may take; spans that it does not take are dropped, nobody waits for it."""
LAST_EXPORT_SECONDS: Final = 3.0
"""How long a process that stops waits for its last spans to leave."""
LINKS_MAX: Final = 100
CLIENT_ERRORS_FROM: Final = 400

_propagator: Final = TraceContextTextMapPropagator()


class Making:
    """Makes a span for a block, and says what failed by its kind alone."""

    def __init__(self, span: Span) -> None:
        self.span: Final = span
        self._token: Any = None

    def __enter__(self) -> Self:
        self._token = contexts.attach(trace.set_span_in_context(self.span))
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        if kind is not None:
            self.fail(kind.__name__)
        contexts.detach(self._token)
        if self.span.is_recording():  # it may have ended before its block
            self.span.end()

    @property
    def trace_id(self) -> str:
        return trace.format_trace_id(self.span.get_span_context().trace_id)

    def fail(self, kind: str) -> None:
        _fail(self.span, kind)


class _Calling(Making):
    """See ``tracing.Call``."""

    @property
    def headers(self) -> dict[str, str]:
        carrier: dict[str, str] = {}
        _propagator.inject(carrier, trace.set_span_in_context(self.span))
        return carrier

    def answered(self, status: int) -> None:
        self.span.set_attribute(http.HTTP_RESPONSE_STATUS_CODE, status)
        if status >= CLIENT_ERRORS_FROM:
            self.fail(str(status))


class Spans:
    """See ``tracing.Tracer``; and the spans of requests."""

    def __init__(self, endpoint: str, version: str, ratio: float) -> None:
        by_id = TraceIdRatioBased(ratio)
        self._provider = TracerProvider(
            # Callers give the trace its id; how many are kept, is for this server to say.
            sampler=ParentBased(by_id, remote_parent_sampled=by_id),
            resource=Resource.create(
                {
                    service.SERVICE_NAME: "lacewing",
                    service.SERVICE_VERSION: version,
                    "service.instance.id": f"{socket.gethostname()}:{os.getpid()}",
                }
            ),
            shutdown_on_exit=False,
        )
        exporter = OTLPSpanExporter(
            endpoint=f"{endpoint.rstrip('/')}/v1/traces",
            timeout=EXPORT_SECONDS,
            compression=Compression.Gzip,
        )
        self._provider.add_span_processor(BatchSpanProcessor(exporter))
        self._tracer = self._provider.get_tracer("lacewing", version)

    async def close(self) -> None:
        """Send what is left, but wait for no collector that does not answer."""
        closing = threading.Thread(target=self._provider.shutdown, daemon=True)
        closing.start()
        await asyncio.to_thread(closing.join, LAST_EXPORT_SECONDS)

    def request(self, method: str, carrier: Mapping[str, str]) -> Making:
        """A request that was received, in the trace that its headers name, or one of its own."""
        context = _propagator.extract(carrier)
        return Making(self._tracer.start_span(method, context=context, kind=SpanKind.SERVER))

    def traceparent(self) -> str | None:
        carrier: dict[str, str] = {}
        _propagator.inject(carrier)
        return carrier.get("traceparent")

    def statement(self, system: str, name: str, text: str) -> AbstractContextManager[Any] | None:
        if not trace.get_current_span().is_recording():
            return None
        attributes = {
            db.DB_SYSTEM_NAME: system,
            db.DB_OPERATION_NAME: name.partition(" ")[0],
            db.DB_QUERY_SUMMARY: name,
            db.DB_QUERY_TEXT: text,
        }
        if table := name.partition(" ")[2]:
            attributes[db.DB_COLLECTION_NAME] = table
        return Making(self._tracer.start_span(name, kind=SpanKind.CLIENT, attributes=attributes))

    def note(self, name: str) -> None:
        trace.get_current_span().add_event(name)

    def fail(self, kind: str) -> None:
        _fail(trace.get_current_span(), kind)

    def call(self, method: str, host: str, port: int) -> _Calling:
        attributes: dict[str, str | int] = {
            http.HTTP_REQUEST_METHOD: method,
            server.SERVER_ADDRESS: host,
            server.SERVER_PORT: port,
        }
        return _Calling(
            self._tracer.start_span(method, kind=SpanKind.CLIENT, attributes=attributes)
        )

    @contextmanager
    def job(
        self, kind: str, traceparent: str | None, about: Mapping[str, str | int]
    ) -> Generator[str]:
        context = _propagator.extract({"traceparent": traceparent or ""}, contexts.Context())
        attributes: dict[str, str | int] = {"lacewing.job": kind}
        attributes |= {f"lacewing.{name}": value for name, value in about.items()}
        span = self._tracer.start_span(
            f"job {kind}", context=context, kind=SpanKind.CONSUMER, attributes=attributes
        )
        with Making(span) as made:
            yield made.trace_id

    def batch(self, name: str, traceparents: Iterable[str]) -> AbstractContextManager[Any]:
        links = [
            Link(context)
            for each in dict.fromkeys(traceparents)
            if (context := _span_context(each)).trace_flags.sampled
        ]
        if not links:
            return nullcontext()  # nobody follows any of them
        return Making(
            self._tracer.start_span(
                name, context=contexts.Context(), kind=SpanKind.CONSUMER, links=links[:LINKS_MAX]
            )
        )


def _fail(span: Span, kind: str) -> None:
    span.set_attribute(errors.ERROR_TYPE, kind)
    span.set_status(Status(StatusCode.ERROR))


def _span_context(traceparent: str) -> trace.SpanContext:
    extracted = _propagator.extract({"traceparent": traceparent}, contexts.Context())
    return trace.get_current_span(extracted).get_span_context()
