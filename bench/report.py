"""The results as a table, as JSON and as a chart."""

from pathlib import Path
from typing import Any

import msgspec

RESULTS = Path(__file__).parent / "results"
KINDS = {"get": "get one issue", "list": "list 50", "create": "create one"}
_ROW = "{:<12} {:>10} {:>9} {:>9} {:>14} {:>10}"
_BAR, _GAP, _LEFT, _WIDTH = 18, 6, 110, 460


def table(results: dict[str, Any]) -> str:
    lines = []
    for kind, title in KINDS.items():
        lines += [
            "",
            title.upper(),
            _ROW.format("", "requests/s", "p50 ms", "p99 ms", "CPU s per 1000", "CPU ratio"),
        ]
        lines += [_stack_row(stack, each[kind]) for stack, each in results["stacks"].items()]
        lines.append(_ROW.format("pgbench", f"{results['ceiling'][kind]:.0f}", "", "", "", ""))
    for name in ("depth", "search_ms", "idle_memory_mib"):
        told = ", ".join(f"{key} {value:.2f}" for key, value in results[name].items())
        lines += ["", f"{name}: {told}"]
    return "\n".join(lines)


def _stack_row(stack: str, figures: dict[str, float]) -> str:
    return _ROW.format(
        stack,
        f"{figures['requests_per_second']:.0f}",
        f"{figures['p50_ms']:.2f}",
        f"{figures['p99_ms']:.2f}",
        f"{figures['cpu_seconds_per_1000']:.3f}",
        f"{figures['cpu_ratio']:.2f}",
    )


def write(results: dict[str, Any]) -> None:
    RESULTS.mkdir(exist_ok=True)
    encoded = msgspec.json.format(msgspec.json.encode(results), indent=2)
    (RESULTS / "latest.json").write_bytes(encoded + b"\n")
    (RESULTS / "latest.svg").write_text(_chart(results), encoding="utf-8")


def _chart(results: dict[str, Any]) -> str:
    """CPU per 1,000 requests, a bar a stack, each kind on its own scale; shorter is better."""
    parts = []
    top = 24
    for kind, title in KINDS.items():
        parts.append(f'<text x="8" y="{top}" font-weight="bold">{title}</text>')
        figures = {
            stack: each[kind]["cpu_seconds_per_1000"] for stack, each in results["stacks"].items()
        }
        largest = max(figures.values())
        for stack, seconds in figures.items():
            top += _BAR + _GAP
            length = max(1, seconds / largest * _WIDTH)
            color = "#2a9d8f" if stack == "lacewing" else "#9aa5b1"
            parts += [
                f'<text x="8" y="{top}">{stack}</text>',
                _bar(top, length, color),
                f'<text x="{_LEFT + length + 6:.0f}" y="{top}">{seconds:.3f} s</text>',
            ]
        top += 2 * (_BAR + _GAP)
    body = "\n".join(parts)
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{_LEFT + _WIDTH + 90}" height="{top}" '
        f'font-family="sans-serif" font-size="13">\n<title>CPU seconds of the server per 1,000 '
        f"requests; shorter is better</title>\n{body}\n</svg>\n"
    )


def _bar(top: int, length: float, color: str) -> str:
    place = f'x="{_LEFT}" y="{top - 13}" width="{length:.0f}" height="{_BAR}"'
    return f'<rect {place} fill="{color}"/>'
