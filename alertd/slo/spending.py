"""What a stretch of time, such as an incident's, took of an error budget. Pure."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Iterator, Sequence

from alertd.model import HOUR, Labels, Millis
from alertd.schedule import Stretch
from alertd.slo.budget import ENOUGH, Sums, spent
from alertd.slo.counts import SLOTS, Hour, span, within


@dataclasses.dataclass(frozen=True, slots=True)
class Spent:
    """What the time took of one objective's budget. `bad` are the events that were bad, `share` is the ratio of the
    budget of the window that ended with it, `known` how much of the time is known; None is what is not known, and
    `reason` says why."""

    service: str
    slo: str
    labels: Labels
    bad: float | None = None
    share: float | None = None
    known: float = 0.0
    reason: str = ""


def lost(hours: Sequence[Hour], taken: Sequence[Stretch], since: Millis, until: Millis) -> tuple[float, float]:
    """The bad events from `since` to `until`, without what is `taken` out, and which share of that time is known; what
    is taken out is."""
    length = max(until - since, 1)
    pieces = list(_outside(taken, since, until))
    bad = sum(within(hour, begins, ends).bad for hour in hours for begins, ends in pieces)
    out = length - sum(ends - begins for begins, ends in pieces)
    return bad, min((sum(_known(hours, begins, ends) for begins, ends in pieces) + out) / length, 1.0)


def cost(service: str, slo: str, labels: Labels, found: tuple[float, float], window: Sums, length: Millis) -> Spent:
    """`found` is what was lost; `window` sums up the window that ended with it, `length` is how long that is."""
    bad, known = found
    if not known:
        return Spent(service, slo, labels, reason="nothing of this time was counted, or not yet")
    said = "" if known >= ENOUGH else f"at least: only {known:.0%} of this time is known"
    covered = min(window.known * HOUR / max(length, 1), 1.0)
    if not window.allowed:
        return Spent(service, slo, labels, bad, None, known, _both(said, "its window had no events, so no budget"))
    if covered < ENOUGH:
        return Spent(service, slo, labels, bad, None, known, _both(said, f"only {covered:.0%} of its window is known"))
    return Spent(service, slo, labels, bad, spent(bad, window.allowed), known, said)


def _both(one: str, other: str) -> str:
    return "; ".join(filter(None, (one, other)))


def _outside(taken: Iterable[Stretch], since: Millis, until: Millis) -> Iterator[Stretch]:
    """What is left of the time; `taken` is in order and does not overlap."""
    for begins, ends in taken:
        if since < begins:
            yield since, min(begins, until)
        since = max(since, ends)
        if since >= until:
            return
    yield since, until


def _known(hours: Iterable[Hour], since: Millis, until: Millis) -> Millis:
    """How long of this time is known."""
    known = 0
    for hour in hours:
        for index in range(SLOTS):
            begins, ends = span(hour.start, index)
            overlap = min(ends, until) - max(begins, since)
            if overlap > 0 and hour.slot(index) is not None:
                known += overlap
    return known
