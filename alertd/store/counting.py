"""Writing the ledger: objectives as they change, the hours that were read, and what is taken out of them. Handlers of
the writer; each may be done again, by another replica too, and leaves the same."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from sqlalchemy import ColumnElement, Connection, and_, bindparam, insert, select, update

from alertd.audit import Act
from alertd.model import HOUR, Millis
from alertd.schedule import Stretch
from alertd.slo.counts import DELAY, Hour
from alertd.slo.excluding import Exclusion, out, stretches
from alertd.slo.promise import Promise
from alertd.store import audit, schema
from alertd.store.dialect import upsert
from alertd.store.ledger import MOST_AT_ONCE, Series, exclusion_from, hour_from, packed, series_from
from alertd.store.progress import Filled
from alertd.store.rows import to_json, why_from

OPEN, ROWS, RAW = "open", "rows", "raw"  # the hour under way, the rows that Prometheus recorded, the raw series

_hours, _slos, _exclusions = schema.slo_hours.c, schema.slos.c, schema.exclusions.c
_insert = upsert(schema.slo_hours)
# What is known stays known: an older reading, or another replica's, takes nothing back. The objective stays the one
# that was in force when the hour was first written.
_SAVE = _insert.on_conflict_do_update(
    index_elements=["hour", "series"],
    set_={name: _insert.excluded[name] for name in ("events", "bad", "known", "source", "slots", "excluded",
                                                    "excluded_events", "excluded_bad")},
    where=(_hours.known <= _insert.excluded.known) | (_hours.source == OPEN))
_KNOWN = (update(schema.slo_series).where(schema.slo_series.c.id == bindparam("one"),
                                          schema.slo_series.c.known_until < bindparam("newest"))
          .values(known_until=bindparam("newest")))
_filled = upsert(schema.slo_fills)
_FILLED = _filled.on_conflict_do_update(index_elements=["service", "slo"], set_={
    name: _filled.excluded[name] for name in ("since", "until")})
_begin = upsert(schema.slos)
_BEGIN = _begin.on_conflict_do_update(index_elements=["service", "slo", "since"], set_={
    name: _begin.excluded[name] for name in ("objective", "length", "split", "ended_at", "calendar")})
_insert_exclusion = upsert(schema.exclusions)
_KEEP_EXCLUSION = _insert_exclusion.on_conflict_do_update(
    index_elements=["id"], set_={"ends_at": _insert_exclusion.excluded.ends_at},
    where=and_(_exclusions.undone_at.is_(None), _exclusions.ends_at < _insert_exclusion.excluded.ends_at))


@dataclasses.dataclass(frozen=True, slots=True)
class Declared:
    """All objectives that rules/ declares."""

    promises: tuple[Promise, ...]
    now: Millis


@dataclasses.dataclass(frozen=True, slots=True)
class Named:
    """What is counted apart, by its name: the objective's, and the labels of the group."""

    service: str
    slo: str
    labels: str  # JSON, as the rows have it


@dataclasses.dataclass(frozen=True, slots=True)
class Counted:
    """An hour of a series to write, with the objective in force and where it is from."""

    series: int
    hour: Hour
    objective: float
    source: str


@dataclasses.dataclass(frozen=True, slots=True)
class Reading:
    """What was read: hours, the newest moment that each series is known to, hours whose rows were read in full, and
    what has its rows or was looked for in the raw series."""

    hours: Sequence[Counted]
    known_until: Mapping[int, Millis]
    complete: Sequence[Millis]
    now: Millis
    filled: Sequence[Filled] = ()


@dataclasses.dataclass(frozen=True, slots=True)
class Asked:
    """What came of asking a Prometheus: "" where it answered in full, else why it did not."""

    url: str
    problem: str
    now: Millis


@dataclasses.dataclass(frozen=True, slots=True)
class Excluding:
    """Somebody takes a stretch of time out."""

    exclusion: Exclusion
    act: Act


@dataclasses.dataclass(frozen=True, slots=True)
class Undoing:
    """Somebody takes it back."""

    id: str
    act: Act


def declare(connection: Connection, items: Sequence[Declared]) -> Sequence[int]:
    """Bring what is declared up to date; how many objectives began, changed or ended."""
    return [_declare(connection, item) for item in items]


def _declare(connection: Connection, item: Declared) -> int:
    query = select(schema.slos).where(_slos.ended_at.is_(None)).order_by(_slos.since)
    wanted = {(promise.service, promise.slo): promise for promise in item.promises}
    known, over = dict[tuple[str, str], Any](), list[Any]()
    for row in connection.execute(query):  # of two, which two replicas may make at once, the newer holds
        over += [known[row.service, row.slo]] if (row.service, row.slo) in known else []
        known[row.service, row.slo] = row
    begun = [promise for key, promise in wanted.items() if key not in known or _same(known[key]) != promise]
    over += [row for key, row in known.items() if key not in wanted or _same(row) != wanted[key]]
    for row in over:
        connection.execute(update(schema.slos).where(_slos.service == row.service, _slos.slo == row.slo,
                                                     _slos.since == row.since).values(ended_at=item.now))
    if begun:
        connection.execute(_BEGIN, [{
            "service": promise.service, "slo": promise.slo, "since": item.now, "objective": promise.objective,
            "length": promise.length, "split": to_json(promise.by), "ended_at": None,
            "calendar": promise.calendar} for promise in begun])
    return len(begun) + sum(key not in wanted for key in known)


def _same(row: Any) -> Promise:
    return Promise(row.service, row.slo, row.objective, row.length, tuple(why_from(row.split)), row.calendar)


def identify(connection: Connection, items: Sequence[Sequence[Named]]) -> Sequence[dict[Named, int]]:
    """The ids of these series; one that is new gets one."""
    wanted = list(dict.fromkeys(name for names in items for name in names))
    if wanted:
        connection.execute(upsert(schema.slo_series).on_conflict_do_nothing(
            index_elements=["service", "slo", "labels"]), [
                {"service": name.service, "slo": name.slo, "labels": name.labels, "known_until": 0} for name in wanted])
    known = {Named(row.service, row.slo, row.labels): row.id for row in connection.execute(select(schema.slo_series))}
    return [{name: known[name] for name in names} for names in items]


def save(connection: Connection, readings: Sequence[Reading]) -> Sequence[None]:
    """Keep what was read, and take out of it what is excluded."""
    for reading in readings:
        if reading.hours:
            connection.execute(_SAVE, [_row(one) for one in reading.hours])
            first = min(one.hour.start for one in reading.hours)
            last = max(one.hour.start for one in reading.hours)
            _exclude(connection, first, last + HOUR, {one.series for one in reading.hours})
        if reading.known_until:
            connection.execute(_KNOWN, [{"one": id, "newest": until} for id, until in reading.known_until.items()])
        if reading.complete:
            connection.execute(upsert(schema.slo_reads).on_conflict_do_nothing(index_elements=["hour"]),
                               [{"hour": hour, "read_at": reading.now} for hour in reading.complete])
        if reading.filled:
            connection.execute(_FILLED, [dataclasses.asdict(filled) for filled in reading.filled])
    return [None] * len(readings)


def _row(one: Counted) -> dict[str, Any]:
    hour = one.hour
    return {"hour": hour.start, "series": one.series, "events": hour.count.events, "bad": hour.count.bad,
            "known": hour.known, "objective": one.objective, "excluded": 0.0, "excluded_events": 0.0,
            "excluded_bad": 0.0, "source": one.source, "slots": packed(hour.slots)}


def note(connection: Connection, items: Sequence[Asked]) -> Sequence[None]:
    """Keep whether Prometheus answers."""
    table = schema.slo_source
    for item in items:
        connection.execute(upsert(table).on_conflict_do_nothing(index_elements=["url"]),
                           {"url": item.url, "answered_at": None, "failing_since": None, "problem": ""})
        row = update(table).where(table.c.url == item.url)
        if item.problem:
            connection.execute(row.values(problem=item.problem))
            connection.execute(row.where(table.c.failing_since.is_(None)).values(failing_since=item.now))
        else:
            connection.execute(row.values(answered_at=item.now, failing_since=None, problem=""))
    return [None] * len(items)


# What is taken out ---------------------------------------------------------------------------------------------------


def exclude(connection: Connection, wishes: Sequence[Excluding]) -> Sequence[list[Series]]:
    """Take stretches out of the budgets they cover, which are answered; each with its row in the audit."""
    for wish in wishes:
        _keep(connection, wish.exclusion)
        audit.append(connection, [wish.act])
    return [_covered(connection, wish.exclusion) for wish in wishes]


def from_windows(connection: Connection, items: Sequence[Sequence[Exclusion]]) -> Sequence[None]:
    """Keep what maintenance windows take out. One that goes on grows; one that somebody took back stays so."""
    for exclusion in (one for item in items for one in item):
        if connection.execute(_KEEP_EXCLUSION, _exclusion_row(exclusion)).rowcount:
            _exclude(connection, *_hours_of(exclusion.starts, exclusion.ends), None)
    return [None] * len(items)


def undo(connection: Connection, wishes: Sequence[Undoing]) -> Sequence[str]:
    """Let it count again: done, already, or unknown where there is no such thing."""
    answers = []
    for wish in wishes:
        row = connection.execute(select(schema.exclusions).where(_exclusions.id == wish.id)).first()
        if row is None or row.undone_at is not None:
            answers.append("unknown" if row is None else "already")
            continue
        connection.execute(update(schema.exclusions).where(_exclusions.id == wish.id)
                           .values(undone_at=wish.act.at, undone_by=wish.act.actor))
        audit.append(connection, [wish.act])
        _exclude(connection, *_hours_of(row.starts_at, row.ends_at), None)
        answers.append("done")
    return answers


def _keep(connection: Connection, exclusion: Exclusion) -> None:
    connection.execute(insert(schema.exclusions), [_exclusion_row(exclusion)])
    _exclude(connection, *_hours_of(exclusion.starts, exclusion.ends), None)


def _exclusion_row(exclusion: Exclusion) -> dict[str, Any]:
    return {"id": exclusion.id, "matchers": to_json(tuple(map(str, exclusion.matchers))), "starts_at": exclusion.starts,
            "ends_at": exclusion.ends, "reason": exclusion.reason, "creator": exclusion.creator,
            "made_at": exclusion.made_at, "origin": exclusion.origin, "undone_at": None, "undone_by": None}


def _hours_of(starts: Millis, ends: Millis) -> tuple[Millis, Millis]:
    """The first hour that this time reaches into, and the one after the last."""
    return (starts + DELAY) // HOUR * HOUR, -(-(ends + DELAY) // HOUR) * HOUR


def _covered(connection: Connection, exclusion: Exclusion) -> list[Series]:
    return [series for series in _every(connection) if exclusion.covers(series.matched)]


def _every(connection: Connection) -> list[Series]:
    return [series_from(row) for row in connection.execute(select(schema.slo_series))]


def _exclude(connection: Connection, since: Millis, until: Millis, only: Iterable[int] | None) -> None:
    """Work out anew what is excluded from the hours of this time, of all series or `only` some."""
    query = select(schema.exclusions).where(_exclusions.ends_at > since - HOUR, _exclusions.starts_at < until + HOUR)
    every = [exclusion_from(row) for row in connection.execute(query)]
    if not every:
        return
    concerned, alike = None if only is None else set(only), dict[tuple[Stretch, ...], list[int]]()
    for series in _every(connection):
        if (concerned is None or series.id in concerned) and any(one.matches(series.matched) for one in every):
            alike.setdefault(tuple(stretches(every, series.matched)), []).append(series.id)
    for gone, ids in alike.items():
        for start in range(0, len(ids), MOST_AT_ONCE):
            _take_out(connection, gone, since, until, _hours.series.in_(ids[start:start + MOST_AT_ONCE]))


def _take_out(connection: Connection, gone: Sequence[Stretch], since: Millis, until: Millis,
              them: ColumnElement[bool]) -> None:
    """The hours within a stretch as a whole, in one statement; those at its edges one by one."""
    def set_(first: Millis, last: Millis, **values: Any) -> None:
        connection.execute(update(schema.slo_hours).where(_hours.hour >= max(first, since), _hours.hour < min(
            last, until), them).values(values))

    set_(since, until, excluded=0.0, excluded_events=0.0, excluded_bad=0.0)
    edges = set()
    for starts, ends in gone:
        first, last = (-(-(starts + DELAY) // HOUR) * HOUR, (ends + DELAY) // HOUR * HOUR)
        set_(first, last, excluded=1.0, excluded_events=_hours.events, excluded_bad=_hours.bad)
        edges |= {first - HOUR, last}
    wanted = sorted({edge + step for edge in edges if since <= edge < until for step in (-HOUR, 0, HOUR)})
    beside: dict[int, dict[Millis, Hour]] = {}
    for row in connection.execute(select(schema.slo_hours).where(_hours.hour.in_(wanted), them)):
        beside.setdefault(row.series, {})[row.hour] = hour_from(row)
    for series, hours in beside.items():
        for start in edges & hours.keys():
            if since <= start < until:
                one = out(hours[start], gone, hours)
                connection.execute(update(schema.slo_hours).where(_hours.hour == start, _hours.series == series).values(
                    excluded=one.share, excluded_events=one.count.events, excluded_bad=one.count.bad))
