"""Writes Grafana's dashboards out of one table, so that all look and work alike.

``python -m scripts.dashboards`` after a change; a test holds that it was done.
"""

import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import quote

from scripts.dashboard_pages import PAGES
from scripts.dashboard_parts import Page, Panel

FOLDER = Path(__file__).parents[1] / "deploy" / "monitoring" / "grafana" / "dashboards"
SCHEMA_VERSION = 41
COLUMNS = 24
FAULTS_IN_LOGS = '{service_name=~"server.*|worker"} | detected_level="error"'
SOURCE = {"type": "prometheus", "uid": "${datasource}"}


@dataclass
class _Grid:
    """Places panels one after another, and in the next line when one is full."""

    x: int = 0
    y: int = 0
    tallest: int = 0
    placed: list[dict[str, Any]] = field(default_factory=list)

    def place(self, panel: dict[str, Any], width: int, height: int) -> None:
        if self.x + width > COLUMNS:
            self.x, self.y, self.tallest = 0, self.y + self.tallest, 0
        panel["gridPos"] = {"h": height, "w": width, "x": self.x, "y": self.y}
        panel["id"] = len(self.placed) + 1
        self.x += width
        self.tallest = max(self.tallest, height)
        self.placed.append(panel)

    def begin_line(self) -> None:
        self.x = COLUMNS


def rendered() -> dict[Path, str]:
    """What stands in which file."""
    return {
        FOLDER / f"{page.name}.json": json.dumps(_dashboard(page), indent=2, ensure_ascii=False)
        + "\n"
        for page in PAGES
    }


def _dashboard(page: Page) -> dict[str, Any]:
    grid = _Grid()
    for title, panels in page.rows.items():
        grid.begin_line()
        grid.place({"type": "row", "title": title, "collapsed": False, "panels": []}, COLUMNS, 1)
        for panel in panels:
            grid.place(_panel(panel), panel.width, panel.height)
    return {
        "uid": f"lacewing-{page.name}",
        "title": f"Lacewing: {page.title}",
        "description": page.description,
        "tags": ["lacewing"],
        "schemaVersion": SCHEMA_VERSION,
        "version": 1,
        "editable": False,
        "graphTooltip": 1,
        "refresh": "30s",
        "time": {"from": "now-6h", "to": "now"},
        "timezone": "browser",
        "links": [
            _link("dashboards", "Lacewing", "", "external link", tags=["lacewing"]),
            _link("link", "Logs of faults", _explored("loki", expr=FAULTS_IN_LOGS), "doc"),
            _link(
                "link",
                "Traces",
                _explored("jaeger", queryType="search", service="lacewing"),
                "bolt",
            ),
        ],
        "annotations": {"list": [_STARTS]},
        "templating": {"list": [_DATASOURCE, _INSTANCE]},
        "panels": grid.placed,
    }


def _link(kind: str, title: str, url: str, icon: str, tags: Sequence[str] = ()) -> dict[str, Any]:
    return {
        "type": kind,
        "title": title,
        "icon": icon,
        "tags": list(tags),
        "url": url,
        "tooltip": title,
        "asDropdown": False,
        "includeVars": kind == "dashboards",
        "keepTime": True,
        "targetBlank": kind == "link",
    }


def _explored(source: str, **query: str) -> str:
    """Where Grafana shows what a source answers to that."""
    asked = {"datasource": source, "queries": [{"refId": "A", **query}]}
    return "/explore?left=" + quote(json.dumps(asked))


_STARTS = {
    "name": "Starts",
    "enable": True,
    "iconColor": "blue",
    "datasource": SOURCE,
    "expr": 'changes(process_start_time_seconds{job=~"lacewing-.*"}[2m]) > 0',
    "step": "1m",
    "titleFormat": "{{instance}} was started",
}
_DATASOURCE = {
    "name": "datasource",
    "label": "Prometheus",
    "type": "datasource",
    "query": "prometheus",
    "current": {"text": "Prometheus", "value": "prometheus"},
    "hide": 2,
}
_INSTANCE = {
    "name": "instance",
    "label": "Server or worker",
    "type": "query",
    "datasource": SOURCE,
    "query": {
        "query": "label_values(lacewing_build_info, instance)",
        "refId": "instance",
    },
    "refresh": 2,
    "multi": True,
    "includeAll": True,
    "allValue": ".*",
    "sort": 1,
    "current": {"text": ["All"], "value": ["$__all"]},
}


def _panel(panel: Panel) -> dict[str, Any]:
    if panel.kind == "alertlist":
        return {
            "type": "alertlist",
            "title": panel.title,
            "description": panel.description,
            "options": {
                "viewMode": "list",
                "groupMode": "default",
                "alertName": "Lacewing",
                "maxItems": 20,
                "sortOrder": 3,
                "stateFilter": {
                    "firing": True, "pending": True, "normal": False,
                    "error": True, "noData": False, "recovering": True,
                },
            },
        }  # fmt: skip
    return {
        "type": panel.kind,
        "title": panel.title,
        "description": panel.description,
        "datasource": SOURCE,
        "targets": [
            {
                "refId": chr(ord("A") + at),
                "datasource": SOURCE,
                "editorMode": "code",
                "expr": query.expr,
                "legendFormat": query.legend,
                "instant": panel.kind != "timeseries",
                "range": panel.kind == "timeseries",
            }
            for at, query in enumerate(panel.queries)
        ],
        "fieldConfig": {"defaults": _field(panel), "overrides": []},
        "options": _OPTIONS[panel.kind],
    }


_OPTIONS: dict[str, dict[str, Any]] = {
    "timeseries": {
        "legend": {
            "displayMode": "table",
            "placement": "bottom",
            "showLegend": True,
            "calcs": ["lastNotNull", "max"],
        },
        "tooltip": {"mode": "multi", "sort": "desc"},
    },
    "stat": {
        "colorMode": "background",
        "graphMode": "none",
        "justifyMode": "auto",
        "orientation": "auto",
        "textMode": "auto",
        "wideLayout": True,
        "percentChangeColorMode": "standard",
        "showPercentChange": False,
        "reduceOptions": {"calcs": ["lastNotNull"], "fields": "", "values": False},
    },
    "bargauge": {
        "displayMode": "basic",
        "orientation": "horizontal",
        "showUnfilled": False,
        "valueMode": "color",
        "namePlacement": "auto",
        "sizing": "auto",
        "minVizHeight": 16,
        "minVizWidth": 8,
        "maxVizHeight": 300,
        "legend": {"displayMode": "list", "placement": "bottom", "showLegend": False, "calcs": []},
        "reduceOptions": {"calcs": ["lastNotNull"], "fields": "", "values": False},
    },
}


def _field(panel: Panel) -> dict[str, Any]:
    steps: list[dict[str, Any]] = [{"color": "green", "value": None}]
    steps += [
        {"color": color, "value": value}
        for color, value in zip(("orange", "red"), panel.thresholds, strict=False)
    ]
    described: dict[str, Any] = {
        "unit": panel.unit,
        "thresholds": {"mode": "absolute", "steps": steps},
        "color": {"mode": "palette-classic" if panel.kind == "timeseries" else "thresholds"},
    }
    if panel.decimals is not None:
        described["decimals"] = panel.decimals
    if panel.kind == "timeseries":
        described["min"] = 0
        described["custom"] = {
            "drawStyle": "line",
            "lineWidth": 1,
            "fillOpacity": 60 if panel.stacked else 8,
            "showPoints": "never",
            "spanNulls": False,
            "stacking": {"mode": "normal" if panel.stacked else "none", "group": "A"},
            "thresholdsStyle": {"mode": "dashed" if panel.thresholds else "off"},
        }
    else:
        described["noValue"] = "0"
    return described


def main() -> None:
    FOLDER.mkdir(parents=True, exist_ok=True)
    for path, text in rendered().items():
        path.write_text(text, encoding="utf-8")
        print(f"wrote {path.relative_to(Path.cwd())}")


if __name__ == "__main__":
    main()
