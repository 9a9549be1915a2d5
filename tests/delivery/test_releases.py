"""A release says the same everywhere (OPS-10)."""

import re
import shutil
import subprocess
from pathlib import Path

import pytest
from scripts.release import NotReleasable, faults, main, notes, pin_image

import lacewing
from tests.support.tools import ROOT

TAG = f"v{lacewing.__version__}"
DIGEST = "sha256:" + "2" * 64


@pytest.fixture
def released(tmp_path: Path) -> Path:
    """A copy of what a release looks at, whose changelog has a section of this version."""
    for name in ("src/lacewing/__init__.py", "CHANGELOG.md", "deploy/helm/lacewing/values.yaml"):
        _copy(name, tmp_path)
    _copy("deploy/helm/lacewing/Chart.yaml", tmp_path)
    log = tmp_path / "CHANGELOG.md"
    text = log.read_text(encoding="utf-8").replace(
        "## Unreleased\n", f"## Unreleased\n\n## {lacewing.__version__} - 2026-01-31\n"
    )
    log.write_text(f"{text}\n## 0.0.1 - 2026-01-01\n\n- The first.\n", encoding="utf-8")
    return tmp_path


def test_a_version_that_is_the_same_everywhere_can_be_released(released: Path) -> None:
    """OPS-10: of the program, the chart, and the changelog."""
    assert faults(TAG, released) == []


def test_every_place_that_says_something_else_is_named(released: Path) -> None:
    """OPS-10: all at once."""
    found = "\n".join(faults("v99.0.0", released))

    for place in ("__init__.py", "appVersion", "chart's version", "CHANGELOG.md"):
        assert place in found


def test_what_is_written_of_a_release_is_its_section_of_the_changelog(released: Path) -> None:
    """OPS-10: and nothing of those before or after."""
    assert notes(TAG, released).startswith("### Added")
    assert "The first." not in notes(TAG, released)
    assert notes("v0.0.1", released) == "- The first."
    assert not notes("v0.0.2", released)


def test_a_chart_that_is_released_names_the_very_image(released: Path) -> None:
    """OPS-10, SEC-10: by its digest."""
    pin_image("ghcr.io/somebody/tracker", DIGEST, released)

    values = (released / "deploy/helm/lacewing/values.yaml").read_text(encoding="utf-8")
    assert "\n  repository: ghcr.io/somebody/tracker\n" in values
    assert f"\n  digest: {DIGEST}\n" in values


def test_no_chart_is_pinned_to_what_is_no_digest(released: Path) -> None:
    """OPS-10: an empty output of an earlier step, say."""
    with pytest.raises(NotReleasable, match="no digest"):
        pin_image("ghcr.io/somebody/tracker", "", released)

    assert 'digest: ""' in (released / "deploy/helm/lacewing/values.yaml").read_text("utf-8")


def test_a_released_chart_tells_which_image_has_to_be_signed(released: Path) -> None:
    """OPS-10: by the commands with which the deployment asks it."""
    deploy = (ROOT / ".github" / "workflows" / "deploy.yml").read_text(encoding="utf-8")
    asked = re.findall(r"\$\((helm show values \./lacewing) \| (sed -n '[^']+')\)", deploy)
    pin_image("ghcr.io/somebody/tracker", DIGEST, released)
    values = (released / "deploy/helm/lacewing/values.yaml").read_text(encoding="utf-8")

    answers = [
        subprocess.run(
            ["sh", "-c", command], input=values, capture_output=True, text=True, check=True
        ).stdout
        for _, command in asked
    ]

    assert answers == ["ghcr.io/somebody/tracker\n", f"{DIGEST}\n"]


@pytest.mark.parametrize("arguments", [[], ["check"], ["notes", "a", "b"], ["publish", "v1"]])
def test_a_command_that_is_none_is_refused(arguments: list[str]) -> None:
    """OPS-10."""
    with pytest.raises(NotReleasable, match="usage"):
        main(arguments)


def _copy(name: str, root: Path) -> None:
    (root / name).parent.mkdir(parents=True, exist_ok=True)
    shutil.copy(ROOT / name, root / name)
