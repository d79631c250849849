"""What people do: take care of an incident, have a dead letter tried again, or drop it.

Every way in (the page, the API, a command, Slack, PagerDuty) ends here. Each act, its effect and its row in the audit
are one transaction; done twice it has one effect.
"""

from __future__ import annotations

import dataclasses
import enum
from collections.abc import Callable, Iterable, Sequence

from sqlalchemy import Connection

from alertd.acknowledging import acknowledge, lapse
from alertd.audit import Act
from alertd.calming import calm
from alertd.engine.clock import Clock
from alertd.engine.setting import Current
from alertd.escalating import escalate
from alertd.incidents import Changes, Known
from alertd.maintaining import held_until, put_off
from alertd.model import Event, IncidentId, IncidentState, Kind, Millis, Notification, Outlet
from alertd.reminding import remind, report
from alertd.store import acts, audit, intake, maintenance
from alertd.store.weather import Sky
from alertd.store.writer import Writer

NAME = 120  # characters of a person's name that are kept


class Outcome(enum.StrEnum):
    """What came of an act."""

    DONE = "done"
    ALREADY = "already"  # somebody was faster, or it is over: nothing changed
    UNKNOWN = "unknown"  # there is no such thing


@dataclasses.dataclass(frozen=True, slots=True)
class Person:
    """Who acts, as they are known there, and through what: api, page, command, slack or pagerduty."""

    name: str
    via: str


@dataclasses.dataclass(frozen=True, slots=True)
class _Acknowledge:
    incident: str
    person: Person
    callback: str | None


@dataclasses.dataclass(frozen=True, slots=True)
class _Raise:
    notification: str
    person: Person
    event: Event


class Acts:
    """`wake` is called with the outlets that have new messages, after the commit."""

    def __init__(self, writer: Writer, current: Current, clock: Clock, wake: Callable[[Iterable[Outlet]], None]
                 ) -> None:
        self._writer = writer
        self._current = current
        self._clock = clock
        self._wake = wake

    async def acknowledge(self, incident: str, person: Person, *, callback: str | None = None) -> Outcome:
        """The person takes care of the incident. `callback` is the id under which a vendor may send this twice."""
        outcome, rows = await self._writer.submit(self._acknowledge, _Acknowledge(incident, person, callback))
        self._wake({row.outlet for row in rows})
        return outcome

    async def retry(self, notification: str, person: Person) -> Outcome:
        """The dead letter is tried again, from its first attempt."""
        return await self._raise(_Raise(notification, person, Event.RETRY))

    async def drop(self, notification: str, person: Person) -> Outcome:
        """Nobody needs the dead letter any more."""
        return await self._raise(_Raise(notification, person, Event.DROP))

    async def tick(self) -> None:
        """End acknowledgements that held as long as they may, take the steps of escalations that are due, and say what
        is due to be said of what still burns, and of what flapped and has been quiet since."""
        rows = await self._writer.submit(self._pass_time, None)
        self._wake({row.outlet for row in rows})

    async def _raise(self, wish: _Raise) -> Outcome:
        outcome, outlets = await self._writer.submit(self._raised, wish)
        self._wake(outlets)
        return outcome

    # Handlers of the writer, in its thread

    def _acknowledge(self, connection: Connection, wishes: Sequence[_Acknowledge]
                     ) -> Sequence[tuple[Outcome, tuple[Notification, ...]]]:
        now, routing = self._clock.now(), self._current.file.routing
        known = acts.load(connection, [wish.incident for wish in wishes])
        batch, done = intake.Batch(), list[Act]()
        answers: list[tuple[Outcome, tuple[Notification, ...]]] = []
        for wish in wishes:
            incident = known.incidents.get(IncidentId(wish.incident))
            if incident is None:
                answers.append((Outcome.UNKNOWN, ()))
                continue
            again = wish.callback is not None and acts.seen(connection, wish.callback, now)
            person = wish.person
            changes = Changes() if again else acknowledge(
                incident, known.notifications.get(incident.id, ()), person.name, routing, now,
                told_by="pagerduty" if person.via == "pagerduty" else None)
            known.apply(changes)
            batch.take(changes)
            if changes.incidents:
                done.append(Act(now, person.name, person.via, "acknowledge", f"incident {incident.id}",
                                {"callback": wish.callback} if wish.callback else {}))
            answers.append((Outcome.DONE if changes.incidents else Outcome.ALREADY, changes.notifications))
        intake.save(connection, batch, now)
        audit.append(connection, done)
        return answers

    def _pass_time(self, connection: Connection, asked: Sequence[None]) -> Sequence[tuple[Notification, ...]]:
        now, routing = self._clock.now(), self._current.file.routing
        made: list[Notification] = []
        for due, decide in ((acts.reminding, remind), (acts.lapsed, lapse), (acts.escalating, escalate),
                            (acts.reporting, report), (acts.calming, calm)):
            ids = due(connection, now)
            if not ids:
                continue
            known, batch, sky = acts.load(connection, ids), intake.Batch(), Sky(connection, routing, now)
            alerts = maintenance.firing(connection, ids) if routing.windows.active(now) else {}
            for id in ids:
                incident, until = known.incidents[id], held_until(alerts.get(id, ()), routing, now)
                if until and decide in (lapse, escalate):
                    batch.take(put_off(incident, until, now))
                else:  # of what maintenance holds nobody is reminded
                    rows = () if until and decide is not calm else known.notifications.get(id, ())
                    batch.take(sky.fold(decide(incident, rows, routing, now)))
            sky.begin()
            intake.save(connection, batch, now, sky.counted())
            made += batch.notifications.values()
        return [tuple(made)] * len(asked)

    def _raised(self, connection: Connection, wishes: Sequence[_Raise]) -> Sequence[tuple[Outcome, list[Outlet]]]:
        done: list[Act] = []
        answers = [self._raise_one(connection, wish, done, self._clock.now()) for wish in wishes]
        audit.append(connection, done)  # last: whoever adds to it holds it until the commit
        return answers

    def _raise_one(self, connection: Connection, wish: _Raise, done: list[Act], now: Millis
                   ) -> tuple[Outcome, list[Outlet]]:
        row, person = acts.dead(connection, wish.notification), wish.person
        if row is None:
            return Outcome.UNKNOWN, []
        if wish.event is Event.RETRY and _too_late(row, acts.load(connection, [row.incident or ""])):
            return Outcome.ALREADY, []
        acts.raise_dead(connection, row, wish.event, _reason(wish), now)
        done.append(Act(now, person.name, person.via, wish.event.value, f"notification {row.id}",
                        {"was": row.reason, "outlet": str(row.outlet)}))
        return Outcome.DONE, [row.outlet]


def _too_late(row: Notification, known: Known) -> bool:
    """Whether it tells of what is over: a page sent now would stay open at PagerDuty, since nobody would close it."""
    incident = known.incidents.get(row.incident) if row.incident else None
    return incident is not None and incident.state is IncidentState.RESOLVED and row.kind is not Kind.RESOLVED


def _reason(wish: _Raise) -> str:
    return f"{wish.person.name} had it tried again" if wish.event is Event.RETRY else f"dropped by {wish.person.name}"
