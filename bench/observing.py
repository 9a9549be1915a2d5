"""``python -m bench.observing``: what measuring and tracing cost a request.

CPU of this process for a list of 20 issues on SQLite, client and all: without traces, with traces
of which none is kept, and with all of them. The rounds take turns and the best of each counts:
whatever else the machine does can only make it slower.
"""

import asyncio
import sys
import tempfile
import time
from collections.abc import Callable
from contextlib import AsyncExitStack
from pathlib import Path

from tests.support.collector import collecting
from tests.support.databases import SqliteTemplate
from tests.support.house import House, Member, open_house
from tests.tracker.acts import new_issue, new_project

from lacewing.kernel import tracing
from lacewing.kernel.actor import Role
from lacewing.kernel.db.observation import COMMIT, Observed
from lacewing.kernel.logging import configure_logging
from lacewing.kernel.metrics import POOL_IN_USE, POOL_WAIT_SECONDS
from lacewing.settings import load_settings

REQUESTS = 200
ROUNDS = 15
ISSUES = 20
LOOKS = 200_000
ROW = "{:<52} {:>10}"


def main() -> int:
    with tempfile.TemporaryDirectory(prefix="lacewing-observing-") as folder:
        asyncio.run(_measure(Path(folder)))
    return 0


async def _measure(folder: Path) -> None:
    configure_logging(as_json=True, level="error")
    print(ROW.format("", "us"))
    _print("a look whether there are traces", _once(lambda: tracing.statement("sqlite", "", "")))
    _print("a statement, measured", _once(_observe))
    _print("a connection, measured", _once(_take))
    template = SqliteTemplate(folder)
    await template.prepare()
    ways = {
        "a request, no traces": {},
        "a request, traces of which none is kept": {"LACEWING_TRACE_RATIO": "0"},
        "a request, all traces kept": {"LACEWING_TRACE_RATIO": "1"},
    }
    with collecting() as collector:
        async with AsyncExitStack() as stack:
            readers = {}
            for name, variables in ways.items():
                place = folder / name.replace(" ", "-")
                place.mkdir()
                url = await stack.enter_async_context(template.copied(place))
                environ = {
                    "LACEWING_ENVIRONMENT": "test",
                    "LACEWING_DATA_DIR": str(place),
                    "LACEWING_DATABASE_URL": url,
                    "LACEWING_RATE_LIMIT_PER_MINUTE": "0",
                    "LACEWING_LOG_LEVEL": "error",
                    **variables,
                }
                if variables:
                    environ["LACEWING_OTLP_ENDPOINT"] = collector.url
                house = await stack.enter_async_context(open_house(load_settings(environ)))
                readers[name] = (house, *await _fill(house))
            best = dict.fromkeys(readers, float("inf"))
            for _ in range(ROUNDS):
                for name, (house, reader, path) in readers.items():
                    with tracing.tracing(house.app.state.spans):
                        best[name] = min(best[name], await _ask(reader, path))
    for name, seconds in best.items():
        _print(name, seconds)


async def _fill(house: House) -> tuple[Member, str]:
    mona = await house.member("mona", Role.MANAGER)
    project = await new_project(mona, "Web shop")
    for number in range(ISSUES):
        await new_issue(mona, project, f"Issue {number}")
    return mona, f"/api/projects/{project['id']}/issues?limit={ISSUES}"


async def _ask(reader: Member, path: str) -> float:
    """Seconds of CPU for one request."""
    began = time.process_time()
    for _ in range(REQUESTS):
        answer = await reader.api.get(path)
        assert answer.status_code == 200, answer.text
    return (time.process_time() - began) / REQUESTS


def _once(do: Callable[[], object]) -> float:
    began = time.process_time()
    for _ in range(LOOKS):
        do()
    return (time.process_time() - began) / LOOKS


def _observe() -> None:
    with Observed("sqlite", COMMIT):
        pass


def _take() -> None:
    POOL_WAIT_SECONDS.observe(0.0)
    POOL_IN_USE.inc()
    POOL_IN_USE.dec()


def _print(name: str, seconds: float) -> None:
    print(ROW.format(name, f"{seconds * 1e6:.2f}"))


if __name__ == "__main__":
    sys.exit(main())
