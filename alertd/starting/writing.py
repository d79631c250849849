"""What is declared as the files a person goes on with: templates, in which every value that a document gave has its
place in it beside it."""

from __future__ import annotations

import dataclasses
import functools
import json
import re
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from alertd.config import units, yaml
from alertd.model import DAY, Severity
from alertd.rulegen import inhibit, promql, yaml_text
from alertd.rulegen.declared import NODES, Watched
from alertd.starting.destinations import Destination, Way, destinations
from alertd.starting.policy import Declared, Quick, Setting

if TYPE_CHECKING:
    import jinja2

COLUMN = 50  # where comments begin, if the line leaves room
WINDOW = 30 * DAY  # of an objective, where the metrics are kept that long
OWN = "alertd"  # the preset of alertd's own alerts, AlertdDown among them
EXAMPLE, USUAL = "checkout", "prometheus-http"  # a service to begin with, and its preset
NOBODY = "example.com"  # where mail goes until a person says where

# What a starting set declares where no document says otherwise.
ROUTES = {Severity.CRITICAL: "on-call + management + slack", Severity.WARNING: "on-call + platform-team",
          Severity.INFO: "platform-team + daily summary"}
THRESHOLDS = {Watched.CPU: "70%", Watched.MEMORY: "75%", Watched.ERRORS: "0.5%", Watched.RESPONSE_TIME: "1 second",
              Watched.RESPONSE_TIME_P95: "500ms"}
AVAILABILITY, LATENCY = Setting("99.9%"), Quick("95%", "500ms")

_TOLD = {
    Watched.CPU: "of each machine, for 15 minutes: warning",
    Watched.MEMORY: "of each machine, for 15 minutes: warning",
    Watched.ERRORS: "of every service, for 5 minutes: critical",
    Watched.RESPONSE_TIME: "over 5 % of requests slower, for 5 minutes: critical",
    Watched.RESPONSE_TIME_P95: "over 5 % of requests slower, for 5 minutes: warning",
}


@dataclasses.dataclass(frozen=True, slots=True)
class Service:
    """A service to be watched: its preset, and by which objectives. `buckets` are the edges its histogram has, where
    they are not the preset's."""

    name: str
    preset: str
    selector: str
    buckets: tuple[str, ...] = ()
    availability: bool = True
    latency: bool = True


@dataclasses.dataclass(frozen=True, slots=True)
class Start:
    """All that a starting set is made of. `example` is the service that stands in for `services` while there is none;
    `document` names what it was read from, "" for none; `url` is where Alertmanager reaches alertd; `watch` the presets
    whose every target is watched."""

    declared: Declared
    example: Service
    document: str = ""
    services: Sequence[Service] = ()
    watch: Sequence[str] = (NODES, OWN)
    domain: str = NOBODY
    timezone: str = "UTC"
    url: str = "http://127.0.0.1:9097"
    rules: str = "rules"


def completed(declared: Declared) -> Declared:
    """With the usual for what a document says nothing of."""
    thresholds = declared.thresholds or {watched.value: Setting(text) for watched, text in THRESHOLDS.items()}
    return dataclasses.replace(declared, routes=_routes(declared.routes), thresholds=thresholds,
                               availability=declared.availability or AVAILABILITY, latency=declared.latency or LATENCY)


def _routes(given: Mapping[Severity, Setting]) -> dict[Severity, Setting]:
    """Each severity's. Where some are given, one left out is told as the next worse one, or else as the worst given:
    rather too many people than none."""
    if not given:
        return {severity: Setting(usual) for severity, usual in ROUTES.items()}
    routes, worse = dict[Severity, Setting](), next(given[severity] for severity in ROUTES if severity in given)
    for severity in ROUTES:
        routes[severity] = worse = given.get(severity, worse)
    return routes


def files(start: Start) -> dict[str, str]:
    """The texts by template: routing.yaml, thresholds.yaml, services.yaml, guardrails.yaml (where there are any) and
    alertmanager.yml."""
    declared = completed(start.declared)
    told = _destinations(declared)
    pagers = [one.name for one in told if one.way is Way.PAGER]
    services = start.services or (start.example,)
    values = {
        "from": f" from {start.document}" if start.document else "", "domain": start.domain, "url": start.url,
        "timezone": start.timezone, "rules": start.rules, "destinations": told, "routes": declared.routes,
        "pager": bool(pagers), "fallback": _fallback(told), "told": {key.value: text for key, text in _TOLD.items()},
        "watcher": pagers[0] if pagers else told[0].name, "thresholds": declared.thresholds,
        "watch": start.watch,
        "retention": declared.retention, "guardrails": declared.guardrails, "services": services,
        "example": not start.services, "availability": declared.availability, "latency": declared.latency,
        "window": _window(declared.retention), "inhibit_rules": inhibit.rules(()),
    }
    names = ["routing.yaml", "thresholds.yaml", "services.yaml", "alertmanager.yml"]
    names += ["guardrails.yaml"] if declared.guardrails else []
    return {name: _environment().get_template(name).render(values) for name in names}


def told(start: Start) -> tuple[str, ...]:
    """The names of everybody who is told."""
    return tuple(one.name for one in _destinations(completed(start.declared)))


def _destinations(declared: Declared) -> tuple[Destination, ...]:
    return destinations(name for route in declared.routes.values() for name in route.text.split(" + "))


def _fallback(told: Sequence[Destination]) -> str:
    """Who is told at once where PagerDuty refuses: a team before everybody."""
    chats = [one for one in told if one.way is Way.CHAT]
    return next((one.name for one in chats if one.channel != "#alerts"), chats[0].name if chats else "")


def _window(retention: Setting | None) -> str:
    """`, window: 14d` where metrics are not kept for the usual window; a longer one would be less than it says."""
    kept = units.duration(retention.text) if retention else WINDOW
    return "" if kept >= WINDOW else f", window: {promql.duration(max(kept // DAY, 1) * DAY)}"


@functools.cache
def _environment() -> jinja2.Environment:
    import jinja2

    environment = jinja2.Environment(  # noqa: S701  YAML, not HTML: `text` and `quoted` make values harmless
        loader=jinja2.PackageLoader("alertd.starting"), undefined=jinja2.StrictUndefined, trim_blocks=True,
        lstrip_blocks=True, keep_trailing_newline=True)
    environment.filters |= {"text": _text, "quoted": _quoted, "beside": _beside}
    return environment


def _text(value: Any) -> str:
    """A value as YAML that is read back the same."""
    if isinstance(value, list):
        return f"[{', '.join(_quoted(str(item)) for item in value)}]"
    return value if not isinstance(value, str) or _stands(value) else _quoted(value)


def _stands(text: str) -> bool:
    """Whether every reader takes it for this text without quotes, within brackets too."""
    return yaml_text.plain(text) and yaml.parse(text, "").data == text and not re.search(r"[\[\]{},]", text)


def _quoted(text: str) -> str:
    """In single quotes where it has double ones, as matchers have."""
    return f"'{text}'" if '"' in text and "'" not in text and "\\" not in text else json.dumps(text, ensure_ascii=False)


def _beside(line: str, comment: str) -> str:
    return f"{line:<{COLUMN - 2}}  # {comment}" if comment else line
