"""The parts of the chart fit each other, and the program (OPS-9)."""

import re
from collections.abc import Iterator
from ipaddress import ip_address, ip_network
from pathlib import Path

import pytest
import yaml  # type: ignore[import-untyped]  # it brings no types
from prometheus_client import REGISTRY
from typer.core import TyperGroup
from typer.main import get_command

from lacewing.cli.app import app
from lacewing.cli.serve import GRACE_SECONDS
from lacewing.kernel.jobs.embedded import STOP_SECONDS
from lacewing.main import create_app
from lacewing.settings import load_settings
from lacewing.webhooks.addresses import is_public
from tests.support.charts import (
    CHART,
    WAYS,
    Manifest,
    containers_of,
    is_hook,
    render,
    rendered,
)

THEIRS = {
    "AWS_ACCESS_KEY_ID": "of-the-storage",
    "AWS_SECRET_ACCESS_KEY": "of-the-storage",
    "LACEWING_DATABASE_URL": "postgresql://lacewing@postgres.example/lacewing",
    "LACEWING_METRICS_TOKEN": "one-that-prometheus-knows",
    "LACEWING_REDIS_URL": "redis://redis.example",
    "LACEWING_SECRET_KEY": "one-that-only-the-cluster-knows-0123456789",
}
"""What stands in Secrets that are not the chart's."""
PORTS_OF_SERVERS = {4318, 5432, 5672, 6379}
"""What may be anywhere while nobody says where: no web server listens there."""
VOLUMES = {"emptyDir", "persistentVolumeClaim", "projected", "secret"}
"""Of those that the restricted profile allows, what is used."""
EVERY_WAY = pytest.mark.parametrize("way", WAYS)


@EVERY_WAY
def test_every_selector_finds_the_pods_it_is_for(way: str) -> None:
    """OPS-9: a Service, policy, budget or monitor without pods is a mistake nobody notices."""
    chart = rendered(way)
    labels = [pod["metadata"]["labels"] for pod in chart.pods()]
    selectors = list(_selectors(chart.manifests))

    assert {kind for kind, _, _ in selectors} >= {"Deployment", "NetworkPolicy", "Service"}
    for kind, name, selector in selectors:
        found = [each for each in labels if selector.items() <= each.items()]
        assert found, f"{kind} {name} finds no pod"
        if kind != "NetworkPolicy":
            assert len(found) == 1, f"{kind} {name} finds pods of several kinds"
        component = next(
            each["metadata"]["labels"].get("app.kubernetes.io/component")
            for each in chart.all(kind)
            if each["metadata"]["name"] == name
        )
        if component is not None:
            assert {each["app.kubernetes.io/component"] for each in found} == {component}


@EVERY_WAY
def test_what_scales_names_a_deployment_that_leaves_it_the_number(way: str) -> None:
    """OPS-9: two who set the number of pods would undo each other's work."""
    chart = rendered(way)
    scaled = {
        each["spec"]["scaleTargetRef"]["name"]
        for each in chart.all("HorizontalPodAutoscaler", "ScaledObject")
    }

    for each in chart.all("Deployment"):
        assert ("replicas" in each["spec"]) is (each["metadata"]["name"] not in scaled)
        scaled.discard(each["metadata"]["name"])
    assert scaled == set()


@EVERY_WAY
def test_ports_are_the_ones_that_the_program_listens_on(way: str) -> None:
    """OPS-9: from the ingress to the process."""
    chart = rendered(way)
    service = chart.one("Service")
    [port] = service["spec"]["ports"]
    containers = [
        each["spec"]["template"]["spec"]["containers"][0] for each in chart.all("Deployment")
    ]

    for container in containers:
        [opened] = container["ports"]
        assert opened["name"] == port["targetPort"]
        arguments = container["args"]
        assert arguments[arguments.index("--port") + 1] == str(opened["containerPort"])
        assert arguments[arguments.index("--host") + 1] == "0.0.0.0"
    for ingress in chart.all("Ingress"):
        [rule] = ingress["spec"]["rules"]
        [path] = rule["http"]["paths"]
        assert path["backend"]["service"]["name"] == service["metadata"]["name"]
        assert path["backend"]["service"]["port"]["name"] == port["name"]
        assert [rule["host"]] == ingress["spec"]["tls"][0]["hosts"] == ["tracker.example.com"]
    for policy in chart.all("NetworkPolicy"):
        for allowed in policy["spec"].get("ingress", []):
            assert [each["port"] for each in allowed["ports"]] == [port["targetPort"]]


@EVERY_WAY
def test_the_program_knows_what_it_is_called_with(way: str) -> None:
    """OPS-9, UX-1: by its own command line, which takes each of the options."""
    for pod in rendered(way).pods():
        for container in containers_of(pod):
            if "command" in container:
                continue
            called, command = list(container["args"]), get_command(app)
            while isinstance(command, TyperGroup):
                command = command.commands[called.pop(0)]
            context = command.make_context("lacewing", called)
            assert context.args == []


@EVERY_WAY
def test_probes_ask_routes_that_the_application_has(way: str) -> None:
    """OPS-9, OPS-4: asked of the application itself."""
    environment = {"LACEWING_DATA_DIR": "/nonexistent"}
    routes = {route.path for route in create_app(load_settings(environment)).routes}  # type: ignore[attr-defined]  # all of ours have one
    asked = set()
    for each in rendered(way).all("Deployment"):
        container = each["spec"]["template"]["spec"]["containers"][0]
        for probe in ("startupProbe", "livenessProbe", "readinessProbe"):
            asked.add(container[probe]["httpGet"]["path"].partition("?")[0])
            assert container[probe]["httpGet"]["port"] == "http"
        path, _, query = container["readinessProbe"]["httpGet"]["path"].partition("?")
        assert path == "/health/ready"
        assert query in {"", "exclude=redis"}
    asked.update(
        each["spec"]["podMetricsEndpoints"][0]["path"] for each in rendered(way).all("PodMonitor")
    )

    assert asked
    assert asked <= routes


@EVERY_WAY
def test_every_variable_is_a_setting_that_the_program_reads(way: str, tmp_path: Path) -> None:
    """OPS-9, OPS-1, SEC-11: and all together are settings that production starts with."""
    chart = rendered(way)
    known = set((CHART / "files" / "settings.txt").read_text(encoding="utf-8").split())
    configured = [pod for pod in chart.pods() if "envFrom" in pod["spec"]["containers"][0]]

    assert configured
    for number, pod in enumerate(configured):
        environment = chart.environment(pod, tmp_path / str(number), THEIRS)
        names = {name.removesuffix("_FILE") for name in environment}
        strange = {name for name in names if not name.startswith(("AWS_", "LACEWING_OIDC_"))}
        assert strange <= known
        settings = load_settings(environment)
        assert settings.is_production
        assert bool(settings.database.database_url) is (way != "single")


@EVERY_WAY
def test_no_secret_stands_in_an_environment(way: str) -> None:
    """OPS-9, SEC-8: each is a file, that this variable names and this pod has."""
    chart = rendered(way)
    for pod in chart.pods():
        container = pod["spec"]["containers"][0]
        if "envFrom" not in container:
            continue
        assert {frozenset(each) for each in container["envFrom"]} == {frozenset({"configMapRef"})}
        assert "env" not in container
        files = chart.secret_files(pod, THEIRS)
        named = {
            name.removesuffix("_FILE"): value
            for name, value in chart.variables(pod).items()
            if name.endswith("_FILE")
        }
        assert named == {name: f"/secrets/{name}" for name in files}
        assert not set(files) & set(chart.variables(pod))


@EVERY_WAY
def test_everything_that_pods_name_is_there(way: str) -> None:
    """OPS-9: a Secret, a claim or an account that is missing keeps a pod waiting for ever."""
    chart = rendered(way)
    there = {(each["kind"], each["metadata"]["name"]) for each in chart.manifests}
    theirs = {("Secret", "lacewing-secrets"), ("Secret", "lacewing-keys"), ("Secret", "registry")}

    for workload, pod in chart.workloads():
        for kind, name in _named(pod):
            assert (kind, name) in there | theirs, f"{workload['kind']} names {kind} {name}"
        mounted = {
            each["name"] for container in containers_of(pod)
            for each in container.get("volumeMounts", [])
        }  # fmt: skip
        assert mounted == {each["name"] for each in pod["spec"].get("volumes", [])}


@EVERY_WAY
def test_the_migration_has_all_it_needs_before_anything_else_is_there(way: str) -> None:
    """OPS-9, OPS-2: hooks run first, on an upgrade beside what the release before left."""
    chart = rendered(way)
    if not (jobs := chart.all("Job")):
        pod = chart.one("Deployment", "-server")["spec"]["template"]
        assert [each["args"] for each in pod["spec"]["initContainers"]] == [["db", "upgrade"]]
        return
    [job] = jobs
    weights = {
        (each["kind"], each["metadata"]["name"]): int(
            each["metadata"]["annotations"]["helm.sh/hook-weight"]
        )
        for each in chart.manifests
        if is_hook(each) and "pre-install" in each["metadata"]["annotations"]["helm.sh/hook"]
    }
    ours = {(each["kind"], each["metadata"]["name"]) for each in chart.manifests}
    named = [each for each in _named(job["spec"]["template"]) if each in ours]

    assert job["spec"]["template"]["spec"]["containers"][0]["args"] == ["db", "upgrade"]
    assert named
    for each in named:
        assert weights[each] < weights["Job", job["metadata"]["name"]]
    assert any(kind == "NetworkPolicy" for kind, _ in weights)
    server = chart.one("Deployment", "-server")["spec"]["template"]
    needed = chart.secret_files(job["spec"]["template"], THEIRS)
    found = chart.secret_files(server, THEIRS)
    generated = {"LACEWING_SECRET_KEY", "LACEWING_METRICS_TOKEN"}
    assert needed.items() <= found.items()
    assert set(found) - set(needed) <= generated
    assert "LACEWING_DATABASE_URL" in needed


@EVERY_WAY
def test_pods_are_restricted_as_far_as_kubernetes_knows(way: str) -> None:
    """OPS-9: by the profile "restricted" of the Pod Security Standards, and a bit further."""
    for pod in rendered(way).pods():
        spec = pod["spec"]
        assert spec["automountServiceAccountToken"] is False
        assert spec["securityContext"]["runAsNonRoot"] is True
        assert spec["securityContext"]["runAsUser"] == 10_001
        assert spec["securityContext"]["seccompProfile"] == {"type": "RuntimeDefault"}
        assert not {"hostNetwork", "hostPID", "hostIPC"} & set(spec)
        for volume in spec.get("volumes", []):
            assert set(volume) - {"name"} <= VOLUMES
            assert "sizeLimit" in volume.get("emptyDir", {"sizeLimit": "-"})
        for container in containers_of(pod):
            security = container["securityContext"]
            assert security["readOnlyRootFilesystem"] is True
            assert security["allowPrivilegeEscalation"] is False
            assert security["capabilities"] == {"drop": ["ALL"]}
            for bound in ("requests", "limits"):
                assert {"cpu", "memory"} <= set(container["resources"][bound])


@EVERY_WAY
def test_pods_have_the_time_to_end_what_they_do(way: str) -> None:
    """OPS-6, OPS-9: longer than the program itself takes at most."""
    for each in rendered(way).all("Deployment"):
        spec = each["spec"]["template"]["spec"]
        container = spec["containers"][0]
        needed = STOP_SECONDS
        if container["name"] == "server":
            drain = container["lifecycle"]["preStop"]["sleep"]["seconds"]
            assert drain >= 5
            needed += drain + GRACE_SECONDS
        assert spec["terminationGracePeriodSeconds"] > needed


@EVERY_WAY
def test_nothing_reaches_what_only_the_cluster_can_reach(way: str) -> None:
    """OPS-9: a second wall behind the one that webhooks have."""
    chart = rendered(way)
    policies = {each["metadata"]["name"]: each["spec"] for each in chart.all("NetworkPolicy")}
    inside = [
        "10.0.0.1", "100.64.0.1", "127.0.0.1", "169.254.169.254", "172.16.0.1", "192.168.0.1",
        "198.18.0.1", "224.0.0.1", "240.0.0.1", "::1", "fd00::1", "fe80::1", "fec0::1",
        "64:ff9b::a00:1", "2002:a00:1::", "2001:db8::1",
    ]  # fmt: skip

    nothing = policies["tracker-lacewing-nothing"]
    assert "ingress" not in nothing
    assert "egress" not in nothing
    assert set(nothing["policyTypes"]) == {"Ingress", "Egress"}
    rules = [rule for policy in policies.values() for rule in policy.get("egress", [])]
    blocks = [
        peer["ipBlock"]
        for rule in rules
        for peer in rule.get("to", [])
        if peer.get("ipBlock", {}).get("except")
    ]
    assert blocks
    assert {
        port["port"] for rule in rules if "to" not in rule for port in rule["ports"]
    } <= PORTS_OF_SERVERS
    for address in map(ip_address, inside):
        assert not is_public(address)
        assert not any(_is_in(address, block) for block in blocks), address
    for address in map(ip_address, ("93.184.215.14", "2606:2800:21f:cb07:6820:80da:af6b:8b2c")):
        assert any(_is_in(address, block) for block in blocks)


def test_measurements_that_decide_are_ones_that_the_program_tells() -> None:
    """OPS-9, OPS-11: by their names, in what scales and what alerts."""
    text = rendered("everything").text + rendered("keda").text
    asked = set(re.findall(r"\blacewing_[a-z_]+", text))
    told = {
        f"{family.name}{ending}"
        for family in REGISTRY.collect()
        for ending in ("", "_total", "_count", "_sum", "_bucket")
    }

    assert "lacewing_jobs_waiting" in asked
    assert asked <= told


def test_without_workers_the_servers_do_their_work() -> None:
    """OPS-9: jobs that nobody runs would be a silent loss."""
    values = yaml.safe_load((CHART / "ci" / "cluster-values.yaml").read_text(encoding="utf-8"))

    with_workers, without = render(values), render(values | {"worker": {"replicas": 0}})

    name = "LACEWING_WORKER_IN_SERVER"
    assert with_workers.one("ConfigMap", "-lacewing")["data"][name] == "false"
    assert without.one("ConfigMap", "-lacewing")["data"][name] == "true"
    assert [each["metadata"]["name"] for each in without.all("Deployment")] == [
        "tracker-lacewing-server"
    ]


@pytest.mark.parametrize(
    ("value", "text"), [(52_428_800, "52428800"), (0.25, "0.25"), (False, "false"), ("1e3", "1e3")]
)
def test_numbers_reach_the_program_as_they_were_written(value: object, text: str) -> None:
    """OPS-9: Helm reads them as floats, and would write 5.24288e+07."""
    values = {"publicUrl": "https://a.example", "config": {"LACEWING_UPLOAD_LIMIT_BYTES": value}}

    assert render(values).one("ConfigMap")["data"]["LACEWING_UPLOAD_LIMIT_BYTES"] == text


def test_a_changed_setting_makes_new_pods_and_new_keys_do_not() -> None:
    """OPS-9: processes read the environment once, and notice keys by themselves."""
    values = yaml.safe_load((CHART / "ci" / "everything-values.yaml").read_text(encoding="utf-8"))

    before = render(values).one("Deployment", "-server")["spec"]["template"]
    rotated = render(values | {"keys": {"generation": 3}})
    changed = render(values | {"config": {"LACEWING_LOG_LEVEL": "debug"}})

    assert rotated.one("Deployment", "-server")["spec"]["template"] == before
    assert changed.one("Deployment", "-server")["spec"]["template"] != before


def _selectors(manifests: tuple[Manifest, ...]) -> Iterator[tuple[str, str, dict[str, str]]]:
    for each in manifests:
        spec, name = each.get("spec", {}), each["metadata"]["name"]
        found = spec.get("podSelector") or spec.get("selector")
        if found is None or each["kind"] == "PersistentVolumeClaim":
            continue
        yield each["kind"], name, found.get("matchLabels", found)


def _named(pod: Manifest) -> Iterator[tuple[str, str]]:
    spec = pod["spec"]
    if "serviceAccountName" in spec:
        yield "ServiceAccount", spec["serviceAccountName"]
    for each in spec.get("imagePullSecrets", []):
        yield "Secret", each["name"]
    for volume in spec.get("volumes", []):
        if "secret" in volume:
            yield "Secret", volume["secret"]["secretName"]
        for source in volume.get("projected", {}).get("sources", []):
            yield "Secret", source["secret"]["name"]
        if "persistentVolumeClaim" in volume:
            yield "PersistentVolumeClaim", volume["persistentVolumeClaim"]["claimName"]
    for container in containers_of(pod):
        for source in container.get("envFrom", []):
            yield "ConfigMap", source["configMapRef"]["name"]


def _is_in(address: object, block: Manifest) -> bool:
    return address in ip_network(block["cidr"]) and not any(
        address in ip_network(each) for each in block["except"]
    )
