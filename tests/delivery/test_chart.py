"""The Helm chart is what its tools and Kubernetes take, and refuses what can't work (OPS-9)."""

import re
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml  # type: ignore[import-untyped]  # it brings no types

import lacewing
from tests.support.charts import CHART, WAYS, Refused, helm, render, rendered, values_of
from tests.support.tools import python_tool

OPERATORS = ("PodMonitor", "PrometheusRule", "ScaledObject")
"""Kinds that operators bring; Kubernetes' own schemas know nothing of them."""
VERSIONS = ("1.30", "1.37")
"""The oldest that the chart is for, and the newest that is known."""
CLUSTER = {
    "publicUrl": "https://tracker.example.com",
    "database": {"kind": "postgresql"},
    "secrets": {"existingSecret": "theirs"},
    "storage": {"url": "s3://bucket"},
}


@pytest.mark.parametrize("way", WAYS)
def test_helm_finds_nothing_to_complain_of(way: str) -> None:
    """OPS-9: warnings count as errors."""
    output = helm("lint", "--strict", str(CHART), *values_of(way))

    assert "0 chart(s) failed" in output
    assert "[WARNING]" not in output
    assert "[ERROR]" not in output


@pytest.mark.parametrize("version", VERSIONS)
@pytest.mark.parametrize("way", WAYS)
def test_kubernetes_would_take_every_manifest(way: str, version: str, tmp_path: Path) -> None:
    """OPS-9: by the schemas of Kubernetes, in which no field is unknown."""
    manifests = [each for each in rendered(way).manifests if each["kind"] not in OPERATORS]
    file = tmp_path / "manifests.yaml"
    file.write_text(yaml.safe_dump_all(manifests), encoding="utf-8")

    done = _run(python_tool("kubernetes-validate"), "--strict", "-k", version, str(file))

    assert done.returncode == 0, done.stdout + done.stderr
    assert len(manifests) > 8


def test_what_is_switched_off_is_not_there(tmp_path: Path) -> None:
    """OPS-9: and what remains is what Kubernetes takes, by names of one's own."""
    chart = render(
        {
            "publicUrl": "https://a.example:8443",
            "fullnameOverride": "ours",
            "image": {"tag": "1.2.3"},
            "keys": {"source": "volume"},
            "persistence": {"existingClaim": "theirs"},
            "migration": {"enabled": False},
            "serviceAccount": {"create": False},
            "podDisruptionBudget": {"enabled": False},
            "networkPolicy": {"enabled": False},
            "ingress": {"enabled": True},
            "server": {"nodeSelector": {"disk": "fast"}, "affinity": {"nodeAffinity": {}}},
        }
    )
    file = tmp_path / "manifests.yaml"
    file.write_text(chart.text, encoding="utf-8")

    done = _run(python_tool("kubernetes-validate"), "--strict", "-k", VERSIONS[-1], str(file))

    assert done.returncode == 0, done.stdout + done.stderr
    kinds = sorted(each["kind"] for each in chart.manifests)
    assert kinds == ["ConfigMap", "Deployment", "Ingress", "Pod", "Secret", "Service"]
    spec = chart.one("Deployment")["spec"]["template"]["spec"]
    assert "initContainers" not in spec
    assert spec["serviceAccountName"] == "default"
    assert spec["containers"][0]["image"].endswith(":1.2.3")
    assert {"name": "data", "persistentVolumeClaim": {"claimName": "theirs"}} in spec["volumes"]
    assert chart.one("Service")["metadata"]["name"] == "ours"
    assert chart.one("Ingress")["spec"]["rules"][0]["host"] == "a.example"


def test_an_auditor_of_manifests_finds_nothing(tmp_path: Path) -> None:
    """OPS-9, SEC-10: what is suppressed says why, beside what it is about."""
    for way in WAYS:
        (tmp_path / f"{way}.yaml").write_text(rendered(way).text, encoding="utf-8")

    done = _run(
        python_tool("checkov"), "--directory", str(tmp_path), "--framework", "kubernetes",
        "--compact", "--skip-download", "--skip-results-upload",
    )  # fmt: skip

    assert done.returncode == 0, done.stdout + done.stderr
    counted = re.search(r"Passed checks: (\d+), Failed checks: 0, Skipped", done.stdout)
    assert counted
    assert int(counted[1]) > 200 * len(WAYS)


@pytest.mark.parametrize(
    ("values", "reason"),
    [
        ({}, "publicUrl: say what clients call this server"),
        ({"publicUrl": "https://a.example", "server": {"replicas": 2}}, "SQLite serves one pod"),
        ({"publicUrl": "https://a.example", "database": {"kind": "postgresql"}}, "database.url"),
        (CLUSTER | {"server": {"replicas": 2}}, "redis.enabled: server pods count rate limits"),
        (CLUSTER | {"server": {"autoscaling": {"enabled": True}}}, "redis.enabled"),
        (CLUSTER | {"storage": {"url": ""}}, "storage.url: server and workers share the files"),
        (CLUSTER | {"keys": {"source": "volume"}}, "keys.source: there is no volume"),
        (CLUSTER | {"keys": {"source": "existing"}}, "keys.existingSecret"),
        (CLUSTER | {"keys": {"oldestGeneration": 2}}, "which would leave no key"),
        (CLUSTER | {"config": {"LACEWING_JWT_ALGORITHM": "RS256"}}, "RS256"),
        (CLUSTER | {"config": {"LACEWING_REDIS_ULR": "x"}}, "REDIS_ULR: is no setting of Lacewing"),
        (CLUSTER | {"config": {"LACEWING_DATA_DIR": "/x"}}, "is made from other values"),
        (CLUSTER | {"secrets": {"values": {"LACEWING_DATABASE": "x"}}}, "is no setting"),
        (CLUSTER | {"secrets": {"values": {"AWS_REGION": "x"}}}, "none that can stand in a file"),
        (CLUSTER | {"secrets": {"existingKeys": ["PII_HASH_KEY"]}}, "say in which Secret"),
        (CLUSTER | {"redis": {"url": "redis://a:6379"}}, "redis.enabled: a URL is given"),
        (CLUSTER | {"broker": {"enabled": True}, "worker": {"replicas": 0}}, "only workers run"),
        (CLUSTER | {"service": {"type": "LoadBalancer"}}, "networkPolicy.ingress.from: say who"),
    ],
)  # fmt: skip
def test_values_that_can_not_work_are_refused_with_the_reason(
    values: dict[str, Any], reason: str
) -> None:
    """OPS-9: before anything in the cluster is changed."""
    with pytest.raises(Refused, match="The values can't work") as refusal:
        render(values)

    assert reason in str(refusal.value)


def test_all_reasons_are_named_at_once() -> None:
    """OPS-9, SEC-11: nobody mends one to learn of the next."""
    with pytest.raises(Refused) as refusal:
        render({"server": {"replicas": 2}, "broker": {"enabled": True}})

    assert str(refusal.value).count("\n- ") == 5


@pytest.mark.parametrize(
    ("values", "place"),
    [
        ({"pubilcUrl": "https://a.example"}, "pubilcUrl"),
        ({"publicUrl": "http://a.example"}, "/publicUrl"),
        ({"publicUrl": "https://a.example/path"}, "/publicUrl"),
        ({"image": {"digest": "sha256:abc"}}, "/image/digest"),
        ({"database": {"kind": "mysql"}}, "/database/kind"),
        ({"server": {"replicas": "two"}}, "/server/replicas"),
        ({"server": {"terminationGracePeriodSeconds": 30}}, "/terminationGracePeriodSeconds"),
        ({"config": {"PATH": "/bin"}}, "PATH"),
        ({"trustedProxies": ["*"]}, "/trustedProxies/0"),
    ],
)
def test_values_of_the_wrong_form_are_refused_by_the_schema(
    values: dict[str, Any], place: str
) -> None:
    """OPS-9: a value that is mistyped is not passed over."""
    with pytest.raises(Refused, match="don't meet the specifications of the schema") as refusal:
        render(values)

    assert place in str(refusal.value).replace("'", "")


def test_the_chart_is_of_this_program() -> None:
    """OPS-9, OPS-10: by default it runs the version that it came with."""
    chart = yaml.safe_load((CHART / "Chart.yaml").read_text(encoding="utf-8"))

    assert chart["version"] == chart["appVersion"] == lacewing.__version__


def test_the_readme_tells_of_every_value() -> None:
    """OPS-9: at least of each group."""
    values = yaml.safe_load((CHART / "values.yaml").read_text(encoding="utf-8"))
    readme = (CHART / "README.md").read_text(encoding="utf-8")

    assert [name for name in values if f"`{name}" not in readme] == []


def _run(program: Path, *arguments: str) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(
        [str(program), *arguments], capture_output=True, text=True, check=False, timeout=300
    )
