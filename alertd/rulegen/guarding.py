"""A guardrail and its limit become two alerts: that it is crossed, and that nobody knows whether it is."""

from __future__ import annotations

import re
from decimal import Decimal

from alertd.model import MINUTE, Millis, Severity
from alertd.presets.guardrail import LIMIT, METRIC, WHERE, Unit
from alertd.rulegen import promql, runbook
from alertd.rulegen.declared import Declared, Guarded
from alertd.rulegen.pages import Written
from alertd.rulegen.rules import AlertRule, Group

FILE = "guardrail"  # the rule files' names begin so
UNKNOWN = "GuardrailUnknown"
UNKNOWN_AFTER: Millis = 15 * MINUTE  # a restart of an exporter is no news
_PLACE = re.compile(r"\{(\w+)\}")
_SHOWN = {
    Unit.COUNT: "{{ $value }}",
    Unit.CORES: "{{ $value }}",
    Unit.SHARE: "{{ $value | humanizePercentage }}",
    Unit.BYTES: "{{ $value | humanize1024 }}B",
    Unit.TIME: "{{ $value | humanizeDuration }}",
}
_BINARY = ("", "Ki", "Mi", "Gi", "Ti", "Pi")
_DECIMAL = ("", "k", "M", "G", "T", "P")


def file_of(guarded: Guarded) -> str:
    """The name of its rule file. Each has its own, since all have an alert of the name UNKNOWN, which would meet in
    their tests."""
    return f"{FILE}-{guarded.name}"


def group(guarded: Guarded, runbooks: str) -> Group:
    """Its alert, and where its series can be missing the one that says so."""
    rules = (crossed(guarded, runbooks), *((unknown(guarded, runbooks),) if guarded.guardrail.needs else ()))
    return Group(f"{FILE} {guarded.name}", rules)


def crossed(guarded: Guarded, runbooks: str) -> AlertRule:
    guardrail = guarded.guardrail
    return AlertRule(
        guardrail.alert, expression(guarded), guarded.lasting, guarded.keep_firing,
        {"severity": str(guarded.severity), "guardrail": guarded.name},
        {"summary": _text(guarded, guardrail.summary), "description": _text(guarded, guardrail.description),
         "runbook_url": runbook.url(runbooks, guardrail.alert)})


def unknown(guarded: Guarded, runbooks: str) -> AlertRule:
    """Fires where a series that it needs is missing: a figure that is absent is not a limit that is kept. It may be
    an exporter that is down, so that nobody is woken."""
    needs = [filled(guarded, need) for need in guarded.guardrail.needs]
    return AlertRule(
        UNKNOWN, f"max({' or '.join(f'absent({need})' for need in needs)})", UNKNOWN_AFTER, 0,
        {"severity": str(min(guarded.severity, Severity.WARNING, key=lambda severity: severity.rank)),
         "guardrail": guarded.name},
        {"summary": f"Nobody knows whether {guarded.name} is kept",
         "description": f"{guarded.name} cannot be judged: there is no {' or no '.join(needs)}.",
         "runbook_url": runbook.url(runbooks, UNKNOWN)})


def written(declared: Declared) -> dict[str, Written]:
    """What the pages of the guardrails' alerts say, by alert."""
    return {each.guardrail.alert: Written(each.guardrail.meaning, each.guardrail.measured, each.guardrail.first)
            for each in declared.guardrails}


def expression(guarded: Guarded) -> str:
    """True where the limit is crossed."""
    measure, limit = filled(guarded, guarded.guardrail.measure), guarded.limit
    if guarded.guardrail.whole:
        return measure
    inside = "\n".join(f"  {line}" for line in measure.split("\n"))
    sides = ([("<", limit.least)] if limit.least is not None else []) + (
        [(">", limit.most)] if limit.most is not None else [])
    return "\nor\n".join(f"(\n{inside}\n) {op} {promql.number(value)}" for op, value in sides)


def filled(guarded: Guarded, text: str) -> str:
    """A query of the guardrail with its limit, metric and conditions."""
    limit = guarded.limit
    if limit.names:
        put = promql.quoted("|".join(map(re.escape, limit.names)))[1:-1]
    elif guarded.guardrail.unit is Unit.TIME and (limit.least or limit.most):
        put = promql.duration(_millis(limit.least or limit.most or Decimal()))
    else:
        put = ""
    return query(text, put, ",".join(map(promql.condition, guarded.where)), guarded.metric)


def query(text: str, limit: str, where: str, metric: str) -> str:
    """PromQL with what is put into it; selectors without conditions lose their braces."""
    text = text.replace(LIMIT, limit).replace(METRIC, metric).replace(WHERE, where)
    return text if where else re.sub(r",\s*\}", "}", text).replace("{}", "")


def shown(guarded: Guarded) -> str:
    """The limit as people read it: `8 to 15`, `50%`, `10m`, `t3.large or m5.large`."""
    limit, unit = guarded.limit, guarded.guardrail.unit
    if limit.names:
        return " or ".join(limit.names)
    return " to ".join(_figure(value, unit) for value in (limit.least, limit.most) if value is not None)


def _figure(value: Decimal, unit: Unit) -> str:
    if unit is Unit.SHARE:
        return promql.percent(value)
    if unit is Unit.TIME:
        return promql.duration(_millis(value))
    if unit is Unit.BYTES:
        return _size(value)
    return promql.number(value)


def _size(value: Decimal) -> str:
    """In the unit, binary or decimal, that shows it whole and shortest."""
    units = [(Decimal(1024) ** power, prefix) for power, prefix in enumerate(_BINARY)] + [
        (Decimal(1000) ** power, prefix) for power, prefix in enumerate(_DECIMAL)]
    return min((f"{promql.number(value / size)}{prefix}B" for size, prefix in units if value % size == 0), key=len,
               default=f"{promql.number(value)}B")


def _millis(seconds: Decimal) -> Millis:
    return int(seconds * 1000)


def _text(guarded: Guarded, text: str) -> str:
    own = {"limit": shown(guarded), "value": value(guarded.guardrail.unit), "metric": guarded.metric}
    return _PLACE.sub(lambda found: own.get(found[1], f"{{{{ $labels.{found[1]} }}}}"), text)


def value(unit: Unit) -> str:
    """The template that shows the figure."""
    return _SHOWN[unit]
