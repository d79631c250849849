"""Digests go out at their hour: what was held is folded into one summary of what happened since the last one, which
then travels the ordinary way."""

from __future__ import annotations

import asyncio
import dataclasses
import datetime
from collections.abc import Callable, Iterable, Iterator
from functools import partial
from pathlib import Path
from zoneinfo import ZoneInfo

import structlog
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from alertd import digest, heartbeats
from alertd.audit import Act
from alertd.config.receivers import Digest as Plan
from alertd.config.routing_file import RoutingFile
from alertd.digest import Digest, Ending, Facts
from alertd.digest.compose import TOP
from alertd.digest.facts import noise_of
from alertd.engine import commits
from alertd.engine.acts import Outcome, Person
from alertd.engine.clock import Clock, first_id
from alertd.engine.metrics import Metrics
from alertd.engine.setting import Current
from alertd.engine.silences import Silences
from alertd.heartbeats import Pulse
from alertd.model import DAY, MINUTE, Kind, Millis, Notification, NotificationId, Outlet, Severity, State
from alertd.slo.budget import Standing
from alertd.statistics import AlertKind
from alertd.statistics.tally import quarter_of
from alertd.store import digests as store
from alertd.store import ledger, periods, pulses
from alertd.store.writer import Writer
from alertd.telling import fingerprint_of

ANSWERS: Millis = MINUTE  # how old the last answer of an Alertmanager may be
LONGEST: Millis = 31 * DAY  # that a digest looks back on, after a long downtime

log = structlog.get_logger()


@dataclasses.dataclass(frozen=True, slots=True)
class Heard:
    """What the Alertmanagers that are asked say: whether every one answered of late what it lists (False where none is
    asked), their silences that end soon, and who does not say its silences."""

    answered: bool = False
    ending: tuple[Ending, ...] = ()
    mute: tuple[str, ...] = ()


class Digests:
    """`tick` makes every digest that is due; call it often, it does each once. `rules` is the folder of what is
    watched."""

    def __init__(self, writer: Writer, reader: AsyncEngine, current: Current, clock: Clock, metrics: Metrics,
                 wake: Callable[[Iterable[Outlet]], None], rules: Path = Path("rules"),
                 silences: Silences | None = None) -> None:
        self._writer = writer
        self._reader = reader
        self._current = current
        self._clock = clock
        self._metrics = metrics
        self._wake = wake
        self.rules = rules
        self._silences = silences
        self._shown: set[str] = set()  # the receivers whose newest digest has its metric

    async def tick(self) -> None:
        now = self._clock.now()
        for gone in self._shown - self._current.file.digests.keys():
            self._metrics.digest_time.remove(gone)
        self._shown = set(self._current.file.digests)
        for receiver, plan in self._current.file.digests.items():
            date = digest.due(plan.at, plan.timezone, now, plan.every)
            async with self._reader.connect() as connection:
                made = await periods.newest(connection, receiver)
            if made is None:  # a new installation owes no digest of a day before it existed
                await self._writer.submit(store.begin, (receiver, date.isoformat(), now))
            elif made.date < date.isoformat():
                await self._make(plan, date, now)
            else:  # by another replica, or before a restart: each of them knows
                at = digest.moment(datetime.date.fromisoformat(made.date), plan.at, plan.timezone)
                self._metrics.digest_time.labels(receiver).set(at / 1000)

    async def send(self, receiver: str, person: Person) -> Outcome:
        """Today's digest now, instead of at its hour; once more where it went out already."""
        plan, now = self._current.file.digests.get(receiver), self._clock.now()
        if plan is None:
            return Outcome.UNKNOWN
        today = datetime.datetime.fromtimestamp(now / 1000, plan.timezone).date()
        act = Act(now, person.name, person.via, "digest send", f"receiver {receiver}", {"date": today.isoformat()})
        if not await self._make(plan, today, now, act):
            id = fingerprint_of(receiver, today.isoformat())
            rows = tuple(_message(id, outlet, now, again=True) for outlet in plan.outlets)
            await self._writer.submit(store.again, (rows, act))
            self._wake(plan.outlets)
        log.info("digest_asked_for", receiver=receiver, by=person.name, via=person.via)
        return Outcome.DONE

    async def preview(self, connection: AsyncConnection, plan: Plan) -> Digest:
        """What the receiver's next digest would say if it went out now."""
        now = self._clock.now()
        return await preview(connection, self._current.file, plan, self.rules, now, await self._hear(now))

    async def _hear(self, now: Millis) -> Heard:
        """What the Alertmanagers that are asked say now."""
        times = self._metrics.answers()
        answered = bool(times) and all(now - at <= ANSWERS for at in times.values())
        ending, mute = await self._silences.ending(now) if self._silences else ([], [])
        return Heard(answered, tuple(ending), tuple(mute))

    async def _make(self, plan: Plan, date: datetime.date, now: Millis, act: Act | None = None) -> bool:
        id = fingerprint_of(plan.receiver, date.isoformat())
        heard = await self._hear(now)
        messages = tuple(_message(id, outlet, now) for outlet in plan.outlets)
        async with self._reader.connect() as connection:
            write = await _ready(connection, self._current.file, plan, date, self.rules, now, heard)
        made = await self._writer.submit(store.fold, store.Fold(plan.receiver, date.isoformat(), id, now, write,
                                                                messages, act))
        if made:
            log.info("digest_made", receiver=plan.receiver, date=date.isoformat())
            self._metrics.digests.labels(plan.receiver).inc()
            self._metrics.digest_time.labels(plan.receiver).set(now / 1000)
            self._wake(plan.outlets)
        return made


async def preview(connection: AsyncConnection, file: RoutingFile, plan: Plan, rules: Path, now: Millis,
                  heard: Heard | None = None) -> Digest:
    """What the receiver's next digest would say if it went out now; nothing is folded."""
    today = datetime.datetime.fromtimestamp(now / 1000, plan.timezone).date()
    write = await _ready(connection, file, plan, today, rules, now, heard or Heard())
    return write(await connection.run_sync(store.collected, plan.receiver))


async def _ready(connection: AsyncConnection, file: RoutingFile, plan: Plan, date: datetime.date, rules: Path,
                 now: Millis, heard: Heard) -> Callable[..., Digest]:
    """The digest but for the entries, which are read in the transaction that folds them."""
    made = await periods.newest(connection, plan.receiver)
    since = quarter_of(now - plan.every.days * DAY)  # as it is counted
    if made is not None and made.date < date.isoformat():
        since = digest.moment(datetime.date.fromisoformat(made.date), plan.at, plan.timezone)
    since = max(min(since, now - 1), quarter_of(now - LONGEST))
    facts = await periods.gather(connection, since, now, first_id(since), file.routing.pagers,
                                 file.routing.personal)
    facts = await _with_budgets(connection, facts, now)
    beats = await connection.run_sync(pulses.load)
    facts = dataclasses.replace(
        facts, gaps=(*_unheard(file, facts, beats, heard, plan.timezone), *facts.gaps),
        endings=(*_endings(file, now), *heard.ending),
        changes=await commits.since([file.folder / file.routing.file, rules], since, now))
    places = await asyncio.to_thread(_places, rules, facts, plan.timezone)
    return partial(_compose, plan, date, dataclasses.replace(facts, places=places), made.data if made else None)


def _compose(plan: Plan, date: datetime.date, facts: Facts, before: Digest | None, entries: list[digest.Entry]
             ) -> Digest:
    return digest.compose(plan.receiver, date, plan.timezone, entries, facts, plan.every, before)


async def _with_budgets(connection: AsyncConnection, facts: Facts, now: Millis) -> Facts:
    """The facts with how each objective stands, and which do not say."""
    statuses = await ledger.statuses(connection, now)
    reasons: dict[str, int] = {}
    for status in statuses:
        if status.state is Standing.UNKNOWN:
            reasons[status.reason] = reasons.get(status.reason, 0) + 1
    gaps = tuple(f"{number} of {len(statuses)} budgets: {reason}" for reason, number in reasons.items())
    return dataclasses.replace(facts, statuses=statuses or None, gaps=gaps)


def _unheard(file: RoutingFile, facts: Facts, beats: Iterable[Pulse], heard: Heard, zone: ZoneInfo) -> Iterator[str]:
    """Why there may have been more than was heard of: a calm day and a broken line look alike."""
    if not facts.webhooks and not heard.answered:
        yield "alerts: no webhook came, and nothing else shows that there was nothing to hear of"
    watched = {heartbeats.matchers_of(one) for one in file.routing.heartbeats}
    for pulse in beats:
        if pulse.silent_since is not None and pulse.matchers in watched:
            since = datetime.datetime.fromtimestamp(pulse.beat_at / 1000, zone)
            yield f"alerts of {pulse.source}: its heartbeat {pulse.matchers} is silent since {since:%a %d %b %H:%M %Z}"
    yield from (f"silences of {address}: it does not answer" for address in heard.mute)
    if facts.record.cut:
        number = sum(one.ended for one in facts.record.kinds.values())
        yield f"noise: only the newest {number:,} alerts are counted"


def _endings(file: RoutingFile, now: Millis) -> tuple[Ending, ...]:
    """The maintenance that is on and ends within a day."""
    found = []
    for window in file.routing.windows.active(now):
        ends = [until for begins, until in window.occurrences(now, now + DAY) if begins <= now < until <= now + DAY]
        found += [Ending(window.name, until, window.creator) for until in ends]
    return tuple(found)


def _places(rules: Path, facts: Facts, zone: ZoneInfo) -> dict[str, str]:
    """Where what is noisy was declared."""
    from alertd.config.places import Places  # reads rules/ by way of the rule writer

    known, kinds = Places(rules), facts.record.kinds
    noisy = [(one.kind, kinds[AlertKind(one.alert, one.service)].labels) for one in noise_of(facts, zone)[:TOP]]
    return {kind: place for kind, labels in noisy if (place := known.of(labels))}


def _message(digest_id: str, outlet: Outlet, now: Millis, *, again: bool = False) -> Notification:
    key = fingerprint_of(digest_id, outlet.channel, outlet.target, *((str(now),) if again else ()))
    return Notification(NotificationId(key), key, None, Kind.DIGEST, Severity.INFO, 1, outlet, "responder",
                        State.QUEUED, "", now, now, digest=digest_id)
