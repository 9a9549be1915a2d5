"""What a release needs to know of the repository: ``python -m scripts.release check|notes|pin``.

Needs nothing but Python, so that a workflow can ask before anything is installed.
"""

import re
import sys
from pathlib import Path

ROOT = Path(__file__).parents[1]
USAGE = "usage: release check TAG | notes TAG | pin IMAGE DIGEST"


class NotReleasable(Exception):  # noqa: N818  it reads as what it says
    """Why this tag is no release; all reasons at once."""


def faults(tag: str, root: Path = ROOT) -> list[str]:
    """Where the repository says something else than ``tag`` (``v1.2.3``) does."""
    version = tag.removeprefix("v")
    chart = _read(root / "deploy/helm/lacewing/Chart.yaml")
    said = {
        "src/lacewing/__init__.py": _first(
            r'__version__ = "(.+)"', _read(root / "src/lacewing/__init__.py")
        ),
        "the chart's appVersion": _first(r"appVersion: (.+)", chart),
        "the chart's version": _first(r"version: (.+)", chart),
    }
    found = [f"{place} is {other}" for place, other in said.items() if other != version]
    if not notes(tag, root):
        found.append(f"CHANGELOG.md has no section {version} with a date, or nothing in it")
    return found


def notes(tag: str, root: Path = ROOT) -> str:
    """What the changelog says of this version; nothing when it has no section."""
    version = re.escape(tag.removeprefix("v"))
    section = re.search(
        rf"^## \[?{version}\]? - \d{{4}}-\d\d-\d\d\n(.*?)(?=^## |\Z)",
        _read(root / "CHANGELOG.md"),
        re.MULTILINE | re.DOTALL,
    )
    return section[1].strip() if section else ""


def pin_image(image: str, digest: str, root: Path = ROOT) -> None:
    """Let the chart's values name this very image."""
    if not re.fullmatch(r"sha256:[0-9a-f]{64}", digest):
        raise NotReleasable(f"{digest!r} is no digest")
    values = root / "deploy/helm/lacewing/values.yaml"
    text = re.sub(
        r"^  repository: .*$", f"  repository: {image}", _read(values), count=1, flags=re.MULTILINE
    )
    text = re.sub(r"^  digest: .*$", f"  digest: {digest}", text, count=1, flags=re.MULTILINE)
    values.write_text(text, encoding="utf-8")


def _read(path: Path) -> str:
    return path.read_text(encoding="utf-8")


def _first(pattern: str, text: str) -> str:
    found = re.search(f"^{pattern}$", text, re.MULTILINE)
    return found[1].strip('"') if found else "nowhere"


def main(arguments: list[str]) -> None:
    match arguments:
        case ["check", tag]:
            if found := faults(tag):
                raise NotReleasable(f"{tag} can't be released:\n- " + "\n- ".join(found))
        case ["notes", tag]:
            print(notes(tag))
        case ["pin", image, digest]:
            pin_image(image, digest)
        case _:
            raise NotReleasable(USAGE)


if __name__ == "__main__":
    try:
        main(sys.argv[1:])
    except NotReleasable as refusal:
        sys.exit(str(refusal))
