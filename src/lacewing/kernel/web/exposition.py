"""What ``/metrics`` answers, of one process or of all processes of a server."""

import operator
import os
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Final

from prometheus_client import (
    CONTENT_TYPE_LATEST,
    REGISTRY,
    CollectorRegistry,
    Metric,
    ProcessCollector,
    generate_latest,
)
from prometheus_client.multiprocess import MultiProcessCollector
from prometheus_client.registry import Collector

CONTENT_TYPE: Final = CONTENT_TYPE_LATEST
MULTIPROCESS_VARIABLE: Final = "PROMETHEUS_MULTIPROC_DIR"
"""Names the folder through which the processes of one server share their measurements."""


def exposition() -> bytes:
    """All measurements in Prometheus' text format; takes milliseconds, so not on the event loop."""
    shared = os.environ.get(MULTIPROCESS_VARIABLE)
    if shared is None:
        return generate_latest(REGISTRY)
    folder = Path(shared)
    alive = _forget_the_dead(folder)
    registry = CollectorRegistry()
    MultiProcessCollector(registry)  # type: ignore[no-untyped-call]  # no types there
    registry.register(_Processes(alive))
    return generate_latest(registry)


def forget_all(folder: Path) -> None:
    """What an earlier server has left there, would be counted again."""
    for file in folder.glob("*.db"):
        file.unlink(missing_ok=True)


def _forget_the_dead(folder: Path) -> list[int]:
    """The processes that live; what was under way in others, is so no more.

    What they have counted, stays: a counter does not fall because a process was replaced.
    """
    pids = {file: int(file.stem.rpartition("_")[2]) for file in folder.glob("*_*.db")}
    alive = {pid for pid in set(pids.values()) if Path(f"/proc/{pid}").exists()}
    for file, pid in pids.items():
        if pid not in alive and file.name.startswith("gauge_live"):
            file.unlink(missing_ok=True)
    return sorted(alive)


class _Processes(Collector):
    """``process_…`` of several processes as one: sums, and the earliest start."""

    def __init__(self, pids: Iterable[int]) -> None:
        self._pids = tuple(pids)

    def collect(self) -> Iterator[Metric]:
        together: dict[str, Metric] = {}
        for pid in self._pids:
            for metric in ProcessCollector(pid=lambda pid=pid: pid, registry=None).collect():  # type: ignore[misc]  # its type knows no default
                before = together.setdefault(metric.name, metric)
                if before is metric:
                    continue
                combine = min if metric.name == "process_start_time_seconds" else operator.add
                before.samples = [
                    mine._replace(value=combine(mine.value, other.value))
                    for mine, other in zip(before.samples, metric.samples, strict=True)
                ]
        yield from together.values()
