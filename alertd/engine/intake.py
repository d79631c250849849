"""A webhook's way in: decode, decide, commit, and only then a yes.

Everything a webhook causes is written in the same transaction as the webhook itself. Webhooks that arrive while a
commit is under way are decided together, one on top of the other, and committed together.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Callable, Iterable, Sequence

from sqlalchemy import Connection

from alertd import alertmanager
from alertd.alertmanager import NotWebhook
from alertd.clusters import Clusters
from alertd.engine.clock import Clock, Ids
from alertd.engine.emergency import Emergency
from alertd.engine.metrics import Metrics
from alertd.engine.offers import Offers
from alertd.engine.setting import Current
from alertd.episodes import Verdict
from alertd.errors import StoreUnavailable
from alertd.heartbeats import beats
from alertd.incidents import Changes, decide, keys_of
from alertd.inhibiting import keys as inhibiting_keys
from alertd.model import Kind, Millis, Outlet, Webhook, WebhookId, value
from alertd.routing import Routing
from alertd.store import inhibiting, pulses, reconcile
from alertd.store import intake as store
from alertd.store.dialect import Asked, Part
from alertd.store.rows import deflated
from alertd.store.weather import Sky
from alertd.store.writer import Writer

MOST_BACKLOG = 2_000  # writes waiting for a commit: seconds of work; beyond it the sender had better wait


@value
class Received:
    """One webhook on its way into the store; `raw` is its body, deflated."""

    webhook: Webhook
    raw: bytes
    routing: Routing | None = None  # of one that alertd makes up about itself; None: the file's


@value
class Taken:
    """What became of one: its changes, and the outlets that have to be told of new messages."""

    changes: Changes
    waiting: frozenset[Outlet]


class Intake:
    """Takes webhooks. `wake` is called with the outlets that have new messages, after the commit; where there is an
    offer, they are claimed with it."""

    def __init__(self, writer: Writer, current: Current, clock: Clock, ids: Ids, metrics: Metrics,
                 wake: Callable[[Iterable[Outlet]], None], emergency: Emergency | None = None,
                 offers: Offers | None = None) -> None:
        self._writer = writer
        self._current = current
        self._clock = clock
        self._ids = ids
        self._metrics = metrics
        self._wake = wake
        self._emergency = emergency
        self._offers = offers or Offers()
        self._uncounted: list[tuple[Taken, Millis]] = []
        self._clusters = Clusters()  # as the last transaction knew them
        self._repeating = False  # most of the last transaction did
        self.draining = False

    async def accept(self, body: bytes) -> Changes:
        """Commit the webhook and everything it causes. Raises NotWebhook (after keeping the body as rejected) or
        StoreUnavailable; when it returns, everything is on disk."""
        self._admit()
        now = self._clock.now()
        id = self._ids.next(now)
        try:
            if len(body) > alertmanager.LARGE_BODY:  # takes long enough to be done beside the event loop
                received = await asyncio.to_thread(_received, body, id, now)
            else:
                received = _received(body, id, now)
        except NotWebhook as error:
            await self._reject(body, str(error), now)
            raise
        taken = await self._stored(received)
        if not self._uncounted:  # whatever is committed together is answered, and then counted, together
            asyncio.get_running_loop().call_soon(self._count)
        self._uncounted.append((taken, now))
        return taken.changes

    async def _stored(self, received: Received) -> Taken:
        """What the webhook changed, on disk; where it cannot be, its critical alerts take the way without a store."""
        try:
            taken = await self._writer.submit(self._commit, received)
        except StoreUnavailable:
            if self._emergency:
                self._emergency.refused(received.webhook)
            raise
        if self._emergency:
            self._emergency.stored(received.webhook)
        return taken

    async def accept_own(self, webhook: Webhook, routing: Routing) -> None:
        """The same for one that alertd makes up about itself, by a table of its own; it counts for nothing."""
        self._admit()
        taken = await self._writer.submit(self._commit, Received(webhook, deflated(b""), routing))
        self._wake(taken.waiting)

    def _admit(self) -> None:
        if self.draining:
            raise StoreUnavailable(reason="alertd is shutting down")
        if self._writer.backlog >= MOST_BACKLOG:
            raise StoreUnavailable(reason="too many webhooks wait for the disk")

    async def _reject(self, body: bytes, reason: str, now: Millis) -> None:
        webhook = Webhook(self._ids.next(now), "", "", {}, (), 0, now)
        await self._writer.submit(store.reject, (webhook, deflated(body), reason))

    def _commit(self, connection: Connection, items: Sequence[Received]) -> Sequence[Taken]:
        """Decide webhooks in the order they came, on top of one another; a handler of the writer, in
        its thread."""
        now, batch = self._clock.now(), store.Batch()
        answers = self._repeats(connection, items, now)
        news = [item for item in items if item.webhook.id not in answers]
        more = [self._decide(connection, news, answers, now)] if news else []
        for item in items:
            batch.add(item.webhook, item.raw, answers[item.webhook.id])
        store.save(connection, batch, now, *more)
        self._repeating = 2 * sum(changes.result == "repeat" for changes in answers.values()) > len(items)
        waiting = self._offers.claim(connection, batch, now)
        return [Taken(changes, frozenset(row.outlet for row in changes.notifications if row.outlet in waiting))
                for changes in map(answers.__getitem__, (item.webhook.id for item in items))]

    def _repeats(self, connection: Connection, items: Sequence[Received], now: Millis) -> dict[WebhookId, Changes]:
        """Those that merely repeat what is known, which is asked quickly. Asked while most do, since all is asked again
        of what brings news."""
        routing = self._current.file.routing
        return store.repeats(connection, [item.webhook for item in items if not any(beats(item.webhook, routing))],
                             now) if self._repeating else {}

    def _decide(self, connection: Connection, items: Sequence[Received], answers: dict[WebhookId, Changes],
                now: Millis) -> Part:
        """Decide all others into `answers`; what is to be written of the weather."""
        routing = self._current.file.routing
        webhooks = [item.webhook for item in items]
        keys, asked = self._ask(connection, items, now)
        known = store.load(connection, webhooks, keys, now, asked)
        known.clusters = self._clusters
        if routing.inhibitions:
            known.inhibitors = inhibiting.load(connection, inhibiting_keys(webhooks, routing))
        sky = Sky(connection, routing, now, asked)
        for item in items:
            changes = sky.fold(decide(item.webhook, known, item.routing or routing, now))
            known.apply(changes)
            answers[item.webhook.id] = changes
        if routing.heartbeats:
            pulses.beat(connection, {(matchers, webhook.source) for webhook in webhooks
                                     for matchers in beats(webhook, routing)}, now)
        sky.begin()
        return sky.counted()

    def _ask(self, connection: Connection, items: Sequence[Received], now: Millis) -> tuple[set[str], Asked]:
        """The keys of the incidents that they may open, and what to load them from. Keys depend on which Alertmanagers
        are one; that hardly ever changes, so it is taken to be as it was, and read along with the rest."""
        routing, webhooks = self._current.file.routing, [item.webhook for item in items]
        while True:
            clusters = self._clusters
            keys = {key for item in items for key in keys_of(item.webhook, item.routing or routing, clusters)}
            asked = store.ask(connection, webhooks, keys, now)
            self._clusters = reconcile.clusters(asked)
            if self._clusters == clusters:
                return keys, asked

    def _count(self) -> None:
        """Count what was answered, and wake who sends. Counters are locked, so one is asked once for all."""
        counted, self._uncounted = self._uncounted, []
        results: Counter[str] = Counter()
        verdicts: Counter[Verdict] = Counter()
        made: Counter[tuple[str, Kind]] = Counter()
        queued: set[Outlet] = set()
        now, unknown = self._clock.now(), 0
        for taken, received_at in counted:
            changes = taken.changes
            results[changes.result] += 1
            verdicts.update(changes.verdicts)
            made.update([(row.outlet.channel, row.kind) for row in changes.notifications])
            queued |= taken.waiting
            unknown += changes.unknown_severities
            self._metrics.commit_seconds.observe((now - received_at) / 1000)
        for result, number in results.items():
            self._metrics.webhooks.labels(result).inc(number)
        for verdict, number in verdicts.items():
            self._metrics.alerts.labels(verdict.value).inc(number)
        for (channel, kind), number in made.items():
            self._metrics.notifications_made.labels(channel, kind.value).inc(number)
        self._metrics.unknown_severities.inc(unknown)
        self._wake(queued)


def _received(body: bytes, id: WebhookId, now: Millis) -> Received:
    return Received(alertmanager.decode(body, id, now), deflated(body))
