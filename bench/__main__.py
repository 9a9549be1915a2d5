"""``python -m bench``: the whole comparison in one run. See README.md in this folder."""

import argparse
import statistics
import sys
import tempfile
from dataclasses import asdict
from pathlib import Path
from typing import Any

import httpx
from tests.support.servers import postgres

from bench import ceiling, depth, load, report, servers
from bench.data import World, make_world
from bench.load import Figures

DURABLE = ("max_connections=100", "shared_buffers=1GB", "max_wal_size=4GB", "random_page_cost=1.1")
DEEP_PART = 0.9
WARM_SECONDS = 2
FIRST_ANSWER_SECONDS = 60
DETERMINED = ("get", "list", "create")


def main() -> int:
    options = _options()
    load.ensure_wrk()
    with tempfile.TemporaryDirectory(prefix="lacewing-bench-") as folder, postgres(DURABLE) as url:
        data_dir = Path(folder)
        print(f"Making {options.issues:,} issues...", flush=True)
        world = make_world(url, data_dir, options.issues)
        ids = data_dir / "ids.txt"
        ids.write_text("\n".join(world.issue_ids), encoding="utf-8")
        results = _compare(world, ids, options)
    print(report.table(results))
    report.write(results)
    return 0


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--issues", type=int, default=1_000_000)
    parser.add_argument("--seconds", type=int, default=6, help="of one measured interval")
    parser.add_argument("--rounds", type=int, default=3, help="of which the median counts")
    parser.add_argument("--clients", type=int, default=16)
    parser.add_argument("--quick", action="store_true", help="a small run, to see that it runs")
    options = parser.parse_args()
    if options.quick:
        options.issues, options.seconds, options.rounds = 20_000, 2, 1
    return options


def _compare(world: World, ids: Path, options: argparse.Namespace) -> dict[str, Any]:
    answers = ids.parent / "answers"
    answers.mkdir()
    results: dict[str, Any] = {"issues": options.issues, "clients": options.clients}
    with servers.running("lacewing", world.environment()) as (url, process):
        results["idle_memory_mib"] = load.memory_mib(process.pid)
        _keep_answers(world, url, answers)
        results["depth"] = depth.measure_depth(world, url, int(options.issues * DEEP_PART))
        results["search_ms"] = depth.measure_search(world, url)
    measured: dict[str, dict[str, list[Figures]]] = {
        stack: {kind: [] for kind in DETERMINED} for stack in servers.STACKS
    }
    for number in range(options.rounds):
        # In turn, so that whatever else the machine does hurts all alike.
        for stack in servers.STACKS:
            print(f"round {number + 1}: {stack}", flush=True)
            for kind, figures in _measure(world, ids, answers, stack, options).items():
                measured[stack][kind].append(figures)
    results["stacks"] = _medians(measured)
    results["ceiling"] = {
        kind: ceiling.measure(world, kind, options.seconds, options.clients) for kind in DETERMINED
    }
    return results


def _measure(
    world: World, ids: Path, answers: Path, stack: str, options: argparse.Namespace
) -> dict[str, Figures]:
    environment = {**world.environment(), "BENCH_ANSWERS": str(answers)}
    load_environment = {
        "BENCH_IDS": str(ids),
        "BENCH_TOKEN": world.token(),
        "BENCH_PROJECT": world.project_id,
    }
    found = {}
    with servers.running(stack, environment) as (url, process):
        # Some listen long before they answer.
        httpx.get(f"{url}/api/issues/{world.issue_ids[0]}", timeout=FIRST_ANSWER_SECONDS)
        for kind in DETERMINED:
            for seconds in (WARM_SECONDS, options.seconds):
                found[kind] = load.measure(
                    url, kind, load_environment, process.pid, seconds, options.clients
                )
    return found


def _medians(measured: dict[str, dict[str, list[Figures]]]) -> dict[str, Any]:
    stacks: dict[str, Any] = {
        stack: {
            kind: {
                name: statistics.median(asdict(figures)[name] for figures in rounds)
                for name in asdict(rounds[0])
            }
            for kind, rounds in kinds.items()
        }
        for stack, kinds in measured.items()
    }
    for kinds in stacks.values():
        for kind, figures in kinds.items():
            own = stacks["lacewing"][kind]["cpu_seconds_per_1000"]
            figures["cpu_ratio"] = figures["cpu_seconds_per_1000"] / own
    return stacks


def _keep_answers(world: World, url: str, folder: Path) -> None:
    """What the floor is to answer: Lacewing's own bytes."""
    headers = {"Authorization": f"Bearer {world.token()}"}
    issues = f"/api/projects/{world.project_id}/issues"
    with httpx.Client(base_url=url, headers=headers) as client:
        body = {"title": "Made by the bench", "description": "With **some** text."}
        for kind, answer in (
            ("get", client.get(f"/api/issues/{world.issue_ids[0]}")),
            ("list", client.get(issues, params={"limit": 50})),
            ("create", client.post(issues, json={**body, "priority": "high", "labels": ["bench"]})),
        ):
            answer.raise_for_status()
            (folder / kind).write_bytes(answer.content)


if __name__ == "__main__":
    sys.exit(main())
