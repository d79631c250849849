"""A message's way out: claim, render, send, settle.

Every outlet (a channel of a receiver, at one target) has a courier: a loop that claims what is due there and
starts attempts. Attempts to one endpoint share CONNECTIONS slots. So a vendor that hangs holds its own couriers
and nobody else's; nothing but the store is shared between them. A courier whose place may not be sent anything yet, or
that knows of nothing that is due, asks the store for nothing; what the intake writes meanwhile it may have claimed with
it (offers.py).
"""

from __future__ import annotations

import asyncio
import dataclasses
import random
import secrets
from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import partial

import structlog
from sqlalchemy.ext.asyncio import AsyncEngine

from alertd import channels
from alertd.buckets import Pace
from alertd.channels import CONNECTIONS, TIMEOUT, Channel, Net, Settings
from alertd.config.secret import hide
from alertd.delivery import LEASE, next_attempt
from alertd.engine.clock import Clock
from alertd.engine.metrics import Metrics
from alertd.engine.offers import Offer, Offers
from alertd.engine.pacing import Pacer
from alertd.engine.setting import Current
from alertd.engine.slots import Slots
from alertd.errors import Rejected, StoreUnavailable, TryLater
from alertd.model import SECOND, Delivery, Event, Incident, Kind, Millis, Notification, Outlet
from alertd.store import outbox
from alertd.store.outbox import Claim, Settlement
from alertd.store.writer import Writer
from alertd.storm import PREFIX as STORM
from alertd.telling import fall_back, place

STORE_PAUSE = SECOND  # before asking a store again that could not answer

log = structlog.get_logger()


@dataclasses.dataclass(slots=True)
class Outgoing:
    """What all couriers share. `external_url` is where people reach alertd's pages, when they can."""

    writer: Writer
    reader: AsyncEngine
    current: Current
    clock: Clock
    net: Net
    metrics: Metrics
    external_url: str | None = None
    offers: Offers = dataclasses.field(default_factory=Offers)


class Shared:
    """What couriers share that lead the same way: the slots of an endpoint, the pacer of a place there. `among`: how
    many replicas share what a place may be sent."""

    def __init__(self) -> None:
        self.among = 1
        self._slots: dict[str, Slots] = {}
        self._pacers: dict[tuple[str, ...], Pacer] = {}

    def slots(self, settings: Settings) -> Slots:
        return self._slots.setdefault(settings.endpoint(), Slots(CONNECTIONS))

    def pacer(self, outlet: Outlet, settings: Settings) -> Pacer:
        return self._pacers.setdefault((settings.endpoint(), *place(outlet)), Pacer())

    def pace(self, settings: Settings) -> Pace:
        """How fast messages may leave from here by these settings."""
        rate = settings.rate_limit()
        return Pace(rate / self.among if rate else rate, settings.adapts())


class Couriers:
    """All couriers of the configuration in force."""

    def __init__(self, outgoing: Outgoing) -> None:
        self._outgoing = outgoing
        self._couriers: dict[Outlet, Courier] = {}
        self._shared = Shared()
        self._attempts: set[asyncio.Task[None]] = set()

    async def start(self) -> None:
        """Begin, with what vendors asked for before a restart."""
        async with self._outgoing.reader.connect() as connection:
            waits = await outbox.throttled(connection, self._outgoing.clock.now())
        self.refresh(waits)

    def refresh(self, waits: dict[Outlet, Millis] | None = None) -> None:
        """Meet the configuration in force: new outlets get a courier, gone ones lose theirs."""
        outlets = set(outlets_of(self._outgoing.current))
        for outlet in set(self._couriers) - outlets:
            self._couriers.pop(outlet).cancel()
        for outlet in outlets - set(self._couriers):
            courier = Courier(outlet, self._outgoing, self._shared, self._attempts, self.wake)
            if waits and outlet in waits:
                courier.wait(waits[outlet])
            courier.start()
            self._couriers[outlet] = courier
        self.wake(outlets)

    def wake(self, outlets: Iterable[Outlet]) -> None:
        """Something may be due there."""
        for outlet in outlets:
            if courier := self._couriers.get(outlet):
                courier.look()

    def wake_all(self) -> None:
        self.wake(list(self._couriers))

    def share(self, among: int, waits: Mapping[Outlet, Millis]) -> None:
        """So many replicas send from this store, and these outlets were asked to wait, whoever heard it."""
        self._shared.among = max(among, 1)
        for outlet, until in waits.items():
            if courier := self._couriers.get(outlet):
                courier.wait(until)

    async def stop(self, grace: float) -> None:
        """Claim nothing more, let attempts under way end within `grace` seconds; the rest keeps its lease and is
        tried again by whoever comes next."""
        couriers = [courier.cancel() for courier in self._couriers.values()]
        await asyncio.gather(*couriers, return_exceptions=True)
        await self._outgoing.writer.passed()  # a transaction under way may have taken an offer
        if self._attempts:
            await asyncio.wait(self._attempts, timeout=grace)
        for task in list(self._attempts):
            task.cancel()
        await asyncio.gather(*self._attempts, return_exceptions=True)


def outlets_of(current: Current) -> list[Outlet]:
    """Every outlet that messages can leave by: the receivers' own, and those that carry their digests."""
    file = current.file
    direct = [outlet for receiver in file.routing.receivers.values() for outlet in receiver.outlets]
    carried = [outlet for digest in file.digests.values() for outlet in digest.outlets]
    return [outlet for outlet in (*direct, *carried) if settings_for(current, outlet)]


def settings_for(current: Current, outlet: Outlet, kind: Kind | None = None) -> Settings | None:
    """What to send by there, for this kind of message or for any; None once the outlet has left the file."""
    for wanted in (kind,) if kind else (Kind.FIRING, Kind.DIGEST):
        if isinstance(found := current.file.settings_for(outlet, wanted), Settings):
            return found
    return None


class Courier:
    """The loop of one outlet."""

    def __init__(self, outlet: Outlet, outgoing: Outgoing, shared: Shared,
                 attempts: set[asyncio.Task[None]], wake: Callable[[Iterable[Outlet]], None]) -> None:
        self.outlet = outlet
        self._outgoing = outgoing
        self._shared = shared
        self._attempts = attempts
        self._wake = wake
        self._task: asyncio.Task[None] | None = None
        self._awake = asyncio.Event()
        self._due = False  # something may be, so that it has to look
        self._time: Callable[[], float] = float  # the event loop's, once it has started
        self._next_at: Millis | None = None  # when the next one is, as far as the last claim saw
        self._turns: dict[int, str] = {}  # the team whose message left last, by rank of severity
        self._behind = False  # at the last claim something waited for a message that was on its way
        self._ended = False  # since the last claim was asked for, an attempt ended

    def start(self) -> None:
        self._time = asyncio.get_running_loop().time
        self._task = asyncio.create_task(self._run(), name=f"courier {self.outlet}")

    def look(self) -> None:
        """Something may be due here."""
        self._due = True
        self._awake.set()

    def cancel(self) -> asyncio.Task[None]:
        """Claim nothing more; the task ends once a claim under way has started its attempts."""
        assert self._task is not None  # only what was started is stopped
        self._task.cancel()
        return self._task

    def wait(self, until: Millis) -> None:
        """Nothing leaves before this time: the vendor asked for it."""
        if pacer := self._pacer():
            pacer.wait(until, self._outgoing.clock.now())

    def _pacer(self) -> Pacer | None:
        """None once the outlet has left the file."""
        settings = settings_for(self._outgoing.current, self.outlet)
        return self._shared.pacer(self.outlet, settings) if settings else None

    async def _run(self) -> None:
        clock = self._outgoing.clock
        while settings := settings_for(self._outgoing.current, self.outlet):
            pacer, pace = self._shared.pacer(self.outlet, settings), self._shared.pace(settings)
            if (wait := pacer.free_at(pace, clock.now())) > clock.now():
                await clock.sleep_until(asyncio.Event(), wait)  # no new message shortens this
                continue
            self._due = False
            slots = self._shared.slots(settings)
            await slots.acquire()
            claim = asyncio.create_task(self._claim(slots, pacer, pace))
            try:
                self._next_at = await asyncio.shield(claim)
            except asyncio.CancelledError:
                await claim  # what is claimed is sent; left alone it would wait for the end of its lease
                raise
            except Exception as error:  # whatever it is, this outlet must not fall silent for good
                log.warning("claim_failed", outlet=str(self.outlet), error=str(error), exc_info=True)
                self._next_at = clock.now() + STORE_PAUSE
            await self._rest()
        # a reload took the outlet away and is about to stop this courier

    async def _rest(self) -> None:
        """Return once something may be due. Until then the intake may claim for this courier."""
        clock, offers = self._outgoing.clock, self._outgoing.offers
        while not self._due and (self._next_at is None or self._next_at > clock.now()):
            self._awake.clear()
            offers.leave(self.outlet, self)
            try:
                await clock.sleep_until(self._awake, self._next_at)
            finally:
                offers.withdraw(self.outlet)

    def offer(self, now: Millis) -> Offer | None:
        """What the intake may claim for here at this moment."""
        settings = settings_for(self._outgoing.current, self.outlet)
        if settings is None:
            return None
        slots, pace = self._shared.slots(settings), self._shared.pace(settings)
        most = self._shared.pacer(self.outlet, settings).room(pace, slots.free, now)
        if most < 1:
            return None
        wish = self._wish(most, now)
        return Offer(wish, partial(self._taken, wish, settings, self._time()),
                     self.outlet.channel in self._outgoing.current.file.routing.pages)

    def _taken(self, wish: Claim, settings: Settings, asked: float, deliveries: Sequence[Delivery]) -> None:
        """It is as if this courier had claimed that."""
        slots = self._shared.slots(settings)
        self._shared.pacer(self.outlet, settings).owe(self._shared.pace(settings), len(deliveries), wish.now)
        self._start(deliveries, wish.token, slots, slots.take(len(deliveries)), asked)

    def _wish(self, most: int, now: Millis) -> Claim:
        most_alerts = channels.load(self.outlet.channel).ALERTS
        return Claim(self.outlet, most, now, now + LEASE, secrets.token_hex(8), most_alerts, dict(self._turns))

    async def _claim(self, slots: Slots, pacer: Pacer, pace: Pace) -> Millis | None:
        """Take what is due and start its attempts; when more is due. The caller holds one slot;
        every slot that no attempt takes over is given back, and so is what the pace allowed for it."""
        outgoing, now = self._outgoing, self._outgoing.clock.now()
        held = 1 + slots.take(CONNECTIONS - 1)
        places = pacer.take(pace, held, now)
        started = 0
        try:
            if not places:  # another courier that leads to this place was faster
                return pacer.free_at(pace, now)
            asked, self._ended = self._time(), False
            wish = self._wish(places, now)
            answer = await outgoing.writer.submit(outbox.claim, wish)
            self._behind = answer.behind
            if self._behind and self._ended:  # what it waits for may have ended too late for this claim to see
                self.look()
            started = len(answer.deliveries)
            self._start(answer.deliveries, wish.token, slots, started, asked)
        finally:
            slots.release(held - started)
            pacer.give_back(places - started, now)
        return answer.next_at

    def _start(self, deliveries: Sequence[Delivery], token: str, slots: Slots, held: int, asked: float) -> None:
        """Begin an attempt for each; for the first ones the caller holds a slot."""
        for number, delivery in enumerate(deliveries):
            row = delivery.notification
            self._turns[row.severity.rank] = row.team
            task = asyncio.create_task(self._attempt(delivery, token, slots, number < held, asked))
            self._attempts.add(task)
            task.add_done_callback(self._attempts.discard)

    async def _attempt(self, delivery: Delivery, token: str, slots: Slots, held: bool, asked: float) -> None:
        if not held:  # somebody else was faster at a slot that was free when it was claimed
            await slots.acquire()
        try:
            if self._time() - asked >= LEASE / SECOND:
                return  # this process was stopped for so long that somebody else has it by now
            settlement = await self._send(delivery, token)
        finally:
            slots.release()
        # The outcome is written even while alertd stops: a message that was taken must not be sent again.
        await asyncio.shield(self._settle(settlement))

    async def _send(self, delivery: Delivery, token: str) -> Settlement:
        outgoing, row = self._outgoing, delivery.notification
        started = outgoing.clock.now()
        try:
            settings = settings_for(outgoing.current, row.outlet, row.kind)
            if settings is None:
                raise Rejected(f"{row.outlet} is no longer in the routing file")
            channel: Channel = channels.load(row.outlet.channel)
            async with asyncio.timeout(TIMEOUT):
                receipt = await channel.send(self._linked(delivery), settings, outgoing.net)
        except Rejected as error:
            return await self._dead(delivery, token, hide(error.reason), started)
        except TryLater as error:
            return self._later(row, token, error, started)
        except TimeoutError:
            return self._later(row, token, TryLater(f"no answer in {TIMEOUT:.0f} s", ambiguous=True), started)
        except Exception as error:  # a fault of ours or of a library: the message is kept and tried again
            log.exception("attempt_failed", outlet=str(row.outlet), notification=row.id)
            return self._later(row, token, TryLater(f"{type(error).__name__}: {error}", ambiguous=True), started)
        if pacer := self._pacer():
            pacer.took()
        return Settlement(row, token, Event.ACCEPT, hide(receipt.detail), started, outgoing.clock.now(),
                          root=receipt.root)

    def _linked(self, delivery: Delivery) -> Delivery:
        base = self._outgoing.external_url
        if base and delivery.incident:
            return dataclasses.replace(delivery, link=f"{base.rstrip('/')}/incidents/{delivery.incident.id}")
        if base and delivery.digest and delivery.digest.data:
            return dataclasses.replace(delivery, link=f"{base.rstrip('/')}/digests/{delivery.notification.digest}")
        if base and (delivery.notification.digest or "").startswith(STORM):
            return dataclasses.replace(delivery, link=f"{base.rstrip('/')}/incidents?state=open")
        return delivery

    async def _dead(self, delivery: Delivery, token: str, reason: str, started: Millis) -> Settlement:
        outgoing, row = self._outgoing, delivery.notification
        incident, now = await self._incident_of(delivery), outgoing.clock.now()
        known = incident is not None or row.incident is None
        fallbacks = fall_back(row, incident, outgoing.current.file.routing, now) if known else ()
        log.error("dead_letter", outlet=str(row.outlet), notification=row.id, reason=reason)
        return Settlement(row, token, Event.REJECT, reason, started, now, fallbacks=fallbacks)

    async def _incident_of(self, delivery: Delivery) -> Incident | None:
        """As it is by now. Where the store does not say, as it was when the message was claimed: rather a fallback too
        many than a page that nobody gets."""
        if delivery.notification.incident is None:
            return None
        try:
            async with self._outgoing.reader.connect() as connection:
                return await outbox.incident_of(connection, delivery.notification.incident)
        except Exception as error:  # whatever it is, somebody else has to be told
            log.warning("incident_not_read", notification=delivery.notification.id, error=str(error))
            return delivery.incident

    def _later(self, row: Notification, token: str, refusal: TryLater, started: Millis) -> Settlement:
        now = self._outgoing.clock.now()
        due = next_attempt(row, refusal, now, random.random())  # noqa: S311  jitter, not a secret
        throttle = due if refusal.throttled else None
        if pacer := self._pacer():
            if throttle:
                pacer.wait(throttle, now)
                pacer.slow_down(now)
            else:
                pacer.failed(now)
        return Settlement(row, token, Event.TRY_LATER, hide(refusal.reason), started, now, due, refusal.ambiguous,
                          not refusal.throttled, throttle, pages=self._outgoing.current.file.routing.pages)

    async def _settle(self, done: Settlement) -> None:
        """Write the outcome, however long the store takes: until then the lease keeps others away."""
        outgoing = self._outgoing
        while True:
            try:
                held = await outgoing.writer.submit(outbox.settle, done)
                break
            except StoreUnavailable as error:
                log.warning("settle_failed", notification=done.row.id, error=str(error))
                await asyncio.sleep(STORE_PAUSE / 1000)
        channel = self.outlet.channel
        outcome = done.event.value if held else Event.LEASE_LOST.value
        outgoing.metrics.attempts.labels(channel, outcome).inc()
        outgoing.metrics.attempt_seconds.labels(channel).observe((done.now - done.started_at) / 1000)
        if done.event is Event.ACCEPT:
            outgoing.metrics.delay_seconds.labels(channel).observe((done.now - done.row.created_at) / 1000)
        self._wake({row.outlet for row in done.fallbacks})
        self._ended = True
        if self._behind or not held or done.event is not Event.ACCEPT:
            self.look()  # the next message of this incident may leave now, or this one is due later
