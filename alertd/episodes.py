"""One alert at a time: what a reported alert means on top of what was known of it. Pure.

A reported alert belongs to an episode: one firing of one fingerprint at one source, from its start to its end.
"""

from __future__ import annotations

import dataclasses
import enum
from collections.abc import Iterable, Mapping, Sequence

from alertd.model import (
    MINUTE,
    Alert,
    AlertId,
    AlertState,
    IncidentId,
    Millis,
    ReportedAlert,
    Severity,
    Webhook,
)

LATE = 2 * MINUTE  # a firing copy this soon after its own end is an overtaken duplicate; later it is firing again


class Verdict(enum.StrEnum):
    """What a webhook did to one alert."""

    OPENED = "opened"
    REFRESHED = "refreshed"  # known and firing; its annotations or start may have changed
    CLOSED = "closed"
    REPEATED = "repeated"  # an end that is known already
    STALE = "stale"  # the end of an earlier episode, told late
    LATE_COPY = "late copy"  # a firing copy that its own end overtook
    RECORDED = "recorded"  # the end of something never told here: kept, so that a late firing copy opens nothing


NEWS = frozenset({Verdict.OPENED, Verdict.CLOSED, Verdict.RECORDED})  # the others change an episode at most


def once(alerts: tuple[ReportedAlert, ...]) -> Iterable[ReportedAlert]:
    """Each fingerprint once: Alertmanager lists none twice, but what is listed twice must not open twice."""
    latest: dict[str, ReportedAlert] = {}
    for reported in alerts:
        other = latest.get(reported.fingerprint)
        if other is None or (reported.starts_at, reported.ends_at or 0) >= (other.starts_at, other.ends_at or 0):
            latest[reported.fingerprint] = reported
    return latest.values()


def source_of(webhook: Webhook, known: Mapping[str, Sequence[Alert]]) -> str:
    """The Alertmanager this webhook speaks for: its own externalURL, or that of the peer which told the same alert.

    Peers of one cluster may carry different addresses. The same fingerprint with the same startsAt is the same alert
    of the same Prometheus, told by a peer.
    """
    for reported in webhook.alerts:
        episodes = known.get(reported.fingerprint)
        if not episodes:
            continue
        if any(episode.source == webhook.source for episode in episodes):
            return webhook.source
        for episode in episodes:
            if reported.starts_at in (episode.starts_at, episode.newest_start):
                return episode.source
    return webhook.source


def episode_of(episodes: Iterable[Alert], source: str, reported: ReportedAlert) -> Alert | None:
    """The episode that a reported alert can belong to: the open one of its source, else the one that ended last."""
    own = [episode for episode in episodes if episode.source == source]
    if not own:
        return None
    return max(own, key=lambda episode: (episode.firing, episode.ends_at or 0, episode.closed_at or 0))


def merge(reported: ReportedAlert, before: Alert | None, now: Millis) -> Verdict:
    """What a reported alert means on top of the episode known before.

    An alert ends up open exactly when the latest start told is later than the latest end told, whatever the order
    of arrival; only a firing copy that comes LATE after its own end opens it again.
    """
    if reported.state is AlertState.FIRING:
        if before is None:
            return Verdict.OPENED
        if before.firing:
            return Verdict.REFRESHED
        assert before.ends_at is not None
        assert before.closed_at is not None
        if reported.starts_at > before.ends_at or now - before.closed_at >= LATE:
            return Verdict.OPENED
        return Verdict.LATE_COPY
    if before is None:
        return Verdict.RECORDED
    if not before.firing:
        return Verdict.REPEATED
    return Verdict.STALE if (reported.ends_at or now) < before.newest_start else Verdict.CLOSED


def opened(webhook: Webhook, index: int, source: str, reported: ReportedAlert, severity: Severity,
           incident: IncidentId) -> Alert:
    """A new episode, as the `index`-th alert of its webhook."""
    return Alert(AlertId(f"{webhook.id}.{index}"), source, reported.fingerprint, incident, severity,
                 reported.labels, reported.annotations, reported.starts_at, reported.starts_at, None, None,
                 reported.generator_url)


def recorded(webhook: Webhook, index: int, source: str, reported: ReportedAlert, now: Millis) -> Alert:
    """An end nobody was told the start of."""
    return Alert(AlertId(f"{webhook.id}.{index}"), source, reported.fingerprint, None, Severity.NONE,
                 reported.labels, reported.annotations, reported.starts_at, reported.starts_at,
                 reported.ends_at or now, now, reported.generator_url)


def closed(before: Alert, reported: ReportedAlert, now: Millis) -> Alert:
    """The episode, ended."""
    return dataclasses.replace(before, ends_at=reported.ends_at or now, closed_at=now,
                               annotations=reported.annotations or before.annotations)


def refreshed(reported: ReportedAlert, before: Alert | None, verdict: Verdict) -> Alert | None:
    """The episode with what a repeat told anew, or None when it told nothing (the usual case, so it is asked first)."""
    assert before is not None
    if verdict is Verdict.REFRESHED:
        news = (reported.annotations != before.annotations or reported.starts_at < before.starts_at
                or reported.starts_at > before.newest_start)
        return dataclasses.replace(
            before, annotations=reported.annotations, starts_at=min(before.starts_at, reported.starts_at),
            newest_start=max(before.newest_start, reported.starts_at)) if news else None
    if verdict is Verdict.REPEATED and (reported.ends_at or 0) > (before.ends_at or 0):
        return dataclasses.replace(before, ends_at=reported.ends_at)
    return None
