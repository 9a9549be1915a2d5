"""What is measured of a database, in the same words for both."""

from time import perf_counter
from types import TracebackType
from typing import Any

from lacewing.kernel import tracing
from lacewing.kernel.db.session import DialectName
from lacewing.kernel.db.statements import CompiledStatement
from lacewing.kernel.metrics import DB_ERRORS, STATEMENT_SECONDS

_BY_OPERATION = {
    name: STATEMENT_SECONDS.labels(name)
    for name in ("select", "insert", "update", "delete", "commit", "other")
}
"""Looked up once: a statement takes microseconds, and so does finding a label."""


class Observed:
    """Measures one statement; within a traced request or job it is a span too, without values."""

    __slots__ = ("_began", "_operation", "_span")

    def __init__(self, system: DialectName, compiled: CompiledStatement) -> None:
        self._operation = compiled.operation
        self._span: Any = tracing.statement(system, compiled.summary, compiled.sql)

    def __enter__(self) -> None:
        if self._span is not None:
            self._span.__enter__()
        self._began = perf_counter()

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        _BY_OPERATION[self._operation].observe(perf_counter() - self._began)
        if self._span is not None:
            self._span.__exit__(kind, error, trace)


COMMIT = CompiledStatement(
    source=None,
    sql="COMMIT",
    operation="commit",
    summary="COMMIT",
    names=(),
    defaults={},
    bind_converters=(),
    result_converters=None,
    sealed=(),
    takes_locks=True,
)


def count_failure(error: Exception) -> None:
    """The driver's own name for it: there are not many."""
    DB_ERRORS.labels(type(error).__name__).inc()
