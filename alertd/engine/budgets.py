"""Error budgets: what is declared is counted, how it stands is known, and people take out what should not count."""

from __future__ import annotations

import asyncio
import contextlib
import dataclasses
from collections.abc import AsyncIterator, Iterable
from pathlib import Path
from typing import TYPE_CHECKING

import structlog
from sqlalchemy.ext.asyncio import AsyncEngine

from alertd.audit import Act
from alertd.config import promises
from alertd.engine.acts import Outcome, Person
from alertd.engine.clock import Clock, Ids
from alertd.engine.metrics import Metrics
from alertd.engine.setting import Current
from alertd.errors import BadInput
from alertd.model import HOUR, MINUTE, Labels, Millis
from alertd.schedule import Window
from alertd.slo.budget import Status
from alertd.slo.excluding import Exclusion
from alertd.slo.promise import Promise
from alertd.slo.window import Window as Over
from alertd.store import counting as store
from alertd.store import ledger, maintenance, progress
from alertd.store.counting import Excluding, Undoing
from alertd.store.ledger import Series
from alertd.store.writer import Writer
from alertd.telling import fingerprint_of
from alertd.times import iso

if TYPE_CHECKING:
    from alertd.engine.counting import Counting
    from alertd.rulegen.declared import Declared
    from alertd.rulegen.objectives import Watch

FRESH: Millis = 5 * MINUTE  # how old an answer may be that is given again
AGAIN: Millis = 4 * MINUTE  # after which `tick` makes a new one where nothing is counted; else it does every minute
NO_SOURCE = "no Prometheus is asked: `serve --prometheus URL` says which"
LATELY: Millis = 2 * HOUR  # of maintenance that is looked for, or since the daemon was last there

log = structlog.get_logger()


@dataclasses.dataclass(frozen=True, slots=True)
class Said:
    """The objectives of rules/: what is promised, and, for who counts, what of."""

    promises: tuple[Promise, ...]
    watches: tuple[Watch, ...] = ()


class Budgets:
    """`tick` is called every few seconds. Without `counting` nothing is counted, and everything is unknown."""

    def __init__(self, counting: Counting | None, writer: Writer, reader: AsyncEngine, current: Current, clock: Clock,
                 ids: Ids) -> None:
        self._counting = counting
        self._writer = writer
        self._reader = reader
        self._current = current
        self._clock = clock
        self._ids = ids
        self._statuses: tuple[Millis, list[Status]] | None = None
        self._changes = 0  # to what was answered
        self._one = asyncio.Lock()  # several who ask at once are answered by one look
        self._excluded_until: Millis | None = None

    async def read(self, folder: Path) -> Said | None:
        """What rules/ says; None where there is no such folder. Raises BadInput."""
        return await asyncio.to_thread(_read, folder, self._counting is not None)

    async def declare(self, said: Said | None) -> None:
        """Count what rules/ says from now on; None: it is not there, and what was declared before stays so."""
        if said is None:
            return
        await self._writer.submit(store.declare, store.Declared(said.promises, self._clock.now()))
        if self._counting:
            self._counting.watch(said.watches)
        self._forget()

    async def tick(self) -> None:
        """Read what is new, and see how all stand, so that nobody who asks has to wait for it."""
        if self._counting is None:
            if self._older_than(AGAIN):
                await self._renew()
            return
        await self._exclude_maintenance()
        if await self._counting.follow():
            await self._renew()

    async def statuses(self, over: Over | None = None) -> list[Status]:
        """How every objective stands, by service and name; over another window than its own where one is given."""
        if over is not None:
            return await self._look(over)
        if self._statuses is None or self._older_than(FRESH):
            return await self._renew(FRESH)
        return self._statuses[1]

    def _older_than(self, age: Millis) -> bool:
        """Whether the answer that is there is, or there is none; or the clock was set back behind it. That nothing is
        declared is soon seen, and is asked again each time."""
        return not (self._statuses and self._statuses[1]) or not 0 <= self._clock.now() - self._statuses[0] <= age

    async def _renew(self, unless: Millis = -1) -> list[Status]:
        """A new answer, `unless` somebody else made one meanwhile that is no older; until it is there, whoever asks
        has the one before."""
        async with self._one:
            if self._statuses is not None and not self._older_than(unless):
                return self._statuses[1]
            at, changes = self._clock.now(), self._changes
            found = await self._look(None)
            if changes == self._changes:
                self._statuses = at, found
            return found

    def _forget(self) -> None:
        """Something that was answered is no longer so, an answer under way neither."""
        self._changes += 1
        self._statuses = None

    async def _look(self, over: Over | None) -> list[Status]:
        async with self._reader.connect() as connection:
            return await ledger.statuses(connection, self._clock.now(), over,
                                         problem="" if self._counting else NO_SOURCE)

    async def exclude(self, exclusion: Exclusion, person: Person) -> tuple[Exclusion, list[Series]]:
        """Take a stretch of time out of the budgets it covers, which are answered with it."""
        made = _made(exclusion, self._ids, self._clock.now(), person)
        act = Act(made.made_at, person.name, person.via, "exclude", f"exclusion {made.id}", _said(made))
        covered = await self._writer.submit(store.exclude, Excluding(made, act))
        self._forget()
        return made, covered

    async def undo(self, id: str, person: Person) -> Outcome:
        """Let it count again."""
        act = Act(self._clock.now(), person.name, person.via, "undo", f"exclusion {id}", {})
        outcome = await self._writer.submit(store.undo, Undoing(id, act))
        self._forget()
        return Outcome(outcome)

    async def _exclude_maintenance(self) -> None:
        """What windows that say so took out since the last look, as far as they have come: one may end early."""
        now = self._clock.now()
        if self._excluded_until is None:
            async with self._reader.connect() as connection:
                self._excluded_until = await progress.last_read(connection) or now
        if now - self._excluded_until < MINUTE:
            return
        since = min(now - LATELY, self._excluded_until)
        async with self._reader.connect() as connection:
            made = await maintenance.excluding(connection, since, now)
        windows = {one.id or one.name: one for one in (*self._current.file.routing.windows.every, *made)}
        found = tuple(exclusion for one in windows.values() if one.exclude_from_budget
                      for exclusion in _of_window(one, self._current.file.routing.file, since, now))
        if found:
            await self._writer.submit(store.from_windows, found)
            self._forget()
        self._excluded_until = now


def _read(folder: Path, counted: bool) -> Said | None:
    if not folder.is_dir():
        return None
    return said_in(folder) if counted else Said(promises.read_apart(folder))


def said_in(folder: Path) -> Said:
    """What rules/ says, read here: who counts needs all of it. Raises BadInput."""
    from alertd.config import rules_file  # some 7 MB, as the rule writer has it

    return said_of(rules_file.load(folder).declared)


def said_of(declared: Declared) -> Said:
    from alertd.rulegen import objectives

    watches = tuple(watch for service in declared.services for watch in objectives.watches(service))
    return Said(tuple(map(objectives.promise, watches)), watches)


@contextlib.asynccontextmanager
async def keeping(rules: Path, prometheus: str | None, writer: Writer, reader: AsyncEngine, current: Current,
                  clock: Clock, ids: Ids, metrics: Metrics) -> AsyncIterator[Budgets]:
    """The budgets of what `rules` declares. A fault there keeps them as they were declared before: it must not keep
    alerts from being told."""
    with contextlib.ExitStack() as stack:
        counting = None
        if prometheus is not None:
            # what asks a Prometheus is large, and many a daemon needs none of it
            from alertd.engine.counting import Counting
            from alertd.engine.source import Source

            source = stack.enter_context(contextlib.closing(Source(prometheus, metrics)))
            counting = Counting(source, writer, reader, clock, metrics)
        budgets = Budgets(counting, writer, reader, current, clock, ids)
        try:
            await budgets.declare(await budgets.read(rules))
        except BadInput as error:
            log.error("rules_refused", problem=str(error))
        yield budgets


def _of_window(window: Window, file: str, since: Millis, now: Millis) -> Iterable[Exclusion]:
    key = window.id or window.name
    creator = window.creator or f"{file}:{window.line}"
    for starts, ends in window.occurrences(since, now):
        yield Exclusion(fingerprint_of("exclusion", key, str(starts)), window.matchers, starts, min(ends, now),
                        window.reason or window.name, creator, now, origin=key)


def _made(exclusion: Exclusion, ids: Ids, now: Millis, person: Person) -> Exclusion:
    return Exclusion(ids.next(now), exclusion.matchers, exclusion.starts, exclusion.ends, exclusion.reason, person.name,
                     now)


def _said(exclusion: Exclusion) -> Labels:
    """What the record keeps of it."""
    return {"match": ", ".join(map(str, exclusion.matchers)), "from": iso(exclusion.starts), "to": iso(exclusion.ends),
            "reason": exclusion.reason}
