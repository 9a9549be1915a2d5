"""The real image, built by Docker upon a stand-in of its base: see ``images``."""

import json
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest

from tests.delivery.images import base_tag, make_image
from tests.support.docker import Engine
from tests.support.tools import ROOT, python_tool

ADDED_BYTES_MAX = 200_000_000
RESTRAINED = (
    "--rm", "--read-only", "--tmpfs=/tmp", "--cap-drop=ALL",
    "--security-opt=no-new-privileges", "--network=none",
)  # fmt: skip
LIST_PACKAGES = """
import sys
from importlib.metadata import distributions
for each in distributions(path=[path for path in sys.path if path.startswith("/opt/lacewing")]):
    print(each.name.lower().replace("_", "-"), each.version)
"""
BUILD_TOOLS = (
    "cc",
    "gcc",
    "g++",
    "make",
    "ld",
    "strip",
    "cargo",
    "git",
    "hatch",
    "pip",
    "pip3",
    "uv",
)


def _about(engine: Engine, image: str) -> dict[str, Any]:
    about: list[dict[str, Any]] = json.loads(engine.docker("image", "inspect", image))
    return about[0]


def _in_image(engine: Engine, image: str, script: str) -> str:
    return engine.docker("run", *RESTRAINED, "--entrypoint=sh", image, "-c", script)


def test_the_image_adds_less_than_200_mb_to_its_base(engine: Engine, image: str) -> None:
    """OPS-7: small, whatever the base is."""
    sizes = [_about(engine, each)["Size"] for each in (image, base_tag())]

    print(f"The image adds {(sizes[0] - sizes[1]) / 1e6:.0f} MB to its base.")  # noqa: T201  a figure
    assert sizes[0] - sizes[1] < ADDED_BYTES_MAX


def test_it_runs_as_nobody_special_on_a_root_that_is_read_only(engine: Engine, image: str) -> None:
    """OPS-7: with no capability, no network, and nothing to write to but its data and /tmp."""
    who = _in_image(engine, image, "id -u; touch /code/x /opt/lacewing/x 2>&1 || true")
    version = engine.docker("run", *RESTRAINED, image, "version")

    assert _about(engine, image)["Config"]["User"] == "10001:10001"
    assert who.splitlines()[0] == "10001"
    assert who.count("Read-only file system") == 2
    assert "0.1.0" in version


def test_nothing_of_it_can_be_changed_by_its_own_user(engine: Engine, image: str) -> None:
    """OPS-7: also where the root is not mounted read-only."""
    writable = engine.docker(
        "run", "--rm", "--network=none", "--entrypoint=sh", image, "-c",
        "find / -xdev -writable -not -type l -not -path '/tmp*' -not -path '/proc/*' "
        "-not -path '/dev/*' -not -path '/var/tmp' -not -path '/run/lock' 2>/dev/null || true",
    )  # fmt: skip

    assert writable.split() == ["/data"]


def test_it_serves_and_migrates_and_works(engine: Engine, image: str) -> None:
    """OPS-7, OPS-1: one image for all three, here without any server beside it."""
    said = engine.docker(
        "run", *RESTRAINED, "--tmpfs=/data:uid=10001", "--env=LACEWING_ENVIRONMENT=test",
        "--entrypoint=sh", image, "-ec",
        "lacewing db upgrade; lacewing serve --host 0.0.0.0 & it=$!; "
        "for i in $(seq 600); do python -m lacewing.kernel.probe && break; sleep 0.1; done; "
        "python -m lacewing.kernel.probe; kill $it; wait $it || true; "
        "lacewing worker & it=$!; "
        "for i in $(seq 600); do test -e /tmp/lacewing-worker-alive && break; sleep 0.1; done; "
        "python -m lacewing.kernel.probe; kill $it; wait $it; echo all three",
    )  # fmt: skip

    assert said.splitlines()[-1] == "all three"


def test_it_says_how_it_is_and_what_it_is(engine: Engine, image: str) -> None:
    """OPS-7: a health check; and labels by the names of the OCI."""
    configuration = _about(engine, image)["Config"]
    labels = {
        name.removeprefix("org.opencontainers.image."): value
        for name, value in configuration["Labels"].items()
    }

    assert configuration["Healthcheck"]["Test"] == ["CMD", "python", "-m", "lacewing.kernel.probe"]
    assert configuration["Entrypoint"] == ["lacewing"]
    assert labels["licenses"] == "Apache-2.0"
    assert labels["version"] == "0.1.0"
    assert labels["revision"] == "0123456789abcdef"
    assert set(labels) == {
        "title", "description", "licenses", "version", "revision", "created",
    }  # fmt: skip


def test_nothing_that_builds_is_in_it(engine: Engine, image: str) -> None:
    """OPS-7: nor what was built, nor lists of packages, nor anything else of the repository."""
    found = _in_image(engine, image, f"command -v {' '.join(BUILD_TOOLS)} || true")
    importable = _in_image(
        engine, image, "base=$(python -c 'import sys; print(sys._base_executable)'); "
        "for python in python $base; do "
        "for name in hatchling editables pytest pip ensurepip; do $python -c "
        "\"import importlib.util, sys; sys.exit(importlib.util.find_spec('$name') is not None)\" "
        "|| echo $name; done; done",
    )  # fmt: skip
    ours = _in_image(engine, image, "ls -A /code /data /build 2>/dev/null || true")

    assert not found
    assert not importable
    assert ours.split() == ["/code:", "bin", "lacewing", "lacewing-0.1.0.dist-info", "/data:"]


def test_a_change_of_the_code_leaves_the_dependencies_alone(
    engine: Engine, image: str, tmp_path: Path
) -> None:
    """OPS-7: of all layers one is new, and what the lock file names is not fetched again."""
    for name in ("Dockerfile", ".dockerignore", "LICENSE", "README.md", "pyproject.toml"):
        shutil.copy2(ROOT / name, tmp_path)
    for name in ("migrations", "src"):
        shutil.copytree(ROOT / name, tmp_path / name, symlinks=True)
    (tmp_path / "requirements").mkdir()
    shutil.copy2(ROOT / "requirements" / "runtime.txt", tmp_path / "requirements")
    with (tmp_path / "src/lacewing/__init__.py").open("a", encoding="utf-8") as module:
        module.write("\n# changed\n")

    changed = make_image(engine, tmp_path, "lacewing:changed")

    before, after = (_about(engine, each)["RootFS"]["Layers"] for each in (image, changed))
    assert len(before) == len(after)
    assert [a == b for a, b in zip(before, after, strict=True)].count(False) == 1


def test_the_list_of_its_parts_is_whole(engine: Engine, image: str, tmp_path: Path) -> None:
    """OPS-7: the SBOM that a release publishes names each package in the image, by its version."""
    script, file = ROOT / "scripts" / "sbom.sh", tmp_path / "sbom.json"
    python_tool("cyclonedx-py")
    subprocess.run([str(script), str(file)], check=True, capture_output=True)
    listed = json.loads(file.read_text(encoding="utf-8"))
    installed = _in_image(engine, image, f"python -c '{LIST_PACKAGES}'")

    parts = {
        (part["name"].lower().replace("_", "-"), part["version"]) for part in listed["components"]
    }
    packages = {tuple(line.split()) for line in installed.splitlines()}
    assert listed["bomFormat"] == "CycloneDX"
    assert listed["metadata"]["component"]["name"] == "lacewing"
    assert len(packages) > 50
    assert packages <= parts
    assert all(part["purl"].startswith("pkg:pypi/") for part in listed["components"])


@pytest.mark.parametrize("file", ["Dockerfile", "tests/delivery/standins/Dockerfile"])
def test_hadolint_finds_nothing(file: str) -> None:
    """OPS-7."""
    done = subprocess.run(
        [str(python_tool("hadolint")), str(ROOT / file)],
        capture_output=True, text=True, check=False,
    )  # fmt: skip

    assert (done.returncode, done.stdout) == (0, "")
