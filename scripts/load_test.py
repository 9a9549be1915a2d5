"""Load tests: starts a Lacewing, or takes one that runs, lets k6 at it, and writes a report.

``python -m scripts.load_test --scenario load`` starts one on SQLite; ``--stack nginx`` two servers
on PostgreSQL and Redis behind nginx over TLS. ``--url`` names one that runs: on this machine,
unless ``--allow-host`` says that its owner knows.
"""

import argparse
import os
import platform
import subprocess
import sys
import tempfile
import time
from collections.abc import Generator, Sequence
from contextlib import ExitStack, contextmanager
from datetime import UTC, datetime
from ipaddress import ip_address
from pathlib import Path
from typing import Final, NamedTuple
from urllib.parse import urlsplit

import msgspec
from tests.support import servers
from tests.support.processes import Server, admin_token, environment_of, lacewing, serving
from tests.support.proxy import site
from tests.support.tools import ROOT, go_tool

from scripts.load_report import failed_thresholds, read_course, unmeasured, write_report

SCRIPT: Final = ROOT / "scripts" / "load_test.js"
SCENARIOS: Final = ("smoke", "load", "stress", "soak", "spike")
STACKS: Final = ("sqlite", "postgresql", "nginx")
DURABLE: Final = ("max_connections=100", "shared_buffers=256MB")
"""PostgreSQL as it is used: a commit waits for the disk."""
THRESHOLDS_FAILED: Final = 99
"""k6's exit code where all ran and some threshold does not hold."""
EXIT_USAGE: Final = 2


class Target(NamedTuple):
    """What is asked."""

    url: str
    token: str | None
    """Of an administrator, who may make projects."""
    what: str
    servers: Sequence[Server] = ()
    """Those that were started for it."""


def is_this_machine(url: str) -> bool:
    host = urlsplit(url).hostname or ""
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


@contextmanager
def started(stack_name: str, folder: Path) -> Generator[Target]:
    """A Lacewing of its own with believable things in it, its limits per address off."""
    with ExitStack() as stack:
        if stack_name == "sqlite":
            environment = environment_of(f"sqlite:///{folder}/lacewing.sqlite3", folder)
            _fill(environment)
            yield _one_server(stack.enter_context(serving(environment)), environment, "SQLite")
            return
        postgres = stack.enter_context(servers.postgres(DURABLE))
        database_url = f"{postgres}/postgres"
        environment = environment_of(database_url, folder)
        _fill(environment)
        if stack_name == "postgresql":
            yield _one_server(stack.enter_context(serving(environment)), environment, "PostgreSQL")
            return
        redis_url = stack.enter_context(servers.redis())
        proxy, environment = stack.enter_context(site(folder, database_url, redis_url))
        what = "nginx over TLS, two servers, PostgreSQL and Redis"
        token = admin_token(proxy.servers[0], environment)
        yield Target(proxy.url, token, what, proxy.servers)


def _one_server(server: Server, environment: dict[str, str], database: str) -> Target:
    token = admin_token(server, environment)
    return Target(server.url, token, f"one server on {database}", [server])


def _fill(environment: dict[str, str]) -> None:
    for command in (("db", "upgrade"), ("seed",)):
        done = lacewing(*command, environment=environment)
        if done.returncode != 0:
            raise servers.CannotStart(f"lacewing {' '.join(command)} failed: {done.stderr}")


def run_k6(target: Target, options: argparse.Namespace, folder: Path) -> int:
    """Its exit code; it leaves ``samples.csv.gz`` and ``summary.json`` in ``folder``."""
    environment = {
        **os.environ,
        "BASE_URL": target.url,
        "SCENARIO": options.scenario,
        "INSECURE": "true" if options.insecure or options.url is None else "false",
        "K6_NO_USAGE_REPORT": "true",
    }
    if target.token is not None:
        environment["MANAGER_TOKEN"] = target.token
    if options.duration is not None:
        environment["DURATION"] = options.duration
    if options.users is not None:
        environment["USERS"] = str(options.users)
    command = [
        options.k6 or str(go_tool("k6")), "run", "--quiet", "--address", "",
        "--out", f"csv={folder / 'samples.csv.gz'}",
        "--summary-export", str(folder / "summary.json"),
        str(SCRIPT),
    ]  # fmt: skip
    return subprocess.run(command, env=environment, check=False).returncode


def memory_of(target: Target) -> str:
    """What each of its servers holds in memory; empty of those that somebody else started."""
    told = [
        Path(f"/proc/{server.process.pid}/status").read_text(encoding="utf-8")
        for server in target.servers
    ]
    lines = [line for text in told for line in text.splitlines()]
    kilobytes = [int(line.split()[1]) for line in lines if line.startswith("VmRSS:")]
    return ", ".join(f"{each / 1024:.0f} MiB" for each in kilobytes)


def facts_of(
    target: Target, options: argparse.Namespace, began: datetime, memory_before: str
) -> dict[str, str]:
    load = ", ".join(f"{each:.1f}" for each in os.getloadavg())
    return {
        "scenario": options.scenario,
        "against": target.what,
        "at": f"{began:%Y-%m-%d %H:%M} UTC",
        "machine": f"{os.cpu_count()} cores, {platform.system()} {platform.machine()}, "
        f"Python {platform.python_version()}; k6 and all servers on it",
        "load average at the end": load,
        **({"memory of each server, before": memory_before} if memory_before else {}),
        **({"memory of each server, after": memory} if (memory := memory_of(target)) else {}),
        **({"beside it": options.note} if options.note else {}),
    }


def arguments(given: Sequence[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="load_test", description=__doc__)
    parser.add_argument("--scenario", choices=SCENARIOS, default="smoke")
    parser.add_argument("--duration", help="of all of it, as in 90s; each scenario has its own")
    parser.add_argument("--users", type=int, help="virtual users at the height of it")
    parser.add_argument("--stack", choices=STACKS, default="sqlite", help="what to start")
    parser.add_argument("--url", help="a Lacewing that runs, its limits per address off")
    parser.add_argument("--allow-host", action="store_true", help="--url may be another machine")
    parser.add_argument("--insecure", action="store_true", help="take any certificate of --url")
    parser.add_argument("--report", type=Path, default=ROOT / "var" / "load-test")
    parser.add_argument("--note", help="what else the machine did, for the report")
    parser.add_argument("--k6", help="the program, if not our own")
    return parser.parse_args(given)


def main(given: Sequence[str]) -> int:
    """0: all was done and all thresholds hold; 1: not so, or it did not run; 2: wrongly asked."""
    options = arguments(given)
    if options.url is not None and not (options.allow_host or is_this_machine(options.url)):
        print(
            f"{options.url} is not on this machine. A load test is an attack on whoever did not "
            "ask for it: --allow-host says that its owner did.",
            file=sys.stderr,
        )
        return EXIT_USAGE
    with tempfile.TemporaryDirectory(prefix="lacewing-load-") as name, ExitStack() as stack:
        folder = Path(name)
        if options.url is not None:
            token = os.environ.get("MANAGER_TOKEN")
            target = Target(options.url.rstrip("/"), token, urlsplit(options.url).netloc)
        else:
            target = stack.enter_context(started(options.stack, folder))
        began, memory_before = datetime.now(UTC), memory_of(target)
        code = run_k6(target, options, folder)
        if code not in {0, THRESHOLDS_FAILED}:
            print(f"k6 ended with {code}", file=sys.stderr)
            return 1
        summary = msgspec.json.decode((folder / "summary.json").read_bytes())
        course = read_course(folder / "samples.csv.gz", began.timestamp(), time.time())
        facts = facts_of(target, options, began, memory_before)
        page = write_report(options.report, facts, summary, course)
    for broken in failed_thresholds(summary):
        print(f"does not hold: {broken}")
    missing = unmeasured(summary, course)
    for each in missing:
        print(f"was not measured: {each}")
    print(f"The report: {page}")
    return 0 if code == 0 and not missing else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
