"""Ends that no webhook told: the open alerts compared with what every Alertmanager lists, every 15 seconds.

What is found takes the way of a webhook: one is made up that says what Alertmanager did not, decided and written with
all that it causes in one transaction, and kept as `healed`.
"""

from __future__ import annotations

import asyncio
import dataclasses
import email.utils
import urllib.parse
from collections.abc import Callable, Iterable, Mapping, Sequence

import aiohttp
import msgspec
import structlog
from sqlalchemy import Connection
from sqlalchemy.ext.asyncio import AsyncEngine

from alertd import alertmanager
from alertd.clusters import Clusters, learnt
from alertd.engine.clock import Clock, Ids
from alertd.engine.metrics import Metrics
from alertd.engine.setting import Current
from alertd.incidents import Changes, Decision, decide
from alertd.model import (
    SECOND,
    Alert,
    AlertState,
    IncidentId,
    Millis,
    Notification,
    Outlet,
    ReportedAlert,
    State,
    Webhook,
    WebhookId,
)
from alertd.reconciling import EVERY, LOOKS, Absences, Comparison, Look, Open, Voice, compare
from alertd.store import intake, reconcile
from alertd.store.dialect import lock
from alertd.store.rows import deflated
from alertd.store.writer import Writer

TIMEOUT = 10.0  # seconds for all that is asked of one Alertmanager; below EVERY, so that looks do not overlap
ALL = {"active": "true", "silenced": "true", "inhibited": "true", "unprocessed": "true"}
WHY = f"Alertmanager no longer lists it ({LOOKS} looks, {EVERY // SECOND} s apart), and no webhook said that it ended"
MOST_NAMED = 20  # alerts in one record of why

log = structlog.get_logger()


@dataclasses.dataclass(frozen=True, slots=True)
class Finding:
    """A comparison on its way into the store, with what was looked at, and an id for the webhook of each source."""

    comparison: Comparison
    looks: tuple[Look, ...]
    ids: Mapping[str, WebhookId]


@dataclasses.dataclass(frozen=True, slots=True)
class Healed:
    """What came of a finding. `overtaken` ends were not entered: meanwhile a webhook told of the same alert."""

    ended: int
    overtaken: int
    notifications: tuple[Notification, ...]


class Reconcile:
    """`tick` is called every 15 seconds; `wake` with the outlets that have new messages, after the commit.

    How often an alert was missed is kept in memory: a restart delays its end by one look.
    """

    def __init__(self, addresses: Iterable[str], writer: Writer, reader: AsyncEngine, current: Current, clock: Clock,
                 ids: Ids, metrics: Metrics, wake: Callable[[Iterable[Outlet]], None], http: aiohttp.ClientSession
                 ) -> None:
        self._urls = {shown(address): address.rstrip("/") for address in addresses}
        self._writer = writer
        self._reader = reader
        self._current = current
        self._clock = clock
        self._ids = ids
        self._metrics = metrics
        self._wake = wake
        self._http = http
        self._voices: frozenset[Voice] | None = None
        self._clusters = Clusters()
        self._absences: Absences = {}
        self._unspoken: frozenset[str] = frozenset()
        self._answering: dict[str, Millis | None] = {}  # since when without a gap; None: does not answer
        for address in self._urls:
            metrics.reconcile_time.labels(address).set(0)

    async def tick(self) -> None:
        """One round of looks, and what follows from it."""
        if not self._urls:
            return
        async with self._reader.connect() as connection:
            # before the looks: what a webhook opens while they are under way is not missed in them
            alerts = await reconcile.open_alerts(connection)
            if self._voices is None:
                self._voices = await reconcile.voices(connection)
                self._clusters = await reconcile.all_clusters(connection)
        looks = tuple(filter(None, await asyncio.gather(*map(self._look, self._urls))))
        now = self._clock.now()
        comparison = compare(alerts, looks, self._urls, self._voices, self._absences, now)
        self._absences = comparison.absences
        self._remark(comparison, alerts)
        await self._group(learnt(self._clusters, looks, self._urls, self._voices | comparison.voices,
                                 comparison.unspoken))
        if comparison.ended or comparison.muted or comparison.voices:
            ids = {alert.source: self._ids.next(now) for alert, _ in comparison.ended}
            healed = await self._writer.submit(self._heal, Finding(comparison, looks, ids))
            self._voices |= comparison.voices
            self._count(comparison, healed)

    async def _group(self, clusters: Clusters) -> None:
        """Keep which Alertmanagers are one, where it is news: from then on their groups have one incident."""
        if clusters != self._clusters:
            await self._writer.submit(reconcile.know, clusters)
            self._clusters = clusters
            log.info("clusters", names=dict(clusters.names))

    # Looking

    async def _look(self, address: str) -> Look | None:
        """What this Alertmanager lists now, None when it does not say."""
        url = self._urls[address]
        try:
            async with asyncio.timeout(TIMEOUT):
                status = await self._status(url)
                async with self._http.get(f"{url}/api/v2/alerts", params=ALL, raise_for_status=True,
                                          allow_redirects=False) as answer:
                    body = await answer.read()
            listed = await asyncio.to_thread(alertmanager.decode_list, body)  # ten thousand take tens of milliseconds
        except (aiohttp.ClientError, OSError, TimeoutError, msgspec.DecodeError, UnicodeDecodeError) as error:
            if self._answering.get(address, 0) is not None:
                log.warning("alertmanager_does_not_answer", alertmanager=address, error=type(error).__name__)
            self._answering[address] = None
            return None
        now = self._clock.now()
        self._metrics.reconcile_time.labels(address).set(now / 1000)
        since = self._answering.get(address)
        self._answering[address] = since = now if since is None else since
        began_at, cluster = status or (since, frozenset())
        return Look(address, listed, began_at, cluster)

    async def _status(self, url: str) -> tuple[Millis, frozenset[str]] | None:
        """When the process began, by the clock here, and its cluster's members; None where that is not told (a proxy
        that lets only the list through): then it counts as begun when it first answered."""
        async with self._http.get(f"{url}/api/v2/status", allow_redirects=False) as answer:
            if answer.status != 200:
                return None
            began_at, cluster = alertmanager.decode_status(await answer.read())
            now = self._clock.now()
            try:  # whole seconds, cut off: up to a second too young, never too old
                theirs = int(email.utils.parsedate_to_datetime(answer.headers.get("Date", "")).timestamp() * 1000)
            except ValueError:
                theirs = now
            return now - max(theirs - began_at, 0), cluster

    def _remark(self, comparison: Comparison, alerts: Sequence[Open]) -> None:
        """Show what nobody speaks for, and say it once."""
        self._metrics.reconcile_unmatched.set(sum(alert.source in comparison.unspoken for alert in alerts))
        for source in comparison.unspoken - self._unspoken:
            log.warning("no_alertmanager_for_source", source=source, asked=sorted(self._urls),
                        remark="none of those asked has listed its alerts, so their ends are not looked for")
        self._unspoken = comparison.unspoken

    def _count(self, comparison: Comparison, healed: Healed) -> None:
        reconciled = self._metrics.reconciled
        reconciled.labels("ended").inc(healed.ended)
        reconciled.labels("overtaken").inc(healed.overtaken)
        for muting in comparison.muted:
            reconciled.labels("muted" if muting.muted else "unmuted").inc()
        for row in healed.notifications:
            self._metrics.notifications_made.labels(row.outlet.channel, row.kind.value).inc()
        if healed.ended:
            log.warning("healed", alerts=healed.ended, notifications=len(healed.notifications))
        self._wake({row.outlet for row in healed.notifications if row.state is State.QUEUED})

    # A handler of the writer, in its thread

    def _heal(self, connection: Connection, findings: Sequence[Finding]) -> Sequence[Healed]:
        return [self._heal_one(connection, finding) for finding in findings]

    def _heal_one(self, connection: Connection, finding: Finding) -> Healed:
        now, routing, comparison = self._clock.now(), self._current.file.routing, finding.comparison
        lock(connection, [*(alert.fingerprint for alert, _ in comparison.ended),
                          *(muting.alert.fingerprint for muting in comparison.muted)])
        standing = reconcile.by_id(connection, [
            *(alert.id for alert, _ in comparison.ended), *(muting.alert.id for muting in comparison.muted)])
        ended: dict[str, list[ReportedAlert]] = {}
        for alert, since in comparison.ended:
            if _same(alert, standing[alert.id]):
                ended.setdefault(alert.source, []).append(_ended(standing[alert.id], since))
        webhooks = [Webhook(finding.ids[source], source, "", {}, tuple(alerts), 0, now)
                    for source, alerts in ended.items()]
        known = intake.load(connection, webhooks, (), now)
        batch = intake.Batch()
        for webhook in webhooks:
            changes = decide(webhook, known, routing, now)
            changes = dataclasses.replace(changes, decisions=tuple(
                dataclasses.replace(decision, why=(WHY, *decision.why)) for decision in changes.decisions))
            known.apply(changes)
            batch.add(webhook, _compared(webhook, finding.looks), changes, "healed")
        batch.take(_muted(comparison, standing, now))
        intake.save(connection, batch, now)
        reconcile.remember(connection, comparison.voices)
        number = sum(map(len, ended.values()))
        return Healed(number, len(comparison.ended) - number, tuple(batch.notifications.values()))


def shown(address: str) -> str:
    """The address as it may be logged and kept: without a name and password in it."""
    parts = urllib.parse.urlsplit(address.rstrip("/"))
    return parts._replace(netloc=parts.netloc.rpartition("@")[2]).geturl()


def _same(judged: Open, now: Alert) -> bool:
    """Whether no webhook has told anything of the alert since it was looked for."""
    return now.firing and now.newest_start == judged.newest_start


def _ended(alert: Alert, since: Millis) -> ReportedAlert:
    """What Alertmanager would have said. By a clock behind Prometheus' the end would lie before the start."""
    return ReportedAlert(AlertState.RESOLVED, alert.fingerprint, alert.labels, {}, alert.starts_at,
                         max(since, alert.newest_start), alert.generator_url)


def _muted(comparison: Comparison, standing: Mapping[str, Alert], now: Millis) -> Changes:
    """Alerts that Alertmanager keeps quiet, or no longer: shown, told to nobody, and kept as a reason why nobody hears
    of them."""
    alerts: list[Alert] = []
    reasons: dict[IncidentId, list[str]] = {}
    for muting in comparison.muted:
        alert = standing[muting.alert.id]
        if alert.firing and alert.muted != muting.muted:  # another replica may have been faster
            alerts.append(dataclasses.replace(alert, muted=muting.muted))
            if alert.incident:
                reasons.setdefault(alert.incident, []).append(
                    f"{muting.alert.name}: {muting.muted or 'no longer kept quiet'}")
    decisions = tuple(Decision(None, incident, now, "kept quiet by Alertmanager, or no longer",
                               tuple(why[:MOST_NAMED]) + ((f"{len(why) - MOST_NAMED} more",) if len(why) > MOST_NAMED
                                                          else ()))
                      for incident, why in reasons.items())
    return Changes(tuple(alerts), decisions=decisions)


def _compared(webhook: Webhook, looks: Iterable[Look]) -> bytes:
    """What is kept in place of a body: who was asked, how many alerts each listed, which were missed."""
    return deflated(msgspec.json.encode({
        "listed": {look.address: len(look.listed) for look in looks},
        "missed": [{"fingerprint": alert.fingerprint, "labels": alert.labels} for alert in webhook.alerts]}))
