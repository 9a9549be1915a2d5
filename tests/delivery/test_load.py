"""The load test itself: k6 is really run, for some seconds, and its report says what it saw."""

import subprocess
import sys
from collections import Counter
from pathlib import Path
from xml.etree import ElementTree as ET

import pytest
from scripts.load_report import ACTS, Bucket, Course, chart, failed_thresholds, unmeasured
from scripts.load_test import EXIT_USAGE, SCENARIOS, SCRIPT, is_this_machine, main

from tests.delivery.sites import needing_programs
from tests.support.tools import ROOT, go_tool

RUN_SECONDS = 300
SVG = "{http://www.w3.org/2000/svg}"


def test_a_smoke_run_passes_and_leaves_a_report(tmp_path: Path) -> None:
    """OPS-12: every act succeeds against a server that the runner starts."""
    with needing_programs():
        k6 = go_tool("k6")

    done = subprocess.run(
        [
            sys.executable, "-m", "scripts.load_test", "--scenario", "smoke", "--duration", "10s",
            "--users", "4", "--report", str(tmp_path), "--k6", str(k6), "--note", "a test",
        ],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
        timeout=RUN_SECONDS,
    )  # fmt: skip

    page = (tmp_path / "report.md").read_text(encoding="utf-8")
    # Times are this machine's own matter here; failures are not.
    assert "| failed | 0 (0.000%) |" in page, done.stdout + done.stderr
    assert "| beside it | a test |" in page
    rows = [line.split("|") for line in page.splitlines()]
    counts = {row[1].strip(): row[2].strip() for row in rows if len(row) > 3}
    assert all(int(counts[text].replace(",", "")) >= 4 for text in ACTS.values()), counts
    assert counts["memory of each server, before"].endswith("MiB")
    assert counts["memory of each server, after"].endswith("MiB")
    assert ET.parse(tmp_path / "chart.svg").getroot().tag == f"{SVG}svg"


@pytest.mark.parametrize("scenario", SCENARIOS)
def test_k6_takes_every_scenario(scenario: str) -> None:
    """OPS-12: with its stages and thresholds, as k6 reads them."""
    with needing_programs():
        k6 = go_tool("k6")

    done = subprocess.run(
        [str(k6), "inspect", "-e", f"SCENARIO={scenario}", str(SCRIPT)],
        capture_output=True,
        text=True,
        check=False,
        timeout=RUN_SECONDS,
    )

    assert done.returncode == 0, done.stderr
    assert f'"{scenario}"' in done.stdout
    assert '"thresholds"' in done.stdout


@pytest.mark.parametrize(
    "url",
    ["https://tracker.example.com", "http://192.168.1.2", "http://10.0.0.1:8000", "http://0.0.0.0",
     "http://localhost.example.com", "nonsense"],
)  # fmt: skip
def test_another_machine_is_not_attacked_by_mistake(
    url: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """OPS-12: refused before anything is sent."""
    assert not is_this_machine(url)
    assert main(["--url", url]) == EXIT_USAGE
    assert "--allow-host" in capsys.readouterr().err


@pytest.mark.parametrize("url", ["http://127.0.0.1:8000", "https://localhost:8443", "http://[::1]"])
def test_this_machine_may_be_asked(url: str) -> None:
    """OPS-12."""
    assert is_this_machine(url)


def test_a_threshold_that_does_not_hold_is_named() -> None:
    """OPS-12: k6's summary says true where one has failed."""
    summary = {"metrics": {"a": {"thresholds": {"p(95)<5": True, "avg<1": False}}, "b": {}}}

    assert failed_thresholds(summary) == ["a: p(95)<5"]


def test_what_nobody_did_is_named() -> None:
    """OPS-12: k6 takes a threshold over nothing for held, so a run could pass that did nothing."""
    empty = {"count": 0, "thresholds": {"p(95)<500": False}}
    metrics = {
        "lacewing_list{phase:after}": empty,
        "lacewing_read{phase:after}": {**empty, "count": 1},
    }
    course = Course(1, [], Counter(dict.fromkeys([*ACTS][1:], 1)))

    assert unmeasured({"metrics": metrics}, course) == ["login", "lacewing_list{phase:after}"]


@pytest.mark.parametrize("count", [0, 1, 3])
def test_a_chart_has_a_line_for_each_thing_that_is_told(count: int) -> None:
    """OPS-12: however short the run was."""
    buckets = [Bucket([1.0, 5.0 * at], failed=at, users=at) for at in range(count)]

    root = ET.fromstring(chart(Course(1, buckets)))

    lines = root.findall(f"{SVG}polyline")
    assert len(lines) == (6 if count else 2)
    assert not [line for line in lines if "nan" in line.attrib["points"]]
