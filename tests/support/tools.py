"""Programs that the tests of the delivery run: got once, by version, into ``.venv/tools``."""

import json
import os
import shutil
import subprocess
import tempfile
from pathlib import Path

from tests.support.locks import alone
from tests.support.servers import CannotStart, install_package

ROOT = Path(__file__).parents[2]
TOOLS = ROOT / ".venv" / "tools"
DELIVERY_ENVIRONMENT = ROOT / ".venv" / "delivery"
BUILD_SECONDS = 1_200

GO_TOOLS = {
    "actionlint": "github.com/rhysd/actionlint/cmd/actionlint@v1.7.12",
    "docker-compose": "github.com/docker/compose/v2@v2.40.3",
    "helm": "helm.sh/helm/v4/cmd/helm@v4.3.1",
    "k6": "go.k6.io/k6@v1.8.1",
}
"""Name of a program to the Go module and version that it is built of."""
BUILT_IN_PLACE = {"docker-compose": "./cmd"}
"""Those that `go install` refuses, as their ``go.mod`` excludes modules; to the folder to build."""


def go_tool(name: str) -> Path:
    """The path of one of ``GO_TOOLS``, built if it is not there."""
    version = GO_TOOLS[name].rpartition("@")[2]
    program = TOOLS / f"{name}-{version}"
    with alone(name):
        if not program.exists():
            _build(name, program)
    return program


def _build(name: str, program: Path) -> None:
    module = GO_TOOLS[name]
    if shutil.which("go") is None:
        install_package("golang-go")
    building = TOOLS / f"building-{os.getpid()}"
    environment = {**os.environ, "GOBIN": str(building), "GOFLAGS": "-trimpath", "CGO_ENABLED": "0"}
    if name in BUILT_IN_PLACE:
        _build_in_place(module, BUILT_IN_PLACE[name], building / name, environment)
    else:
        _run(["go", "install", "-ldflags=-s -w", module], environment)
    [built] = building.iterdir()
    built.rename(program)
    building.rmdir()


def _build_in_place(module: str, package: str, built: Path, environment: dict[str, str]) -> None:
    """Build ``package`` of a module as its authors do, with the versions of its own ``go.mod``."""
    with tempfile.TemporaryDirectory() as name:
        told = _run(["go", "mod", "download", "-json", module], environment, name)
        source = Path(name) / "source"
        shutil.copytree(json.loads(told)["Dir"], source, copy_function=shutil.copyfile)
        command = ["go", "build", "-buildvcs=false", "-ldflags=-s -w", "-o", str(built), package]
        _run(command, environment, str(source))


def python_tool(name: str) -> Path:
    """The path of a program of ``requirements/delivery.txt``."""
    program = DELIVERY_ENVIRONMENT / "bin" / name
    if not program.exists():
        raise CannotStart(f"{name} is not installed: run `make test-delivery`")
    return program


def debian_tool(name: str, package: str) -> Path:
    """The path of a program of one of Debian's packages, installed if it is not there."""
    if shutil.which(name) is None:
        install_package(package)
    found = shutil.which(name)
    if found is None:
        raise CannotStart(f"the package {package} has no program {name}")
    return Path(found)


def _run(command: list[str], environment: dict[str, str], folder: str | None = None) -> str:
    done = subprocess.run(
        command,
        env=environment,
        cwd=folder,
        capture_output=True,
        text=True,
        check=False,
        timeout=BUILD_SECONDS,
    )
    if done.returncode != 0:
        raise CannotStart(f"{' '.join(command)} failed: {done.stderr[-500:]}")
    return done.stdout
