"""What comes from outside is pinned to its bytes, names no registry, and is kept up to date."""

import re
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml  # type: ignore[import-untyped]  # it brings no types
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from tests.support.cannot import cannot_test

ROOT = Path(__file__).parents[2]
REQUIREMENTS = ROOT / "requirements"
LOCKS = sorted(REQUIREMENTS.glob("*.txt"))
WANTED = sorted(REQUIREMENTS.glob("*.in"))
BOT = ROOT / ".github" / "dependabot.yml"
PINNED = re.compile(
    r"(?P<name>[A-Za-z0-9._-]+)(\[[a-z0-9,_-]+\])?==(?P<version>[^\s;]+)"
    r"( ; (?P<marker>[^\\]+?))?(?P<hashes>( --hash=sha256:[0-9a-f]{64})+)"
)
ECOSYSTEM_OF_LOCK = {
    "Cargo.lock": "cargo",
    "go.sum": "gomod",
    "npm-shrinkwrap.json": "npm",
    "package-lock.json": "npm",
    "pnpm-lock.yaml": "npm",
    "poetry.lock": "pip",
    "uv.lock": "uv",
    "yarn.lock": "npm",
}
A_REGISTRY = re.compile(
    r"\"resolved\"\s*:|^\s*resolved |--(extra-)?index-url|--find-links|registry\.|pythonhosted|pypi"
)


def _lines(file: Path) -> list[str]:
    """The statements of a file of requirements: without comments, each on one line."""
    text = file.read_text(encoding="utf-8").replace("\\\n", " ")
    stripped = [re.sub(r"\s+", " ", line.partition("#")[0]).strip() for line in text.splitlines()]
    return [line for line in stripped if line]


def _pins(lock: Path) -> dict[str, set[str]]:
    """The versions of each name; a name may have several, for different platforms."""
    pins: dict[str, set[str]] = {}
    for line in _lines(lock):
        found = PINNED.fullmatch(line)
        assert found, f"{lock.name} does not pin this with hashes: {line[:200]}"
        pins.setdefault(canonicalize_name(found["name"]), set()).add(found["version"])
    return pins


def _wanted(file: Path) -> Iterator[Requirement]:
    """What a ``.in`` asks for, itself and through the files that it reads."""
    for line in _lines(file):
        option, _, other = line.partition(" ")
        if option == "-r":
            yield from _wanted(file.parent / other)
        elif option == "-c":
            assert (file.parent / other).is_file()
        else:
            yield Requirement(line)


def _tracked_locks() -> dict[str, str]:
    """Each lock file that git has or is about to get, with the ecosystem it belongs to."""
    listed = subprocess.run(
        ["git", "ls-files", "--cached", "--others", "--exclude-standard"],
        cwd=ROOT, capture_output=True, text=True, check=False,
    )  # fmt: skip
    if listed.returncode != 0:
        cannot_test(f"git does not list its files: {listed.stderr}")
    found = {}
    for name in listed.stdout.splitlines():
        path = Path(name)
        if path.parent.name == "requirements" and path.suffix == ".txt":
            found[name] = "pip"
        elif path.name in ECOSYSTEM_OF_LOCK:
            found[name] = ECOSYSTEM_OF_LOCK[path.name]
    return found


@pytest.mark.parametrize("lock", LOCKS, ids=lambda lock: lock.name)
def test_every_requirement_is_pinned_with_hashes(lock: Path) -> None:
    """SEC-10: one version, and the very bytes that were looked at."""
    assert _pins(lock)


@pytest.mark.parametrize(
    "line",
    [
        "fastapi", "fastapi>=1 --hash=sha256:" + "a" * 64, "fastapi==1.0", "-r other.txt",
        "fastapi==1.0 --hash=md5:" + "a" * 32, "fastapi @ git+ssh://somewhere/fastapi", "-e .",
    ],
)  # fmt: skip
def test_a_line_that_pins_nothing_is_noticed(tmp_path: Path, line: str) -> None:
    """SEC-10: the check is able to fail."""
    lock = tmp_path / "lock.txt"
    lock.write_text(f"{line}\n", encoding="utf-8")

    with pytest.raises(AssertionError, match="does not pin"):
        _pins(lock)


def test_every_list_of_wishes_has_its_lock_file() -> None:
    """SEC-10: and each of them is made anew by the script that locks."""
    script = (ROOT / "scripts" / "lock.sh").read_text(encoding="utf-8")
    kinds = re.search(r"for kind in ([a-z ]+); do", script)

    assert kinds
    names = [file.stem for file in WANTED]
    assert names == [file.stem for file in LOCKS] == sorted(kinds[1].split())


@pytest.mark.parametrize("file", WANTED, ids=lambda file: file.name)
def test_every_direct_dependency_is_locked(file: Path) -> None:
    """SEC-10: in a version that satisfies what is asked for."""
    pins = _pins(file.with_suffix(".txt"))
    wanted = list(_wanted(file))

    assert wanted
    for requirement in wanted:
        versions = pins.get(canonicalize_name(requirement.name), set())
        assert versions, f"{requirement} is not in {file.stem}.txt: run `make lock`"
        assert all(requirement.specifier.contains(each, prereleases=True) for each in versions)


@pytest.mark.parametrize("kind", ["dev", "bench"])
def test_what_is_tested_is_what_will_run(kind: str) -> None:
    """SEC-10: the environment of the tests has the program's own versions."""
    program, tested = (_pins(REQUIREMENTS / f"{name}.txt") for name in ("runtime", kind))

    assert {name: tested.get(name) for name in program} == program


def test_no_lock_file_names_a_registry() -> None:
    """SEC-10: where packages come from is said by the machine that installs them."""
    locks = _tracked_locks()
    named = [
        f"{name}:{number}: {line.strip()[:100]}"
        for name in locks
        for number, line in enumerate((ROOT / name).read_text(encoding="utf-8").splitlines(), 1)
        if A_REGISTRY.search(line) or ("://" in line and locks[name] == "pip")
    ]

    assert locks
    assert named == []


@pytest.mark.parametrize(
    "line",
    [
        '  "resolved": "https://npm.example.com/a.tgz",', '  resolved "https://npm.example.com/a.tgz"',
        "--index-url https://packages.example.com/simple", "--find-links /opt/wheels",
        "# from https://pypi.org/simple",
    ],
)  # fmt: skip
def test_a_line_that_names_a_registry_is_noticed(line: str) -> None:
    """SEC-10: the check is able to fail."""
    assert A_REGISTRY.search(line)


def test_a_bot_keeps_every_lock_file_up_to_date() -> None:
    """SEC-10: each folder that has one, every week, all updates in one request."""
    updates: list[dict[str, Any]] = yaml.safe_load(BOT.read_text(encoding="utf-8"))["updates"]
    covered = {(each["package-ecosystem"], each["directory"]) for each in updates}
    locked = {
        (ecosystem, f"/{Path(name).parent}".removesuffix("."))
        for name, ecosystem in _tracked_locks().items()
    }

    assert locked
    assert locked <= covered
    assert ("github-actions", "/") in covered
    assert {each["schedule"]["interval"] for each in updates} == {"weekly"}
    assert all(group["patterns"] == ["*"] for each in updates for group in each["groups"].values())
