"""What pages of ``scripts.dashboard_pages`` are made of."""

from dataclasses import dataclass
from itertools import starmap


@dataclass(frozen=True)
class Query:
    expr: str
    legend: str


@dataclass(frozen=True)
class Panel:
    """One picture. Its description says what is well, and where to look when it is not."""

    title: str
    unit: str
    description: str
    queries: tuple[Query, ...]
    kind: str = "timeseries"
    thresholds: tuple[float, ...] = ()
    """Where it turns orange, and red."""
    width: int = 8
    height: int = 8
    stacked: bool = False
    decimals: int | None = None


@dataclass(frozen=True)
class Page:
    name: str
    title: str
    description: str
    rows: dict[str, tuple[Panel, ...]]


def lines(
    title: str, unit: str, description: str, *queries: tuple[str, str], **looks: object
) -> Panel:
    """A picture over time."""
    return Panel(title, unit, description, tuple(starmap(Query, queries)), **looks)  # type: ignore[arg-type]  # named as its members


def number(title: str, unit: str, description: str, expr: str, **looks: object) -> Panel:
    """One number, in the colour of its threshold."""
    named = {"kind": "stat", "width": 4, "height": 4, **looks}
    return Panel(title, unit, description, (Query(expr, ""),), **named)  # type: ignore[arg-type]  # as above


def bars(title: str, unit: str, description: str, query: tuple[str, str], **looks: object) -> Panel:
    """The largest of many, side by side."""
    named = {"kind": "bargauge", "width": 12, "height": 10, **looks}
    return Panel(title, unit, description, (Query(*query),), **named)  # type: ignore[arg-type]  # as above


def quantile(part: float, name: str, by: str = "", **labels: str) -> str:
    """The value that ``part`` of the measurements do not exceed."""
    buckets = rate(f"{name}_bucket", f"le, {by}" if by else "le", **labels)
    return f"histogram_quantile({part}, {buckets})"


def rate(name: str, by: str = "", **labels: str) -> str:
    """How often a second; of these labels alone."""
    chosen = "".join(f", {label}{value}" for label, value in labels.items())
    summed = f"sum by ({by})" if by else "sum"
    return f'{summed} (rate({name}{{instance=~"$instance"{chosen}}}[$__rate_interval]))'
