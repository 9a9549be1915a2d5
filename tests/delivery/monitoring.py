"""A real Prometheus that asks a real server and worker, and what the files of monitoring hold."""

import json
import re
import subprocess
from collections.abc import Generator, Iterable, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx
import yaml  # type: ignore[import-untyped]  # it brings no types

from tests.support.servers import free_port, running_server
from tests.support.tools import ROOT, debian_tool

FOLDER = ROOT / "deploy" / "monitoring"
RULES = FOLDER / "prometheus" / "rules"
DASHBOARDS = sorted((FOLDER / "grafana" / "dashboards").glob("*.json"))
SCRAPE_SECONDS = 1
GRAFANAS = {
    "$__rate_interval": "1m",
    "$__interval": "15s",
    "$__range": "1h",
    "$instance": ".*",
}
"""What Grafana puts into queries before it asks."""
_WORDS = frozenset(
    [
        "and",
        "or",
        "unless",
        "by",
        "without",
        "on",
        "ignoring",
        "group_left",
        "group_right",
        "bool",
        "offset",
        "inf",
        "nan",
    ]
)


def tool(name: str, package: str = "prometheus") -> str:
    return str(debian_tool(name, package))


def run(*command: str, given: str = "") -> "subprocess.CompletedProcess[str]":
    return subprocess.run(
        command, input=given, capture_output=True, text=True, timeout=300, check=False
    )


def rules() -> list[dict[str, Any]]:
    """Every rule, those that record and those that alert."""
    read = [
        yaml.safe_load(path.read_text(encoding="utf-8")) for path in sorted(RULES.glob("*.yml"))
    ]
    return [rule for file in read for group in file["groups"] for rule in group["rules"]]


def panels() -> list[tuple[str, dict[str, Any]]]:
    """Every panel, with the file that it stands in."""
    return [
        (path.stem, panel)
        for path in DASHBOARDS
        for panel in json.loads(path.read_text(encoding="utf-8"))["panels"]
    ]


def shown_queries() -> list[tuple[str, str]]:
    """Every query of the dashboards as Prometheus gets it, with where it stands."""
    found = []
    for name, panel in panels():
        for target in panel.get("targets", []):
            expr = target["expr"]
            for variable, value in GRAFANAS.items():
                expr = expr.replace(variable, value)
            found.append((f"{name}: {panel['title']}", expr))
    return found


def metrics_in(expr: str) -> set[str]:
    """The names of the metrics that a query asks for."""
    bare = re.sub(r'"(\\.|[^"\\])*"', '""', expr)
    bare = re.sub(r"\{[^}]*\}|\[[^\]]*\]", " ", bare)
    bare = re.sub(r"\b(by|without|on|ignoring|group_left|group_right)\s*\([^)]*\)", " ", bare)
    names = re.findall(r"(?<![\w:.])[a-zA-Z_:][\w:]*\b(?!\s*\()", bare)
    return {name for name in names if name.lower() not in _WORDS}


def counters_in(expr: str) -> list[tuple[str, dict[str, str]]]:
    """Counters whose first step must be seen: their names, and the labels that they must have.

    Those that only a share is asked of, by whatever labels there are, need no first step.
    """
    found = []
    for function, name, matchers in re.findall(
        r"\b(increase|rate)\((lacewing_\w+_total)(?:\{([^}]*)\})?\[", expr
    ):
        labels = dict(re.findall(r'(\w+)="([^"]*)"', matchers))
        if labels or function == "increase":
            found.append((name, labels))
    return found


class Prometheus:
    """One that runs."""

    def __init__(self, url: str) -> None:
        self.url = url

    def ask(self, path: str, **values: str) -> Any:
        answer = httpx.get(f"{self.url}/api/v1/{path}", params=values, timeout=30)
        assert answer.status_code == 200, answer.text
        return answer.json()["data"]

    def names(self) -> set[str]:
        return set(self.ask("label/__name__/values"))

    def value(self, query: str) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = self.ask("query", query=query)["result"]
        return found


@contextmanager
def scraping(
    folder: Path, targets: Mapping[str, Iterable[str]], token: str
) -> Generator[Prometheus]:
    """A Prometheus with our own configuration, but for targets that are on this machine."""
    config = yaml.safe_load((FOLDER / "prometheus" / "prometheus.yml").read_text(encoding="utf-8"))
    secret = folder / "metrics_token"
    secret.write_text(token, encoding="utf-8")
    config["global"] = {
        "scrape_interval": f"{SCRAPE_SECONDS}s",
        "scrape_timeout": f"{SCRAPE_SECONDS}s",
        "evaluation_interval": f"{SCRAPE_SECONDS}s",
    }
    config["rule_files"] = [str(RULES / "*.yml")]
    config.pop("alerting")
    jobs = {job["job_name"]: job for job in config["scrape_configs"]}
    for name, places in targets.items():
        jobs[name]["static_configs"] = [{"targets": list(places)}]
        jobs[name]["authorization"]["credentials_file"] = str(secret)
    config["scrape_configs"] = [jobs[name] for name in targets]
    written = folder / "prometheus.yml"
    written.write_text(yaml.safe_dump(config), encoding="utf-8")
    port = free_port()
    command = [
        tool("prometheus"), f"--config.file={written}", f"--storage.tsdb.path={folder / 'tsdb'}",
        f"--web.listen-address=127.0.0.1:{port}", "--log.level=warn",
    ]  # fmt: skip
    with running_server(command, port, folder):
        yield Prometheus(f"http://127.0.0.1:{port}")
