"""Maintenance windows in time: what they held is told when they end, and their start and end are announced.

Windows stand in routing.yaml, or were made by people and stand in the store; `merged` puts both in force. Whether one
ended by its time, by a reload or by a person makes no difference: when those that are active change, everything that
is held is decided anew.
"""

from __future__ import annotations

import asyncio
import dataclasses
from collections.abc import Callable, Container, Iterable, Sequence

import structlog
from sqlalchemy import Connection
from sqlalchemy.ext.asyncio import AsyncEngine

from alertd.audit import Act
from alertd.config.routing_file import RoutingFile
from alertd.digest import Entry
from alertd.engine.acts import Outcome, Person
from alertd.engine.clock import Clock, Ids
from alertd.engine.setting import Current
from alertd.heartbeats import table_for
from alertd.incidents import Known
from alertd.maintaining import (
    MOST_LISTED,
    Bundle,
    begins,
    bundled,
    burning,
    by_weight,
    concerned,
    ends,
    release,
    too_broad,
)
from alertd.model import HOUR, DigestText, IncidentId, Millis, Notification, Outlet, Severity, State
from alertd.schedule import AHEAD, LONGEST, Once, Stretch, Window, Windows
from alertd.store import acts, audit, inhibiting, intake
from alertd.store import maintenance as store
from alertd.store.dialect import lock
from alertd.store.writer import Writer
from alertd.telling import HELD_BY, fingerprint_of, kept, notice, place
from alertd.times import iso

LATE = HOUR  # a window that began or ended longer ago is no news

log = structlog.get_logger()


@dataclasses.dataclass(frozen=True, slots=True)
class Wish:
    """A window that a person wants; its id is given when it is made."""

    window: Window
    person: Person


@dataclasses.dataclass(frozen=True, slots=True)
class Released:
    """What was told because it is held no longer, and how many incidents by the window that had held them."""

    rows: tuple[Notification, ...] = ()
    incidents: int = 0
    by_window: dict[str, int] = dataclasses.field(default_factory=dict)


@dataclasses.dataclass(frozen=True, slots=True)
class _Turn:
    """What changed: occurrences that lately began or ended, and the times at which those that ended early were planned
    to."""

    begun: tuple[tuple[Window, Stretch], ...]
    over: tuple[tuple[Window, Stretch], ...]
    planned: tuple[Millis, ...]


class Maintenance:
    """`tick` is called every few seconds, and after what changes windows; `wake` with the outlets that have new
    messages, after the commit."""

    def __init__(self, writer: Writer, reader: AsyncEngine, current: Current, clock: Clock, ids: Ids,
                 wake: Callable[[Iterable[Outlet]], None], *, serving: bool = True, shared: bool = False) -> None:
        """Not `serving`: people's acts are kept, and the daemon that comes next acts on them. `shared`: people may
        also act at another replica."""
        self._writer = writer
        self._reader = reader
        self._current = current
        self._clock = clock
        self._ids = ids
        self._wake = wake
        self._serving = serving
        self._shared = shared
        self._made: tuple[Window, ...] = ()
        self._seen: tuple[Windows, tuple[Window, ...]] | None = None  # all windows, and those active, last time
        self._under_way: dict[str, tuple[Window, Stretch]] = {}

    async def start(self) -> None:
        """Put what people made in force."""
        await self._read()

    def merged(self, file: RoutingFile) -> RoutingFile:
        """The file, its windows together with those people made."""
        windows = tuple(one for one in file.routing.windows.every if not one.id) + self._made
        if windows == file.routing.windows.every:
            return file
        return dataclasses.replace(file, routing=dataclasses.replace(file.routing, windows=Windows(windows)))

    async def refusal(self, window: Window) -> str | None:
        """Why this window is made only for somebody who confirms it, in words."""
        async with self._reader.connect() as connection:
            fired = await store.fired(connection, self._clock.now())
        return await asyncio.to_thread(too_broad, window.matchers, fired)

    async def add(self, window: Window, person: Person) -> Window:
        """Make the window; the answer has its id. It holds from when this returns."""
        made = await self._writer.submit(self._add, Wish(window, person))
        await self._put_in_force()
        return made

    async def end(self, id: str, person: Person) -> Outcome:
        """The window is over now, and what it held is told."""
        outcome = await self._writer.submit(self._end, (id, person))
        await self._put_in_force()
        return outcome

    async def tick(self) -> None:
        """Once those that are active have changed, tell what is held no longer, and announce what began and ended."""
        if self._shared:
            async with self._reader.connect() as connection:
                self._made = tuple(await connection.run_sync(store.since, self._clock.now() - LATE))
            self._current.file = self.merged(self._current.file)
        now, windows = self._clock.now(), self._current.file.routing.windows
        active = windows.active(now)
        if self._seen == (windows, active):
            return
        under_way = {_key(window): (window, window.active(now) or (now, now)) for window in active}
        over = [(window, stretch) for key, (window, stretch) in self._under_way.items() if key not in under_way]
        released, notices = await self._writer.submit(self._take_turn, _turn(windows, over, now))
        self._seen, self._under_way = (windows, active), under_way
        if released.incidents:
            log.info("maintenance_ended", incidents=released.incidents, notifications=len(released.rows))
        self._wake({row.outlet for row in (*released.rows, *notices) if row.state is State.QUEUED})

    async def _put_in_force(self) -> None:
        if self._serving:
            await self._read()
            await self.tick()

    async def _read(self) -> None:
        self._made = await self._writer.submit(self._load, None)
        self._current.file = self.merged(self._current.file)

    # Handlers of the writer, in its thread

    def _load(self, connection: Connection, asked: Sequence[None]) -> Sequence[tuple[Window, ...]]:
        return [tuple(store.since(connection, self._clock.now() - LATE))] * len(asked)

    def _add(self, connection: Connection, wishes: Sequence[Wish]) -> Sequence[Window]:
        now, made = self._clock.now(), list[Window]()
        for wish in wishes:
            window = dataclasses.replace(wish.window, id=f"mw{self._ids.next(now)}", creator=wish.person.name)
            store.keep(connection, window, now)
            audit.append(connection, [Act(now, wish.person.name, wish.person.via, "maintenance add",
                                          f"maintenance window {window.id}", _said(window))])
            made.append(window)
        return made

    def _end(self, connection: Connection, wishes: Sequence[tuple[str, Person]]) -> Sequence[Outcome]:
        now, answers = self._clock.now(), list[Outcome]()
        for id, person in wishes:
            window = store.find(connection, id)
            if window is None or not isinstance(window.when, Once):
                answers.append(Outcome.UNKNOWN)
            elif window.when.ends <= now:
                answers.append(Outcome.ALREADY)
            else:
                store.end(connection, id, person.name, now)
                audit.append(connection, [Act(now, person.name, person.via, "maintenance end",
                                              f"maintenance window {id}", _said(window))])
                answers.append(Outcome.DONE)
        return answers

    def _take_turn(self, connection: Connection, turns: Sequence[_Turn]
                   ) -> Sequence[tuple[Released, tuple[Notification, ...]]]:
        """What is told because it is held no longer, and the notices."""
        lock(connection, ["maintenance"])  # one replica after the other; the next finds it done
        answers: list[tuple[Released, tuple[Notification, ...]]] = []
        for turn in turns:
            for planned in turn.planned:
                store.bring_forward(connection, planned, self._clock.now())
            released = self._release(connection)
            answers.append((released, self._announce(connection, turn, released)))
        return answers

    def _release(self, connection: Connection) -> Released:
        now, routing = self._clock.now(), self._current.file.routing
        ids = store.waiting(connection)
        if not ids:
            return Released()
        known, alerts, batch = acts.load(connection, ids), store.firing(connection, ids), intake.Batch()
        quiet = inhibiting.quiet(connection)  # what causes these is told instead, and they once that has ended
        for id in ids:
            incident = known.incidents[id]
            burning_now = [alert for alert in alerts.get(id, []) if alert.id not in quiet]
            batch.take(release(incident, burning_now, known.notifications.get(id, []),
                               table_for(incident, routing), now))
        bundles = bundled(batch.notifications.values(), routing, now)
        for one in bundles:
            batch.notifications.update((row.id, dataclasses.replace(row, state=State.HELD)) for row in one.carries)
        intake.save(connection, batch, now)
        held = {id: _held_by(known, id) for id in ids}
        for one in bundles:
            self._bundle(connection, one, batch, held, now)
        released = {row.incident for row in batch.notifications.values() if row.incident}
        by_window: dict[str, int] = {}
        for id in released:
            for title in held[id]:
                by_window[title] = by_window.get(title, 0) + 1
        rows = (*batch.notifications.values(), *(one.message for one in bundles))
        return Released(rows, len(released), by_window)

    def _bundle(self, connection: Connection, one: Bundle, batch: intake.Batch,
                held: dict[IncidentId, tuple[str, ...]], now: Millis) -> None:
        ids = list(dict.fromkeys(row.incident for row in one.carries if row.incident))
        entries = by_weight(Entry(batch.incidents[id], ()) for id in ids)
        shown = [store.entry(connection, entry.incident) for entry in entries[:MOST_LISTED]]
        text = burning([*shown, *entries[MOST_LISTED:]], [title for id in ids for title in held[id]],
                       one.message.style)
        store.bundle(connection, one, text, now)

    def _announce(self, connection: Connection, turn: _Turn, released: Released) -> tuple[Notification, ...]:
        now, file = self._clock.now(), self._current.file.routing.file
        rows: list[Notification] = []
        for window, stretch in turn.begun:
            rows += self._notices(connection, "begins", window, stretch, begins(window, stretch, file), now)
        told = {place(row.outlet) for row in released.rows}  # that it still burns says that the window is over
        for window, stretch in turn.over:
            if store.announced(connection, _notice_id("begins", window, stretch)):  # else the end would be a riddle
                burns = sum(number for title, number in released.by_window.items() if title.startswith(window.title))
                text = ends(window, stretch, file, burns)
                rows += self._notices(connection, "ends", window, stretch, text, now, told)
        return tuple(rows)

    def _notices(self, connection: Connection, edge: str, window: Window, stretch: Stretch, text: DigestText,
                 now: Millis, told: Container[tuple[str, str]] = ()) -> list[Notification]:
        """A notice to whom it concerns, but not to places that were `told` something else of it."""
        id = _notice_id(edge, window, stretch)
        rows = [notice(id, outlet, style, Severity.INFO, now)
                for outlet, style in concerned(window, self._current.file.routing, now) if place(outlet) not in told]
        return rows if store.announce(connection, id, text, rows, now) else []


def _turn(windows: Windows, over: Sequence[tuple[Window, Stretch]], now: Millis) -> _Turn:
    """What began or ended within LATE; `over` are occurrences that were under way at the last look and are not now."""
    begun: list[tuple[Window, Stretch]] = []
    ended = [(window, stretch) for window, stretch in over if window.notices and window not in windows.every]
    for window in windows.every:
        for stretch in window.occurrences(now - LONGEST, now + AHEAD) if window.notices else ():
            if now - LATE < stretch[0] <= now < stretch[1]:
                begun.append((window, stretch))
            elif now - LATE < stretch[1] <= now:
                ended.append((window, stretch))
    return _Turn(tuple(begun), tuple(ended), tuple(stretch[1] for _, stretch in over if stretch[1] > now))


def _key(window: Window) -> str:
    return window.id or window.name


def _notice_id(edge: str, window: Window, stretch: Stretch) -> str:
    return fingerprint_of("maintenance", edge, _key(window), str(stretch[0]))


def _held_by(known: Known, id: IncidentId) -> tuple[str, ...]:
    rows = known.notifications.get(id, [])
    return tuple(dict.fromkeys(row.reason.removeprefix(HELD_BY) for row in rows if kept(row)))


def _said(window: Window) -> dict[str, str]:
    """What the record keeps of a window."""
    assert isinstance(window.when, Once)
    return {"name": window.name, "match": ", ".join(map(str, window.matchers)), "mode": window.mode.value,
            "from": iso(window.when.starts), "to": iso(window.when.ends), "reason": window.reason}
