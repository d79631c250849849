"""What is known of a stretch of time, and the figures that follow from it."""

from __future__ import annotations

import dataclasses
import datetime
import statistics
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from zoneinfo import ZoneInfo

from alertd.model import DAY, MINUTE, Labels, Millis, Severity
from alertd.slo.budget import Status

BRIEF: Millis = 5 * MINUTE  # what is over by itself within this was hardly worth waking anybody
FLAPS = 3  # as many incidents of one kind in a day come and go
OFFICE = (9, 18)  # hours of Monday to Friday in which nobody is woken


@dataclasses.dataclass(frozen=True, slots=True)
class Seen:
    """One incident, as far as a summary of many needs it."""

    id: str
    name: str
    labels: Labels
    team: str
    severity: Severity
    opened_at: Millis
    acknowledged_at: Millis | None
    resolved_at: Millis | None
    runbook: bool

    @property
    def kind(self) -> str:
        """What to tune so that there is less of it: the alert, and of which service."""
        service = self.labels.get("service", "")
        return f"{self.name} of {service}" if service else self.name


@dataclasses.dataclass(frozen=True, slots=True)
class Page:
    """One message that called a person."""

    at: Millis
    incident: str
    team: str


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
    """All that is known of the time from `since` to `until`, and of eight such times (`pages`, `incidents`) to compare
    it with. `statuses` is None where no objective is watched; `gaps` say what is not known, and why."""

    since: Millis
    until: Millis
    incidents: Sequence[Seen] = ()
    pages: Sequence[Page] = ()
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
    recorded_since: Millis = 0  # of what was before, nothing is known: it is no quiet time

    @property
    def length(self) -> Millis:
        return max(self.until - self.since, 1)


@dataclasses.dataclass(frozen=True, slots=True)
class Load:
    """How often people were called, and how soon they came."""

    pages: int
    out_of_hours: int
    before: int | None
    usual: float | None
    to_acknowledge: Millis | None
    to_resolve: Millis | None
    teams: tuple[tuple[str, int, int], ...]  # name, pages, of these out of hours


def load_of(facts: Facts, zone: ZoneInfo) -> Load:
    """Of the time itself; `before` is the one just before it, `usual` the median of the seven before."""
    now = [page for page in facts.pages if facts.since <= page.at < facts.until]
    past = [sum(begin <= page.at < begin + facts.length for page in facts.pages)
            for begin in (facts.since - step * facts.length for step in range(1, 8)) if begin >= facts.recorded_since]
    paged = {page.incident for page in now}
    teams = Counter(page.team for page in now)
    late = Counter(page.team for page in now if out_of_hours(page.at, zone))
    return Load(
        len(now), sum(late.values()), past[0] if past else None, statistics.median(past) if past else None,
        _mean(one.acknowledged_at - one.opened_at for one in facts.incidents
              if one.id in paged and one.acknowledged_at is not None),
        _mean(one.resolved_at - one.opened_at for one in facts.incidents
              if one.resolved_at is not None and facts.since <= one.resolved_at < facts.until),
        tuple((team, number, late[team]) for team, number in teams.most_common()))


def out_of_hours(at: Millis, zone: ZoneInfo) -> bool:
    """Whether whoever is called then is called from their evening, night or weekend."""
    local = datetime.datetime.fromtimestamp(at / 1000, zone)
    return local.weekday() >= 5 or not OFFICE[0] <= local.hour < OFFICE[1]


@dataclasses.dataclass(frozen=True, slots=True)
class Noise:
    """One kind of incident of which there was much, and what is odd about it."""

    kind: str
    number: int
    brief: int
    unheeded: int
    flapping: bool


def noise_of(facts: Facts) -> list[Noise]:
    """The kinds that came most often, and those that are hardly worth telling: over by themselves at once, or
    acknowledged by nobody."""
    kinds: dict[str, list[Seen]] = {}
    for one in facts.incidents:
        if facts.since <= one.opened_at < facts.until and one.severity is not Severity.NONE:
            kinds.setdefault(one.kind, []).append(one)
    per_day = max(1.0, facts.length / DAY)
    found = [Noise(kind, len(ones),
                   sum(one.resolved_at is not None and one.resolved_at - one.opened_at < BRIEF for one in ones),
                   sum(one.resolved_at is not None and one.acknowledged_at is None for one in ones),
                   len(ones) >= FLAPS * per_day) for kind, ones in kinds.items()]
    return sorted((one for one in found if one.number > 1 or one.brief),
                  key=lambda one: (-one.number, -one.brief, one.kind))


def _mean(times: Iterable[Millis]) -> Millis | None:
    found = list(times)
    return round(statistics.fmean(found)) if found else None
