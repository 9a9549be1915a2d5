"""Traces: where the time of one request went, over all processes (OPS-4).

What is worth a span calls these functions. While no traces are wanted they cost a look at a
variable, and OpenTelemetry is not even imported; ``kernel.spans`` makes the spans when they are.
"""

from collections.abc import Generator, Iterable, Mapping
from contextlib import AbstractContextManager, contextmanager, nullcontext
from typing import Any, Final, Protocol


class Call(Protocol):
    """A request to another server that is under way."""

    @property
    def headers(self) -> dict[str, str]:
        """To be sent along, so that the other side can go on with the trace."""

    def answered(self, status: int) -> None: ...


class Tracer(Protocol):
    """What makes spans; each lasts as long as its block."""

    def traceparent(self) -> str | None:
        """The current span as W3C Trace Context writes it; ``None`` outside of any."""

    def statement(self, system: str, name: str, text: str) -> AbstractContextManager[Any] | None:
        """A span for a statement of SQL, if there is one of a request or job to belong to."""

    def note(self, name: str) -> None:
        """Something happened just now, in the current span."""

    def fail(self, kind: str) -> None:
        """What the current span tells of has failed, and ends without an exception."""

    def call(self, method: str, host: str, port: int) -> AbstractContextManager[Call]:
        """A request that is sent to another server."""

    def job(
        self, kind: str, traceparent: str | None, about: Mapping[str, str | int]
    ) -> AbstractContextManager[str | None]:
        """An attempt at a job, in the trace of what asked for it; its trace's id."""

    def batch(self, name: str, traceparents: Iterable[str]) -> AbstractContextManager[Any]:
        """Dealing with several events at once, each of which may belong to a trace of its own."""


class _NoCall:
    headers: Final[dict[str, str]] = {}

    def answered(self, status: int) -> None: ...


_NOTHING: Final = nullcontext()
_NO_CALL: Final = nullcontext(_NoCall())
_NO_TRACE: Final[AbstractContextManager[str | None]] = nullcontext()
_tracer: Tracer | None = None


@contextmanager
def tracing(tracer: Tracer | None) -> Generator[None]:
    """While the block lasts, this process makes spans, if there is a ``tracer``."""
    global _tracer  # noqa: PLW0603  one a process, like the metrics: whatever runs in it belongs to it
    before, _tracer = _tracer, tracer
    try:
        yield
    finally:
        _tracer = before


def traceparent() -> str | None:
    """What is written beside events and jobs, so that their spans find the way back."""
    return None if _tracer is None else _tracer.traceparent()


def statement(system: str, name: str, text: str) -> AbstractContextManager[Any] | None:
    """``None`` where nothing is to be noted: this is asked for every statement."""
    return None if _tracer is None else _tracer.statement(system, name, text)


def note(name: str) -> None:
    if _tracer is not None:
        _tracer.note(name)


def fail(kind: str) -> None:
    if _tracer is not None:
        _tracer.fail(kind)


def call(method: str, host: str, port: int) -> AbstractContextManager[Call]:
    return _NO_CALL if _tracer is None else _tracer.call(method, host, port)


def job(
    kind: str, traceparent: str | None, about: Mapping[str, str | int]
) -> AbstractContextManager[str | None]:
    return _NO_TRACE if _tracer is None else _tracer.job(kind, traceparent, about)


def batch(name: str, traceparents: Iterable[str | None]) -> AbstractContextManager[Any]:
    if _tracer is None:
        return _NOTHING
    return _tracer.batch(name, [each for each in traceparents if each is not None])
