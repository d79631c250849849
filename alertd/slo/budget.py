"""What is left of an error budget, and how it stands."""

from __future__ import annotations

import dataclasses
import enum
from collections.abc import Mapping, Sequence

from alertd.model import HOUR, MINUTE, Labels, Millis
from alertd.schedule import Stretch
from alertd.slo.counts import NOTHING, SLOT, SLOTS, Count, Hour, span, total
from alertd.slo.forecast import Forecast, Spending
from alertd.slo.window import Rolling, Window

ENOUGH = 0.9  # of a window must be known for its budget to be; the rules' alerts ask for as much
LOW = 0.25  # of the budget left
SOON = 10  # a tenth of its window ahead, a budget that will be gone is at risk
LEAST = 3  # bad events; fewer are chance, and no rate
SETTLING: Millis = 12 * MINUTE  # as old the newest row may be without anything being missing
SILENT: Millis = 15 * MINUTE  # without news of what is counted, how things stand is not known


class Standing(enum.StrEnum):
    """Of a budget. `at_risk`: less than a quarter is left, or at the last day's rate it will soon be gone."""

    OK = "ok"
    AT_RISK = "at_risk"
    EXHAUSTED = "exhausted"
    UNKNOWN = "unknown"


@dataclasses.dataclass(frozen=True, slots=True)
class Slo:
    """An objective as declared: the ratio of good events it asks for, over which window, and by which labels it is
    split."""

    service: str
    slo: str
    objective: float
    window: Window
    by: tuple[str, ...] = ()


@dataclasses.dataclass(frozen=True, slots=True)
class Sums:
    """Of the hours of a window, without what is excluded: events, bad ones, how many bad ones the objectives of those
    hours allowed (each hour by its own), and how many hours are known or excluded."""

    count: Count = NOTHING
    allowed: float = 0.0
    known: float = 0.0
    excluded: float = 0.0

    def __add__(self, other: Sums) -> Sums:
        return Sums(self.count + other.count, self.allowed + other.allowed, self.known + other.known,
                    self.excluded + other.excluded)

    @property
    def spending(self) -> Spending:
        return Spending(self.allowed, self.count.bad)


@dataclasses.dataclass(frozen=True, slots=True)
class Recent:
    """The last hour: what was counted, which share of it is known; `until` when anything last was."""

    count: Count = NOTHING
    known: float = 0.0
    until: Millis | None = None


@dataclasses.dataclass(frozen=True, slots=True)
class Status:
    """How an objective stands. `labels` are those it is split by. What is not known is None, and `reason` says why;
    `remarks` are what else to know of the figures. `budget_remaining` is 1 untouched, 0 spent, negative overspent."""

    id: str
    slo: Slo
    labels: Labels
    at: Millis
    since: Millis
    state: Standing
    events: float | None = None
    bad: float | None = None
    excluded: float = 0.0
    budget_remaining: float | None = None
    burn_rate: float | None = None
    coverage: float | None = None
    reason: str = ""
    remarks: tuple[str, ...] = ()
    forecast: Forecast = dataclasses.field(default_factory=Forecast)


def recent(hours: Mapping[Millis, Hour], taken: Sequence[Stretch], until: Millis) -> Recent:
    """The last hour up to `until`, from the hours it lies in, without what is `taken` out."""
    counts, known = [], 0.0
    for hour in hours.values():
        for index in range(SLOTS):
            begins, ends = span(hour.start, index)
            share = (min(ends, until) - max(begins, until - HOUR)) / SLOT
            slot = hour.slot(index) if share > 0 else None
            if slot is None:
                continue
            known += share / SLOTS
            if not any(since < ends and begins < end for since, end in taken):
                counts.append(slot * share)
    return Recent(total(counts), min(known, 1.0), until)


def judge(slo: Slo, labels: Labels, sums: Sums, last: Recent, now: Millis, *, id: str, problem: str = "",
          forecast: Forecast | None = None) -> Status:
    """How it stands. `problem` is why nothing newer can be known, where that is so; without a `forecast` there is
    none."""
    since = slo.window.begin(now)
    hours = max((now - since - SETTLING) / HOUR, 1 / SLOTS)
    coverage = min(sums.known / hours, 1.0)
    status = Status(id, slo, labels, now, since, Standing.UNKNOWN, excluded=sums.excluded / hours, coverage=coverage)
    if why := _unknown(last, now, problem):
        return dataclasses.replace(status, reason=why, coverage=coverage if last.until is not None else None,
                                   forecast=Forecast(unknown=why))
    count, share = sums.count, 1 - slo.objective
    status = dataclasses.replace(status, events=count.events, bad=count.bad, burn_rate=_burn(last, share),
                                 remarks=_remarks(sums, hours))
    if not sums.allowed:
        why = "nothing happened in the window: there are no events, good or bad"
        return dataclasses.replace(status, reason=why, forecast=Forecast(unknown=why))
    left = 1 - count.bad / sums.allowed
    if coverage < ENOUGH:
        return _thin(status, left, coverage)
    forecast = forecast or Forecast(unknown="it is not worked out for this window")
    state = _state(slo.window, left, now, forecast)
    return dataclasses.replace(status, state=state, budget_remaining=left, forecast=forecast)


def foretold(status: Status, forecast: Forecast) -> Status:
    """The same with a forecast, which may put it at risk."""
    if status.budget_remaining is None or status.state is Standing.UNKNOWN:
        return status
    state = _state(status.slo.window, status.budget_remaining, status.at, forecast)
    return dataclasses.replace(status, state=state, forecast=forecast)


def _unknown(last: Recent, now: Millis, problem: str) -> str:
    if last.until is None:
        return problem or "nothing has been counted yet: are the rules in rules/generated/ loaded by Prometheus?"
    if now - last.until > SILENT:
        minutes = (now - last.until) // MINUTE
        ago = f"{minutes} minutes" if minutes < 120 else f"{minutes // 60} hours"
        return f"nothing was counted in the last {ago}" + (f": {problem}" if problem else
                                                           ": its metrics are gone, or the rules are not evaluated")
    return problem


def _thin(status: Status, left: float, coverage: float) -> Status:
    """Too little of the window is known for its figures to be. If even what is known is more than the whole window's
    budget, that is gone."""
    known = f"only {coverage:.0%} of the window is known"
    forecast = Forecast(unknown=known)
    at_most = 1 - coverage * (1 - left)
    if at_most <= 0:
        return dataclasses.replace(status, state=Standing.EXHAUSTED, budget_remaining=at_most, forecast=forecast,
                                   reason=f"{known}; the rest counts as free of errors, and yet nothing is left")
    so_far = f"{known}: {status.bad:.0f} of its {status.events:.0f} events were bad, {left:.0%} of their budget is left"
    return dataclasses.replace(status, events=None, bad=None, reason=so_far, forecast=forecast)


def _burn(last: Recent, share: float) -> float | None:
    """How many times faster than it may be the budget is spent; None where less than half of the last hour is known."""
    if last.known < 0.5:
        return None
    return last.count.bad / last.count.events / share if last.count.events else 0.0


def _state(window: Window, left: float, now: Millis, forecast: Forecast) -> Standing:
    if left <= 0:
        return Standing.EXHAUSTED
    soon = forecast.exhausted_at is not None and forecast.exhausted_at - now <= length(window, now) / SOON
    return Standing.AT_RISK if left < LOW or soon else Standing.OK


def _remarks(sums: Sums, hours: float) -> tuple[str, ...]:
    missing, found = hours - sums.known, []
    if 1.1 / SLOTS < missing <= (1 - ENOUGH) * hours:  # where more is missing, that is the reason that nothing is known
        found.append(f"{missing:.1f} of {hours:.0f} hours are not known, and count as free of errors and events")
    if sums.excluded:
        found.append(f"{sums.excluded:.1f} hours are taken out")
    if sums.count.bad > sums.count.events:
        found.append("more bad events than events were counted: the two counters do not belong together")
    return tuple(found)


def spent(bad: float, allowed: float) -> float | None:
    """The share of a budget that these bad events took; None where there is no budget."""
    return bad / allowed if allowed else None


def length(window: Window, now: Millis) -> Millis:
    """How long the window is, or is by the end of its period."""
    return window.length if isinstance(window, Rolling) else (window.end(now) or now) - window.begin(now)
