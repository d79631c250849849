"""The ledger follows Prometheus: every minute the hour under way, every hour the one that is over, and whatever was
missed in between.

All objectives are read together. One query brings the rows of as many slots as make an answer of a bearable size, one
more what came since the last row, however many objectives there are. Hours that were not read in full, for whatever
reason, are read later; what Prometheus has no rows of is filled from its raw series, objective by objective, once.
"""

from __future__ import annotations

import asyncio
import dataclasses
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence

import structlog
from sqlalchemy.ext.asyncio import AsyncEngine

from alertd.engine.clock import Clock
from alertd.engine.metrics import Metrics
from alertd.engine.source import Partial, Source
from alertd.model import DAY, HOUR, MINUTE, Labels, Millis
from alertd.prometheus import PrometheusUnreachable
from alertd.rulegen import raw
from alertd.rulegen.objectives import Watch
from alertd.slo import reading
from alertd.slo.counts import SLOT, SLOTS, hour_of, hours
from alertd.slo.reading import Rows
from alertd.store import counting as store
from alertd.store import progress
from alertd.store.counting import OPEN, RAW, ROWS, Asked, Counted, Named, Reading
from alertd.store.progress import Filled
from alertd.store.rows import to_json
from alertd.store.writer import Writer

EVERY: Millis = 1 * MINUTE
POINTS = 24_000  # in one answer: half a megabyte, decoded in some ten milliseconds
AT_ONCE = 250  # rows in one transaction, so that nobody waits long behind them
BUSY = 20.0  # seconds in which one turn catches up; the rest is the next one's
QUARTER: Millis = 92 * DAY  # of recorded history is read, or the longest window
MONTH: Millis = 31 * DAY  # of raw history is, or the objective's window
PIECE = 7 * 24  # hours of raw history in one query

log = structlog.get_logger()


class Counting:
    """`follow` is called every few seconds, and does something once a minute."""

    def __init__(self, source: Source, writer: Writer, reader: AsyncEngine, clock: Clock, metrics: Metrics) -> None:
        self._source = source
        self._writer = writer
        self._reader = reader
        self._clock = clock
        self._metrics = metrics
        self._watches: Mapping[tuple[str, str], Watch] = {}
        self._ids: dict[Named, int] = {}
        self._due: Millis = 0
        self._problem: str | None = None
        self._filled_at: Millis = 0  # the hour in which holes were last looked for

    def watch(self, watches: Iterable[Watch]) -> None:
        """What is counted from now on."""
        self._watches = {(watch.tracked.service, watch.tracked.slo): watch for watch in watches}
        self._due = self._filled_at = 0

    async def follow(self) -> bool:
        """Whether something was read."""
        now = self._clock.now()
        if now < self._due or not self._watches:
            return False
        self._due = now + EVERY
        problem = ""
        try:
            await self._newest(now)
            await self._catch_up(now)
        except PrometheusUnreachable as error:
            problem = f"{error.fields['url']} does not answer: {error.fields['reason']}"
        except Partial as error:
            problem = str(error)
        await self._writer.submit(store.note, Asked(self._source.url, problem, now))
        if problem != self._problem:
            (log.warning if problem else log.info)("ledger_source", url=self._source.url, problem=problem or "none")
        self._problem = problem
        if not problem:
            self._metrics.ledger_success.set(now / 1000)
        return True

    async def _newest(self, now: Millis) -> None:
        """The hour under way, and the one before until all of it is there."""
        at = reading.asked_at(now)
        mark = reading.settled(at)
        hour = hour_of(mark + SLOT)
        async with self._reader.connect() as connection:
            unread = await progress.unread(connection, hour - HOUR, hour)
        first = reading.first_mark(hour - HOUR if unread else hour)
        found = await self._source.recorded(self._recorded, first, mark) if first <= mark else {}
        opened = await self._source.opened(reading.opened(self._services), at, self._group)
        has_rows = {self._group(dict(group)) for group in found} - found.keys()  # with labels that nobody declared
        for group, counts in opened.items():
            if at in counts and group not in has_rows:
                found.setdefault(group, {})[mark + SLOT] = counts[at]
        until = {group: known for group, counts in found.items()
                 if (known := reading.newest(counts, at, mark)) is not None}
        await self._keep(found, mark, [one for one in unread if reading.complete(one, mark)], until)

    async def _catch_up(self, now: Millis) -> None:
        """Hours that were never read in full, the newest first; then what has no rows."""
        begun, mark = time.monotonic(), reading.settled(reading.asked_at(now))
        last = hour_of(mark)  # the newest that is complete, or it is under way
        back = max([QUARTER, *(watch.objective.longest for watch in self._watches.values())]) + HOUR
        async with self._reader.connect() as connection:
            unread = await progress.unread(connection, (now - back) // HOUR * HOUR, last)
        self._metrics.ledger_unread.set(len(unread))
        pieces = list(_runs(unread, max(POINTS // (2 * max(len(self._ids), len(self._watches)) * SLOTS), 1)))
        for piece in reversed(pieces):
            if time.monotonic() - begun > BUSY:
                return
            found = await self._source.recorded(self._recorded, reading.first_mark(piece[0]), piece[-1] + HOUR)
            await self._keep(found, piece[-1] + HOUR, piece, {})
            self._metrics.ledger_unread.dec(len(piece))
        if self._filled_at != last and await self._fill_all(now, last - HOUR, begun):
            self._filled_at = last

    async def _fill_all(self, now: Millis, last: Millis, begun: float) -> bool:
        """Whether every hour before `last` has its rows, or was looked for in the raw series. The hour behind a gap has
        to be over: see _fill."""
        async with self._reader.connect() as connection:
            filled = await progress.fills(connection)
            recent = await progress.whole(connection, [last - 2 * HOUR, last - HOUR])
        for key, watch in self._watches.items():
            since = (now - max(MONTH, watch.objective.longest)) // HOUR * HOUR
            done = filled.get(key) or Filled(*key, since, since)
            for piece in _pieces(done, since, last):
                if time.monotonic() - begun > BUSY:
                    return False
                known = recent.get(key, set())
                if piece[0] < last - 2 * HOUR:
                    async with self._reader.connect() as connection:
                        known = (await progress.whole(connection, piece, key)).get(key, set())
                for holes in _runs([hour for hour in piece if hour not in known], PIECE):
                    await self._fill(watch, holes)
                done = filled[key] = dataclasses.replace(done, since=min(done.since, piece[0]),
                                                         until=max(done.until, piece[-1] + HOUR))
                if piece[0] < last - 2 * HOUR:
                    await self._write((), {}, (), (done,))
        await self._write((), {}, (), tuple(filled[key] for key in self._watches.keys() & filled.keys()))
        return True

    async def _fill(self, watch: Watch, piece: Sequence[Millis]) -> None:
        """Hours without rows from the raw series, and the hour after them: its first row holds what they left out."""
        behind = piece[-1] + HOUR
        found = await self._source.raw(raw.query(watch.tracked), reading.first_mark(piece[0]), behind + HOUR)
        key = (("service", watch.tracked.service), ("slo", watch.tracked.slo))
        named = {tuple(sorted((*group, *key))): counts for group, counts in found.items()}
        counted = await self._counted(named, RAW, behind + HOUR)
        async with self._reader.connect() as connection:
            before = await progress.known(connection, behind)
        # where the rows of the hour behind know more of it, what they hold of the gap must not count twice
        again = {one.series: one.hour.known for one in counted if one.hour.start == behind}
        torn = {series for series, known in before.items() if known > again.get(series, 0)}
        kept = [one for one in counted if one.series not in torn]
        await self._write(kept, {}, ())
        log.info("ledger_filled", service=watch.tracked.service, slo=watch.tracked.slo, hours=len(piece),
                 known=round(sum(one.hour.known for one in kept), 1))

    async def _keep(self, found: Rows, mark: Millis, complete: Sequence[Millis],
                    until: Mapping[reading.Group, Millis]) -> None:
        counted = await self._counted(found, ROWS, mark)
        names = await asyncio.to_thread(self._names, {group: {} for group in until})
        known = {self._ids[name]: until[group] for group, name in names.items() if name in self._ids}
        await self._write(counted, known, complete)

    async def _counted(self, found: Rows, source: str, mark: Millis) -> list[Counted]:
        """As rows of the ledger; of objectives that rules/ does not declare there are none."""
        names = await asyncio.to_thread(self._names, found)
        if missing := tuple(name for name in names.values() if name not in self._ids):
            self._ids |= await self._writer.submit(store.identify, missing)
        return await asyncio.to_thread(self._as_hours, found, names, source, mark)

    def _names(self, found: Rows) -> dict[reading.Group, Named]:
        return {group: name for group in found if (name := self._name(group)) is not None}

    def _as_hours(self, found: Rows, names: Mapping[reading.Group, Named], source: str, mark: Millis) -> list[Counted]:
        counted = []
        for group, name in names.items():
            objective = float(self._watches[name.service, name.slo].tracked.target)
            counted += [Counted(self._ids[name], hour, objective,
                                source if reading.complete(hour.start, mark) else OPEN)
                        for hour in hours(found[group])]
        return counted

    async def _write(self, counted: Sequence[Counted], until: Mapping[int, Millis], complete: Sequence[Millis],
                     filled: Sequence[Filled] = ()) -> None:
        """The mark that it was read comes last: what is read and not marked is read again."""
        now = self._clock.now()
        for start in range(0, len(counted), AT_ONCE):
            await self._writer.submit(store.save, Reading(counted[start:start + AT_ONCE], {}, (), now))
        await self._writer.submit(store.save, Reading((), until, complete, now, filled))

    def _group(self, labels: Labels) -> reading.Group:
        """What is open is recorded by more labels than the objective is split by."""
        watch = self._watches.get((labels.get("service", ""), labels.get("slo", "")))
        return reading.group_of(labels, watch.tracked.keys if watch else None)

    def _name(self, group: reading.Group) -> Named | None:
        labels = dict(group)
        key = labels.pop("service", ""), labels.pop("slo", "")
        return Named(*key, to_json(labels)) if key in self._watches else None

    @property
    def _services(self) -> set[str]:
        return {service for service, _ in self._watches}

    @property
    def _recorded(self) -> str:
        return reading.recorded(self._services)


def _pieces(done: Filled, since: Millis, last: Millis) -> Iterator[list[Millis]]:
    """The hours from `since` to before `last` that are not done, the older side from its newest on."""
    yield from reversed(list(_runs(range(since, done.since, HOUR), PIECE)))
    yield from _runs(range(done.until, last, HOUR), PIECE)


def _runs(hours: Sequence[Millis], most: int) -> Iterator[list[Millis]]:
    """Neighbouring hours together, at most so many."""
    run: list[Millis] = []
    for hour in hours:
        if run and (hour != run[-1] + HOUR or len(run) == most):
            yield run
            run = []
        run.append(hour)
    if run:
        yield run

