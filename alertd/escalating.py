"""Nobody takes care of an incident: the next ones are told, step by step. Pure.

What is due stands with the incident in the store, so that a restart, a replica or a step of the clock neither skips a
step nor takes one twice; one that is late is taken at once and says how late it is.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence

from alertd.incidents import Changes, Decision
from alertd.model import SECOND, Incident, IncidentState, Kind, Millis, Notification, Outlet
from alertd.routing import Receiver, Routing, Step, ways
from alertd.telling import DIGEST_CHANNEL, notification, place, reached
from alertd.times import duration

PUNCTUAL: Millis = 15 * SECOND  # the timed work comes by every 5 seconds; what is later than this is worth a word


def escalate(incident: Incident, rows: Sequence[Notification], routing: Routing, now: Millis) -> Changes:
    """Every step that is due, in order. Nothing where somebody takes care of it, or it is over."""
    told: list[Notification] = []
    decisions: list[Decision] = []
    after = incident
    while (due := after.escalate_at) is not None and due <= now and after.state is IncidentState.OPEN:
        steps = routing.escalation.get(after.severity, ())
        step = step_of(steps, after.escalated)
        if step is None:  # the file has fewer steps than when this began
            after = dataclasses.replace(after, escalate_at=None)
            break
        new, why = _take(after, step, [*rows, *told], routing, now)
        late = now - due
        verdict = f"step {after.escalated + 1} of the escalation" + (
            f", {duration(late)} late" if late > PUNCTUAL else "")
        after = dataclasses.replace(
            after, escalated=after.escalated + 1, escalate_at=_next(steps, after.escalated, due, now),
            epoch=max([after.epoch, *(row.epoch for row in new)]), revision=after.revision + 1)
        told += new
        decisions.append(Decision(None, incident.id, now, verdict, tuple(why)))
    return Changes() if after is incident else Changes((), (after,), tuple(told), (), tuple(decisions))


def step_of(steps: Sequence[Step], taken: int) -> Step | None:
    """The step that comes after so many; the last one again where it repeats."""
    if taken < len(steps):
        return steps[taken]
    return steps[-1] if steps and steps[-1].repeat else None


def _next(steps: Sequence[Step], taken: int, due: Millis, now: Millis) -> Millis | None:
    """When the step after this one is due, counted from when this one was, not from when it was taken."""
    if taken + 1 < len(steps):
        return due + steps[taken + 1].after - steps[taken].after
    repeat = steps[-1].repeat
    if not repeat:
        return None
    missed = max(now - due, 0) // repeat  # repetitions that fell into a downtime are one
    return due + (missed + 1) * repeat


def _take(incident: Incident, step: Step, rows: Sequence[Notification], routing: Routing, now: Millis
          ) -> tuple[list[Notification], list[str]]:
    """One step's messages. PagerDuty calls nobody twice for one key, so a place that was called gets a new epoch."""
    new: list[Notification] = []
    why = [f"nobody took care of it: {routing.file}:{step.line} {incident.severity} → "
           f"{' + '.join(step.receivers)}"]
    for name in step.receivers:
        receiver = routing.receivers.get(name)
        if receiver is None:
            why.append(f"receiver {name!r} is not defined: not told")
        elif receiver.escalates_itself:
            why.append(f"{name}: escalates by itself, alertd only watches")
        else:
            there = ways(receiver, routing, now)
            why += there.why
            for outlet, owner in there.outlets:
                if outlet.channel != DIGEST_CHANNEL:
                    new.append(_message(incident, outlet, owner, rows, routing, now))
                    why.append(f"{outlet}: is told")
    return new, why


def _message(incident: Incident, outlet: Outlet, receiver: Receiver, rows: Sequence[Notification], routing: Routing,
             now: Millis) -> Notification:
    before = [row for row in rows if place(row.outlet) == place(outlet)]
    again = outlet.channel in routing.pages and reached(before)
    about = dataclasses.replace(incident, epoch=incident.epoch + 1) if again else incident
    return notification(about, Kind.FIRING, f"{incident.epoch} step {incident.escalated + 1}", outlet, receiver.style,
                        now, now)
