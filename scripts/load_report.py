"""What a run of k6 has found, as a page and a chart that people can read."""

import csv
import gzip
import json
import math
from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

ACTS: Final = {
    "login": "log in",
    "list": "list a project's open issues",
    "search": "search for two words",
    "read": "read an issue, and its comments",
    "create": "report an issue",
    "comment": "comment on one",
    "deep_page": "turn pages of 50, up to five",
    "dashboard": "look at the dashboard",
    "upload": "upload a PDF",
}
BUCKETS_MAX: Final = 240
"""Points of the chart; a longer run has longer ones than a second."""

WIDTH: Final = 860
PANEL_HEIGHT: Final = 170
LEFT: Final = 64
TOP: Final = 34
GAP: Final = 52


@dataclass
class Bucket:
    """What happened in some seconds."""

    milliseconds: list[float] = field(default_factory=list)
    failed: int = 0
    users: float = 0


@dataclass
class Course:
    """How it went, bucket by bucket."""

    seconds_each: int
    buckets: list[Bucket]
    asked: Counter[str] = field(default_factory=Counter)
    """How often for each of ``ACTS``."""

    def rates(self) -> list[float]:
        """Requests a second."""
        return [len(bucket.milliseconds) / self.seconds_each for bucket in self.buckets]

    def percentiles(self, part: float) -> list[float]:
        """Milliseconds in which this part of the requests was answered."""
        return [percentile(bucket.milliseconds, part) for bucket in self.buckets]

    def users(self) -> list[float]:
        return [bucket.users for bucket in self.buckets]

    def failures(self) -> list[float]:
        return [bucket.failed / self.seconds_each for bucket in self.buckets]


def percentile(values: Sequence[float], part: float) -> float:
    if not values:
        return 0.0
    return sorted(values)[min(len(values) - 1, int(len(values) * part))]


def read_course(samples: Path, begins: float, ends: float) -> Course:
    """The course of the requests between these times, of what k6 wrote with ``--out csv``."""
    seconds_each = max(1, math.ceil((ends - begins) / BUCKETS_MAX))
    found: dict[int, Bucket] = defaultdict(Bucket)
    asked = Counter[str]()
    with gzip.open(samples, "rt", encoding="utf-8", newline="") as rows:
        for row in csv.DictReader(rows):
            _take(row, found[int((float(row["timestamp"]) - begins) // seconds_each)])
            asked[row["metric_name"].removeprefix("lacewing_")] += 1
    # Before the first act k6 makes accounts: those requests are none of anybody's acts.
    last = max((at for at, bucket in found.items() if bucket.milliseconds), default=0)
    first = min((at for at, bucket in found.items() if bucket.milliseconds), default=0)
    return Course(seconds_each, [found[at] for at in range(first, last + 1)], asked)


def _take(row: Mapping[str, str], bucket: Bucket) -> None:
    name, value = row["metric_name"], float(row["metric_value"])
    if name.removeprefix("lacewing_") in ACTS:
        bucket.milliseconds.append(value)
    elif name == "lacewing_failed":
        bucket.failed += int(value)
    elif name == "vus":
        bucket.users = max(bucket.users, value)


def unmeasured(summary: Mapping[str, Any], course: Course) -> list[str]:
    """Acts that nobody did, and thresholds over nothing, which k6 takes for held."""
    acts = [act for act in ACTS if not course.asked[act]]
    parts = [
        name
        for name, metric in summary["metrics"].items()
        if "{" in name and metric.get("thresholds") and not metric.get("count")
    ]
    return acts + parts


def failed_thresholds(summary: Mapping[str, Any]) -> list[str]:
    """What did not hold, in k6's own words; in its summary a threshold is true where it failed."""
    return [
        f"{name}: {threshold}"
        for name, metric in summary["metrics"].items()
        for threshold, has_failed in metric.get("thresholds", {}).items()
        if has_failed
    ]


def write_report(
    folder: Path, facts: Mapping[str, str], summary: Mapping[str, Any], course: Course
) -> Path:
    """``report.md``, ``chart.svg`` and k6's own ``summary.json`` in ``folder``."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "summary.json").write_text(json.dumps(summary, indent=1, sort_keys=True) + "\n")
    (folder / "chart.svg").write_text(chart(course), encoding="utf-8")
    page = folder / "report.md"
    page.write_text(_page(facts, summary, course), encoding="utf-8")
    return page


def _page(facts: Mapping[str, str], summary: Mapping[str, Any], course: Course) -> str:
    metrics = summary["metrics"]
    broken = failed_thresholds(summary)
    missing = unmeasured(summary, course)
    checked = metrics["lacewing_failed"]
    rates = course.rates()
    lines = [
        f"# Load test: {facts['scenario']}",
        "",
        _verdict(broken, missing),
        "",
        *(f"- does not hold: `{each}`" for each in broken),
        *(f"- was not measured: `{each}`" for each in missing),
        *([""] if broken or missing else []),
        "| | |",
        "|---|---|",
        *(f"| {name} | {value} |" for name, value in facts.items()),
        f"| requests | {sum(len(each.milliseconds) for each in course.buckets):,} |",
        f"| a second, on average | {sum(rates) / max(1, len(rates)):.0f} |",
        f"| a second, at most | {max(rates, default=0):.0f} |",
        f"| failed | {checked['passes']} ({checked['value']:.3%}) |",
        f"| users at most | {metrics['vus_max']['value']:.0f} |",
        "",
        "![Requests a second, and how long they took](chart.svg)",
        "",
        "Milliseconds from the last byte sent to the last one received:",
        "",
        "| what | requests | average | median | 95 % | 99 % | slowest | threshold |",
        "|---|---:|---:|---:|---:|---:|---:|---|",
        *(
            _row(text, course.asked[act], metrics.get(f"lacewing_{act}"))
            for act, text in ACTS.items()
        ),
        "",
    ]
    return "\n".join(lines)


def _verdict(broken: Sequence[str], missing: Sequence[str]) -> str:
    if broken:
        return "**Some thresholds do not hold.**"
    return "**Some of it was not measured.**" if missing else "**All thresholds hold.**"


def _row(text: str, count: int, metric: Mapping[str, Any] | None) -> str:
    if not count or metric is None:
        return f"| {text} | 0 | | | | | | |"
    told = " ".join(
        f"{threshold} {'**no**' if has_failed else 'yes'}"
        for threshold, has_failed in metric.get("thresholds", {}).items()
    )
    values = " | ".join(f"{metric[name]:.0f}" for name in ("avg", "med", "p(95)", "p(99)", "max"))
    return f"| {text} | {count:,} | {values} | {told} |"


def chart(course: Course) -> str:
    """An SVG of two panels over the same time; colours that a dark page bears too."""
    height = TOP + 2 * PANEL_HEIGHT + GAP + 40
    size = f'viewBox="0 0 {WIDTH} {height}" width="{WIDTH}" height="{height}"'
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" {size} font-family="sans-serif" font-size="12">',
        f'<rect width="{WIDTH}" height="{height}" fill="#ffffff"/>',
        *_panel(
            TOP,
            course,
            "requests a second",
            [("requests", "#1f6feb", course.rates()), ("failed", "#cf222e", course.failures())],
        ),
        *_panel(
            TOP + PANEL_HEIGHT + GAP,
            course,
            "milliseconds",
            [
                ("95 % answered within", "#bc4c00", course.percentiles(0.95)),
                ("half answered within", "#1a7f37", course.percentiles(0.5)),
            ],
        ),
        "</svg>",
    ]
    return "\n".join(parts) + "\n"


def _panel(
    top: int, course: Course, unit: str, series: Sequence[tuple[str, str, Sequence[float]]]
) -> list[str]:
    right, bottom = WIDTH - LEFT, top + PANEL_HEIGHT
    highest = _rounded_up(max((max(values, default=0) for _, _, values in series), default=0))
    most_users = _rounded_up(max(course.users(), default=0))
    length = max(1, len(course.buckets) - 1)

    def line(values: Sequence[float], most: float) -> str:
        return " ".join(
            f"{LEFT + (right - LEFT) * at / length:.1f},{bottom - PANEL_HEIGHT * value / most:.1f}"
            for at, value in enumerate(values)
        )

    parts = []
    for share in (0, 0.25, 0.5, 0.75, 1):
        y = bottom - PANEL_HEIGHT * share
        parts += [
            f'<line x1="{LEFT}" y1="{y:.1f}" x2="{right}" y2="{y:.1f}" stroke="#d0d7de"/>',
            f'<text x="{LEFT - 6}" y="{y + 4:.1f}" text-anchor="end">{highest * share:g}</text>',
            f'<text x="{right + 6}" y="{y + 4:.1f}" fill="#8c959f">{most_users * share:g}</text>',
        ]
    for share in (0, 0.25, 0.5, 0.75, 1):
        x, at = LEFT + (right - LEFT) * share, length * share * course.seconds_each
        parts.append(f'<text x="{x:.1f}" y="{bottom + 16}" text-anchor="middle">{at:.0f} s</text>')
    parts.append(
        f'<polyline fill="none" stroke="#8c959f" stroke-dasharray="4 3" '
        f'points="{line(course.users(), most_users)}"/>'
    )
    x = float(LEFT)
    for name, colour, values in [*series, ("users (right)", "#8c959f", ())]:
        if values:
            parts.append(
                f'<polyline fill="none" stroke="{colour}" stroke-width="1.6" '
                f'points="{line(values, highest)}"/>'
            )
        parts.append(f'<text x="{x:.0f}" y="{top - 10}" fill="{colour}">{name}</text>')
        x += 10 + 7 * len(name)
    parts.append(f'<text x="{right}" y="{top - 10}" text-anchor="end">{unit}</text>')
    return parts


def _rounded_up(value: float) -> float:
    """The next of 1, 2, 4, 5 and 10 times a power of ten: the end of an axis."""
    if value <= 0:
        return 1.0
    power = 10.0 ** math.floor(math.log10(value))
    return next(step * power for step in (1, 2, 4, 5, 10) if step * power >= value)
