"""How values are written in a YAML file, as JSON Schema, by the function that reads them: pydantic knows what comes out
of such a function, not what goes in. One that is not listed here takes anything, as far as an editor can say."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from alertd.digest.due import Every
from alertd.slo.window import Period

Form = dict[str, Any]

_UNITS = "".join(rf"(\d+{unit})?" for unit in ("y", "w", "d", "h", "m", "s", "ms"))
_WORDS = "ms|milliseconds?|s|seconds?|minutes?|hours?|days?|weeks?"


def _text(title: str, *examples: str, pattern: str = "") -> Form:
    return {"type": "string", "title": title} | ({"examples": [*examples]} if examples else {}) | (
        {"pattern": pattern} if pattern else {})


def _words(*words: str) -> str:
    """A pattern for one of these, whatever their case: JSON Schema's patterns have no such flag."""
    return f"^({'|'.join(''.join(f'[{letter.upper()}{letter}]' for letter in word) for word in words)})$"


TEXT = {"type": "string"}
_NO_UNIT = {"errorMessage": "write a duration with its unit, such as 90s or 5m"}  # what editors say, not the pattern
DURATION: Form = {"title": "a duration", "examples": ["90s", "5m", "1h30m", "30d"], "anyOf": [
    {"type": "string", "pattern": rf"^\s*(0|(?=\d){_UNITS}|\d+ ?({_WORDS}))\s*$", **_NO_UNIT},
    {"const": 0, **_NO_UNIT}]}
SHARE = _text("a percentage", "70%", "99.9%", pattern=r"^\s*\d+(\.\d+)? ?%\s*$") | {
    "errorMessage": "write a percentage with its sign, such as 99.9%"}
SEVERITY = _text("a severity", "critical", "warning", "info", pattern=_words("critical", "warning", "info"))
MATCHERS: Form = {"title": "matchers", "anyOf": [TEXT, {"type": "array", "items": TEXT, "minItems": 1}],
                  "examples": [['service="payments"', 'severity="critical"']]}
NAMES: Form = {"title": "names", "anyOf": [TEXT, {"type": "array", "items": TEXT, "minItems": 1}],
               "examples": ["on-call + slack"]}
HOURS: Form = {"title": "hours of the week", "anyOf": [TEXT, {"type": "array", "items": TEXT, "minItems": 1}],
               "examples": ["MON-FRI 09:00-17:00"]}
_TIME = _text("a time of day", "08:00", pattern=r"^([01]?\d|2[0-3]):[0-5]\d$")
_ZONE = _text("a time zone", "Europe/Berlin")
_MOMENT = _text("a date and time", "2026-12-01T20:00:00+01:00", "2026-12-01T20:00")
_MINUTES: Form = {"title": "a duration, or minutes", "anyOf": [DURATION, {"type": "number", "minimum": 0}]}
_WINDOW: Form = {"title": "a duration, or a period of the calendar", "anyOf": [DURATION, {"enum": [*Period]}]}
_SELECTOR = _text("a metric and its labels", 'jobs_total{job="shop"}')
_ROLE = {"title": "a role", "enum": ["viewer", "responder", "admin", "sender", "scraper"]}
LIMIT: Form = {"title": "a limit", "examples": ["8-15 nodes", "50%", "hourly", "required"],
               "anyOf": [{"type": ["string", "number"]}, {"type": "array", "items": TEXT, "minItems": 1}]}


def _one_or_more(inner: Form) -> Form:
    return {"anyOf": [inner["items"], inner]} if "items" in inner else inner


def _levels(inner: Form) -> Form:
    """A value, or a list of levels: what a level is `above` is what a value alone is."""
    level = inner.get("items", {})
    times = "TimeLevel" in str(level.get("$ref"))
    return {"anyOf": [DURATION if times else SHARE, inner]}


# By module and name. A value is what is written, or makes it of what pydantic says of the rest.
FORMS: Mapping[str, Form | Callable[[Form], Form]] = {
    "units.duration": DURATION, "units.percentage": SHARE,
    "receivers._hold": _MINUTES, "receivers._time_of_day": _TIME, "receivers._rotas": NAMES,
    "receivers._every": _text("a day of the week, or day", *Every, pattern=_words(*Every)),
    "rotas.zone": _ZONE, "window.zone": _ZONE,
    "rotas._date": _text("a date", "2026-11-23"), "rotas._moment": _MOMENT, "rotas._hours": HOURS,
    "rotas.parse_handover": _text("a day and time, or a time", "MON 09:00", "09:00"),
    "maintenance._moment": _MOMENT,
    "floods._length": DURATION, "alive._every": DURATION,
    "access._role": _ROLE, "access._until": _text("a date", "2027-01-31"),
    "access._hash": _text("64 hex digits", pattern="^[0-9a-fA-F]{64}$"),
    "access._network": _text("an address or a network", "10.0.0.0/8"),
    "secret._secret": _text("a secret"),
    "web_file._bcrypt": _text("a bcrypt hash", pattern=r"^\$2[aby]\$.{56}$"),
    "rules_model._share": SHARE, "rules_model._target": SHARE, "rules_model._least_good": SHARE,
    "rules_model._time": DURATION, "rules_model._some_time": DURATION, "rules_model._window": _WINDOW,
    "rules_model._kept": DURATION, "rules_model._length": DURATION, "rules_model._severity": SEVERITY,
    "rules_model._selector": _SELECTOR, "rules_model._address": _text("an address", "https://runbooks.example.com"),
    "rules_model._condition": _text("what a gauge must meet", "queue_depth < 1000"),
    "rules_model._list": _one_or_more, "rules_model._levels": _levels,
    "rules_model._limit": LIMIT, "rules_model._guardrail": lambda inner: {"anyOf": [LIMIT, inner]},
    "rules_model._parts": {"type": "array", "items": TEXT, "minItems": 2},
}


def written(function: Callable[..., Any], inner: Callable[[], Form]) -> Form:
    """What `function` reads; `inner` is what pydantic says of what comes out of it."""
    name = f"{function.__module__.rpartition('.')[2]}.{getattr(function, '__name__', '')}"
    form = FORMS.get(name)
    if callable(form):
        return form(inner())
    return {} if form is None else dict(form)
