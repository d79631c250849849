"""What a storm carries in one message instead of one for each incident, when that message is written anew, and what it
says. Pure.

Only starts are folded, and only below critical: a critical incident is told to everybody whom it concerns, each time.
What follows a folded start (its end above all) is folded with it: `telling` sees to that.
"""

from __future__ import annotations

import dataclasses
import enum
from collections.abc import Iterable, Mapping, Sequence
from zoneinfo import ZoneInfo

from alertd.digest import Entry, lines_of
from alertd.incidents import Changes, Decision
from alertd.messages import in_plain_words
from alertd.model import MANAGEMENT, SECOND, DigestText, Kind, Millis, Notification, Outlet, Severity, State
from alertd.routing import Routing
from alertd.storm import EMPTY, PREFIX, Gauge, Limits, Storm, filled, is_calm
from alertd.telling import fingerprint_of, notice
from alertd.times import duration, utc

UTC = ZoneInfo("UTC")
EDITED_EVERY = 10 * SECOND  # a message in place: often enough to follow, seldom enough to leave its channel to others
MOST_NAMED = 10  # teams or services in a message, and incidents


@dataclasses.dataclass(slots=True)
class Weather:
    """What is known of the outlets while something is decided, kept current. `storms` are those that rage."""

    gauges: dict[Outlet, Gauge] = dataclasses.field(default_factory=dict)
    storms: dict[Outlet, Storm] = dataclasses.field(default_factory=dict)
    begun: list[Storm] = dataclasses.field(default_factory=list)

    def start(self, row: Notification, limits: Limits, now: Millis) -> Storm | None:
        """Count a start; the storm that carries it."""
        outlet = row.outlet
        gauge, too_much = filled(self.gauges.get(outlet, EMPTY), limits, now)
        folds = row.severity is not Severity.CRITICAL
        storm = self.storms.get(outlet)
        if folds and too_much and storm is None:
            # named after the one before it: two replicas that see one storm begin name it alike
            id = PREFIX + fingerprint_of(gauge.storm, outlet.receiver, outlet.channel, outlet.target)[:18]
            storm = self.storms[outlet] = Storm(id, outlet, row.style, now)
            self.begun.append(storm)
            gauge = dataclasses.replace(gauge, storm=id)
        self.gauges[outlet] = gauge
        return storm if folds else None


def starts(changes: Changes, routing: Routing) -> list[Notification]:
    """What counts for a storm: starts that people read."""
    return [row for row in changes.notifications
            if row.kind is Kind.FIRING and row.outlet.channel in routing.folds and row.state is State.QUEUED]


def fold(changes: Changes, starts: Iterable[Notification], weather: Weather, limits: Limits, now: Millis) -> Changes:
    """The changes, with those of the `starts` that a storm carries folded into it."""
    carried = {row.id: storm for row in starts if (storm := weather.start(row, limits, now))}
    if not carried:
        return changes
    why: dict[str | None, list[str]] = {}
    for row in changes.notifications:
        if storm := carried.get(row.id):
            why.setdefault(row.incident, []).append(f"{row.outlet}: folded into the {named(storm)}")
    rows = tuple(_folded(row, carried[row.id]) if row.id in carried else row for row in changes.notifications)
    decisions = tuple(_because(one, why.get(one.incident, ())) for one in changes.decisions)
    return dataclasses.replace(changes, notifications=rows, decisions=decisions)


def _folded(row: Notification, storm: Storm) -> Notification:
    return dataclasses.replace(row, state=State.FOLDED, digest=storm.id,
                               reason=f"in the one message of the {named(storm)}")


def named(storm: Storm) -> str:
    return f"storm since {utc(storm.began_at)} ({storm.id})"


def _because(decision: Decision, more: Sequence[str]) -> Decision:
    return dataclasses.replace(decision, why=(*decision.why, *more)) if more else decision


# Its message ---------------------------------------------------------------------------------------------------------


class Phase(enum.StrEnum):
    RAGING = "raging"
    CALM = "calm"  # nothing more is folded, some of what it carries burns on
    OVER = "over"  # nothing of it burns


@dataclasses.dataclass(frozen=True, slots=True)
class Carried:
    """What a storm carries: incidents by severity, the teams or services with most of them, how many of all burn (the
    worst in `burning`), and how many messages were folded."""

    severities: Mapping[Severity, int]
    teams: Sequence[tuple[str, int]]
    burns: int
    messages: int
    burning: Sequence[Entry] = ()

    @property
    def incidents(self) -> int:
        return sum(self.severities.values())


def phase_of(storm: Storm, gauge: Gauge, burns: int, limits: Limits | None, known: bool, now: Millis) -> Phase:
    """Where it stands by now. It is over without limits (the file turned storms off) and where its outlet is not
    `known` any more as soon as it is calm, or at once."""
    if not known:
        return Phase.OVER
    if storm.calm_at is None and limits is not None and not is_calm(gauge, limits, now):
        return Phase.RAGING
    return Phase.CALM if burns else Phase.OVER


def is_due(storm: Storm, phase: Phase, edits: bool, limits: Limits | None, now: Millis) -> bool:
    """Whether its message is to be written anew: at its start, when it has become calm, when it is over; in between
    as often as its channel bears."""
    if storm.told == 0 or (phase is not Phase.RAGING and storm.calm_at is None):
        return True
    if phase is Phase.OVER and storm.over_at is None:
        return True
    every = EDITED_EVERY if edits else (limits or Limits()).summary
    return storm.revision > storm.told and now - storm.told_at >= every


def told(storm: Storm, phase: Phase, now: Millis) -> tuple[Storm, Notification]:
    """The storm once this is said, and the message that says it: a notice where a phase begins, which is more than an
    edit, and which the fallback gets where nobody takes it. In front of everything it stands for, and of what is
    critical: one message must not wait behind a flood."""
    turned = (storm.told == 0 or (phase is not Phase.RAGING and storm.calm_at is None)
              or (phase is Phase.OVER and storm.over_at is None))
    after = dataclasses.replace(
        storm, told=max(storm.revision, 1), told_at=now,
        calm_at=now if storm.calm_at is None and phase is not Phase.RAGING else storm.calm_at,
        over_at=now if storm.over_at is None and phase is Phase.OVER else storm.over_at)
    row = notice(storm.id, storm.outlet, storm.style, Severity.CRITICAL, now)
    key = fingerprint_of(storm.id, phase, str(storm.revision))
    return after, dataclasses.replace(row, id=type(row.id)(key), key=key,
                                      kind=Kind.NOTICE if turned else Kind.STORM)


def said(storm: Storm, phase: Phase, carried: Carried, limits: Limits | None, now: Millis) -> DigestText:
    """The message as it stands now."""
    number = _incidents(carried.incidents)
    ended = carried.incidents - carried.burns
    lines = [_about(storm, phase, limits, now), f"{number} came: {_by(carried)}.",
             f"{carried.burns:,} still burn{'' if carried.burns != 1 else 's'}, {ended:,} resolved; "
             f"{carried.messages:,} messages are folded into this one."]
    if len(carried.teams) > 1 or (carried.teams and storm.style != MANAGEMENT):
        lines.append("Most of them: " + ", ".join(f"{name} {count:,}" for name, count in carried.teams) + ".")
    if carried.burning:
        lines += ["", "Still burning:" if carried.burns <= MOST_NAMED else "Still burning, the worst and oldest:"]
        for entry in carried.burning:
            lines += _plainly(entry) if storm.style == MANAGEMENT else lines_of(entry, UTC)[:2]
        if carried.burns > len(carried.burning):
            lines.append(f"+{carried.burns - len(carried.burning):,} more")
    return DigestText(_title(storm, phase, carried, now), "\n".join(lines))


def _title(storm: Storm, phase: Phase, carried: Carried, now: Millis) -> str:
    number = _incidents(carried.incidents)
    if phase is Phase.RAGING:
        return f"STORM: {number} since {utc(storm.began_at)}"
    if phase is Phase.CALM:
        return f"Storm over: {number} came, {carried.burns:,} still burn{'' if carried.burns != 1 else 's'}"
    return f"Storm over: {number} came, all resolved"


def _about(storm: Storm, phase: Phase, limits: Limits | None, now: Millis) -> str:
    if phase is Phase.RAGING:
        much = f"more than {limits.over} incidents within {duration(limits.within)}" if limits else "too much"
        return (f"Since {utc(storm.began_at)} more begins than can be read ({much}): what is not critical is collected "
                "here, and this is kept current. Critical incidents are told one by one all the same.")
    lasted = duration(max((storm.calm_at or now) - storm.began_at, 0))
    after = "How what still burns ends is told here." if phase is Phase.CALM else "Nothing of it burns any more."
    return (f"The storm that began {utc(storm.began_at)} is over after {lasted}: what begins now is told as usual. "
            f"{after}")


def _by(carried: Carried) -> str:
    ordered = sorted(carried.severities.items(), key=lambda one: -one[0].rank)
    return ", ".join(f"{count:,} {severity}" for severity, count in ordered) or "none"


def _incidents(number: int) -> str:
    return f"{number:,} incident" + ("" if number == 1 else "s")


def _plainly(entry: Entry) -> Iterable[str]:
    words = dict.fromkeys(in_plain_words(alert) for alert in entry.alerts)
    return [f"* {next(iter(words), '')}, since {utc(entry.incident.opened_at)}, {entry.incident.id}"]
