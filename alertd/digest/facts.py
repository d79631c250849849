"""What is known of a stretch of time, and the figures that follow from it."""

from __future__ import annotations

import dataclasses
import statistics
from collections.abc import Mapping, Sequence
from zoneinfo import ZoneInfo

from alertd.model import HOUR, Millis, Severity
from alertd.slo.budget import Status
from alertd.statistics import Figures, Noise, Office, Ring, Tally, figures, noise, out_of_hours
from alertd.statistics.tally import quarter_of


@dataclasses.dataclass(frozen=True, slots=True)
class Seen:
    """One incident, as far as a summary of many needs it; `kind` is its alert, and of which service."""

    id: str
    kind: str
    severity: Severity
    opened_at: Millis


@dataclasses.dataclass(frozen=True, slots=True)
class Open:
    """The incidents that are open, however many: how many are critical, how many have been for a day and longer
    (`old`), and the first of those (`oldest`)."""

    number: int = 0
    critical: int = 0
    old: int = 0
    oldest: Sequence[Seen] = ()


@dataclasses.dataclass(frozen=True, slots=True)
class Ending:
    """A maintenance window or a silence that ends soon."""

    name: str
    ends_at: Millis
    creator: str


@dataclasses.dataclass(frozen=True, slots=True)
class Change:
    """A commit to rules or routes."""

    commit: str
    author: str
    subject: str
    files: tuple[str, ...]


@dataclasses.dataclass(frozen=True, slots=True)
class Facts:
    """All that is known of the time from `since` to `until`, and, to compare it with, how many starts somebody was
    called for in each of the seven such times before, the newest first (`past`). `bare` are the kinds of the critical
    incidents that began in it and have no runbook. `statuses` is None where no objective is watched; `gaps` say what is
    not known, and why."""

    since: Millis
    until: Millis
    open: Open = dataclasses.field(default_factory=Open)
    bare: Sequence[str] = ()
    record: Tally = dataclasses.field(default_factory=Tally)
    past: Sequence[int] = ()
    statuses: Sequence[Status] | None = None
    endings: Sequence[Ending] = ()
    dead: int = 0
    dead_reasons: Sequence[str] = ()
    webhooks: int = 0
    delivered: int = 0
    delay_p95: Millis | None = None
    changes: Sequence[Change] | None = None
    places: Mapping[str, str] = dataclasses.field(default_factory=dict)  # of a kind of incident: file and line
    audit_head: str = ""
    gaps: Sequence[str] = ()

    @property
    def length(self) -> Millis:
        return compared(self.since, self.until)


def compared(since: Millis, until: Millis) -> Millis:
    """How long the times are that such a time is compared with: of some hours and more to the quarter of an hour, by
    which what is over is kept."""
    length = max(until - since, 1)
    return quarter_of(length) if length >= 6 * HOUR else length


@dataclasses.dataclass(frozen=True, slots=True)
class Load:
    """How often people were called, and how soon they came. `before` is the number of calls in the time just before,
    `usual` the median of the seven before; None where nothing was recorded."""

    now: Figures
    before: int | None
    usual: float | None
    teams: tuple[tuple[str, int, int], ...]  # name, calls, of these out of hours


def load_of(facts: Facts, zone: ZoneInfo) -> Load:
    """The figures of the time, as the statistics have them."""
    office, known = Office(zone), facts.record.since
    past = [number for step, number in enumerate(facts.past, 1)
            if known is not None and facts.since - step * facts.length >= known]
    teams: dict[str, list[Ring]] = {}
    for ring in facts.record.rings:
        if ring.first:
            teams.setdefault(ring.team, []).append(ring)
    calls = [(team, sum(ring.number for ring in rings), out_of_hours(rings, office)) for team, rings in teams.items()]
    return Load(figures(facts.record.slots.values(), facts.record.rings, office), past[0] if past else None,
                statistics.median(past) if past else None, tuple(sorted(calls, key=lambda one: -one[1])))


def noise_of(facts: Facts, zone: ZoneInfo) -> list[Noise]:
    """The alerts that fired most often, and those that are hardly worth telling since they were over at once."""
    return [one for one in noise(facts.record.kinds, Office(zone)) if one.episodes > 1 or one.gone_soon]
