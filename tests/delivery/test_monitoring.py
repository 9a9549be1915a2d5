"""Monitoring: rules, dashboards and a real Prometheus over a real server and worker (OPS-11)."""

import json
import re
import time
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any, NamedTuple

import asyncpg
import httpx
import pytest
import yaml  # type: ignore[import-untyped]  # it brings no types
from jsonschema import Draft7Validator  # type: ignore[import-untyped]  # it brings no types
from prometheus_client.parser import text_string_to_metric_families
from scripts.dashboards import rendered

from lacewing.webhooks.rules import OffReason
from lacewing.wiring import PERIODIC_TASKS
from lacewing.worker import BUG
from tests.delivery.monitoring import (
    DASHBOARDS,
    FOLDER,
    RULES,
    Prometheus,
    counters_in,
    metrics_in,
    panels,
    rules,
    run,
    scraping,
    shown_queries,
    tool,
)
from tests.support import servers
from tests.support.processes import admin_token, environment_of, serving, working
from tests.support.servers import free_port
from tests.support.tools import ROOT
from tests.support.waiting import until
from tests.webhooks.certificates import Authority
from tests.webhooks.receiver import answering, receiving

TOKEN = "a-token-for-prometheus-alone"
RUNBOOKS = ROOT / "docs" / "runbooks.md"
PROBED = {"probe_success", "probe_ssl_earliest_cert_expiry"}
"""Those of the blackbox exporter."""
MADE_BY_PROMETHEUS = {"up", "ALERTS"}
WORKERS = 2
GRAFANA_SCHEMA = json.loads(
    (Path(__file__).parent / "grafana_schema.json").read_text(encoding="utf-8")
)
UNITS = {"reqps", "ops", "Bps", "s", "bytes", "percentunit", "none"}


class Running(NamedTuple):
    """Two servers' worth of processes and a worker, asked by Prometheus."""

    prometheus: Prometheus
    server: str
    worker: str


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    folder = tmp_path_factory.mktemp("monitored")
    with ExitStack() as stack:
        redis = stack.enter_context(servers.redis())
        environment = environment_of(
            f"sqlite:///{folder}/lacewing.sqlite3",
            folder,
            LACEWING_REDIS_URL=redis,
            LACEWING_METRICS_TOKEN=TOKEN,
            LACEWING_WORKER_IN_SERVER="false",
        )
        server = stack.enter_context(serving(environment, workers=WORKERS))
        port = free_port()
        stack.enter_context(working(environment, "--port", str(port)))
        headers = {"Authorization": f"Bearer {admin_token(server, environment)}"}
        for path in ("/api/users", "/api/projects", "/nothing"):
            httpx.get(f"{server.url}{path}", headers=headers)
        targets = {
            "lacewing-server": [server.url.removeprefix("http://")],
            "lacewing-worker": [f"127.0.0.1:{port}"],
        }
        prometheus = stack.enter_context(scraping(folder, targets, TOKEN))
        yield Running(prometheus, server.url, f"http://127.0.0.1:{port}")


def metrics_of(url: str) -> str:
    answer = httpx.get(f"{url}/metrics", headers={"Authorization": f"Bearer {TOKEN}"})
    answer.raise_for_status()
    return answer.text


def known_names(running: Running) -> set[str]:
    """Every name that is told, whether anything was counted under it or not; and recorded ones."""
    told = set()
    for url in (running.server, running.worker):
        for name, kind in re.findall(r"^# TYPE (\S+) (\S+)$", metrics_of(url), re.MULTILINE):
            told.add(name)
            if kind == "histogram":
                told |= {f"{name}_{part}" for part in ("bucket", "sum", "count")}
    return told | {rule["record"] for rule in rules() if "record" in rule}


def test_the_rules_are_well_formed() -> None:
    """OPS-11: promtool, which Prometheus itself brings, has nothing to say against them."""
    checked = run(tool("promtool"), "check", "rules", *map(str, sorted(RULES.glob("*.yml"))))

    assert checked.returncode == 0, checked.stdout + checked.stderr


def test_the_configuration_of_prometheus_is_well_formed(tmp_path: Path) -> None:
    """OPS-11: with its rules; only the secret is one that Compose puts there."""
    text = (FOLDER / "prometheus" / "prometheus.yml").read_text(encoding="utf-8")
    secret = tmp_path / "metrics_token"
    secret.write_text(TOKEN, encoding="utf-8")
    written = tmp_path / "prometheus.yml"
    text = text.replace("/run/secrets/metrics_token", str(secret))
    written.write_text(text.replace("rules/*.yml", f"{RULES}/*.yml"), encoding="utf-8")

    checked = run(tool("promtool"), "check", "config", str(written))

    assert checked.returncode == 0, checked.stdout + checked.stderr


def test_every_server_and_worker_of_compose_is_missed_when_it_stops() -> None:
    """OPS-11: one that is found by DNS is forgotten with its container, and no alert comes."""
    config = yaml.safe_load((FOLDER / "prometheus" / "prometheus.yml").read_text(encoding="utf-8"))
    compose = yaml.safe_load((ROOT / "docker-compose.yml").read_text(encoding="utf-8"))
    asked = {
        target
        for job in config["scrape_configs"]
        if job["job_name"] in {"lacewing-server", "lacewing-worker"}
        for place in job["static_configs"]
        for target in place["targets"]
    }

    assert not [job for job in config["scrape_configs"] if "dns_sd_configs" in job]
    assert asked == {
        f"{name}:8000" for name in compose["services"] if re.fullmatch(r"server-\d+|worker", name)
    }


def test_failures_that_do_not_mean_a_lost_database_are_names_of_the_driver() -> None:
    """OPS-11: told of by one alert, left out by the other, and none of them misspelled."""
    found = {
        rule["alert"]: re.findall(r'kind(=~|!~)"([^"]*)"', rule["expr"])
        for rule in rules()
        if "lacewing_db_errors_total" in rule["expr"]
    }

    ((told, kinds),) = found["LacewingDatabaseConflicts"]
    assert (told, found["LacewingDatabaseUnavailable"]) == ("=~", [("!~", kinds)])
    assert [name for name in kinds.split("|") if not hasattr(asyncpg, name)] == []


def test_each_alert_fires_when_it_shall_and_no_other_one_does() -> None:
    """OPS-11: scenarios in promtool's own words; each names all alerts that fire in it."""
    scenarios = FOLDER / "prometheus" / "tests" / "lacewing.yml"
    fired = set(re.findall(r'alertname="(\w+)"', scenarios.read_text(encoding="utf-8")))

    checked = run(tool("promtool"), "test", "rules", str(scenarios))

    assert checked.returncode == 0, checked.stdout + checked.stderr
    assert fired == {rule["alert"] for rule in rules() if "alert" in rule}


def test_the_alertmanager_takes_its_configuration() -> None:
    """OPS-11: amtool, which the Alertmanager itself brings."""
    file = FOLDER / "alertmanager" / "alertmanager.yml"

    checked = run(tool("amtool", "prometheus-alertmanager"), "check-config", str(file))

    assert checked.returncode == 0, checked.stdout + checked.stderr


@pytest.mark.parametrize(
    ("alert", "receiver"),
    [
        ("alertname=LacewingWatchdog severity=none", "nobody"),
        ("alertname=LacewingDiskFull severity=critical", "people"),
        ("alertname=LacewingJobsDead severity=warning", "people"),
    ],
)
def test_alerts_reach_those_who_shall_hear_of_them(alert: str, receiver: str) -> None:
    """OPS-11: but for the one that always fires."""
    file = FOLDER / "alertmanager" / "alertmanager.yml"

    routed = run(
        tool("amtool", "prometheus-alertmanager"),
        "config", "routes", "test", f"--config.file={file}", *alert.split(),
    )  # fmt: skip

    assert routed.stdout.strip() == receiver


def test_the_prober_takes_its_configuration() -> None:
    """OPS-11: the blackbox exporter's own check."""
    prober = tool("prometheus-blackbox-exporter", "prometheus-blackbox-exporter")

    checked = run(prober, "--config.check", f"--config.file={FOLDER}/blackbox/blackbox.yml")

    assert checked.returncode == 0, checked.stdout + checked.stderr


async def test_the_prober_tells_of_a_site_and_of_its_certificate(tmp_path: Path) -> None:
    """OPS-11: under the names that alerts ask for; here the certificate has a day left."""
    port = free_port()
    command = [
        tool("prometheus-blackbox-exporter", "prometheus-blackbox-exporter"),
        f"--config.file={FOLDER}/blackbox/blackbox.yml",
        f"--web.listen-address=127.0.0.1:{port}",
    ]
    context = Authority(tmp_path).context_for("localhost")
    async with receiving(tls=context) as site, httpx.AsyncClient() as client:
        site.respond = answering(200)
        with servers.running_server(command, port, tmp_path):
            asked = {"module": "site", "target": site.url("/health/live", scheme="https")}
            told = (await client.get(f"http://127.0.0.1:{port}/probe", params=asked)).text

    values = dict(re.findall(r"^(probe_\w+) (\S+)$", told, re.MULTILINE))
    assert set(values) >= PROBED
    assert values["probe_success"] == "1"
    left = float(values["probe_ssl_earliest_cert_expiry"]) - time.time()
    assert 0 < left < 2 * 24 * 3600
    assert site.received[0].headers["host"] == "localhost"


def test_each_alert_has_a_page_that_says_what_to_do() -> None:
    """OPS-11: its link leads to a heading that is there, and each such heading is an alert's."""
    headings = re.findall(r"^### (\w+)$", RUNBOOKS.read_text(encoding="utf-8"), re.MULTILINE)
    alerts = [rule for rule in rules() if "alert" in rule]

    assert headings == sorted(headings)
    assert sorted(headings) == sorted(alert["alert"] for alert in alerts)
    for alert in alerts:
        told = alert["annotations"]
        assert told["runbook_url"] == f"docs/runbooks.md#{alert['alert'].lower()}"
        assert told["summary"]
        assert told["description"]
        assert alert["labels"]["severity"] in {"critical", "warning", "info", "none"}


async def test_prometheus_reads_what_server_and_worker_tell(running: Running) -> None:
    """OPS-4, OPS-11: a real Prometheus 2.42, with a bearer token; without it there is nothing."""

    async def are_up() -> bool:
        found = running.prometheus.value("up == 1")
        return {each["metric"]["job"] for each in found} == {"lacewing-server", "lacewing-worker"}

    await until(are_up)
    async with httpx.AsyncClient() as stranger:
        refused = [await stranger.get(f"{url}/metrics") for url in (running.server, running.worker)]

    assert [answer.status_code for answer in refused] == [404, 404]
    targets = running.prometheus.ask("targets")["activeTargets"]
    assert [target["lastError"] for target in targets] == ["", ""]


async def test_no_label_of_ours_is_one_that_prometheus_gives(running: Running) -> None:
    """OPS-11: it would rename ours, and whoever asks for `job` would get the name of a target."""
    for url in (running.server, running.worker):
        assert not re.findall(
            r"^lacewing_.*[{,](?:job|instance)=.*$", metrics_of(url), re.MULTILINE
        )

    async def ours_were_read() -> bool:
        return "kind" in running.prometheus.ask("labels")

    await until(ours_were_read)
    names = running.prometheus.ask("labels")
    assert [name for name in names if name.startswith("exported_")] == []


def test_what_is_told_follows_the_conventions(running: Running) -> None:
    """OPS-11: promtool looks at names, units, types and help of everything."""
    for url in (running.server, running.worker):
        told = metrics_of(url)
        checked = run(tool("promtool"), "check", "metrics", given=told)
        complaints = [line for line in checked.stderr.splitlines() if "lacewing_" in line]
        assert complaints == []


def test_every_alert_and_recording_asks_for_what_exists(running: Running) -> None:
    """OPS-11: a metric that was renamed is not missed in silence."""
    known = known_names(running) | PROBED | MADE_BY_PROMETHEUS
    unknown = {
        rule.get("alert") or rule["record"]: missing
        for rule in rules()
        if (missing := metrics_in(rule["expr"]) - known)
    }

    assert unknown == {}


def test_every_query_of_a_dashboard_asks_for_what_exists(running: Running) -> None:
    """OPS-11: and Prometheus can carry it out."""
    known = known_names(running) | PROBED | MADE_BY_PROMETHEUS
    unknown = {
        where: missing for where, expr in shown_queries() if (missing := metrics_in(expr) - known)
    }

    assert unknown == {}
    for _, expr in shown_queries():
        running.prometheus.value(expr)


async def test_rules_are_evaluated_without_a_failure(running: Running) -> None:
    """OPS-11: nothing matches several things where one is meant."""

    async def all_were_evaluated() -> bool:
        groups = running.prometheus.ask("rules")["groups"]
        return all(rule["health"] != "unknown" for group in groups for rule in group["rules"])

    await until(all_were_evaluated)
    groups = running.prometheus.ask("rules")["groups"]

    assert [
        rule["lastError"] for group in groups for rule in group["rules"] if rule.get("lastError")
    ] == []
    firing = {
        rule["name"]
        for group in groups
        for rule in group["rules"]
        if rule["type"] == "alerting" and rule["state"] == "firing"
    }
    assert firing == {"LacewingWatchdog"}


def test_what_an_alert_waits_for_is_told_of_before_its_first_time(running: Running) -> None:
    """OPS-11: a counter that is born with its first step has grown by nothing, says Prometheus."""
    wanted = [
        each for rule in rules() if "alert" in rule for each in counters_in(rule["expr"])
    ] + [
        ("lacewing_webhooks_switched_off_total", {"reason": reason.value}) for reason in OffReason
    ] + [
        ("lacewing_task_failures_total", {"task": task.name, "reason": BUG})
        for task in PERIODIC_TASKS
    ]  # fmt: skip

    for url in (running.server, running.worker):
        told = [
            sample
            for family in text_string_to_metric_families(metrics_of(url))
            for sample in family.samples
        ]
        missing = [
            (name, labels)
            for name, labels in wanted
            if not any(
                sample.name == name and labels.items() <= sample.labels.items() for sample in told
            )
        ]
        assert missing == []


def test_processes_of_one_server_are_told_of_as_one(running: Running) -> None:
    """OPS-4: whichever of them is asked, the answer is that of all."""
    told = {
        metrics_of(running.server).split("lacewing_processes ")[-1].split("\n")[0]
        for _ in range(10)
    }
    memory = re.search(
        r"^process_resident_memory_bytes (\S+)$", metrics_of(running.server), re.MULTILINE
    )

    assert told == {f"{WORKERS}.0"}
    assert memory is not None
    assert float(memory[1]) > WORKERS * 20_000_000


def test_the_dashboards_are_those_of_their_table() -> None:
    """OPS-11: made by `python -m scripts.dashboards`."""
    assert {path: path.read_text(encoding="utf-8") for path in DASHBOARDS} == rendered()


@pytest.mark.parametrize("path", DASHBOARDS, ids=lambda path: path.stem)
def test_a_dashboard_is_one_that_grafana_takes_and_people_understand(path: Path) -> None:
    """OPS-11: ids once, nothing over something else, a unit and a description for each picture."""
    board = json.loads(path.read_text(encoding="utf-8"))
    shown = [panel for panel in board["panels"] if panel["type"] != "row"]
    covered = [
        (x, y)
        for panel in board["panels"]
        for x in range(panel["gridPos"]["x"], panel["gridPos"]["x"] + panel["gridPos"]["w"])
        for y in range(panel["gridPos"]["y"], panel["gridPos"]["y"] + panel["gridPos"]["h"])
    ]

    assert board["uid"] == f"lacewing-{path.stem}"
    assert len({panel["id"] for panel in board["panels"]}) == len(board["panels"])
    assert len(set(covered)) == len(covered)
    assert max(x for x, _ in covered) < 24
    assert {link["title"] for link in board["links"]} == {"Lacewing", "Logs of faults", "Traces"}
    for panel in shown:
        assert panel["type"] in {"timeseries", "stat", "bargauge", "alertlist"}
        assert panel["description"].endswith(".")
        if panel["type"] == "alertlist":
            continue
        assert panel["fieldConfig"]["defaults"]["unit"] in UNITS
        assert {target["datasource"]["uid"] for target in panel["targets"]} == {"${datasource}"}
        steps = [step["value"] for step in panel["fieldConfig"]["defaults"]["thresholds"]["steps"]]
        assert steps[0] is None
        assert steps[1:] == sorted(steps[1:])


@pytest.mark.parametrize("path", DASHBOARDS, ids=lambda path: path.stem)
def test_a_dashboard_has_the_shape_that_grafana_is_written_against(path: Path) -> None:
    """OPS-11: its own types, made into a schema, allow nothing else."""
    board = json.loads(path.read_text(encoding="utf-8"))
    board.pop("annotations")  # of its source's own shape
    faults = faults_of(board, "dashboard")
    for panel in board["panels"]:
        if panel["type"] in GRAFANA_SCHEMA:
            faults += faults_of(panel["options"], panel["type"])
        if panel["type"] == "timeseries":
            custom = panel["fieldConfig"]["defaults"]["custom"]
            faults += faults_of(custom, "timeseries-field")

    assert faults == []


def faults_of(what: Any, name: str) -> list[str]:
    found = Draft7Validator(GRAFANA_SCHEMA[name]).iter_errors(what)
    return [f"{name}: {list(fault.path)}: {fault.message}" for fault in found]


def test_titles_of_pictures_are_told_apart() -> None:
    """OPS-11: within one dashboard none has the title of another."""
    titles = [(board, panel["title"]) for board, panel in panels() if panel["type"] != "row"]

    assert len(set(titles)) == len(titles)


def test_sources_that_dashboards_link_to_are_provided() -> None:
    """OPS-11: figures, traces, logs and alerts know each other by their ids."""
    file = FOLDER / "grafana" / "provisioning" / "datasources" / "lacewing.yml"
    provided = {each["uid"]: each for each in yaml.safe_load(file.read_text())["datasources"]}

    assert set(provided) == {"prometheus", "alertmanager", "jaeger", "loki"}
    services = _services()
    for source in provided.values():
        host, _, port = source["url"].removeprefix("http://").partition(":")
        assert host in services, source["url"]
        assert port.isdigit()
    assert provided["jaeger"]["jsonData"]["tracesToLogsV2"]["datasourceUid"] == "loki"
    assert provided["loki"]["jsonData"]["derivedFields"][0]["datasourceUid"] == "jaeger"


def _services() -> dict[str, Any]:
    read: dict[str, Any] = yaml.safe_load((FOLDER / "compose.yml").read_text(encoding="utf-8"))
    services: dict[str, Any] = read["services"]
    return services


def test_services_of_the_profile_are_pinned_hardened_and_closed_to_the_world() -> None:
    """OPS-7, OPS-11: an exact version, no privileges, limits; reached from this machine alone."""
    for name, service in _services().items():
        assert service["profiles"] == ["monitoring"], name
        assert re.search(r":v?\d+\.\d+\.\d+$", service["image"]), name
        assert service["read_only"] is True, name
        assert service["cap_drop"] == ["ALL"], name
        assert service["deploy"]["resources"]["limits"]["memory"], name
        assert all(port.startswith("127.0.0.1:") for port in service.get("ports", [])), name


def test_the_collector_passes_on_what_it_takes() -> None:
    """OPS-11: what pipelines name is defined, and the other way round; memory is bounded."""
    config = yaml.safe_load((FOLDER / "collector" / "collector.yml").read_text(encoding="utf-8"))
    pipelines = config["service"]["pipelines"].values()

    for kind in ("receivers", "processors", "exporters"):
        used = {name for pipeline in pipelines for name in pipeline[kind]}
        assert used == set(config[kind])
    assert set(config["service"]["extensions"]) == set(config["extensions"])
    assert all(pipeline["processors"][0] == "memory_limiter" for pipeline in pipelines)


def test_logs_of_other_containers_of_the_machine_are_left_where_they_are() -> None:
    """OPS-11, SEC-8: Docker keeps all in one folder; ours say in each line whose they are."""
    config = yaml.safe_load((FOLDER / "collector" / "collector.yml").read_text(encoding="utf-8"))
    ours = "com.docker.compose.service"
    first, second, *_ = config["receivers"]["file_log/containers"]["operators"]

    assert (first["type"], second["type"]) == ("json_parser", "filter")
    assert second["expr"] == f'attributes.attrs == nil or not ("{ours}" in attributes.attrs)'
    for file in (ROOT / "docker-compose.yml", FOLDER / "compose.yml"):
        for name, service in yaml.safe_load(file.read_text(encoding="utf-8"))["services"].items():
            assert service["logging"]["options"]["labels"] == ours, name


def test_whatever_is_mounted_or_asked_is_there() -> None:
    """OPS-11: files of the repository, and hosts that are services of it."""
    services = _services()
    mounted = [
        volume.split(":")[0] for each in services.values() for volume in each.get("volumes", [])
    ]
    config = (FOLDER / "collector" / "collector.yml").read_text(encoding="utf-8")
    asked = re.findall(r"endpoint: http://(\w+):", config)

    assert [
        path for path in mounted if path.startswith("./") and not (FOLDER / path).exists()
    ] == []
    assert set(asked) <= set(services)
