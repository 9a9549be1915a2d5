"""All checks, in one order, for people and for CI alike.

``python -m scripts.check quick`` is the inner loop; ``all`` adds the slower tests, the whole of
coverage, and the audit of the dependencies; ``delivery`` tries images, charts and configuration.
``static`` is what needs no server, ``tests`` the tests alone, whose coverage others add up; what
stands behind it goes to pytest. Servers that tests need are started once, for all.
"""

import os
import shutil
import subprocess
import sys
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager, ExitStack
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory

from tests.support import servers
from tests.support.servers import CannotStart

BIN = Path(sys.executable).parent
SEMGREP_HOME = BIN.parent / "semgrep"
TESTS_AT_ONCE = "3"
"""On 2 cores: they wait for servers now and then."""
MEMORY = Path("/dev/shm")
MEMORY_BYTES_MIN = 4 * 1024**3
COVERAGE_MIN = 90

SEMGREP = [
    str(SEMGREP_HOME / "bin" / "semgrep"), "scan", "--oss-only", "--metrics=off",
    "--disable-version-check", "--strict", "--error", "--config", ".semgrep/rules.yml",
]  # fmt: skip
"""In an environment of its own, as its pins exclude ours; asks nobody outside."""

STATIC = (
    ("format", ["ruff", "format", "--check", "--quiet", "."]),
    ("lint", ["ruff", "check", "--quiet", "."]),
    ("types", ["mypy"]),
    ("contracts", ["lint-imports", "--no-cache"]),
    ("security", ["bandit", "--quiet", "--recursive", "src", "--severity-level", "medium"]),
)
OWN_RULES = (
    ("tests of our own rules", [*SEMGREP, "--test", ".semgrep/tests/rules.py"]),
    ("our own rules", [*SEMGREP, "--quiet", "src"]),
)
QUICK_TESTS = [
    "pytest", "-n", TESTS_AT_ONCE, "-q",
    "-m", "not system and not delivery", "--databases", "sqlite",
]  # fmt: skip
ALL_TESTS = [
    "pytest", "-n", TESTS_AT_ONCE, "-q", "-m", "not delivery", "--durations=60",
    "--databases", "sqlite",
    "--cov", "--cov-report=term:skip-covered", f"--cov-fail-under={COVERAGE_MIN}",
]  # fmt: skip
ON_POSTGRES = [
    "pytest", "-n", TESTS_AT_ONCE, "-q", "-m", "not delivery", "--durations=20",
    "--databases", "postgresql", "--that-ask-it-alone",
]  # fmt: skip
"""The same on the other database. What they reach is measured once: that takes a third longer."""

MEASURED_TESTS = [
    "pytest", "-n", TESTS_AT_ONCE, "-q", "-m", "not delivery", "--cov", "--cov-report=",
]  # fmt: skip
"""Of one database or Python: what all of them together cover is asked elsewhere."""

TESTS = {"quick": [QUICK_TESTS], "all": [ALL_TESTS, ON_POSTGRES], "tests": [MEASURED_TESTS]}

OF_DOCKER = [f"tests/delivery/test_{name}.py" for name in ("compose", "development", "image")]
DELIVERY_TESTS = (
    ["pytest", "-q", "--durations=10", *OF_DOCKER],
    [
        "pytest",
        "-q",
        "--durations=10",
        "tests/delivery",
        *(f"--ignore={each}" for each in OF_DOCKER),
    ],
)
"""Side by side, as much of it waits; one of them has Docker's engine."""

OUT_OF_REACH = ("could not be audited", "ConnectionError", "Max retries", "Failed to resolve")
"""What the auditor says on a closed network; never counted as passed."""


def _step(name: str, command: list[str], environment: dict[str, str]) -> bool:
    started = time.monotonic()
    print(f"== {name}: {' '.join(command)}", flush=True)
    done = subprocess.run([str(BIN / command[0]), *command[1:]], env=environment, check=False)
    verdict = "ok" if done.returncode == 0 else f"FAILED ({done.returncode})"
    print(f"== {name}: {verdict} in {time.monotonic() - started:.1f} s", flush=True)
    return done.returncode == 0


def _step_aside(environment: dict[str, str], command: list[str]) -> bool:
    """Beside others; what it says is told when it ends."""
    started = time.monotonic()
    done = subprocess.run(
        [str(BIN / command[0]), *command[1:]],
        env=environment, check=False, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
    )  # fmt: skip
    verdict = "ok" if done.returncode == 0 else f"FAILED ({done.returncode})"
    print(f"== delivery: {' '.join(command)}\n{done.stdout}", flush=True)
    print(f"== delivery: {verdict} in {time.monotonic() - started:.1f} s", flush=True)
    return done.returncode == 0


def _audit_dependencies(environment: dict[str, str]) -> bool:
    """Known vulnerabilities of what is locked; where the advisories are out of reach, say so."""
    command = ["pip-audit", "--strict", "--disable-pip", "-r", "requirements/runtime.txt"]
    print("== audit: " + " ".join(command), flush=True)
    done = subprocess.run(
        [str(BIN / command[0]), *command[1:]],
        env=environment,
        check=False,
        capture_output=True,
        text=True,
        timeout=300,
    )
    output = done.stdout + done.stderr
    if done.returncode == 0:
        print("== audit: ok", flush=True)
        return True
    if any(sign in output for sign in OUT_OF_REACH):
        return not_run("audit", "the advisories can't be reached from here", environment)
    print(f"{output}\n== audit: FAILED", flush=True)
    return False


def not_run(name: str, reason: str, environment: dict[str, str]) -> bool:
    """Whether one can go on without: a closed network may be a developer's, never GitHub's."""
    print(f"== {name}: NOT RUN: {reason}", flush=True)
    return "GITHUB_ACTIONS" not in environment


def main(kind: str, *options: str) -> int:
    environment = dict(os.environ)
    environment["PATH"] = f"{BIN}{os.pathsep}{environment.get('PATH', '')}"
    # Else each process that a test starts would compile the whole program anew.
    environment.pop("PYTHONDONTWRITEBYTECODE", None)
    environment["SEMGREP_SETTINGS_FILE"] = str(SEMGREP_HOME / "settings.yml")
    environment["SEMGREP_LOG_FILE"] = str(SEMGREP_HOME / "semgrep.log")
    if kind == "delivery":
        with ThreadPoolExecutor() as pool:
            tried = list(pool.map(partial(_step_aside, environment), DELIVERY_TESTS))
        return 0 if all(tried) else 1
    results = [] if kind == "tests" else _look_at_the_code(environment)
    if kind in TESTS:
        results.append(_test([[*command, *options] for command in TESTS[kind]], environment))
    if kind in {"all", "static"}:
        results.append(_audit_dependencies(environment))
    shutil.rmtree(".pytest_cache", ignore_errors=True)
    return 0 if all(results) else 1


def _look_at_the_code(environment: dict[str, str]) -> list[bool]:
    results = [_step(name, command, environment) for name, command in STATIC]
    if SEMGREP_HOME.exists():
        results += [_step(name, command, environment) for name, command in OWN_RULES]
    else:
        reason = "semgrep could not be installed"
        results.append(not_run("our own rules", reason, environment))
    return results


def _folder_for_tests() -> AbstractContextManager[str]:
    """In memory where that has room: a database for each test is many small files."""
    has_room = MEMORY.is_dir() and shutil.disk_usage(MEMORY).free >= MEMORY_BYTES_MIN
    return TemporaryDirectory(prefix="lacewing-", dir=MEMORY if has_room else None)


def _test(commands: list[list[str]], environment: dict[str, str]) -> bool:
    with ExitStack() as running:
        folder = running.enter_context(_folder_for_tests())
        Path(folder).chmod(0o711)  # servers of other users have theirs below
        environment["TMPDIR"] = tempfile.tempdir = folder
        for variable, start in (
            (servers.POSTGRES_VARIABLE, servers.postgres),
            (servers.REDIS_VARIABLE, servers.redis),
        ):
            try:
                environment[variable] = running.enter_context(start())
            except CannotStart as error:
                print(f"== CANNOT START a server that tests need: {error}", flush=True)
        results = [_step("tests", command, environment) for command in commands]
        return all(results)


if __name__ == "__main__":
    sys.exit(main(*(sys.argv[1:] or ["quick"])))
