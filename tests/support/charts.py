"""The Helm chart as Kubernetes would get it: rendered by Helm, asked by kind and by component."""

import base64
import json
import os
import subprocess
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import yaml  # type: ignore[import-untyped]  # it brings no types

from tests.support.cannot import cannot_test
from tests.support.servers import CannotStart
from tests.support.tools import ROOT, go_tool

CHART = ROOT / "deploy" / "helm" / "lacewing"
WAYS = tuple(sorted(path.name.removesuffix("-values.yaml") for path in CHART.glob("ci/*.yaml")))
"""The ways to run the chart: each has a file of values."""
RELEASE = "tracker"
NAMESPACE = "team"
HELM_SECONDS = 120

Manifest = dict[str, Any]


class Refused(Exception):  # noqa: N818  it reads as what it says
    """Helm renders nothing, and says why."""


@dataclass(frozen=True)
class Rendered:
    """All manifests of one rendering; what tests ask of them."""

    text: str
    manifests: tuple[Manifest, ...]

    def all(self, *kinds: str) -> list[Manifest]:
        return [each for each in self.manifests if each["kind"] in kinds]

    def one(self, kind: str, ending: str = "") -> Manifest:
        [found] = [each for each in self.all(kind) if each["metadata"]["name"].endswith(ending)]
        return found

    def workloads(self) -> Iterator[tuple[Manifest, Manifest]]:
        """What makes pods, each with the pod that it makes."""
        for each in self.all("Deployment", "Job"):
            yield each, each["spec"]["template"]
        for each in self.all("Pod"):
            yield each, each

    def pods(self) -> list[Manifest]:
        return [pod for _, pod in self.workloads()]

    def variables(self, pod: Manifest) -> dict[str, str]:
        """What ``pod`` finds in its environment."""
        [source] = pod["spec"]["containers"][0]["envFrom"]
        name = source["configMapRef"]["name"]
        [found] = [each for each in self.all("ConfigMap") if each["metadata"]["name"] == name]
        data: dict[str, str] = found["data"]
        return data

    def secret_files(self, pod: Manifest, theirs: Mapping[str, str]) -> dict[str, str]:
        """What stands in the files of the volume ``secrets``; of other's Secrets ``theirs``."""
        [volume] = [each for each in pod["spec"]["volumes"] if each["name"] == "secrets"]
        ours = {each["metadata"]["name"]: decoded(each) for each in self.all("Secret")}
        return {
            item["path"]: ours.get(source["secret"]["name"], theirs)[item["key"]]
            for source in volume["projected"]["sources"]
            for item in source["secret"]["items"]
        }

    def environment(self, pod: Manifest, folder: Path, theirs: Mapping[str, str]) -> dict[str, str]:
        """The variables of ``pod``, its secrets below ``folder`` rather than in a volume."""
        folder.mkdir()
        for name, text in self.secret_files(pod, theirs).items():
            (folder / name).write_text(text, encoding="utf-8")
        return {
            name: value.replace("/secrets/", f"{folder}/")
            for name, value in self.variables(pod).items()
        }


def decoded(secret: Manifest) -> dict[str, str]:
    return {
        name: base64.b64decode(value, validate=True).decode()
        for name, value in secret["data"].items()
    }


def write_keys(chart: Rendered, folder: Path) -> None:
    """The keys that the chart generates, as files of a folder."""
    folder.mkdir(exist_ok=True)
    for name, text in decoded(chart.one("Secret", "-keys")).items():
        (folder / name).write_text(text, encoding="utf-8")


def containers_of(pod: Manifest) -> list[Manifest]:
    return [*pod["spec"].get("initContainers", []), *pod["spec"]["containers"]]


def is_hook(manifest: Manifest) -> bool:
    return "helm.sh/hook" in manifest["metadata"].get("annotations", {})


def helm(*arguments: str, environment: Mapping[str, str] | None = None) -> str:
    """What Helm prints; it finds no cluster unless ``environment`` names one.

    Raises:
        Refused: it fails.
    """
    try:
        program = go_tool("helm")
    except (CannotStart, subprocess.TimeoutExpired) as error:
        cannot_test(error)
    done = subprocess.run(
        [str(program), *arguments],
        env={"PATH": os.environ["PATH"], "HOME": "/nonexistent", **(environment or {})},
        capture_output=True,
        text=True,
        check=False,
        timeout=HELM_SECONDS,
    )
    if done.returncode != 0:
        raise Refused(done.stderr + done.stdout)
    return done.stdout


def values_of(way: str) -> list[str]:
    return ["--values", str(CHART / "ci" / f"{way}-values.yaml")]


def render(
    values: Mapping[str, Any], *options: str, environment: Mapping[str, str] | None = None
) -> Rendered:
    """The chart with these values."""
    text = helm(
        "template", RELEASE, str(CHART), "--namespace", NAMESPACE, *_flags(values), *options,
        environment=environment,
    )  # fmt: skip
    return Rendered(text, tuple(each for each in yaml.safe_load_all(text) if each))


@cache
def rendered(way: str) -> Rendered:
    """The chart in one of its ``WAYS``; the same one to all who ask."""
    return render(yaml.safe_load(Path(values_of(way)[1]).read_text(encoding="utf-8")))


def _flags(values: Mapping[str, Any]) -> Sequence[str]:
    return [
        part
        for name, value in values.items()
        for part in ("--set-json", f"{name}={json.dumps(value)}")
    ]
