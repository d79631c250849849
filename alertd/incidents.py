"""What a webhook means: which alerts began and ended, which incident they belong to, who is told what, and why.

`decide` is the one place where this is decided. It takes values and `now` and returns the changes; the daemon, the
demo, `routes explain` and the tests all call it, so what is explained is what happens.

One alert at a time is `episodes`, who hears of it is `telling`; here they come together as incidents. Any order and
any repetition of the same messages ends alike.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Mapping, Sequence

from alertd import episodes, flapping, inhibiting
from alertd.clusters import Clusters
from alertd.episodes import Verdict
from alertd.inhibiting import Inhibitor
from alertd.model import (
    Alert,
    AlertId,
    Incident,
    IncidentId,
    IncidentState,
    Labels,
    Millis,
    Notification,
    ReportedAlert,
    Severity,
    Webhook,
    WebhookId,
    value,
)
from alertd.routing import Choice, Chooser, Routing
from alertd.telling import Desk, fingerprint_of

WHOSE = ("team", "owner", "service", "alertname")  # labels that say whose an incident is, the first that is there
LONGEST_TEAM = 100
ALONE = Clusters()  # every source for itself


@dataclasses.dataclass(slots=True)
class Known:
    """What the store holds about the fingerprints and groups of some webhooks, kept current while they are decided.

    `alerts` are open and lately closed episodes by fingerprint; `incidents` those that are open, by id;
    `notifications` everything ever intended for these incidents; `inhibitors` firing alerts that may keep the
    webhooks' alerts quiet, by key; `swings` when incidents that ended lately began and ended, by their keys; `clusters`
    which sources are peers.
    """

    alerts: dict[str, list[Alert]] = dataclasses.field(default_factory=dict)
    incidents: dict[IncidentId, Incident] = dataclasses.field(default_factory=dict)
    notifications: dict[IncidentId, list[Notification]] = dataclasses.field(default_factory=dict)
    open_by_key: dict[str, IncidentId] = dataclasses.field(default_factory=dict)
    inhibitors: dict[str, list[Inhibitor]] = dataclasses.field(default_factory=dict)
    swings: dict[str, tuple[Millis, ...]] = dataclasses.field(default_factory=dict)
    clusters: Clusters = ALONE

    def apply(self, changes: Changes) -> None:
        """Take over what was decided, so that the next webhook is decided on top of it."""
        for alert in changes.alerts:
            rows_of = self.alerts.setdefault(alert.fingerprint, [])
            if rows_of:
                rows_of[:] = [episode for episode in rows_of if episode.id != alert.id]
            rows_of.append(alert)
        if self.inhibitors:
            self._end({alert.id for alert in changes.alerts if not alert.firing})
        for inhibitor in changes.inhibitors:
            self.inhibitors.setdefault(inhibitor.key, []).append(inhibitor)
        for incident in changes.incidents:
            if incident.state is IncidentState.RESOLVED:
                self.incidents.pop(incident.id, None)
                self.open_by_key.pop(incident.key, None)
                self.swings[incident.key] = incident.swings
            else:
                self.incidents[incident.id] = incident
                self.open_by_key[incident.key] = incident.id
        superseded = {row.id: row for row in changes.superseded}
        for incident in changes.incidents if superseded else ():
            rows = self.notifications.get(incident.id, [])
            rows[:] = [superseded.get(row.id, row) for row in rows]
        for notification in changes.notifications:
            assert notification.incident is not None  # decide makes notifications about incidents only
            self.notifications.setdefault(notification.incident, []).append(notification)

    def _end(self, ended: set[AlertId]) -> None:
        for inhibitors in self.inhibitors.values() if ended else ():
            inhibitors[:] = [one for one in inhibitors if one.alert not in ended]


@value
class Decision:
    """The record that `explain` prints: what was decided about one incident because of one webhook."""

    webhook: WebhookId | None
    incident: IncidentId
    at: Millis
    verdict: str
    why: tuple[str, ...]


@value
class Changes:
    """What a webhook changes, as rows in their new state; all of it is committed together or not at all. `inhibitors`
    are alerts that from now on keep others quiet, `inhibited` those that are kept quiet."""

    alerts: tuple[Alert, ...] = ()
    incidents: tuple[Incident, ...] = ()
    notifications: tuple[Notification, ...] = ()
    superseded: tuple[Notification, ...] = ()
    decisions: tuple[Decision, ...] = ()
    verdicts: Mapping[Verdict, int] = dataclasses.field(default_factory=dict)
    unknown_severities: int = 0
    inhibitors: tuple[Inhibitor, ...] = ()
    inhibited: tuple[Alert, ...] = ()

    @property
    def result(self) -> str:
        """One word for the webhook's row: whether it changed anything."""
        return "accepted" if self.alerts or self.incidents else "repeat"


def decide(webhook: Webhook, known: Known, routing: Routing, now: Millis) -> Changes:
    """Everything this webhook causes, given what is known."""
    source = episodes.source_of(webhook, known.alerts)
    groups: dict[IncidentId, _Group] = {}
    group: _Group | None = None
    alerts: list[Alert] = []
    verdicts: dict[Verdict, int] = {}
    unknown = 0
    choose = Chooser(routing, now)
    for index, reported in enumerate(episodes.once(webhook.alerts)):
        told = known.alerts.get(reported.fingerprint)
        before = episodes.episode_of(told, source, reported) if told else None
        verdict = episodes.merge(reported, before, now)
        verdicts[verdict] = verdicts.get(verdict, 0) + 1
        if verdict is Verdict.OPENED:
            choice = choose(reported.labels)
            unknown += choice.unknown_severity
            if group is None or routing.incident_by:  # unless alertd groups itself, a webhook is one group
                group = _group_for(webhook, source, reported, known, routing, groups)
            alert = episodes.opened(webhook, index, source, reported, choice.severity, group.id)
            group.opened.append((alert, choice))
            alerts.append(alert)
        elif verdict is Verdict.CLOSED:
            assert before is not None
            alert = episodes.closed(before, reported, now)
            alerts.append(alert)
            if before.incident in known.incidents:
                _existing(known.incidents[before.incident], groups).closed.append(alert)
        elif verdict is Verdict.RECORDED:
            alerts.append(episodes.recorded(webhook, index, source, reported, now))
        elif changed := episodes.refreshed(reported, before, verdict):
            alerts.append(changed)
    opened = [alert for group in groups.values() for alert, _ in group.opened]
    inhibitors = tuple(inhibiting.sources(opened, routing)) if routing.inhibitions else ()
    inhibited = _inhibit(groups.values(), alerts, inhibitors, known, routing) if routing.inhibitions else ()
    outcomes = [_tell(group, webhook, known, routing, now) for group in groups.values()]
    return Changes(
        tuple(alerts),
        tuple(outcome.incident for outcome in outcomes),
        tuple(notification for outcome in outcomes for notification in outcome.notifications),
        tuple(row for outcome in outcomes for row in outcome.superseded),
        tuple(outcome.decision for outcome in outcomes),
        verdicts,
        unknown,
        inhibitors,
        inhibited,
    )


def repeated(webhook: Webhook, known: Mapping[str, Sequence[Alert]], now: Millis) -> Changes | None:
    """What `decide` says of a webhook that merely repeats what is known of its alerts, so that it needs to know nothing
    else; None where it says anything new."""
    source = episodes.source_of(webhook, known)
    verdicts: dict[Verdict, int] = {}
    for reported in episodes.once(webhook.alerts):
        before = episodes.episode_of(known.get(reported.fingerprint, ()), source, reported)
        verdict = episodes.merge(reported, before, now)
        if verdict in episodes.NEWS or episodes.refreshed(reported, before, verdict):
            return None
        verdicts[verdict] = verdicts.get(verdict, 0) + 1
    return Changes(verdicts=verdicts)


# One alert -----------------------------------------------------------------------------------------------------------


@dataclasses.dataclass(slots=True)
class _Group:
    """The alerts of one webhook that concern one incident. `incident` is None while it is still to be opened."""

    id: IncidentId
    key: str
    source: str
    labels: Labels
    incident: Incident | None
    opened: list[tuple[Alert, Choice]] = dataclasses.field(default_factory=list)
    closed: list[Alert] = dataclasses.field(default_factory=list)


@value
class _Outcome:
    incident: Incident
    notifications: tuple[Notification, ...]
    superseded: tuple[Notification, ...]
    decision: Decision


def _inhibit(groups: Iterable[_Group], alerts: Iterable[Alert], inhibitors: Iterable[Inhibitor], known: Known,
             routing: Routing) -> tuple[Alert, ...]:
    """Have nobody told of the new alerts whose cause fires, be it in the same webhook; returns those alerts."""
    now = Known(inhibitors={key: list(ones) for key, ones in known.inhibitors.items()})
    now.apply(Changes(tuple(alerts), inhibitors=tuple(inhibitors)))
    found: list[Alert] = []
    for group in groups:
        for at, (alert, choice) in enumerate(group.opened):
            if why := inhibiting.reason(alert, now.inhibitors, routing):
                group.opened[at] = alert, inhibiting.instead(choice, why)
                found.append(alert)
    return tuple(found)


def keys_of(webhook: Webhook, routing: Routing, clusters: Clusters = ALONE) -> set[str]:
    """The keys of the incidents that this webhook may open, or that a peer may have opened for its groups."""
    some = webhook.alerts if routing.incident_by else webhook.alerts[:1]  # one group, unless alertd groups itself
    return {key for alert in some for key in _keys(webhook, _labels_of(webhook, alert, routing), clusters)}


def _keys(webhook: Webhook, labels: Labels, clusters: Clusters) -> list[str]:
    """The keys by which a group's incident may be open, the one to open it by first."""
    return [incident_key(source, labels) for source in clusters.peers(webhook.source)]


def touched(webhooks: Iterable[Webhook], known: Known, now: Millis) -> set[IncidentId]:
    """The open incidents that these webhooks may change. Only of those need `known.notifications` be filled: whoever
    merely repeats what is known tells nobody anything.

    Judged against what is known before the first of them. A later one can only change an incident that it or an
    earlier one changes on its own: a firing copy alone never makes an end count that did not count before.
    """
    found: set[IncidentId] = set()
    for webhook in webhooks:
        source = episodes.source_of(webhook, known.alerts)
        for reported in webhook.alerts:
            before = episodes.episode_of(known.alerts.get(reported.fingerprint, ()), source, reported)
            verdict = episodes.merge(reported, before, now)
            if verdict is Verdict.CLOSED and before and before.incident:
                found.add(before.incident)
            elif verdict is Verdict.OPENED:
                found.update(known.incidents)
                return found
    return found


def _labels_of(webhook: Webhook, reported: ReportedAlert, routing: Routing) -> Labels:
    """What an alert's incident is named by: Alertmanager's group without severity, or the labels of incident_by."""
    if routing.incident_by is None:
        return {name: value for name, value in webhook.group_labels.items() if name != "severity"}
    return {name: reported.labels.get(name, "") for name in routing.incident_by}


def _group_for(webhook: Webhook, source: str, reported: ReportedAlert, known: Known, routing: Routing,
               groups: dict[IncidentId, _Group]) -> _Group:
    """The group that a newly opened alert belongs to: an open incident's, or that of an incident to open."""
    labels = _labels_of(webhook, reported, routing)
    keys = _keys(webhook, labels, known.clusters)
    # one that is to be opened is opened by a key of `keys_of`: whether another is open, nobody has looked
    for key in keys if source == webhook.source else (incident_key(source, labels), *keys):
        if (open_id := known.open_by_key.get(key)) is not None:
            return _existing(known.incidents[open_id], groups)
    key = keys[0]
    for group in groups.values():
        if group.key == key:
            return group
    name = webhook.id if not groups else f"{webhook.id}-{len(groups)}"
    group = _Group(IncidentId(name), key, source, labels, None)
    groups[group.id] = group
    return group


def _existing(incident: Incident, groups: dict[IncidentId, _Group]) -> _Group:
    if incident.id not in groups:
        groups[incident.id] = _Group(incident.id, incident.key, incident.source, incident.labels, incident)
    return groups[incident.id]


def incident_key(source: str, labels: Labels) -> str:
    """What belongs together: one incident with this key is open at a time. 24 hex digits."""
    return fingerprint_of(source, *(part for pair in sorted(labels.items()) for part in pair))


def _tell(group: _Group, webhook: Webhook, known: Known, routing: Routing, now: Millis) -> _Outcome:
    """What happens to one incident: its new state, who is told, what is no longer worth sending, and why."""
    choices = list({id(choice): choice for _, choice in group.opened}.values())  # alike for most alerts of a webhook
    incident = _after(group, choices, known, routing, now)
    desk = Desk(incident, known.notifications.get(group.id, ()), routing, now)
    if told := [choice for choice in choices if not choice.inhibited]:
        desk.began(told)
    desk.why.extend(dict.fromkeys(why for choice in choices if choice.inhibited for why in choice.why))
    if incident.state is IncidentState.RESOLVED:
        desk.ended()
    elif incident.flapping:
        if group.incident is None or not group.incident.flapping:
            desk.flaps()
    elif group.closed and not group.opened:
        desk.partly_ended()
    why = desk.why or ["nobody to tell"]
    verdict = _verdict(group, incident)
    return _Outcome(incident, tuple(desk.new), tuple(desk.superseded),
                    Decision(webhook.id, incident.id, now, verdict, tuple(why)))


def _after(group: _Group, choices: Sequence[Choice], known: Known, routing: Routing, now: Millis) -> Incident:
    """The incident as it stands once the group's alerts, of these choices, began and ended."""
    before, began = group.incident, len(group.opened)
    if before is None:
        severity = worst_of(choices)
        escalate_at, report_at = _due(severity, choices, routing, now)
        return Incident(group.id, group.key, group.source, group.labels, severity, 1, 1, IncidentState.OPEN, now, began,
                        began, escalate_at=escalate_at, report_at=report_at, team=_team_of(group),
                        swings=flapping.counted(known.swings.get(group.key, ()), routing.flapping, now))
    firing = max(before.firing + began - len(group.closed), 0)
    incident = dataclasses.replace(raised(before, choices, routing, now), revision=before.revision + 1, firing=firing,
                                   alerts=before.alerts + began, resolved_at=None)
    if bool(firing) != bool(before.firing):
        incident = flapping.swung(incident, routing.flapping, now)
    if firing or incident.flapping:
        return incident
    return dataclasses.replace(incident, state=IncidentState.RESOLVED, resolved_at=now, escalate_at=None,
                               remind_at=None, report_at=None)


def _team_of(group: _Group) -> str:
    """Whose incident it is: a team by name, else whatever comes nearest to one."""
    labels = group.opened[0][0].labels if group.opened else {}
    found = (source.get(name, "").strip() for name in WHOSE for source in (group.labels, labels))
    return next((value for value in found if value), group.key)[:LONGEST_TEAM]


def worst_of(choices: Iterable[Choice]) -> Severity:
    """What an incident with these alerts is worth telling as: what is inhibited counts as none until it is told."""
    told = (choice.severity for choice in choices if not choice.inhibited)
    return max(told, key=lambda severity: severity.rank, default=Severity.NONE)


def raised(incident: Incident, choices: Sequence[Choice], routing: Routing, now: Millis) -> Incident:
    """The incident once alerts of these choices began in it. What is worse than before pages again, acknowledged or
    not, and its escalation begins anew."""
    worst = worst_of(choices)
    if worst.rank <= incident.severity.rank:
        return incident
    escalate_at, report_at = _due(worst, choices, routing, now)
    return dataclasses.replace(incident, severity=worst, epoch=incident.epoch + 1, state=IncidentState.OPEN,
                               escalated=0, remind_at=None, escalate_at=escalate_at, report_at=report_at)


def _due(severity: Severity, choices: Iterable[Choice], routing: Routing, now: Millis
         ) -> tuple[Millis | None, Millis | None]:
    """When it escalates and when management hears that it still burns; never, while maintenance holds all of it."""
    if all(choice.window for choice in choices if not choice.inhibited):
        return None, None
    return routing.first_step_at(severity, now), routing.first_report_at(severity, now)


def _verdict(group: _Group, incident: Incident) -> str:
    parts = []
    if group.incident is None:
        inhibited = all(choice.inhibited for _, choice in group.opened)
        parts.append("opened, inhibited" if inhibited else f"opened as {incident.severity}")
    elif incident.epoch > group.incident.epoch:
        parts.append(f"rose from {group.incident.severity} to {incident.severity}")
    elif group.opened:
        parts.append(f"{len(group.opened)} more firing")
    if incident.state is IncidentState.RESOLVED:
        parts.append("resolved")
    elif group.closed:
        parts.append(f"{len(group.closed)} ended, {incident.firing} still firing")
    if incident.flapping:
        parts.append("flapping")
    return ", ".join(parts)
