"""What Prometheus' answers say, as counts by series and mark of the clock. What cannot be a count is not known."""

from __future__ import annotations

import math
from collections.abc import Callable, Container, Iterable, Mapping

from alertd.model import HOUR, SECOND, Labels, Millis
from alertd.slo.counts import DELAY, SLOT, Count

SETTLED: Millis = 30 * SECOND  # after a mark, all records made before it are there
TURN: Millis = 60 * SECOND  # after that, every record of what is open has had its turn since
Group = tuple[tuple[str, str], ...]  # labels, sorted
Rows = dict[Group, dict[Millis, Count]]
Samples = Iterable[tuple[Labels, Iterable[tuple[Millis, float | None]]]]

# Of what is open, as alertd.rulegen.rows labels it: of now; of now, with the bad ones among the events.
_NOW, _AMONG, _BAD = 'part="open"', 'part="among"', 'slo_bad="true"'
_SLOT = SLOT - 1
# The record of a mark is written at it or after it, and before the next.
_OF_MARK = f"offset -{_SLOT}ms"


def recorded(services: Iterable[str]) -> str:
    """PromQL: at a mark, its rows of all objectives, by the label `part`."""
    chosen = _chosen(services)
    return " or ".join(f'label_replace(slo:{part}:increase5m{chosen} {_OF_MARK}, "part", "{part}", "", "")'
                       for part in ("events", "bad"))


def opened(services: Iterable[str]) -> str:
    """PromQL: what came since the rows that have settled; only what was recorded within the last minute."""
    def new(series: str) -> str:
        return f"({series} and time() - timestamp({series}) <= 60)"

    services = tuple(services)
    events = new(f'slo:events:open{_chosen(services, _NOW)}')
    among = new(f'slo:events:open{_chosen(services, _AMONG)}')  # the bad ones, and 0 for each that is none
    bad = (new(f'slo:bad:open{_chosen(services, _NOW)}'),
           new(f'slo:events:open{_chosen(services, _AMONG, _BAD)}'), f"0 * {among}")
    return " or ".join(f'label_replace({series}, "part", "{part}", "", "")'
                       for part, several in (("events", (events, among)), ("bad", bad)) for series in several)


def _chosen(services: Iterable[str], *more: str) -> str:
    """The services by name, while that is short: a Prometheus may have many more than rules/ here declares. Their names
    are letters, digits, '.', '_' and '-'. `more` are further conditions."""
    names = "|".join(sorted(services)).replace(".", "[.]")
    conditions = ([f'service=~"{names}"'] if names and len(names) <= 150 else []) + list(more)
    return "{" + ",".join(conditions) + "}" if conditions else ""


def asked_at(now: Millis) -> Millis:
    """The newest moment at which what is open can be asked: not within a minute after its mark moved on, when some of
    it is still from before."""
    since = (now - SETTLED) % SLOT
    return now if since >= TURN else now - since - SECOND


def settled(at: Millis) -> Millis:
    """The mark of the last rows that what is open then does not hold."""
    return (at - SETTLED) // SLOT * SLOT - SLOT


def counts(samples: Samples, sparse: bool = False, group: Callable[[Labels], Group] | None = None) -> Rows:
    """Counts by series and time. Where only one of the two is a number that a count can be, nothing is known; `sparse`:
    where there is none of bad ones, there were none. What `group` takes for the same is added up."""
    parts: dict[str, dict[Group, dict[Millis, float | None]]] = {"events": {}, "bad": {}}
    for labels, points in samples:
        if labels.get("part") in parts:
            its = parts[labels["part"]].setdefault((group or group_of)(labels), {})
            for at, value in points:
                its[at] = _added(its[at], value) if at in its else _added(0.0, value)
    found: Rows = {}
    for key, events in parts["events"].items():
        beside = parts["bad"].get(key, {})
        pairs = ((at, value, beside.get(at, 0.0 if sparse else None)) for at, value in events.items())
        found[key] = {at: Count(value, bad) for at, value, bad in pairs if value is not None and bad is not None}
    return found


def _added(sum: float | None, value: float | None) -> float | None:
    """None where one of them can be no count: something is missing then."""
    return sum + value if sum is not None and value is not None and math.isfinite(value) and value >= 0 else None


def group_of(labels: Labels, only: Container[str] | None = None) -> Group:
    """What tells a series from others: all labels but the name and the part, or `only` some of them."""
    return tuple(sorted((name, value) for name, value in labels.items()
                        if name not in ("__name__", "part") and (only is None or name in only)))


def first_mark(hour: Millis) -> Millis:
    """Of the rows of an hour."""
    return hour + SLOT


def newest(rows: Mapping[Millis, Count], at: Millis, mark: Millis) -> Millis | None:
    """Until when a series is known, what is open at `at` standing under the mark after `mark`."""
    if not rows:
        return None
    last = max(rows)
    return at if last > mark else last - DELAY


def complete(hour: Millis, mark: Millis) -> bool:
    """Whether all rows of the hour have settled."""
    return hour + HOUR <= mark
