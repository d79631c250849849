"""Which alerts are not told because their cause fires: declared pairs of source and target, as Alertmanager has them,
over every alert held open here, whichever Alertmanager or group it came from. Pure.

A rule and the values of its `equal` labels make a key, which says all that a source and a target must agree in. So
finding what inhibits an alert is a look-up, however many alerts fire.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Collection, Iterable, Iterator, Mapping

from alertd.matchers import Matcher
from alertd.model import Alert, AlertId, IncidentId, Labels, Webhook
from alertd.routing import Choice, Inhibition, Routing, severity_of
from alertd.telling import fingerprint_of


@dataclasses.dataclass(frozen=True, slots=True)
class Inhibitor:
    """A firing alert that keeps others quiet. `both`: it is a target of the same rule too."""

    key: str
    alert: AlertId
    incident: IncidentId | None
    name: str
    both: bool = False


Inhibitors = Mapping[str, Collection[Inhibitor]]  # by key


@dataclasses.dataclass(frozen=True, slots=True)
class _Side:
    """A rule that labels are a source or a target of."""

    rule: Inhibition
    key: str
    both: bool


def sources(alerts: Iterable[Alert], routing: Routing) -> Iterator[Inhibitor]:
    """What these alerts are sources of."""
    for alert in alerts:
        for side in _sides(alert.labels, routing, source=True):
            yield Inhibitor(side.key, alert.id, alert.incident, alert.labels.get("alertname", ""), side.both)


def keys(webhooks: Iterable[Webhook], routing: Routing) -> set[str]:
    """The keys under which something may inhibit an alert of these webhooks."""
    return {key for webhook in webhooks for alert in webhook.alerts for key in target_keys(alert.labels, routing)}


def target_keys(labels: Labels, routing: Routing) -> Iterator[str]:
    """The keys under which something may inhibit an alert with these labels."""
    return (side.key for side in _sides(labels, routing, source=False))


def reason(alert: Alert, inhibitors: Inhibitors, routing: Routing) -> str | None:
    """Why the alert is not told now: the rule and what fires. None where nothing inhibits it.

    As at Alertmanager, two alerts that are both source and target do not inhibit each other, nor one itself:
    https://prometheus.io/docs/alerting/latest/configuration/#inhibition-related-settings
    """
    for side in _sides(alert.labels, routing, source=False):
        for one in inhibitors.get(side.key, ()):
            if one.alert != alert.id and not (side.both and one.both):
                at = f" of incident {one.incident}" if one.incident else ""
                return f"{shown(side.rule, alert.labels, routing)}: {one.name}{at} does"
    return None


def instead(choice: Choice, why: str) -> Choice:
    """The choice for an inhibited alert: nobody."""
    return dataclasses.replace(choice, receivers=(), why=(why,), inhibited=True)


def possible(labels: Labels, routing: Routing) -> list[str]:
    """What would keep an alert with these labels quiet, in words, for each rule."""
    return [shown(side.rule, labels, routing) for side in _sides(labels, routing, source=False)]


def shown(rule: Inhibition, labels: Labels, routing: Routing) -> str:
    """The rule in words: line, source, and the values that must agree."""
    agreed = "".join(f", {label}={labels.get(label, '')!r}" for label in rule.equal)
    return f"{routing.file}:{rule.line} inhibited while {{{', '.join(map(str, rule.source))}{agreed}}} fires"


def _sides(labels: Labels, routing: Routing, *, source: bool) -> Iterator[_Side]:
    if not routing.inhibitions:
        return
    told = {**labels, "severity": severity_of(labels, routing)[0].value}
    for rule in routing.inhibitions:
        mine, other = (rule.source, rule.target) if source else (rule.target, rule.source)
        if _all_match(mine, told):
            yield _Side(rule, _key(rule, told), _all_match(other, told))


def _all_match(matchers: Iterable[Matcher], labels: Labels) -> bool:
    return all(matcher.matches(labels) for matcher in matchers)


def _key(rule: Inhibition, labels: Labels) -> str:
    """Names the rule by what it says, so that one that was changed finds nothing of before."""
    said = (*map(str, rule.source), "→", *map(str, rule.target))
    return fingerprint_of(*said, *(part for label in rule.equal for part in (label, labels.get(label, ""))))
