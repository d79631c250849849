"""Each guardrail's figure beside its limit."""

from __future__ import annotations

from alertd.dashboards.grafana import Dashboard, Panel, Query, Row, Step, Unit, uid
from alertd.presets import guardrail
from alertd.rulegen import guarding
from alertd.rulegen.declared import Guarded

_UNITS = {guardrail.Unit.COUNT: Unit.COUNT, guardrail.Unit.CORES: Unit.COUNT, guardrail.Unit.SHARE: Unit.SHARE,
          guardrail.Unit.BYTES: Unit.BYTES, guardrail.Unit.TIME: Unit.SECONDS}


def dashboard(guarded: tuple[Guarded, ...]) -> Dashboard:
    """Of all that are declared, by name."""
    panels = tuple(_panel(each) for each in sorted(guarded, key=lambda each: each.name))
    return Dashboard(uid("guardrails"), "Guardrails", "Declared operating limits, and how near to them things are.",
                     (Row("Guardrails", panels),), span="now-7d")


def _panel(guarded: Guarded) -> Panel:
    rail, limit = guarded.guardrail, guarding.shown(guarded)
    declared = f" Declared: {limit}." if limit else ""
    shows = "Shows what is at fault" if rail.whole else "Shows the figure"
    return Panel(guarded.name, f"{rail.meaning}{declared} {shows}, as {rail.alert} sees it; where nothing is known, "
                 f"{guarding.UNKNOWN} tells.", _UNITS[rail.unit],
                 (Query(guarding.filled(guarded, rail.measure).strip(), _legend(guarded)),), width=8,
                 steps=_limits(guarded))


def _legend(guarded: Guarded) -> str:
    return " ".join(f"{{{{{label}}}}}" for label in guarded.guardrail.labels) or guarded.name


def _limits(guarded: Guarded) -> tuple[Step, ...]:
    """Lines at what is declared; none where whatever is shown is a fault."""
    least, most = guarded.limit.least, guarded.limit.most
    if guarded.guardrail.whole:
        return ()
    steps = [Step(None, "green" if least is None else "red")]
    steps += [Step(float(least), "green")] if least is not None else []
    return (*steps, *((Step(float(most), "red"),) if most is not None else ()))
