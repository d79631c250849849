"""One incident as everything that is known of it, put in the order of time. Pure."""

from __future__ import annotations

import dataclasses
import enum
from collections.abc import Iterable

from alertd import escaping
from alertd.audit import Act
from alertd.messages import Link, summary
from alertd.model import (
    MINUTE,
    Alert,
    Event,
    Incident,
    IncidentState,
    Kind,
    Millis,
    Notification,
    NotificationId,
    State,
)
from alertd.times import duration

MOST_EDGES = 40  # starts and ends of alerts that have a line of their own
LOOK = {"runbook_url": "Runbook", "dashboard_url": "Dashboard", "dashboard": "Dashboard"}  # annotations that lead on
LATE: Millis = MINUTE  # a message that was taken this long after it was due came late


class Sort(enum.StrEnum):
    """What kind of thing happened."""

    BEGAN = "began"
    DECIDED = "decided"
    TOLD = "told"
    FAILED = "failed"
    PERSON = "person"
    OVER = "over"


@dataclasses.dataclass(frozen=True, slots=True)
class Attempt:
    """One try to send a notification, and how the vendor answered."""

    notification: NotificationId
    started_at: Millis
    finished_at: Millis
    event: Event
    detail: str


@dataclasses.dataclass(frozen=True, slots=True)
class Decided:
    """What was decided about the incident at some moment, and why."""

    at: Millis
    verdict: str
    why: tuple[str, ...]


@dataclasses.dataclass(frozen=True, slots=True)
class Story:
    """Everything: firing alerts come before ended ones, notifications in the order they were made, attempts, decisions
    and acts in the order they happened."""

    incident: Incident
    alerts: tuple[Alert, ...]
    notifications: tuple[Notification, ...]
    attempts: tuple[Attempt, ...]
    decisions: tuple[Decided, ...]
    acts: tuple[Act, ...]


@dataclasses.dataclass(frozen=True, slots=True)
class Moment:
    """One line of the timeline, with what is to be said below it."""

    at: Millis
    kind: Sort
    what: str
    more: tuple[str, ...] = ()


@dataclasses.dataclass(frozen=True, slots=True)
class Figures:
    """How long things took; None where they have not happened, or nobody knows.

    `to_detect`: from the start that Prometheus names to the webhook. `to_page`: from there to the first start that
    somebody's vendor took. `to_acknowledge` and `to_resolve` count from the webhook too.
    """

    to_detect: Millis | None
    to_page: Millis | None
    to_acknowledge: Millis | None
    to_resolve: Millis | None


def began_at(story: Story) -> Millis | None:
    """When the first of its alerts began, as Prometheus says."""
    return min((alert.starts_at for alert in story.alerts), default=None)


def acknowledged_at(story: Story) -> Millis | None:
    """When somebody first took care of it."""
    first = next((act.at for act in story.acts if act.action == "acknowledge"), None)
    return first if first is not None else story.incident.acknowledged_at


def figures(story: Story) -> Figures:
    """The times of this incident."""
    incident, began = story.incident, began_at(story)
    starts = {row.id for row in story.notifications if row.kind is Kind.FIRING}
    taken = min((one.finished_at for one in story.attempts
                 if one.event is Event.ACCEPT and one.notification in starts), default=None)
    detected = None if began is None else max(incident.opened_at - began, 0)
    return Figures(detected, _since(incident.opened_at, taken), _since(incident.opened_at, acknowledged_at(story)),
                   _since(incident.opened_at, incident.resolved_at))


def troubled(story: Story) -> list[tuple[Notification, str]]:
    """The messages that could not be delivered, came late, or took more than one attempt, each with what happened."""
    found = []
    for row in story.notifications:
        tries = [one for one in story.attempts if one.notification == row.id]
        taken = next((one.finished_at for one in tries if one.event is Event.ACCEPT), None)
        if row.state is State.DEAD:
            found.append((row, f"not delivered: {row.reason}"))
        elif taken is not None and taken - row.created_at > LATE:
            found.append((row, f"taken {duration(taken - row.created_at)} after it was made, {len(tries)} attempts"))
        elif len(tries) > 1:
            found.append((row, f"{len(tries)} attempts; {tries[0].detail}"))
    return found


def links(alerts: Iterable[Alert]) -> list[Link]:
    """Where the alerts say one should look; each once, and of the web only."""
    found: dict[Link, None] = {}
    for alert in alerts:
        for annotation, name in LOOK.items():
            if url := escaping.web_address(alert.annotations.get(annotation, "")):
                found[Link(name, url)] = None
    return list(found)


def timeline(story: Story) -> list[Moment]:
    """What happened, the first first."""
    moments = [*_alerts(story.alerts), *_decisions(story.decisions), *_attempts(story), *_acts(story.acts)]
    if story.incident.state is IncidentState.RESOLVED and story.incident.resolved_at is not None:
        moments.append(Moment(story.incident.resolved_at, Sort.OVER, "The incident is resolved"))
    return sorted(moments, key=lambda moment: moment.at)


def _alerts(alerts: Iterable[Alert]) -> Iterable[Moment]:
    found: dict[tuple[Millis, Sort, str], int] = {}  # what begins or ends together is one line
    for alert in sorted(alerts, key=lambda alert: alert.starts_at):
        edges = [(alert.starts_at, Sort.BEGAN, f"Prometheus: {summary(alert)}, begins to fire")]
        if alert.ends_at is not None:
            edges.append((alert.ends_at, Sort.OVER, f"Prometheus: {summary(alert)}, has ended"))
        for edge in edges:
            found[edge] = found.get(edge, 0) + 1
    for (at, sort, what), number in list(found.items())[:MOST_EDGES]:
        yield Moment(at, sort, what if number == 1 else f"{what} ({number} alerts)")
    rest = list(found)[MOST_EDGES:]
    if rest:
        yield Moment(rest[0][0], Sort.BEGAN, f"Prometheus: from here on {len(rest)} more starts and ends")


def _decisions(decisions: Iterable[Decided]) -> Iterable[Moment]:
    for one in decisions:
        yield Moment(one.at, Sort.DECIDED, f"alertd: {one.verdict}", one.why)


def _attempts(story: Story) -> Iterable[Moment]:
    rows = {row.id: row for row in story.notifications}
    words = {Event.ACCEPT: "taken", Event.TRY_LATER: "not taken, to be tried again", Event.REJECT: "refused"}
    for one in story.attempts:
        row = rows.get(one.notification)
        if row is None:
            continue
        took = f"{(one.finished_at - one.started_at) / 1000:.1f} s"
        good = one.event is Event.ACCEPT
        yield Moment(one.finished_at, Sort.TOLD if good else Sort.FAILED,
                     f"{row.outlet}: {row.kind} {words.get(one.event, one.event.value)} after {took}",
                     () if good or not one.detail else (one.detail,))


def _acts(acts: Iterable[Act]) -> Iterable[Moment]:
    words = {"acknowledge": "takes care of it", "retry": "has a message tried again", "drop": "drops a message"}
    for act in acts:
        yield Moment(act.at, Sort.PERSON, f"{act.actor} {words.get(act.action, act.action)} (by {act.via})")


def _since(start: Millis, moment: Millis | None) -> Millis | None:
    return None if moment is None else max(moment - start, 0)
