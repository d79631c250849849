"""Reading the ledger: how each objective stands, the hours of one, what is taken out."""

from __future__ import annotations

import asyncio
import dataclasses
import struct
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from sqlalchemy import ColumnElement, Select, case, func, select
from sqlalchemy.ext.asyncio import AsyncConnection

from alertd.matchers import parse
from alertd.model import HOUR, MINUTE, Labels, Millis
from alertd.slo import budget, forecast, window
from alertd.slo.budget import Recent, Slo, Status, Sums
from alertd.slo.counts import SLOTS, Count, Hour, Slots
from alertd.slo.excluding import Exclusion, stretches
from alertd.slo.forecast import Forecast, Spending
from alertd.slo.window import Calendar, Period, Rolling, Window
from alertd.store import schema
from alertd.store.reading import rfc3339
from alertd.store.rows import labels_from, why_from

PATIENCE: Millis = 3 * MINUTE  # for which a Prometheus that does not answer is no reason to know nothing

_hours, _series, _slos, _exclusions = (
    schema.slo_hours.c, schema.slo_series.c, schema.slos.c, schema.exclusions.c)
_NO_SLOT = struct.pack("<2f", float("nan"), float("nan"))


@dataclasses.dataclass(frozen=True, slots=True)
class Series:
    """What is counted apart: an objective, or one group of it. `known_until`: the newest moment it is known to."""

    id: int
    service: str
    slo: str
    labels: Labels
    known_until: Millis

    @property
    def matched(self) -> Labels:
        """The labels that exclusions and maintenance windows are compared with."""
        return {**self.labels, "service": self.service, "slo": self.slo}


@dataclasses.dataclass(frozen=True, slots=True)
class Kept:
    """An hour as the ledger has it: the objective that was in force, what of it is taken out, and where it is from."""

    hour: Hour
    objective: float
    excluded: Count
    excluded_share: float
    source: str

    @property
    def spending(self) -> Spending:
        left = self.hour.count - self.excluded
        return Spending(left.events * (1 - self.objective), left.bad)


@dataclasses.dataclass(frozen=True, slots=True)
class _Seen:
    """All that the standing of objectives is worked out from, as rows: there may be thousands, which are made values of
    in a thread."""

    now: Millis
    declared: Sequence[Slo]
    series: Sequence[Any]
    sums: Mapping[Millis, Sequence[Any]]  # by where the window begins
    day: Sequence[Any]
    lately: Sequence[Any]
    exclusions: Sequence[Exclusion]
    problem: str


async def statuses(connection: AsyncConnection, now: Millis, over: Window | None = None, *, problem: str = ""
                   ) -> list[Status]:
    """How each declared objective (each group of one) stands, by service and name; over another window than its own
    where one is given. `problem` is why nothing can be known, where the store cannot say it. What is worked out is
    worked out in a thread."""
    seen = await _see(connection, now, over)
    seen = dataclasses.replace(seen, problem=problem or seen.problem)
    found: list[Status] = []
    for status, series, day in await asyncio.to_thread(_judged, seen):
        if series is not None and _worth_a_forecast(status, day):
            hours = await history(connection, series, status.since, now)
            found.append(await asyncio.to_thread(_foretold, status, hours, day, now))
        else:
            found.append(status)
    return found


async def _see(connection: AsyncConnection, now: Millis, over: Window | None) -> _Seen:
    slos = [one if over is None else dataclasses.replace(one, window=over) for one in await declared(connection)]
    hour, begins = now // HOUR * HOUR, {slo.window.begin(now) for slo in slos}

    async def rows(query: Select[Any]) -> Sequence[Any]:
        found: Sequence[Any] = (await connection.execute(query)).all()
        return found

    sums = {begin: await rows(_summed(begin, now + HOUR)) for begin in begins}
    day = await rows(_summed(hour - forecast.RECENT * HOUR, hour))
    lately = await rows(select(schema.slo_hours).where(_hours.hour >= hour - 2 * HOUR))
    out = await exclusions(connection, hour - 2 * HOUR, now)
    return _Seen(now, slos, await rows(select(schema.slo_series)), sums, day, lately, out,
                 await problem(connection, now))


def _judged(seen: _Seen) -> list[tuple[Status, int | None, Sums]]:
    """How each stands, with its series (where nothing was counted there is none) and its last day."""
    found: list[tuple[Status, int | None, Sums]] = []
    by_slo: dict[tuple[str, str], list[Series]] = {}
    for row in seen.series:
        by_slo.setdefault((row.service, row.slo), []).append(series_from(row))
    lately: dict[int, dict[Millis, Hour]] = {}
    for row in seen.lately:
        lately.setdefault(row.series, {})[row.hour] = hour_from(row)
    sums = {begin: {row.series: row for row in rows} for begin, rows in seen.sums.items()}
    day = {row.series: row for row in seen.day}
    for slo in seen.declared:
        begin = slo.window.begin(seen.now)
        # a group that is gone is shown while something of it is in the window
        groups = [one for one in by_slo.get((slo.service, slo.slo), ())
                  if set(slo.by) <= set(one.labels) and (not slo.by or one.known_until > begin)]
        for series in groups:
            taken = stretches(seen.exclusions, series.matched)
            last = budget.recent(lately.get(series.id, {}), taken, series.known_until)
            status = budget.judge(slo, series.labels, _sums_from(sums[begin].get(series.id)), last, seen.now,
                                  id=id_of(slo, series.labels), problem=seen.problem, forecast=_STEADY)
            found.append((status, series.id, _sums_from(day.get(series.id))))
        if not groups:
            found.append((budget.judge(slo, {}, Sums(), Recent(), seen.now, id=id_of(slo, {}), problem=seen.problem),
                          None, Sums()))
    return sorted(found, key=lambda one: (one[0].slo.service, one[0].slo.slo, one[0].id))


_STEADY = Forecast()  # of what is spent so slowly that no forecast has to be worked out


def _worth_a_forecast(status: Status, day: Sums) -> bool:
    """Only what is spent at over half the rate it may be, or is nearly gone, can be gone within a window."""
    if status.budget_remaining is None or status.forecast.unknown or not day.allowed:
        return False
    return status.budget_remaining < budget.LOW or (
        day.count.bad >= budget.LEAST and day.count.bad > day.allowed / 2)


def _foretold(status: Status, hours: Sequence[Kept], day: Sums, now: Millis) -> Status:
    return budget.foretold(status, _forecast(status, hours, day, now))


def _forecast(status: Status, hours: Sequence[Kept], day: Sums, now: Millis) -> Forecast:
    if day.known < budget.ENOUGH * forecast.RECENT:
        return Forecast(unknown=f"only {day.known:.0f} of the last {forecast.RECENT} hours are known")
    per_hour = day.spending * (1 / forecast.RECENT)
    over = status.slo.window
    if isinstance(over, Calendar):
        so_far = sum((kept.spending for kept in hours), Spending())
        return forecast.calendar(so_far, per_hour, now, over.end(now) or now)
    by_hour = {kept.hour.start: kept.spending for kept in hours}
    spans = range(status.since, status.since + over.length, HOUR)
    return forecast.rolling([by_hour.get(start, Spending()) for start in spans], per_hour, now)


def id_of(slo: Slo, labels: Labels) -> str:
    """`checkout:availability`, and the group's labels behind it where there are some."""
    return name_of_one(slo.service, slo.slo, labels)


def name_of(series: Series) -> str:
    """The same of a series."""
    return name_of_one(series.service, series.slo, series.labels)


def name_of_one(service: str, slo: str, labels: Labels) -> str:
    """The same by its parts."""
    return ":".join((service, slo, *(f"{name}={value}" for name, value in sorted(labels.items()))))


async def declared(connection: AsyncConnection) -> list[Slo]:
    """The objectives that are in force."""
    query = select(schema.slos).where(_slos.ended_at.is_(None)).order_by(_slos.service, _slos.slo)
    return [slo_from(row) for row in await connection.execute(query)]


async def objectives(connection: AsyncConnection, service: str, slo: str) -> list[tuple[Millis, Millis | None, Slo]]:
    """What an objective was from when to when (None: still is), the newest first."""
    query = (select(schema.slos).where(_slos.service == service, _slos.slo == slo).order_by(_slos.since.desc()))
    return [(row.since, row.ended_at, slo_from(row)) for row in await connection.execute(query)]


async def series_of(connection: AsyncConnection) -> list[Series]:
    """Everything that is or was counted."""
    return [series_from(row) for row in await connection.execute(select(schema.slo_series).order_by(_series.id))]


async def history(connection: AsyncConnection, series: int, since: Millis, until: Millis) -> list[Kept]:
    """The hours of one series, in order; those nothing is known of are missing."""
    found: list[Kept] = []
    for start in range(since, until, MOST_AT_ONCE * HOUR):
        wanted = range(start, min(start + MOST_AT_ONCE * HOUR, until), HOUR)  # by name: the hours of all stand together
        query = (select(schema.slo_hours).where(_hours.hour.in_(list(wanted)), _hours.series == series)
                 .order_by(_hours.hour))
        found += [kept_from(row) for row in await connection.execute(query)]
    return found


MOST_AT_ONCE = 500  # parameters of a query


async def summed(connection: AsyncConnection, series: int, since: Millis, until: Millis) -> Sums:
    """Of the hours of one series that begin in this time, without what is taken out."""
    return _sums_from((await connection.execute(_summed(since, until, series))).first())


async def exclusions(connection: AsyncConnection, since: Millis, until: Millis, *, undone: bool = False
                     ) -> list[Exclusion]:
    """What is taken out of this time, in order; what was taken back as well, if asked for."""
    query = (select(schema.exclusions).where(_exclusions.ends_at > since, _exclusions.starts_at < until)
             .order_by(_exclusions.starts_at, _exclusions.id))
    query = query if undone else query.where(_exclusions.undone_at.is_(None))
    return [exclusion_from(row) for row in await connection.execute(query)]


async def problem(connection: AsyncConnection, now: Millis) -> str:
    """Why nothing newer can be known, where Prometheus has not answered in full for a while; else ""."""
    rows = list(await connection.execute(select(schema.slo_source)))
    if any(row.failing_since is None for row in rows):  # one of several replicas has its answer
        return ""
    late = [row.problem for row in rows if row.answered_at is None or row.answered_at < now - PATIENCE]
    return late[0] if late else ""


def _summed(since: Millis, until: Millis, series: int | None = None) -> Select[Any]:
    events, bad = _hours.events - _hours.excluded_events, _hours.bad - _hours.excluded_bad
    known: ColumnElement[float] = case((_hours.known > _hours.excluded, _hours.known), else_=_hours.excluded)
    query = (select(_hours.series, func.sum(events).label("events"), func.sum(bad).label("bad"),
                    func.sum(events * (1.0 - _hours.objective)).label("allowed"), func.sum(known).label("known"),
                    func.sum(_hours.excluded).label("excluded"))
             .where(_hours.hour >= since, _hours.hour < until).group_by(_hours.series))
    return query if series is None else query.where(_hours.series == series)


# Rows to values ------------------------------------------------------------------------------------------------------


def _sums_from(row: Any) -> Sums:
    return Sums() if row is None else Sums(Count(row.events, row.bad), row.allowed, row.known, row.excluded)


def slo_from(row: Any) -> Slo:
    return Slo(row.service, row.slo, float(row.objective), window_from(row), tuple(why_from(row.split)))


def window_from(row: Any) -> Window:
    """A zone that this machine does not know (any more) is UTC to it: a budget by other clocks, not none."""
    period, _, zone = row.calendar.partition(" ")
    if not period:
        return Rolling(row.length)
    try:
        return Calendar(Period(period), window.zone(zone))
    except ValueError:
        return Calendar(Period(period))


def series_from(row: Any) -> Series:
    return Series(row.id, row.service, row.slo, labels_from(row.labels), row.known_until)


def exclusion_from(row: Any) -> Exclusion:
    return Exclusion(row.id, tuple(parse(text) for text in why_from(row.matchers)), row.starts_at, row.ends_at,
                     row.reason, row.creator, row.made_at, row.origin, row.undone_at, row.undone_by)


def hour_from(row: Any) -> Hour:
    return Hour(row.hour, Count(row.events, row.bad), row.known, slots_from(row.slots))


def kept_from(row: Any) -> Kept:
    return Kept(hour_from(row), row.objective, Count(row.excluded_events, row.excluded_bad), row.excluded, row.source)


def slots_from(raw: bytes | None) -> Slots:
    """Twelve pairs of counts, as `packed` wrote them."""
    if not raw:
        return ()
    numbers = struct.unpack(f"<{2 * SLOTS}f", raw)
    return tuple(None if events != events else Count(events, bad)  # noqa: PLR0124  what is unequal to itself is NaN
                 for events, bad in zip(numbers[::2], numbers[1::2], strict=True))


def packed(slots: Iterable[Count | None]) -> bytes | None:
    """The slots of an hour in 96 bytes; in single precision, exact to 16 million events in five minutes."""
    parts = [_NO_SLOT if slot is None else struct.pack("<2f", slot.events, slot.bad) for slot in slots]
    return b"".join(parts) or None


# For people and programs ---------------------------------------------------------------------------------------------


def view(status: Status) -> dict[str, Any]:
    """As the API and `slo status -o json` show it; null is what is not known."""
    over, found = status.slo.window, status.forecast
    end = over.end(status.at)
    return {
        "id": status.id, "service": status.slo.service, "slo": status.slo.slo, "labels": dict(status.labels),
        "state": status.state.value, "objective": status.slo.objective, "window": str(over),
        "timezone": _zone(over), "window_begins": rfc3339(status.since), "window_ends": rfc3339(end),
        "events": status.events, "bad": status.bad, "budget_remaining": status.budget_remaining,
        "burn_rate": status.burn_rate, "coverage": status.coverage, "excluded": status.excluded,
        "reason": status.reason or None, "incomplete": list(status.remarks),
        "forecast": {"exhausted_at": rfc3339(found.exhausted_at), "back_at": rfc3339(found.back_at),
                     "unknown": found.unknown or None},
    }


def _zone(over: Window) -> str | None:
    return over.timezone.key if isinstance(over, Calendar) else None


async def details(connection: AsyncConnection, status: Status) -> dict[str, Any]:
    """What else there is to say of one: what its objective was from when to when, and what is taken out of it."""
    slo = status.slo
    was = [{"since": rfc3339(since), "until": rfc3339(until), "objective": one.objective, "window": str(one.window),
            "timezone": _zone(one.window)} for since, until, one in await objectives(connection, slo.service, slo.slo)]
    labels = {**status.labels, "service": slo.service, "slo": slo.slo}
    taken = [exclusion_view(one) for one in await exclusions(connection, status.since, status.at, undone=True)
             if one.matches(labels)]
    return {"objectives": was, "exclusions": taken}


def exclusion_view(one: Exclusion) -> dict[str, Any]:
    """As lists show it."""
    return {"id": one.id, "match": list(map(str, one.matchers)), "from": rfc3339(one.starts), "to": rfc3339(one.ends),
            "reason": one.reason, "by": one.creator, "made_at": rfc3339(one.made_at), "window": one.origin or None,
            "undone_at": rfc3339(one.undone_at), "undone_by": one.undone_by}
