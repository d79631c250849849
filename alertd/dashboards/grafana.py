"""Dashboards as values, and as the JSON that Grafana 10 and later read.

https://grafana.com/docs/grafana/latest/visualizations/dashboards/build-dashboards/view-dashboard-json-model/
"""

from __future__ import annotations

import dataclasses
import enum
import hashlib
import json
import re
from collections.abc import Iterator, Mapping
from typing import Any

from alertd.rulegen.emit import MARK

SOURCE = {"type": "prometheus", "uid": "${datasource}"}  # chosen in the dashboard: no source is written into it
TAG = "alertd"
WIDTH = 24  # of Grafana's grid
_UID = 40  # characters, https://grafana.com/docs/grafana/latest/developer-resources/api-reference/http-api/dashboard/
_SCHEMA = 39  # Grafana 10's; later ones move it up by themselves


class Unit(enum.StrEnum):
    """What a number is, as Grafana calls it."""

    SHARE = "percentunit"
    COUNT = "short"
    PER_SECOND = "cps"
    SECONDS = "s"
    BYTES = "bytes"
    TIMES = "suffix: ×"
    YES = "bool_yes_no"


class Kind(enum.StrEnum):
    """How numbers are shown: over time, the newest one large, or a table of the newest ones."""

    LINES = "timeseries"
    NUMBER = "stat"
    TABLE = "table"


@dataclasses.dataclass(frozen=True, slots=True)
class Query:
    """PromQL, and how its series are called: a text with {{label}}; of a table the column's name."""

    expr: str
    legend: str = ""


@dataclasses.dataclass(frozen=True, slots=True)
class Step:
    """From `since` on a number has this colour; from the beginning where that is None."""

    since: float | None
    colour: str


@dataclasses.dataclass(frozen=True, slots=True)
class Panel:
    """One picture. `steps` colour a number, and are lines across a picture of lines; `width` of WIDTH."""

    title: str
    description: str
    unit: Unit
    queries: tuple[Query, ...]
    kind: Kind = Kind.LINES
    width: int = 12
    height: int = 8
    steps: tuple[Step, ...] = ()


@dataclasses.dataclass(frozen=True, slots=True)
class Row:
    """A heading, and the panels below it."""

    title: str
    panels: tuple[Panel, ...]


@dataclasses.dataclass(frozen=True, slots=True)
class Dashboard:
    """A file and what it shows, of the last `span` unless one says otherwise."""

    uid: str
    title: str
    description: str
    rows: tuple[Row, ...]
    span: str = "now-6h"


def uid(*words: str) -> str:
    """A dashboard's id, the same for ever: addresses hold it. Its words where they are short and plain, else with a
    digest in place of what does not fit."""
    plain = "-".join((TAG, *words))
    if len(plain) <= _UID and re.fullmatch(r"[a-z0-9-]+", plain) and not any("-" in word for word in words[1:]):
        return plain
    digest = hashlib.sha256("\0".join(words).encode()).hexdigest()[:12]
    kept = re.sub(r"[^a-z0-9]+", "-", plain.lower())[:_UID - len(digest) - 1].strip("-")
    return f"{kept}-{digest}"


def text(dashboard: Dashboard) -> str:
    """The file. Its first line says whose it is, as of every generated file."""
    body = {"description": f"{dashboard.description} {MARK}; do not edit.", **_body(dashboard)}
    return json.dumps(body, indent=1, ensure_ascii=False).replace("{\n ", "{", 1) + "\n"


def _body(dashboard: Dashboard) -> dict[str, Any]:
    return {
        "editable": False, "graphTooltip": 1, "id": None,
        "links": [{"asDropdown": True, "includeVars": True, "keepTime": True, "tags": [TAG], "title": "alertd",
                   "type": "dashboards"}],
        "panels": list(_panels(dashboard.rows)), "refresh": "1m", "schemaVersion": _SCHEMA, "tags": [TAG],
        "templating": {"list": [{"label": "Prometheus", "name": "datasource", "query": "prometheus",
                                 "type": "datasource"}]},
        "time": {"from": dashboard.span, "to": "now"}, "timezone": "", "title": dashboard.title, "uid": dashboard.uid,
        "version": 1,
    }


def _panels(rows: tuple[Row, ...]) -> Iterator[dict[str, Any]]:
    """From left to right, and below where no more fits."""
    number, top = 1, 0
    for row in rows:
        yield {"collapsed": False, "gridPos": _place(0, top, WIDTH, 1), "id": number, "panels": [], "title": row.title,
               "type": "row"}
        number, top, left, tallest = number + 1, top + 1, 0, 0
        for panel in row.panels:
            if left + panel.width > WIDTH:
                top, left, tallest = top + tallest, 0, 0
            yield _panel(panel, number, _place(left, top, panel.width, panel.height))
            number, left, tallest = number + 1, left + panel.width, max(tallest, panel.height)
        top += tallest


def _place(left: int, top: int, width: int, height: int) -> dict[str, int]:
    return {"h": height, "w": width, "x": left, "y": top}


def _panel(panel: Panel, number: int, place: Mapping[str, int]) -> dict[str, Any]:
    now = panel.kind is not Kind.LINES
    targets = [{"datasource": SOURCE, "editorMode": "code", "expr": query.expr, "instant": now, "range": not now,
                "legendFormat": query.legend, "refId": chr(ord("A") + at),
                **({"format": "table"} if panel.kind is Kind.TABLE else {})}
               for at, query in enumerate(panel.queries)]
    return {"datasource": SOURCE, "description": panel.description, "fieldConfig": _fields(panel), "gridPos": place,
            "id": number, "options": _OPTIONS[panel.kind], "targets": targets, "title": panel.title,
            **({"transformations": _columns(panel)} if panel.kind is Kind.TABLE else {}), "type": str(panel.kind)}


def _fields(panel: Panel) -> dict[str, Any]:
    steps = [{"color": step.colour, "value": step.since} for step in panel.steps or (Step(None, "text"),)]
    defaults: dict[str, Any] = {"noValue": "unknown", "thresholds": {"mode": "absolute", "steps": steps},
                                "unit": str(panel.unit)}
    if panel.kind is Kind.LINES:
        defaults["custom"] = {"fillOpacity": 5, "showPoints": "never", "spanNulls": False,
                              "thresholdsStyle": {"mode": "dashed" if panel.steps else "off"}}
    else:
        defaults["color"] = {"mode": "thresholds"}
    if panel.kind is Kind.TABLE:
        defaults["custom"] = {"cellOptions": {"type": "color-text"}}
    return {"defaults": defaults, "overrides": []}


def _columns(panel: Panel) -> list[dict[str, Any]]:
    """One row for each set of labels, its values side by side under their names."""
    names = {"Value" if len(panel.queries) == 1 else f"Value #{chr(ord('A') + at)}": query.legend
             for at, query in enumerate(panel.queries)}
    return [{"id": "merge", "options": {}},
            {"id": "organize", "options": {"excludeByName": {"Time": True}, "renameByName": names}}]


_OPTIONS: dict[Kind, dict[str, Any]] = {
    Kind.LINES: {"legend": {"calcs": ["lastNotNull", "max"], "displayMode": "table", "placement": "bottom"},
                 "tooltip": {"mode": "multi", "sort": "desc"}},
    Kind.NUMBER: {"colorMode": "value", "graphMode": "none", "reduceOptions": {"calcs": ["lastNotNull"]},
                  "textMode": "auto"},
    Kind.TABLE: {"showHeader": True, "sortBy": []},
}
