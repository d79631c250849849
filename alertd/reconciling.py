"""What a look at Alertmanager's list of alerts means for the alerts held open here. Pure.

Alertmanager forgets to say many ends: those of silenced or inhibited alerts, those that no flush could deliver, those
of before a restart (https://github.com/prometheus/alertmanager/issues/226). Its list of alerts tells them all the same:
what it lists fires, muted or not, and what it no longer lists has ended.

An alert carries the externalURL of its Alertmanager, and nothing at the address where the list is asked for says that
name. So an address speaks for a source only where there is a reason to think so: it has listed an alert of that source
with the same start, or is a peer of one that has; its address is that name; or there is no other source and no other
Alertmanager. An alert for which nobody speaks is left alone, since an end that is guessed hides a fire.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Mapping, Sequence

from alertd.model import MINUTE, SECOND, AlertId, IncidentId, Millis

EVERY = 15 * SECOND  # from one look to the next
LOOKS = 2  # an alert is listed in none of so many looks on end: it has ended
YOUNG = 3 * MINUTE  # an Alertmanager that began later may not list all yet: Prometheus sends again once a minute
SAME_START: Millis = 2  # the list has milliseconds, the webhook nanoseconds, and both are rounded on the way

Voice = tuple[str, str]  # an address, and a source that it speaks for


@dataclasses.dataclass(frozen=True, slots=True)
class Open:
    """An alert that is open here. `told_at` is when the first webhook about it came, 0 where that is not known."""

    id: AlertId
    source: str
    fingerprint: str
    incident: IncidentId | None
    name: str
    starts_at: Millis
    newest_start: Millis
    told_at: Millis
    muted: str | None = None


@dataclasses.dataclass(frozen=True, slots=True)
class Listed:
    """An alert as Alertmanager lists it. `muted` says by what it is kept quiet, None when by nothing."""

    starts_at: Millis
    muted: str | None = None


@dataclasses.dataclass(frozen=True, slots=True)
class Look:
    """What one Alertmanager listed, by fingerprint. `began_at` is when its process did, by the clock here,
    rather too late than too early; `cluster` the names of its cluster's members, empty where it has none."""

    address: str
    listed: Mapping[str, Listed]
    began_at: Millis
    cluster: frozenset[str] = frozenset()

    @property
    def alone(self) -> bool:
        return len(self.cluster) <= 1


@dataclasses.dataclass(frozen=True, slots=True)
class Absence:
    """Since when an alert is listed nowhere, and in how many looks on end."""

    since: Millis
    looks: int


Absences = Mapping[tuple[AlertId, Millis], Absence]  # by alert and newest start: one that began again is counted anew


@dataclasses.dataclass(frozen=True, slots=True)
class Muting:
    """An alert that is kept quiet otherwise than before; None when no longer."""

    alert: Open
    muted: str | None


@dataclasses.dataclass(frozen=True, slots=True)
class Comparison:
    """What a round of looks means. `ended` alerts with the time they were first missed; `voices` learnt in this round;
    `unspoken` sources of open alerts for which no address speaks; `absences` for the next round."""

    ended: tuple[tuple[Open, Millis], ...] = ()
    muted: tuple[Muting, ...] = ()
    voices: frozenset[Voice] = frozenset()
    unspoken: frozenset[str] = frozenset()
    absences: Absences = dataclasses.field(default_factory=dict)


def compare(alerts: Sequence[Open], looks: Sequence[Look], asked: Iterable[str], voices: frozenset[Voice],
            absences: Absences, now: Millis) -> Comparison:
    """Compare the open alerts with what the Alertmanagers list. `asked` are all addresses, `looks` what those said
    that answered; who did not answer says nothing, neither that an alert fires nor that it ended."""
    learnt = _learnt(alerts, looks)
    known, addresses = voices | learnt, frozenset(asked)
    used = frozenset(voice for voice in known if voice[0] in addresses)  # others are asked no longer
    speaking = _speaking(used | _only(alerts, looks, addresses, known), looks)
    ended: list[tuple[Open, Millis]] = []
    muted: list[Muting] = []
    missed: dict[tuple[AlertId, Millis], Absence] = {}
    for alert in alerts:
        heard = [look for look in looks if look.address in speaking.get(alert.source, ())]
        seen = [look.listed[alert.fingerprint] for look in heard if alert.fingerprint in look.listed]
        if seen:
            # of peers that disagree one has not heard of the silence yet, or of its end: it can still be told
            quiet = seen[0].muted if all(one.muted for one in seen) else None
            if quiet != alert.muted:
                muted.append(Muting(alert, quiet))
        elif any(_would_list(look, alert, now) for look in heard):
            key = alert.id, alert.newest_start
            before = absences.get(key, Absence(now, 0))
            missed[key] = Absence(before.since, before.looks + 1)
            if missed[key].looks >= LOOKS:
                ended.append((alert, before.since))
    unspoken = frozenset(alert.source for alert in alerts if alert.source not in speaking)
    return Comparison(tuple(ended), tuple(muted), learnt - voices, unspoken, missed)


def _learnt(alerts: Iterable[Open], looks: Sequence[Look]) -> frozenset[Voice]:
    """Which addresses show in this round that they speak for which sources."""
    found: set[Voice] = set()
    for alert in alerts:
        for look in looks:
            seen = look.listed.get(alert.fingerprint)
            if look.address.rstrip("/") == alert.source.rstrip("/") or (
                    seen and abs(seen.starts_at - alert.newest_start) <= SAME_START) or (
                    seen and abs(seen.starts_at - alert.starts_at) <= SAME_START):
                found.add((look.address, alert.source))
    return frozenset(found)


def _only(alerts: Iterable[Open], looks: Sequence[Look], asked: frozenset[str], known: frozenset[Voice]
          ) -> frozenset[Voice]:
    """Where one source is all there is, and the Alertmanagers are one (or one cluster), they belong together. A
    supposition, so it is not kept: it ends with the first other source."""
    sources = {alert.source for alert in alerts} | {source for _, source in known}
    whole = bool(looks) and asked <= {look.address for look in looks}
    if len(sources) != 1 or not whole or not (len(looks) == 1 or frozenset.intersection(
            *(look.cluster for look in looks))):
        return frozenset()
    return frozenset((look.address, source) for look in looks for source in sources)


def _speaking(voices: Iterable[Voice], looks: Sequence[Look]) -> dict[str, set[str]]:
    """The addresses that speak for each source: those known to, and their peers of this round."""
    clusters = {look.address: look.cluster for look in looks}
    found: dict[str, set[str]] = {}
    for address, source in voices:
        cluster = clusters.get(address, frozenset())
        found.setdefault(source, set()).update(
            {address}, (look.address for look in looks if look.cluster & cluster))
    return found


def _would_list(look: Look, alert: Open, now: Millis) -> bool:
    """Whether this Alertmanager would list the alert if it fired. It keeps alerts in memory only, so one that began
    lately may wait for Prometheus to send them again; what it told itself since it began, it has."""
    return now - look.began_at >= YOUNG or (look.alone and alert.told_at > look.began_at)
