"""What a change of rules/ and routing.yaml means, in words: thresholds, objectives, tiers, and who is told. Pure."""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Iterator, Mapping, Sequence
from decimal import Decimal

from alertd.lint import Rule
from alertd.routing import Routing, choose
from alertd.rulegen.declared import RESPONSE_TIMES, Condition, Declared, Fresh, Level, Objective, Service, Watched
from alertd.rulegen.promql import duration, number, percent, selector

# A number of an expression that is a limit, not part of a name or a duration.
_NUMBER = re.compile(r"(?<![\w.\"])\d+(?:\.\d+)?(?![\w.\"])")


@dataclasses.dataclass(frozen=True, slots=True)
class Side:
    """All of one state: what is declared, the alerts it makes, and who is told of them (None: no routing.yaml)."""

    declared: Declared | None
    alerts: Sequence[Rule]
    routing: Routing | None


@dataclasses.dataclass(frozen=True, slots=True)
class Change:
    """`section` is one of Thresholds, Services, SLOs, Alerts, Routes; `about` is what changed, `how` says how."""

    section: str
    about: str
    how: str


def between(old: Side, new: Side) -> list[Change]:
    """Every change, section by section, in a fixed order."""
    return [*_thresholds(old.declared, new.declared), *_services(old.declared, new.declared), *_alerts(old, new),
            *_routes(old, new)]


def text(changes: Sequence[Change]) -> str:
    """For a terminal: a heading for each section, a line for each change."""
    return "".join(f"{heading}\n" + "".join(f"  {change.about}: {change.how}\n" for change in several)
                   for heading, several in _sections(changes))


def markdown(changes: Sequence[Change]) -> str:
    """For a pull request."""
    if not changes:
        return "No change of rules or routes.\n"
    return "\n".join(f"### {heading}\n\n" + "".join(f"- **{_plain(change.about)}**: {_plain(change.how)}\n"
                                                  for change in several)
                     for heading, several in _sections(changes))


def _sections(changes: Sequence[Change]) -> Iterator[tuple[str, list[Change]]]:
    for heading in ("Thresholds", "Services", "SLOs", "Alerts", "Routes"):
        if several := [change for change in changes if change.section == heading]:
            yield heading, several


def _plain(words: str) -> str:
    return re.sub(r"([\\`*_<>|\[\]])", r"\\\1", words)


def _thresholds(old: Declared | None, new: Declared | None) -> Iterator[Change]:
    for watched in Watched:
        before, after = (_levels(watched, side.thresholds.get(watched, ()) if side else ()) for side in (old, new))
        if before != after:
            yield Change("Thresholds", watched.value, _arrow(before, after))


def _levels(watched: Watched, levels: Sequence[Level]) -> str:
    return ", ".join(" ".join([duration(int(level.above)) if watched in RESPONSE_TIMES else percent(level.above),
                               *([f"for {duration(level.lasting)}"] if level.lasting is not None else []),
                               *([level.severity] if level.severity else []),
                               *([] if level.keep_firing is None else [f"kept for {duration(level.keep_firing)}"])])
                     for level in levels)


def _arrow(before: str, after: str) -> str:
    if not before:
        return f"new, {after}"
    return f"{before} → {after}" if after else f"removed (was {before})"


def _services(old: Declared | None, new: Declared | None) -> Iterator[Change]:
    before, after = ({service.name: service for service in side.services} if side else {} for side in (old, new))
    for name in sorted({*before, *after}):
        was, now = before.get(name), after.get(name)
        if was is None or now is None:
            yield Change("Services", name, "no longer watched" if now is None else "new")
        elif differing := [f"{what} {_arrow(one, other)}" for what, one, other in _settings(was, now) if one != other]:
            yield Change("Services", name, "; ".join(differing))
        yield from _objectives(name, was.objectives if was else (), now.objectives if now else ())


def _settings(was: Service, now: Service) -> Iterator[tuple[str, str, str]]:
    yield "metrics", was.preset.name, now.preset.name
    yield "selector", ",".join(map(str, was.selector)), ",".join(map(str, now.selector))
    yield "buckets", ", ".join(map(str, was.buckets)), ", ".join(map(str, now.buckets))


def _objectives(service: str, old: Sequence[Objective], new: Sequence[Objective]) -> Iterator[Change]:
    before, after = ({objective.name: objective for objective in side} for side in (old, new))
    for name in sorted({*before, *after}):
        was, now = (_objective(side[name]) if name in side else "" for side in (before, after))
        if was != now:
            yield Change("SLOs", f"{service} {name}", _arrow(was, now))


def _objective(objective: Objective) -> str:
    under = "" if objective.under is None else f" under {duration(objective.under)}"
    parts = f" of {', '.join(part.called for part in objective.parts)}" if objective.parts else ""
    return f"{percent(objective.target)}{under}{parts} over {objective.over}{_slices(objective)}"


def _slices(objective: Objective) -> str:
    """What is counted in place of events, "" where they are."""
    if objective.slices is None:
        return ""
    length = f", in slices of {duration(objective.slices.length)}"
    match objective.gauge:
        case Condition(gauge, holds, bound):
            return f"{length} with {selector(gauge.metric, gauge.matchers)} {holds} {number(bound)}"
        case Fresh(gauge, within):
            return f"{length} with {selector(gauge.metric, gauge.matchers)} at most {duration(within)} old"
    return f"{length}, each with {percent(objective.slices.target or Decimal(1))} good"


# An alert is the same before and after when its name and labels are, whatever its severity.
_Identity = tuple[str, tuple[tuple[str, str], ...]]


def _identities(alerts: Sequence[Rule]) -> dict[_Identity, list[Rule]]:
    found: dict[_Identity, list[Rule]] = {}
    for rule in alerts:
        labels = tuple(sorted((name, value) for name, value in rule.labels.items() if name != "severity"))
        found.setdefault((rule.name, labels), []).append(rule)
    return found


def _called(identity: _Identity) -> str:
    name, labels = identity
    return name + (f" ({', '.join(value for _, value in labels)})" if labels else "")


def _alerts(old: Side, new: Side) -> Iterator[Change]:
    before, after = _identities(old.alerts), _identities(new.alerts)
    for identity in sorted({*before, *after}):
        was, now = before.get(identity, []), after.get(identity, [])
        if not was or not now:
            severities = ", ".join(sorted({rule.labels.get("severity", "no severity") for rule in was or now}))
            yield Change("Alerts", _called(identity), f"new, {severities}" if now else f"removed (was {severities})")
        elif len(was) != len(now):
            yield Change("Alerts", _called(identity), f"{len(was)} levels → {len(now)}")
        elif how := [words for pair in zip(was, now, strict=True) for words in _differences(*pair)]:
            yield Change("Alerts", _called(identity), "; ".join(dict.fromkeys(how)))


def _differences(was: Rule, now: Rule) -> Iterator[str]:
    if was.labels.get("severity") != now.labels.get("severity"):
        yield f"severity {was.labels.get('severity')} → {now.labels.get('severity')}"
    if was.lasting != now.lasting:
        yield f"for {duration(was.lasting)} → {duration(now.lasting)}"
    if was.text == now.text:
        return
    if _NUMBER.sub("#", was.text) != _NUMBER.sub("#", now.text):
        yield "its expression changed"
        return
    for one, other in dict.fromkeys(zip(_NUMBER.findall(was.text), _NUMBER.findall(now.text), strict=True)):
        if one != other:
            yield f"limit {one} → {other}"


def _routes(old: Side, new: Side) -> Iterator[Change]:
    """Of alerts that are there before and after; where both files are."""
    if old.routing is None or new.routing is None:
        return
    before, after = _identities(old.alerts), _identities(new.alerts)
    for identity in sorted(before.keys() & after.keys()):
        was = _told(before[identity], old.routing)
        now = _told(after[identity], new.routing)
        if was != now:
            yield Change("Routes", _called(identity), _arrow(was, now) if was and now else
                         (f"{was or 'nobody'} → {now or 'nobody'}"))


def _told(rules: Sequence[Rule], routing: Routing) -> str:
    """Who is told, for each severity where there are several."""
    told: Mapping[str, str] = {
        rule.labels.get("severity", ""): " + ".join(choose({**rule.labels, "alertname": rule.name}, routing).receivers)
        for rule in rules}
    if len(told) == 1:
        return next(iter(told.values()))
    return ", ".join(f"{severity}: {names or 'nobody'}" for severity, names in told.items())
