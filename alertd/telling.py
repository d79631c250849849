"""Who hears of an incident's change: one outlet after the other, against what each was told before. Pure."""

from __future__ import annotations

import dataclasses
import hashlib
from collections.abc import Collection, Iterable, Iterator, Mapping

from alertd.model import MANAGEMENT, Incident, Kind, Millis, Notification, NotificationId, Outlet, Severity, State
from alertd.routing import Choice, Receiver, Routing, ways
from alertd.schedule import Mode, Window
from alertd.storm import PREFIX as STORM

DIGEST_CHANNEL = "digest"
HELD_BY = "held by "  # how the reason of what waits for the end of a maintenance window begins


class Desk:
    """Writes an incident's notifications: one outlet after the other, against what each was told before."""

    def __init__(self, incident: Incident, rows: Iterable[Notification], routing: Routing, now: Millis) -> None:
        self.incident = incident
        self.routing = routing
        self.now = now
        self.new: list[Notification] = []
        self.superseded: list[Notification] = []
        self.why: list[str] = []
        self.rows: dict[tuple[str, str], list[Notification]] = {}
        for row in rows:
            self.rows.setdefault(place(row.outlet), []).append(row)

    def began(self, choices: Iterable[Choice]) -> None:
        """Alerts began: the receivers of their labels are told, and whoever knew of the incident hears of them."""
        receivers: dict[str, None] = {}
        held: dict[str, Window] = {}
        reasons: dict[str, None] = {}
        for choice in choices:
            if choice.window is None:
                receivers.update(dict.fromkeys(choice.receivers))
            else:
                held |= {name: choice.window for name in choice.receivers if name not in held}
            reasons.update(dict.fromkeys(choice.why))
        self.why.extend(reasons)
        told: set[tuple[str, str]] = set()
        for outlet, owner in self._outlets(receivers, told):
            self._start(outlet, owner)
        if held:
            self._held(held, told)
        for outlet_place, rows in list(self.rows.items()):
            if outlet_place not in told and reached(rows):
                if receivers or rows[0].outlet.channel == DIGEST_CHANNEL:
                    self._update(rows)
                elif held:
                    self._keep(Kind.UPDATE, rows[0].outlet, rows[0].style, next(iter(held.values())))

    def _outlets(self, names: Iterable[str], told: set[tuple[str, str]]) -> Iterator[tuple[Outlet, Receiver]]:
        """Where these receivers' messages go, each place once; `told` are those that have been named before."""
        for name in names:
            receiver = self.routing.receivers.get(name)
            if receiver is None:  # routing.yaml is checked when read; a reload can still race with a decision
                self.why.append(f"receiver {name!r} is not defined: not told")
                continue
            there = ways(receiver, self.routing, self.now)
            self.why.extend(there.why)
            for outlet, owner in there.outlets:
                if place(outlet) in told:
                    self.why.append(f"{outlet}: the same place is told for another receiver")
                    continue
                told.add(place(outlet))
                yield outlet, owner

    def _held(self, held: Mapping[str, Window], told: set[tuple[str, str]]) -> None:
        """What a maintenance window holds is kept for each outlet, and goes to the digests, whose hour is not now."""
        for name, window in held.items():
            for outlet, owner in self._outlets([name], told):
                if outlet.channel == DIGEST_CHANNEL:
                    self._start(outlet, owner)
                else:
                    self._keep(Kind.FIRING, outlet, owner.style, window)
        if any(window.mode is Mode.DIGEST for window in held.values()):
            for receiver in self.routing.receivers.values():
                for outlet in receiver.outlets:
                    if outlet.channel == DIGEST_CHANNEL and place(outlet) not in told:
                        told.add(place(outlet))
                        self._start(outlet, receiver)

    def ended(self) -> None:
        """Everything ended: whoever may have been told of the start is told of the end."""
        for rows in list(self.rows.values()):
            for row in rows:
                if row.state is State.QUEUED:
                    self._supersede(row, "the incident ended before this was sent")
                elif kept(row):
                    self._supersede(row, f"it ended within the {row.reason.removeprefix(HELD_BY)}")
            if storm := in_storm(rows):
                self._add(Kind.RESOLVED, "", rows[0].outlet, rows[0].style, self.now, storm)
                self.why.append(f"{rows[0].outlet}: was told of the start in the message of a storm, so of the end")
            elif reached(rows):
                self._add(Kind.RESOLVED, "", rows[0].outlet, rows[0].style, self.now)
                self.why.append(f"{rows[0].outlet}: was told of the start, so of the end")
            elif rows:
                self.why.append(f"{rows[0].outlet}: was never told of the start, so not of the end")

    def partly_ended(self) -> None:
        """Some ended, others still fire: only messages that can be changed in place follow."""
        for rows in list(self.rows.values()):
            if rows[0].outlet.channel in self.routing.edits and reached(rows):
                self._update(rows)

    def flaps(self) -> None:
        """It comes and goes, or has stopped to: whoever was told of it is told that once, but nobody is called."""
        for rows in list(self.rows.values()):
            outlet = rows[0].outlet
            if not reached(rows) or outlet.channel == DIGEST_CHANNEL or in_storm(rows):
                continue
            if outlet.channel in self.routing.pages:
                self.why.append(f"{outlet}: was called once, which holds while it flaps")
            elif any(row.state is State.QUEUED and not row.ambiguous for row in rows):
                self.why.append(f"{outlet}: the message that waits there will carry this")
            else:
                self._add(Kind.FLAPPING, f"r{self.incident.revision}", outlet, rows[0].style, self.now)
                self.why.append(f"{outlet}: is told once that it {'flaps' if self.incident.flapping else 'burns on'}")

    def _start(self, outlet: Outlet, receiver: Receiver) -> None:
        rows = self.rows.get(place(outlet))
        if rows and self._told_before(rows):
            return
        hold = 0 if rows and reached(rows) else receiver.hold
        self._add(Kind.FIRING, str(self.incident.epoch), outlet, receiver.style, self.now + hold)
        if hold:
            self.why.append(f"{outlet}: held for {hold // 1000} s as its receiver asks")

    def _told_before(self, rows: list[Notification]) -> bool:
        """Whether a start as severe as this was told there already, which then is brought up to date; what else
        waits there is overtaken."""
        for row in rows:
            if kept(row):
                self._supersede(row, "told now: no maintenance window holds it any longer")
        starts = [row for row in rows if row.kind is Kind.FIRING and row.state is not State.SUPERSEDED
                  and not kept(row)]
        if any(row.severity.rank >= self.incident.severity.rank for row in starts):
            self._update(rows)
            return True
        for row in rows:
            if row.state is State.QUEUED:
                self._supersede(row, f"the incident rose to {self.incident.severity} before this was sent")
        return False

    def _keep(self, kind: Kind, outlet: Outlet, style: str, window: Window) -> None:
        """A start, or for whoever knows of the incident a change, that waits for the end of the window."""
        rows = self.rows.get(place(outlet), [])
        if any(row.kind is Kind.FIRING and row.state is not State.SUPERSEDED
               and row.severity.rank >= self.incident.severity.rank for row in rows):
            kind = Kind.UPDATE
        waiting = [row for row in rows if kept(row)]
        if waiting and (kind is Kind.UPDATE or any(row.kind is Kind.FIRING and row.severity is self.incident.severity
                                                   for row in waiting)):
            return  # told as it will be then
        for row in waiting:
            self._supersede(row, f"the incident rose to {self.incident.severity} before this was sent")
        step = f"{self.incident.epoch} held" if kind is Kind.FIRING else f"r{self.incident.revision} held"
        row = dataclasses.replace(notification(self.incident, kind, step, outlet, style, self.now, self.now),
                                  state=State.HELD, reason=HELD_BY + window.place(self.routing.file))
        self.new.append(row)
        self.rows.setdefault(place(outlet), []).append(row)
        self.why.append(f"{outlet}: {kind} held until the maintenance window ends")

    def _update(self, rows: list[Notification]) -> None:
        outlet = rows[0].outlet
        if in_storm(rows):
            self.why.append(f"{outlet}: knows of the incident by the message of a storm, which says how it stands")
            return
        if self.incident.flapping:
            self.why.append(f"{outlet}: knows that it comes and goes, and is told when that is over")
            return
        if rows[0].style == MANAGEMENT and outlet.channel not in self.routing.edits:
            self.why.append(f"{outlet}: management hears of changes of state, not of more of the same")
            return
        if any(row.state is State.QUEUED and not row.ambiguous for row in rows):
            self.why.append(f"{outlet}: the message that waits there will carry this")
            return
        if outlet.channel == DIGEST_CHANNEL and any(row.state is State.HELD for row in rows):
            return
        self._add(Kind.UPDATE, f"r{self.incident.revision}", outlet, rows[0].style, self.now)
        self.why.append(f"{outlet}: knows of the incident, so is told of the change")

    def _supersede(self, row: Notification, reason: str) -> None:
        self.superseded.append(dataclasses.replace(row, state=State.SUPERSEDED, reason=reason))
        self.why.append(f"{row.outlet}: {row.kind} superseded, {reason}")

    def _add(self, kind: Kind, step: str, outlet: Outlet, style: str, next_at: Millis, storm: str | None = None
             ) -> None:
        row = notification(self.incident, kind, step, outlet, style, self.now, next_at)
        if storm:
            row = dataclasses.replace(row, state=State.FOLDED, digest=storm, reason=f"in the one message of {storm}")
        self.new.append(row)
        self.rows.setdefault(place(outlet), []).append(row)


def reached(rows: Iterable[Notification]) -> bool:
    """Whether anything may have arrived there. What the vendor refused (dead) has not, what was tried may have."""
    return any(
        row.state in (State.SENT, State.CLAIMED, State.FOLDED)
        or (row.state is State.HELD and not kept(row))
        or row.ambiguous
        or (row.attempts > 0 and row.state is not State.DEAD)
        for row in rows
    )


def in_storm(rows: Collection[Notification]) -> str | None:
    """The storm by whose message alone a place was told of the incident, if so."""
    storms = [row for row in rows if row.digest and row.state is State.FOLDED and row.digest.startswith(STORM)]
    if not storms or reached(row for row in rows if row not in storms):
        return None
    return storms[-1].digest


def kept(row: Notification) -> bool:
    """Whether it waits for the end of a maintenance window, and not for the hour of a digest."""
    return row.state is State.HELD and row.outlet.channel != DIGEST_CHANNEL


def notification(incident: Incident, kind: Kind, step: str, outlet: Outlet, style: str, now: Millis, next_at: Millis
                 ) -> Notification:
    """One intended message. Its key holds no clock: the same intent made twice, here or on another replica, is
    the same row."""
    key = fingerprint_of(incident.id, kind, step, outlet.receiver, outlet.channel, outlet.target)
    held = outlet.channel == DIGEST_CHANNEL
    return Notification(NotificationId(key), key, incident.id, kind, incident.severity, incident.epoch, outlet, style,
                        State.HELD if held else State.QUEUED, "for the digest" if held else "", now, next_at,
                        team=incident.team)


def notice(id: str, outlet: Outlet, style: str, severity: Severity, now: Millis) -> Notification:
    """A message whose text is kept under `id`, about no single incident."""
    key = fingerprint_of(id, outlet.receiver, outlet.channel, outlet.target)
    return Notification(NotificationId(key), key, None, Kind.NOTICE, severity, 1, outlet, style, State.QUEUED, "", now,
                        now, digest=id)


def place(outlet: Outlet) -> tuple[str, str]:
    """Where a message ends up: two receivers that name one Slack channel or address share it, and it is told once."""
    return outlet.channel, outlet.target or f"of {outlet.receiver}"


def by_place(rows: Iterable[Notification]) -> Iterable[list[Notification]]:
    """What was intended for each place, in order."""
    found: dict[tuple[str, str], list[Notification]] = {}
    for row in rows:
        found.setdefault(place(row.outlet), []).append(row)
    return found.values()


def fall_back(dead: Notification, incident: Incident | None, routing: Routing, now: Millis
              ) -> tuple[Notification, ...]:
    """What is told at once because a critical start could not be, or one message of several: the fallback's outlets,
    each once an incident. Several in one message are no event that a pager takes.

    A fallback of a fallback is followed by that one's own death; a chain ends where none is named.
    """
    receiver = routing.receivers.get(dead.outlet.receiver)
    starts = dead.kind is Kind.FIRING and incident is not None
    if not (starts or dead.kind is Kind.NOTICE) or dead.severity is not Severity.CRITICAL:
        return ()
    if not receiver or not receiver.fallback:
        return ()
    there = ways(routing.receivers[receiver.fallback], routing, now, (receiver.name,)).outlets
    if incident is None:
        return tuple(_again(dead, outlet, owner, now) for outlet, owner in there
                     if outlet.channel not in routing.pages and outlet.channel != DIGEST_CHANNEL)
    return tuple(notification(incident, Kind.FIRING, str(dead.epoch), outlet, owner.style, now, now)
                 for outlet, owner in there)


def _again(dead: Notification, outlet: Outlet, receiver: Receiver, now: Millis) -> Notification:
    """The same text for somebody else."""
    key = fingerprint_of(dead.digest or "", outlet.receiver, outlet.channel, outlet.target)
    return dataclasses.replace(dead, id=NotificationId(key), key=key, outlet=outlet, style=receiver.style,
                               state=State.QUEUED, reason="", created_at=now, next_at=now, attempts=0,
                               ambiguous=False, seq=0)


def fingerprint_of(*parts: str) -> str:
    """24 hex digits that name these texts, in this order."""
    text = "\x00".join(parts)
    return hashlib.blake2b(text.encode("utf-8", "surrogatepass"), digest_size=12).hexdigest()
