"""What a maintenance window does to people: what is told once it has ended, and who hears that it begins or ends.
Pure.

What a window holds is decided anew once it has ended, with the alerts that still fire and the routing of then, as if
they began then. So it does not matter why it ended: by its time, by a new routing.yaml, or by a person.
"""

from __future__ import annotations

import dataclasses
import datetime
from collections.abc import Iterable, Sequence
from typing import Any
from zoneinfo import ZoneInfo

from alertd.digest import Entry, lines_of
from alertd.incidents import Changes, Decision
from alertd.matchers import Matcher
from alertd.messages import in_plain_words
from alertd.model import (
    DAY,
    MANAGEMENT,
    Alert,
    DigestText,
    Incident,
    IncidentState,
    Labels,
    Millis,
    Notification,
    Outlet,
    Severity,
    State,
)
from alertd.routing import Choice, Chooser, Routing, choose, ways
from alertd.schedule import Once, Stretch, Window, everything
from alertd.telling import HELD_BY, Desk, fingerprint_of, kept, notice
from alertd.times import utc

QUIET = ("slack", "email")  # channels by which a window's start and end are told: they wake nobody
UTC = ZoneInfo("UTC")
MOST = 0.5  # of what fired lately: a window that covers more is more likely a slip than a plan
MOST_LISTED = 100  # incidents in one message; Slack takes no more text, and nobody reads more
LATELY: Millis = 7 * DAY


def held_until(alerts: Iterable[Alert], routing: Routing, now: Millis) -> Millis | None:
    """Until when maintenance holds every one of these firing alerts; None where it does not."""
    choose_now, ends = Chooser(routing, now), list[Millis]()
    for alert in alerts:
        window = choose_now(alert.labels).window
        stretch = window.active(now) if window else None
        if stretch is None:
            return None
        ends.append(stretch[1])
    return min(ends, default=None)


def put_off(incident: Incident, until: Millis, now: Millis) -> Changes:
    """What time would do to the incident now (a step of the escalation, the end of an acknowledgement) waits until
    then: all that fires of it is held."""
    acknowledged = incident.state is IncidentState.ACKNOWLEDGED
    after = dataclasses.replace(
        incident, escalate_at=None if acknowledged else until,
        acknowledged_until=until if acknowledged else incident.acknowledged_until)
    waits = "the acknowledgement holds" if acknowledged else "the escalation waits"
    return Changes((), (after,), decisions=(Decision(
        None, incident.id, now, "held by maintenance", (f"{waits} until {utc(until)}: maintenance holds all of it",)),))


def release(incident: Incident, alerts: Sequence[Alert], rows: Sequence[Notification], routing: Routing, now: Millis
            ) -> Changes:
    """What is told of an incident of which something was held; nothing while all that fires is held still. `alerts`
    are those that fire."""
    held = [row for row in rows if kept(row)]
    choose_now = Chooser(routing, now)
    choices = [choose_now(alert.labels) for alert in alerts]
    if not held or (choices and all(choice.window for choice in choices)):
        return Changes()
    begins = incident.state is IncidentState.OPEN and incident.escalate_at is None and not incident.escalated
    after = dataclasses.replace(
        incident, revision=incident.revision + 1,
        escalate_at=routing.first_step_at(incident.severity, now) if begins and choices else incident.escalate_at,
        report_at=routing.first_report_at(incident.severity, now) if begins and choices else incident.report_at)
    desk = Desk(after, rows, routing, now)
    if choices:
        desk.began(choices)
    # at once, whatever a receiver's `hold` asks: it has burnt long enough
    new = [dataclasses.replace(row, next_at=now) for row in desk.new if not _taken_care_of(row, after, routing)]
    settled = {row.id for row in desk.superseded}
    over = [] if any(choice.window for choice in choices) else [row for row in held if row.id not in settled]
    gone = tuple(dataclasses.replace(row, state=State.SUPERSEDED, reason="what it was about ended within the "
                                     f"{row.reason.removeprefix(HELD_BY)}, or others are told of it now")
                 for row in over)
    ended = dict.fromkeys(row.reason.removeprefix(HELD_BY) for row in held)
    verdict = f"{len(alerts)} still firing, held until now"
    why = (*(f"no longer held by {window}" for window in ended), *desk.why)
    return Changes((), (after,), tuple(new), (*desk.superseded, *gone),
                   (Decision(None, incident.id, now, verdict, why),))


def _taken_care_of(row: Notification, incident: Incident, routing: Routing) -> bool:
    """Nobody is called for what somebody takes care of since."""
    return incident.state is IncidentState.ACKNOWLEDGED and row.outlet.channel in routing.pages


@dataclasses.dataclass(frozen=True, slots=True)
class Bundle:
    """One message that stands for several: `carries` become lines of it."""

    message: Notification
    carries: tuple[Notification, ...]


def bundled(rows: Iterable[Notification], routing: Routing, now: Millis) -> list[Bundle]:
    """Of messages that are due together, those that leave as one: all for one outlet, except where each is a call that
    people acknowledge."""
    by_outlet: dict[Outlet, list[Notification]] = {}
    for row in rows:
        if row.state is State.QUEUED and row.outlet.channel not in routing.pages:
            by_outlet.setdefault(row.outlet, []).append(row)
    return [Bundle(_notice(outlet, together, now), tuple(together))
            for outlet, together in by_outlet.items() if len(together) > 1]


def _notice(outlet: Outlet, together: Sequence[Notification], now: Millis) -> Notification:
    worst = max((row.severity for row in together), key=lambda severity: severity.rank)
    id = fingerprint_of("still burning", *sorted(row.id for row in together))
    return notice(id, outlet, together[0].style, worst, now)


def by_weight(entries: Iterable[Entry]) -> list[Entry]:
    """The worst first, then the oldest."""
    return sorted(entries, key=lambda entry: (-entry.incident.severity.rank, entry.incident.opened_at,
                                              entry.incident.id))


def burning(entries: Iterable[Entry], windows: Iterable[str], style: str) -> DigestText:
    """The one message of what still burns, the worst first; `windows` are those that held it, as reasons name them."""
    ordered = by_weight(entries)
    number = f"{len(ordered)} incidents still burn" if len(ordered) != 1 else "1 incident still burns"
    worst = max((entry.incident.severity for entry in ordered), key=lambda one: one.rank, default=Severity.NONE)
    lines = [*(f"No longer held: {window}." for window in sorted(set(windows))), "This still burns:", ""]
    for entry in ordered[:MOST_LISTED]:
        lines += _plainly(entry) if style == MANAGEMENT else lines_of(entry, UTC)
    if len(ordered) > MOST_LISTED:
        lines.append(f"+{len(ordered) - MOST_LISTED} more")
    return DigestText(f"[{worst.value}] {number} after maintenance", "\n".join(lines))


def _plainly(entry: Entry) -> list[str]:
    said = dict.fromkeys(in_plain_words(alert) for alert in entry.alerts)
    return [f"* {next(iter(said), '')}, since {utc(entry.incident.opened_at)}, {entry.incident.id}"]


# Its start and end ---------------------------------------------------------------------------------------------------


def concerned(window: Window, routing: Routing, now: Millis) -> list[tuple[Outlet, str]]:
    """Whom a window's start and end concern, with their style: who would be told of what it covers, where that wakes
    nobody. Management hears of incidents, not of planned work."""
    found: dict[Outlet, str] = {}
    for choice in _possible(window, routing):
        for name in choice.receivers:
            receiver = routing.receivers.get(name)
            if receiver is None or receiver.style == MANAGEMENT:
                continue
            found |= {outlet: owner.style for outlet, owner in ways(receiver, routing, now).outlets
                      if outlet.channel in QUIET and owner.style != MANAGEMENT}
    places: dict[tuple[str, str], tuple[Outlet, str]] = {}
    for outlet, style in found.items():
        places.setdefault((outlet.channel, outlet.target), (outlet, style))
    return list(places.values())


def _possible(window: Window, routing: Routing) -> Iterable[Choice]:
    """Choices for alerts that it may cover: with the labels it names, in every severity it leaves."""
    named = {matcher.label: matcher.value for matcher in window.matchers if matcher.op == "="}
    for severity in Severity:
        labels = {"alertname": "of the window", **named, "severity": severity.value}
        if all(matcher.matches(labels) for matcher in window.matchers if matcher.label == "severity"):
            yield choose(labels, routing)


def begins(window: Window, stretch: Stretch, file: str) -> DigestText:
    """The notice of a start."""
    covers = ", ".join(map(str, window.matchers)) or "everything"
    kept_for = ("is kept and told at its end, if it still burns then" if window.mode == "hold" else
                "is collected for the digest, and told at its end if it still burns then")
    return DigestText(f"Maintenance begins: {window.name}", "\n".join((
        f"{_named(window, file)} has begun and lasts until {utc(stretch[1])}.",
        f"What begins to fire within it ({covers}) {kept_for}.")))


def ends(window: Window, stretch: Stretch, file: str, burns: int) -> DigestText:
    """The notice of an end; `burns` counts the incidents that are told because they still burn."""
    still = (f"{burns} incident{'s' if burns > 1 else ''} of it still burn{'' if burns > 1 else 's'} and "
             f"{'are' if burns > 1 else 'is'} told now." if burns else "Nothing of what it held still burns.")
    return DigestText(f"Maintenance has ended: {window.name}",
                      f"{_named(window, file)}, begun {utc(stretch[0])}, has ended.\n{still}")


def _named(window: Window, file: str) -> str:
    return window.place(file).replace("maintenance", "Maintenance", 1)


def shown(window: Window, file: str, now: Millis, number: int = 5) -> dict[str, Any]:
    """A window as lists show it, with its next occurrences by the clocks of its zone. `id` of one of the file is where
    it stands."""
    zone = UTC if isinstance(window.when, Once) else window.when.timezone
    stretches = window.next(now, number)
    active = bool(stretches) and stretches[0][0] <= now
    return {
        "id": window.id or f"{file}:{window.line}", "name": window.name, "line": window.line,
        "match": [str(matcher) for matcher in window.matchers], "mode": window.mode.value,
        "state": "active" if active else "planned" if stretches else "over", "reason": window.reason,
        "by": window.creator, "next": [{"from": _local(starts, zone), "to": _local(ends, zone)}
                                       for starts, ends in stretches]}


def _local(at: Millis, zone: ZoneInfo) -> str:
    return datetime.datetime.fromtimestamp(at / 1000, zone).isoformat(timespec="seconds")


def too_broad(matchers: Sequence[Matcher], fired: Sequence[Labels]) -> str | None:
    """Why a window with these matchers is refused where nobody confirms it, in words; None where it is not. `fired`
    are the labels of what fired within LATELY."""
    if everything(matchers):
        return "it matches every alert there is"
    covered = sum(all(matcher.matches(labels) for matcher in matchers) for labels in fired)
    if covered <= MOST * len(fired):
        return None
    return (f"it would have held {covered} of the {len(fired)} alerts that fired within the last 7 days "
            f"({round(100 * covered / len(fired))} %)")
