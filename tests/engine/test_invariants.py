"""What must always hold, whatever comes in which order: webhooks early, late, twice and never, people, silences,
maintenance, inhibition, vendors that fail in every way, a clock that is set forward and back, and kill -9 anywhere.

The numbers are those of the list in the README's promises. Each is asked after every step; those about how it all ends,
once the vendors are well again and Alertmanager has repeated what fires.
"""

from __future__ import annotations

import contextlib
import dataclasses
import functools
import logging
import os
from collections.abc import Callable, Iterator
from typing import Any

import pytest
import structlog
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule, run_state_machine_as_test
from sqlalchemy import func, select

from alertd.audit import fault
from alertd.engine.acts import Outcome, Person
from alertd.matchers import parse
from alertd.model import HOUR, Alert, Incident, IncidentState, Kind, Notification, Severity, State
from alertd.schedule import Once, Window
from alertd.store import schema
from alertd.store.audit import link_from
from alertd.store.rows import alert_from, incident_from, notification_from
from alertd.telling import kept, place
from tests.engine.simulation import SOURCE, Dropped, Effect, Fault, Name, Simulation, routing_file
from tests.postgres import Server, name_of_new

JANE = Person("jane", "api")
WATCHDOG = Name("Watchdog", "a", "none")
NAMES = [
    *(Name("Broken", instance, severity) for instance in "ab" for severity in ("critical", "warning")),
    Name("Slow", "a", "warning"), Name("Slow", "b", "info"), Name("Odd", "a", "page?"),
    Name("NodeDown", "a", "critical"),
    WATCHDOG,
]
CHANNELS = ["pagerduty", "email", "slack", "mail"]
CRASHES = st.one_of(st.none(), st.none(), st.tuples(st.just("turns"), st.integers(0, 60)),
                    st.tuples(st.just("commits"), st.integers(0, 12)))
STEPS = st.sampled_from([0, 0, -HOUR, -90_000, 90_000, HOUR])
PAUSES = st.sampled_from([0, 1, 20, 200])
SEVERAL = st.lists(st.sampled_from(NAMES), min_size=1, max_size=3)


@pytest.fixture(scope="module", autouse=True)
def quiet() -> Iterator[None]:
    """A day of faults is thousands of lines of log, each with its traceback."""
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.CRITICAL))
    yield
    structlog.reset_defaults()


@dataclasses.dataclass(frozen=True)
class Rows:
    """What the store holds."""

    alerts: list[Alert]
    incidents: dict[str, Incident]
    notifications: list[Notification]
    decisions: dict[str, list[Any]]
    quiet: set[str]

    def of(self, incident: str) -> list[Notification]:
        return [row for row in self.notifications if row.incident == incident]


class AnyDay(RuleBasedStateMachine):
    """Steps that hypothesis chooses, and what must hold after each."""

    def __init__(self, store: Callable[[], str | None] = lambda: None) -> None:
        super().__init__()
        self.sim: Simulation
        self.store = store  # the address of an empty one; None: a file
        self.on_the_way: list[bytes] = []  # webhooks said and not arrived; each may arrive any number of times
        self.accepted = 0
        self.promised: set[str] = set()  # ids of notifications that a 200 vouches for
        self.human_acts = 0
        self.retried: set[str] = set()
        self.windows: list[str] = []

    def teardown(self) -> None:
        try:
            self.calm_down()
        finally:
            self.sim.close()

    @initialize(escalates=st.booleans(), storms=st.booleans())
    def begins(self, escalates: bool, storms: bool) -> None:
        self.sim = Simulation(routing_file(escalates=escalates, storms=storms), self.store())

    # What happens

    def do(self, work: Any, crash: tuple[str, int] | None = None) -> Any:
        """None where the engine was killed before it answered."""
        try:
            return self.sim.do(work, **({crash[0]: crash[1]} if crash else {}))
        except Dropped:
            return None

    def post(self, body: bytes, crash: tuple[str, int] | None = None) -> None:
        changes = self.do(self.sim.engine.intake.accept(body), crash)
        if changes is not None:
            self.accepted += 1
            self.promised |= {row.id for row in changes.notifications}

    def wait(self, seconds: float, crash: tuple[str, int] | None = None) -> None:
        with contextlib.suppress(Dropped):
            if seconds:
                self.sim.run(seconds, self.what_must_always_hold, **({crash[0]: crash[1]} if crash else {}))

    @rule(names=SEVERAL, crash=CRASHES, pause=PAUSES, while_telling=CRASHES)
    def fires(self, names: list[Name], crash: Any, pause: float, while_telling: Any) -> None:
        for name in names:
            self.sim.alertmanager.fire(name, self.sim.truth())
            self.post(self.sim.alertmanager.body(name.alertname), crash)
        self.wait(pause, while_telling)

    @rule(names=SEVERAL, crash=CRASHES, pause=PAUSES, while_telling=CRASHES)
    def ends(self, names: list[Name], crash: Any, pause: float, while_telling: Any) -> None:
        for name in names:
            self.sim.alertmanager.end(name, self.sim.truth())
            self.post(self.sim.alertmanager.body(name.alertname), crash)
        self.wait(pause, while_telling)

    @rule(name=st.sampled_from(NAMES), firing=st.booleans(), data=st.data(), crash=CRASHES, pause=PAUSES)
    def arrives_late(self, name: Name, firing: bool, data: Any, crash: Any, pause: float) -> None:
        """A webhook is delayed: it arrives after those that follow it, or more than once, or never."""
        manager = self.sim.alertmanager
        (manager.fire if firing else manager.end)(name, self.sim.truth())
        self.on_the_way.append(manager.body(name.alertname))
        for body in data.draw(st.lists(st.sampled_from(self.on_the_way), max_size=3)):
            self.post(body, crash)
        self.wait(pause)

    @rule(name=st.sampled_from(NAMES), ends=st.booleans())
    def is_silenced(self, name: Name, ends: bool) -> None:
        """At Alertmanager: it says nothing of it any more, not even its end."""
        if name in self.sim.alertmanager.firing:
            self.sim.alertmanager.silenced.add(name)
            if ends:
                del self.sim.alertmanager.firing[name]
                self.sim.alertmanager.silenced.discard(name)

    @rule(seconds=st.sampled_from([20, 130, 700, 4000, 30_000]), step=STEPS, crash=CRASHES)
    def time_passes(self, seconds: float, step: int, crash: Any) -> None:
        """And the clock is set forward or back."""
        self.sim.skew += step
        self.wait(seconds, crash)

    @rule(faults=st.dictionaries(st.sampled_from(CHANNELS), st.sampled_from(Fault)), pause=PAUSES)
    def vendors_fail(self, faults: dict[str, Fault], pause: float) -> None:
        self.sim.vendors.faults = faults
        self.wait(pause)

    @rule(data=st.data(), crash=CRASHES, pause=PAUSES)
    def somebody_acknowledges(self, data: Any, crash: Any, pause: float) -> None:
        open_ids = [id for id, incident in self.rows().incidents.items() if incident.state is IncidentState.OPEN]
        if open_ids:
            self.act(self.sim.engine.acts.acknowledge(data.draw(st.sampled_from(open_ids)), JANE), crash)
        self.wait(pause)

    @rule(data=st.data(), what=st.sampled_from(["retry", "drop", "plan", "plan", "end"]), crash=CRASHES)
    def somebody_acts(self, data: Any, what: str, crash: Any) -> None:
        """On a dead letter, or a maintenance window."""
        engine, now = self.sim.engine, self.sim.now()
        dead = [row.id for row in self.rows().notifications if row.state is State.DEAD]
        if what in ("retry", "drop") and dead:
            id = data.draw(st.sampled_from(dead))
            self.retried |= {id}
            self.act(getattr(engine.acts, what)(id, JANE), crash)
        elif what == "plan":
            matcher = parse(f'alertname="{data.draw(st.sampled_from(["Broken", "Slow"]))}"')
            length = data.draw(st.sampled_from([60_000, 20 * 60_000]))
            window = Window("upgrade", (matcher,), Once(now, now + length), reason="upgrade", notices=False)
            if (made := self.act(engine.maintenance.add(window, JANE), crash)):
                self.windows.append(made.id)
        elif what == "end" and self.windows:
            self.act(engine.maintenance.end(self.windows.pop(), JANE), crash)

    def act(self, work: Any, crash: tuple[str, int] | None = None) -> Any:
        """What came of it; None where the engine was killed before it answered, and the record says what it did."""
        before = len(self.audit())
        outcome = self.do(work, crash)
        self.human_acts += len(self.audit()) - before if outcome is None else outcome not in (
            Outcome.ALREADY, Outcome.UNKNOWN)
        return outcome

    # What must always hold

    @invariant()
    def what_must_always_hold(self) -> None:
        rows = self.rows()
        self.i1_what_was_answered_2xx_is_on_disk(rows)
        self.i2_every_open_critical_incident_has_its_page(rows)
        self.i4_one_open_alert_and_one_open_incident(rows)
        self.i5_messages_leave_in_order()
        self.i8_what_is_sent_twice_is_said_to_be_in_doubt()
        self.i9_what_is_not_sent_has_its_why(rows)
        self.i10_no_human_act_without_its_record()

    def i1_what_was_answered_2xx_is_on_disk(self, rows: Rows) -> None:
        with self.sim.reading() as connection:
            webhooks = connection.execute(select(func.count()).select_from(schema.webhooks)).scalar()
        assert webhooks >= self.accepted
        assert self.promised <= {row.id for row in rows.notifications}

    def i2_every_open_critical_incident_has_its_page(self, rows: Rows) -> None:
        for incident in rows.incidents.values():
            if incident.state is not IncidentState.OPEN or incident.severity is not Severity.CRITICAL:
                continue
            pages = [row for row in rows.of(incident.id) if row.kind is Kind.FIRING
                     and row.severity is Severity.CRITICAL and row.outlet.channel == "pagerduty"]
            assert any(row.state in (State.QUEUED, State.CLAIMED, State.SENT) or kept(row)
                       or (row.state in (State.DEAD, State.EXPIRED) and row.reason) for row in pages), (
                incident, rows.of(incident.id), rows.decisions[incident.id])

    def i4_one_open_alert_and_one_open_incident(self, rows: Rows) -> None:
        alerts = [(alert.source, alert.fingerprint) for alert in rows.alerts if alert.firing]
        keys = [one.key for one in rows.incidents.values() if one.state is not IncidentState.RESOLVED]
        assert len(alerts) == len(set(alerts))
        assert len(keys) == len(set(keys))
        for incident in rows.incidents.values():
            members = [alert for alert in rows.alerts if alert.incident == incident.id]
            assert incident.firing == sum(alert.firing for alert in members), incident
            assert (incident.state is IncidentState.RESOLVED) == (
                incident.firing == 0 and not incident.flapping), incident

    def i5_messages_leave_in_order(self) -> None:
        last: dict[Any, int] = {}
        for effect in self.effects():
            if effect.incident and effect.id not in self.retried:
                key = effect.incident, effect.outlet
                assert last.get(key, 0) <= effect.seq, (key, effect)
                last[key] = effect.seq

    def i8_what_is_sent_twice_is_said_to_be_in_doubt(self) -> None:
        """Every time but one. Not the first: an attempt whose lease ran out may arrive after the one that took over."""
        sure: set[str] = set()
        for effect in self.sim.vendors.effects:
            if not effect.doubt and effect.id not in self.retried:
                assert effect.id not in sure, effect
                sure.add(effect.id)

    def i9_what_is_not_sent_has_its_why(self, rows: Rows) -> None:
        for row in rows.notifications:
            if row.state not in (State.QUEUED, State.CLAIMED):
                assert row.reason, row
        for id in rows.incidents:
            assert rows.decisions.get(id), id
            assert all(why for why in rows.decisions[id])

    def i10_no_human_act_without_its_record(self) -> None:
        links = self.audit()
        assert fault(links) is None
        assert len(links) == self.human_acts

    # How it ends

    def calm_down(self) -> None:
        """The vendors are well again, Alertmanager repeats what fires; then all of it ends."""
        manager = self.sim.alertmanager
        self.sim.vendors.faults.clear()
        self.repeat()
        self.sim.run(2 * 3600, self.what_must_always_hold)
        self.repeat()
        self.i7_whatever_came_in_which_order_what_is_open_is_what_fires()
        for name in list(manager.firing):
            manager.end(name, self.sim.truth())
        self.repeat()
        self.sim.run(2 * 3600, self.what_must_always_hold)
        self.sim.run(26 * 3600, self.what_must_always_hold)
        manager.fire(WATCHDOG, self.sim.truth())  # its silence ends with the next beat
        self.repeat()
        self.sim.run(60, self.what_must_always_hold)
        rows = self.rows()
        self.i3_who_was_told_of_the_start_is_told_of_the_end(rows)
        self.i6_nothing_is_unaccounted_for(rows)

    def i7_whatever_came_in_which_order_what_is_open_is_what_fires(self) -> None:
        """Of what is silenced no webhook speaks, so alertd need not have heard of it."""
        manager = self.sim.alertmanager
        fires = {name.fingerprint for name in manager.firing if name not in manager.silenced}
        known = {alert.fingerprint for alert in self.rows().alerts if alert.firing and alert.source == SOURCE}
        assert fires <= known
        assert known <= {name.fingerprint for name in manager.firing}

    def repeat(self) -> None:
        for alertname in sorted({name.alertname for name in NAMES}):
            if b'"fingerprint"' in (body := self.sim.alertmanager.body(alertname)):
                self.post(body)

    def i3_who_was_told_of_the_start_is_told_of_the_end(self, rows: Rows) -> None:
        assert not [alert for alert in rows.alerts if alert.firing and alert.labels["alertname"] != "Watchdog"]
        assert all(one.state is IncidentState.RESOLVED or one.labels == {"alertname": "Watchdog"}
                   for one in rows.incidents.values())
        for id in rows.incidents:
            told: dict[Any, list[Effect]] = {}
            for effect in self.sim.vendors.effects:
                if effect.incident == id:
                    told.setdefault(place(effect.outlet), []).append(effect)
            for at, effects in told.items():
                there = [row for row in rows.of(id) if place(row.outlet) == at]
                dead_end = any(row.kind is Kind.RESOLVED and row.state in (State.DEAD, State.EXPIRED) for row in there)
                starts = [effect for effect in effects if effect.kind is not Kind.RESOLVED]
                if not starts or dead_end:
                    continue
                assert effects[-1].kind is Kind.RESOLVED, _story(effects, there)
                closed = {epoch for effect in effects if effect.kind is Kind.RESOLVED for epoch in effect.epochs}
                told_epochs = {effect.epoch for effect in starts if effect.kind is Kind.FIRING}
                assert told_epochs <= closed, _story(effects, there)

    def i6_nothing_is_unaccounted_for(self, rows: Rows) -> None:
        for row in rows.notifications:
            assert row.state in (State.SENT, State.SUPERSEDED, State.EXPIRED, State.FOLDED, State.DEAD), row
        with self.sim.reading() as connection:
            for storm in connection.execute(select(schema.storms)):
                assert storm.over_at is not None, storm
                assert storm.told >= storm.revision, storm

    # Looking

    def rows(self) -> Rows:
        with self.sim.reading() as connection:
            decisions: dict[str, list[Any]] = {}
            for row in connection.execute(select(schema.decisions).order_by(schema.decisions.c.seq)):
                decisions.setdefault(row.incident, []).append((row.verdict, row.why))
            return Rows(
                [alert_from(row) for row in connection.execute(select(schema.alerts))],
                {row.id: incident_from(row) for row in connection.execute(select(schema.incidents))},
                [notification_from(row) for row in connection.execute(
                    select(schema.notifications).order_by(schema.notifications.c.seq))],
                decisions, {row.alert for row in connection.execute(select(schema.inhibited))})

    def audit(self) -> list[Any]:
        with self.sim.reading() as connection:
            return [link_from(row) for row in connection.execute(
                select(schema.audit).order_by(schema.audit.c.seq))]

    def effects(self) -> Iterator[Effect]:
        """The first of each message; those in doubt may come again later."""
        seen: set[str] = set()
        for effect in self.sim.vendors.effects:
            if effect.id not in seen:
                seen.add(effect.id)
                yield effect


def _story(effects: list[Effect], rows: list[Notification]) -> str:
    """What came of one place, for whoever reads a failure."""
    return "\n".join((
        *(f"row {row.seq} {row.kind} {row.state} {row.attempts} {row.ambiguous} {row.next_at}: {row.reason}"
          for row in rows),
        *(f"took {one.seq} {one.kind} {one.epoch} {one.epochs}" for one in effects)))


TestAnyDay = pytest.mark.timeout(300)(AnyDay.TestCase)
# The same days every time: what a change breaks is seen by whoever changed it. New ones are looked for by `make chaos`.
TestAnyDay.settings = settings(max_examples=int(os.environ.get("EXAMPLES", "25")), stateful_step_count=25,
                               deadline=None, derandomize=True, suppress_health_check=list(HealthCheck))


def test_any_day_on_postgresql(postgres: Server) -> None:
    """The same there, where claims of who died are given back when their lease ends, and two transactions run at once.
    """
    def store() -> str:
        name = name_of_new()
        postgres.ask(f"CREATE DATABASE {name} TEMPLATE empty")
        return postgres.url(name)

    run_state_machine_as_test(functools.partial(AnyDay, store), settings=settings(
        TestAnyDay.settings, max_examples=int(os.environ.get("EXAMPLES", "50")) // 25, stateful_step_count=12))


class ManyDays(AnyDay):
    """The same, for longer and more often."""


TestManyDays = pytest.mark.chaos(pytest.mark.timeout(0)(ManyDays.TestCase))
TestManyDays.settings = settings(max_examples=int(os.environ.get("EXAMPLES", "600")), stateful_step_count=50,
                                 deadline=None, suppress_health_check=list(HealthCheck))
