"""The workflows are as their tools want them, pinned, and allowed little (OPS-10, SEC-10)."""

import re
import subprocess
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml  # type: ignore[import-untyped]  # it brings no types
from scripts.check import not_run

from tests.support.cannot import cannot_test
from tests.support.servers import CannotStart
from tests.support.tools import GO_TOOLS, ROOT, debian_tool, go_tool, python_tool

FOLDER = ROOT / ".github" / "workflows"
FILES = sorted(FOLDER.glob("*.yml"))
PINNED = re.compile(r"uses: (?P<action>[\w./-]+)@(?P<commit>[0-9a-f]{40}) # v\d+(\.\d+)*$")
OURS = re.compile(r"uses: \./\.github/workflows/[a-z]+\.yml( #|$)")
WRITES = {
    "contents": {"release.yml"},
    "packages": {"edge.yml", "image.yml", "release.yml"},
    "attestations": {"edge.yml", "image.yml", "release.yml"},
    "id-token": {"edge.yml", "image.yml", "release.yml", "scorecard.yml"},
    "security-events": {"codeql.yml", "edge.yml", "image.yml", "release.yml", "scorecard.yml"},
}
"""What may be written, and by which workflow. It may only shrink."""
FOR_PULL_REQUESTS = "github.event_name == 'pull_request'"
ONLY_FOR_PULL_REQUESTS = f"${{{{ {FOR_PULL_REQUESTS} && 'pip' || '' }}}}"
"""Which `setup-python` keeps; nothing for whatever else calls the workflow."""
EVERY_FILE = pytest.mark.parametrize("file", FILES, ids=lambda file: file.stem)

Job = dict[str, Any]


def test_an_auditor_of_workflows_finds_nothing() -> None:
    """OPS-10, SEC-10: not even what only pedants want."""
    done = _run(python_tool("zizmor"), "--offline", "--persona=pedantic", ".github")

    assert done.returncode == 0, done.stdout + done.stderr
    assert "No findings to report" in done.stdout


def test_a_linter_of_workflows_finds_nothing() -> None:
    """OPS-10: nor does the one of shell scripts in their steps."""
    try:
        program = go_tool("actionlint")
        shellcheck = debian_tool("shellcheck", "shellcheck")
    except CannotStart as error:
        cannot_test(error)

    done = _run(program, "-shellcheck", str(shellcheck), "-pyflakes=", *map(str, FILES))

    assert done.returncode == 0, done.stdout + done.stderr
    assert not done.stdout


def test_every_action_is_pinned_by_its_commit_and_the_same_everywhere() -> None:
    """SEC-10: a tag can be moved by whoever steals an account, a commit can not."""
    commits = defaultdict(set)
    for file in FILES:
        for line in file.read_text(encoding="utf-8").splitlines():
            if "uses:" in line and not OURS.search(line):
                found = PINNED.search(line)
                assert found, f"{file.name}: {line.strip()}"
                repository = "/".join(found["action"].split("/")[:2])
                commits[repository].add((found["commit"], line.rpartition("# ")[2]))

    assert len(commits) > 10
    assert {each for each, found in commits.items() if len(found) > 1} == set()


@EVERY_FILE
def test_a_workflow_may_do_nothing_but_what_its_jobs_say(file: Path) -> None:
    """OPS-10, SEC-10: a token that is stolen opens little."""
    workflow = _load(file)

    assert workflow["permissions"] == {}
    if " run: " in file.read_text(encoding="utf-8"):
        assert workflow["defaults"] == {"run": {"shell": "bash"}}, "else pipes hide failures"
    assert workflow["concurrency"]
    assert "pull_request_target" not in workflow["on"]
    assert "workflow_run" not in workflow["on"]
    for job in workflow["jobs"].values():
        for right, level in job["permissions"].items():
            assert level == "read" or file.name in WRITES[right], f"{right}: {level}"


@EVERY_FILE
def test_a_job_ends_in_time_and_leaves_no_credentials_behind(file: Path) -> None:
    """OPS-10: and runs on a machine that does not change under it."""
    for job in _jobs(file):
        if "uses" in job:
            continue
        assert job["timeout-minutes"] <= 90
        assert re.fullmatch(r"ubuntu-\d\d\.\d\d", job["runs-on"])
        for step in job["steps"]:
            if step.get("uses", "").startswith("actions/checkout@"):
                assert step["with"]["persist-credentials"] is False
            assert "${{" not in step.get("run", ""), "values reach a script by its environment"


@EVERY_FILE
def test_nothing_that_is_published_comes_out_of_a_cache(file: Path) -> None:
    """OPS-10: what a pull request has written there could be anything."""
    for job in _jobs(file):
        if job.get("if") == FOR_PULL_REQUESTS:
            continue
        for step in job.get("steps", []):
            uses, given = step.get("uses", ""), step.get("with", {})
            assert not uses.startswith("actions/cache")
            assert not {"cache-from", "cache-to"} & set(given)
            if uses.startswith("actions/setup-go@"):
                assert given["cache"] is False
            if uses.startswith("actions/setup-python@"):
                assert given.get("cache", ONLY_FOR_PULL_REQUESTS) == ONLY_FOR_PULL_REQUESTS
            if uses.startswith("docker/setup-buildx-action@"):
                assert given["cache-binary"] is False


def test_pull_requests_take_what_was_fetched_and_built_for_earlier_ones() -> None:
    """OPS-10: packages wherever the runner's own pip fetches them, and layers of the image."""
    jobs, image = _load(FOLDER / "ci.yml")["jobs"], _load(FOLDER / "image.yml")["jobs"]
    keeping = {
        name
        for name, job in jobs.items()
        for step in job["steps"]
        if step.get("with", {}).get("cache") == ONLY_FOR_PULL_REQUESTS
    }
    [build] = [step["with"] for step in image["try"]["steps"] if step.get("name") == "Build"]

    assert keeping == {"quality", "tests", "coverage"}
    assert (build["cache-from"], build["cache-to"]) == ("type=gha", "type=gha,mode=max")
    assert image["try"]["if"] == FOR_PULL_REQUESTS


def test_commands_of_workflows_are_there() -> None:
    """OPS-10: a workflow runs nowhere but there, so nobody else would notice."""
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    targets = re.findall(r"^([a-z-]+):", makefile, re.MULTILINE)
    scripts = "\n".join(
        step["run"] for file in FILES for job in _jobs(file)
        for step in job.get("steps", []) if "run" in step
    )  # fmt: skip

    made = set(re.findall(r"\bmake ([a-z-]+)", scripts))
    modules = set(re.findall(r"-m scripts\.([a-z_]+)", scripts))
    assert {"lint", "dev", "test-delivery"} <= made <= set(targets)
    assert modules == {"check", "release"}
    assert all((ROOT / "scripts" / f"{module}.py").is_file() for module in modules)


def test_every_supported_python_is_tested_on_both_databases() -> None:
    """OPS-10: from the oldest that the program is for."""
    matrix = _load(FOLDER / "ci.yml")["jobs"]["tests"]["strategy"]["matrix"]
    project = (ROOT / "pyproject.toml").read_text(encoding="utf-8")

    assert f'requires-python = ">={matrix["python"][0]}"' in project
    assert matrix == {"python": ["3.11", "3.12", "3.13"], "database": ["sqlite", "postgresql"]}


def test_a_check_that_could_not_run_has_failed_there_and_is_told_of_elsewhere(
    capsys: pytest.CaptureFixture[str],
) -> None:
    """OPS-10, SEC-10: a gate that is open because nobody stood at it is none."""
    assert not_run("audit", "no network", {"GITHUB_ACTIONS": "true"}) is False
    assert not_run("audit", "no network", {}) is True
    assert capsys.readouterr().out == "== audit: NOT RUN: no network\n" * 2


def test_one_gate_waits_for_everything() -> None:
    """OPS-10: so that a rule for branches need name but one check."""
    jobs = _load(FOLDER / "ci.yml")["jobs"]

    assert set(jobs["passed"]["needs"]) == set(jobs) - {"passed"}
    assert jobs["passed"]["if"] == "always()"


def test_a_release_is_tested_before_it_is_published_and_tried_before_production() -> None:
    """OPS-10: and what does not become ready goes back to what was before."""
    jobs = _load(FOLDER / "release.yml")["jobs"]
    deploy = _load(FOLDER / "deploy.yml")["jobs"]["deploy"]

    assert _before(jobs, "production") == {"prepare", "test", "image", "publish", "staging"}
    assert {"prepare", "test"} <= _before(jobs, "image")
    assert deploy["environment"]["name"] == "${{ inputs.environment }}"
    upgrade = deploy["steps"][-1]["run"]
    assert "--rollback-on-failure" in upgrade
    assert "helm rollback" in upgrade


def test_a_release_that_waits_for_approval_holds_no_other_one_up() -> None:
    """OPS-10: each has a group of its own; only into one environment goes one at a time."""
    release, deploy = _load(FOLDER / "release.yml"), _load(FOLDER / "deploy.yml")

    assert release["concurrency"]["group"] == "release-${{ github.ref }}"
    assert deploy["concurrency"]["group"] == "deploy-${{ inputs.environment }}"
    assert not release["concurrency"]["cancel-in-progress"]
    assert not deploy["concurrency"]["cancel-in-progress"]


def test_workflows_and_tests_use_the_same_helm() -> None:
    """OPS-10: whose options change from version to version."""
    used = {
        each
        for file in FILES
        for each in re.findall(r"go install (\S+)", file.read_text(encoding="utf-8"))
    }

    assert used == {GO_TOOLS["helm"]}


def _before(jobs: dict[str, Job], name: str) -> set[str]:
    needed = set(jobs[name].get("needs", []))
    return needed.union(*(_before(jobs, each) for each in needed))


def _load(file: Path) -> dict[str, Any]:
    workflow: dict[Any, Any] = yaml.safe_load(file.read_text(encoding="utf-8"))
    # YAML 1.1 reads the key `on` as a truth.
    return {"on" if name is True else name: value for name, value in workflow.items()}


def _jobs(file: Path) -> Iterator[Job]:
    yield from _load(file)["jobs"].values()


def _run(program: Path, *arguments: str) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(
        [str(program), *arguments],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
        timeout=300,
    )
