"""Whatever ``docs/security.md`` names is there; who reads it must be able to look it up."""

import re
from collections import Counter
from typing import Any, Final

from scripts.docs import ROOT
from typer.main import get_command

from lacewing.cli.app import app

DOCUMENT: Final = ROOT / "docs" / "security.md"
TEXT: Final = DOCUMENT.read_text(encoding="utf-8")
BELOW: Final = (ROOT, ROOT / "src" / "lacewing")
"""Where what the document names may stand."""

SECTIONS_OF_CHAPTER: Final = {
    1: (2, 10, 12, 3, 3),
    2: (3, 3, 5, 2),
    4: (5, 5, 2, 4),
    5: (1, 6, 3, 3),
    6: (3, 12, 8, 6, 8, 4, 2, 4),
    7: (3, 4, 2, 5, 3, 2),
    8: (4, 4, 3, 2),
    9: (3, 4),
    10: (2, 3, 5, 16, 5, 2, 3),
    11: (4, 5, 5, 4, 2, 2, 2),
    12: (5, 2, 5),
    13: (4, 6, 4, 7),
    14: (2, 8, 3),
    16: (1, 5, 4, 3, 4),
}
"""How many requirements each section of ASVS 5.0.0 has, for the chapters that are spoken of."""
WHOLE_CHAPTERS: Final = (5, 6, 7, 8, 9, 10)
NOTHING_TO_HOLD: Final = "\N{EN DASH}"
VERDICTS: Final = {"yes", "partly", "no", NOTHING_TO_HOLD}


def _marked(pattern: str, text: str = TEXT) -> list[str]:
    """What stands between backticks and looks so."""
    return [
        each for each in re.findall(r"`([^`\n]+)`", text) if re.fullmatch(pattern, each) is not None
    ]


def _tests_of(path: str) -> set[str]:
    return set(re.findall(r"def (test_\w+)\(", (ROOT / path).read_text(encoding="utf-8")))


def test_every_file_that_it_names_exists() -> None:
    """SEC-10, UX-4: the code of each defence, the test that proves it, the documents beside."""
    named = _marked(r"[\w.-]+(/[\w.-]+)*\.(py|yml|txt)|(src|tests)/[\w./-]+")
    linked = re.findall(r"\]\(([^)]+)\)", TEXT)

    missing = {path for path in named if not any((folder / path).exists() for folder in BELOW)}
    missing |= {path for path in linked if not (DOCUMENT.parent / path).exists()}

    assert len(named) > 100
    assert missing == set()


def test_every_test_that_it_names_exists() -> None:
    """SEC-10, UX-4: in the files that the same line names, if it names any."""
    everywhere = [str(path.relative_to(ROOT)) for path in (ROOT / "tests").rglob("test_*.py")]
    all_tests = set().union(*map(_tests_of, everywhere))

    missing = set()
    for line in TEXT.splitlines():
        files = [path for path in _marked(r"tests/[\w/]+\.py", line) if (ROOT / path).exists()]
        known = set().union(*map(_tests_of, files)) if files else all_tests
        missing |= set(_marked(r"test_\w+", line)) - known

    assert missing == set()


def test_every_command_that_it_names_exists() -> None:
    """NAME-2, UX-4: with its options."""
    commands = _marked(r"lacewing [a-z].*")

    unknown = set()
    for command in commands:
        found: Any = get_command(app)
        for word in command.split()[1:]:
            if word.startswith("--"):
                options = {name for parameter in found.params for name in parameter.opts}
                found = found if word in options else None
            else:
                found = getattr(found, "commands", {}).get(word)
            if found is None:
                unknown.add(command)
                break

    assert len(commands) > 10
    assert unknown == set()


def test_every_requirement_is_one_of_asvs_and_answered_once() -> None:
    """SEC-10: none twice, none that is not there, and of V6 to V10 none left out."""
    rows = re.findall(r"^\| (\d+\.\d+\.\d+.*?) \| (.*?) \| (.*?) \|$", TEXT, re.MULTILINE)
    answered = Counter(
        number for row in rows for number in re.findall(r"\b\d+\.\d+\.\d+\b", row[0])
    )
    known = {
        f"{chapter}.{section}.{number}": chapter
        for chapter, lengths in SECTIONS_OF_CHAPTER.items()
        for section, length in enumerate(lengths, start=1)
        for number in range(1, length + 1)
    }
    wanted = {number for number, chapter in known.items() if chapter in WHOLE_CHAPTERS}

    assert [number for number, times in answered.items() if times > 1] == []
    assert set(answered) - set(known) == set()
    assert wanted - set(answered) == set()
    assert {row[1] for row in rows} <= VERDICTS
    assert [row[0] for row in rows if not row[2].strip()] == []
