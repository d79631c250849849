"""Who is told: the labels of an alert against routing.yaml, each choice with the line that made it. Pure."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence

from alertd.flapping import Limits as Flapping
from alertd.matchers import Matcher
from alertd.model import HOUR, MANAGEMENT, MINUTE, Labels, Millis, Outlet, Severity, value
from alertd.rotas import Rota, on_call
from alertd.schedule import Mode, Window, Windows, holding
from alertd.storm import Limits as Storms

LATE = 2 * MINUTE  # a critical start that waits longer to be taken is told to the fallback as well
REPORT = HOUR  # how often management hears that something critical still burns
WATCHDOG = "Watchdog"  # kube-prometheus' always-firing alert: a heartbeat, told to nobody while it beats


@dataclasses.dataclass(frozen=True, slots=True)
class Receiver:
    """A named destination. `outlets` holds one entry per channel and target; `hold` is how long an incident's
    start waits before it is told; `fallback` names the receiver that gets what this one cannot take, or has not
    taken `late` after it was due. With
    `escalates_itself` (PagerDuty has its own policy) alertd takes no step of escalation towards it. With `rotas` only
    those of `people` (their outlets, which are among `outlets` too) are told who are on call: see `ways`."""

    name: str
    outlets: tuple[Outlet, ...]
    style: str = "responder"
    hold: Millis = 0
    fallback: str | None = None
    line: int = 0
    escalates_itself: bool = False
    rotas: tuple[str, ...] = ()
    people: Mapping[str, tuple[Outlet, ...]] = dataclasses.field(default_factory=dict)
    late: Millis = LATE


@dataclasses.dataclass(frozen=True, slots=True)
class Step:
    """One step of an escalation: who is told when nobody has taken care of an incident `after` so long, counted from
    its start, its rise, or the end of an acknowledgement. The last one comes again every `repeat` (None: once)."""

    after: Millis
    receivers: tuple[str, ...]
    line: int = 0
    repeat: Millis | None = None


@dataclasses.dataclass(frozen=True, slots=True)
class Heartbeat:
    """Alerts that must keep coming from every source that ever sent them: where none has come for `every`, the
    receivers are told."""

    matchers: tuple[Matcher, ...]
    every: Millis
    receivers: tuple[str, ...]
    line: int = 0


@dataclasses.dataclass(frozen=True, slots=True)
class Inhibition:
    """While an alert that all of `source` match fires, those that all of `target` match are kept and not told, where
    the two agree in every label of `equal` (a label that neither has is equal)."""

    source: tuple[Matcher, ...]
    target: tuple[Matcher, ...]
    equal: tuple[str, ...] = ()
    line: int = 0


@dataclasses.dataclass(frozen=True, slots=True)
class Route:
    """The receivers of one severity, and the line that names them."""

    receivers: tuple[str, ...]
    line: int = 0


@dataclasses.dataclass(frozen=True, slots=True)
class Override:
    """Receivers for labels that all matchers match, before the routes by severity; the first that matches wins."""

    matchers: tuple[Matcher, ...]
    receivers: tuple[str, ...]
    line: int = 0


@dataclasses.dataclass(frozen=True, slots=True)
class Routing:
    """routing.yaml as values. `severities` renames other people's words; `incident_by` (labels) replaces
    Alertmanager's grouping when set; `file` is how `why` calls it; `acknowledge` is how long an acknowledgement holds
    (a severity without one: to the end), `escalation` the steps when nobody acknowledges, by time; `heartbeats` must
    not fall silent; `inhibitions` say what is not told while something else fires; `windows` are all maintenance;
    `flapping` says what comes and goes too often to be told each time (None: nothing), `storm` from when on starts are
    folded into one message (None: never). Of the channels, `edits` change a sent message in place, and alone are told
    that some alerts of an incident ended while others still fire; `pages` call people; `follows` are told when somebody
    takes care of an incident; `folds` are read by people, and take part in storms."""

    receivers: Mapping[str, Receiver]
    routes: Mapping[Severity, Route]
    overrides: tuple[Override, ...] = ()
    severities: Mapping[str, Severity] = dataclasses.field(default_factory=dict)
    incident_by: tuple[str, ...] | None = None
    file: str = "routing.yaml"
    edits: frozenset[str] = frozenset()
    pages: frozenset[str] = frozenset()
    follows: frozenset[str] = frozenset()
    acknowledge: Mapping[Severity, Millis] = dataclasses.field(default_factory=dict)
    escalation: Mapping[Severity, tuple[Step, ...]] = dataclasses.field(default_factory=dict)
    heartbeats: tuple[Heartbeat, ...] = ()
    inhibitions: tuple[Inhibition, ...] = ()
    rotas: Mapping[str, Rota] = dataclasses.field(default_factory=dict)
    windows: Windows = dataclasses.field(default_factory=Windows)
    flapping: Flapping | None = None
    storm: Storms | None = None
    folds: frozenset[str] = frozenset()

    def first_step_at(self, severity: Severity, now: Millis) -> Millis | None:
        """When the first step of an escalation that begins now is due."""
        steps = self.escalation.get(severity)
        return now + steps[0].after if steps else None

    def first_report_at(self, severity: Severity, now: Millis) -> Millis | None:
        """When management first hears that what began now still burns; None where nobody asks for it."""
        asked = severity is Severity.CRITICAL and any(one.style == MANAGEMENT for one in self.receivers.values())
        return now + REPORT if asked else None

    @property
    def pagers(self) -> frozenset[str]:
        """The channels that call people, of those in use."""
        return self.pages & {outlet.channel for receiver in self.receivers.values() for outlet in receiver.outlets}

    @property
    def personal(self) -> dict[Outlet, str]:
        """Whose an outlet is, of those that are one person's."""
        return {outlet: person for receiver in self.receivers.values()
                for person, outlets in receiver.people.items() for outlet in outlets}

    @property
    def office(self) -> str:
        """The zone by whose clocks people work: that of the first rota."""
        return next((rota.timezone.key for rota in self.rotas.values()), "UTC")

    @property
    def reads(self) -> tuple[str, ...]:
        """The labels that `choose` looks at, each once."""
        return tuple(dict.fromkeys((
            "severity", "alertname", *(one.label for override in self.overrides for one in override.matchers))))


@value
class Choice:
    """Who is told of an alert with some labels, and why, in the order of the file; not before the end of `window`,
    where one holds it. `inhibited`: nobody for now, since what causes it is told instead."""

    severity: Severity
    receivers: tuple[str, ...]
    why: tuple[str, ...]
    unknown_severity: bool = False
    inhibited: bool = False
    window: Window | None = None


def severity_of(labels: Labels, routing: Routing) -> tuple[Severity, str | None]:
    """The severity the labels mean, and a remark where it is not simply theirs. Missing or unknown is warning:
    no alert is dropped for its labels."""
    word = labels.get("severity", "").strip()
    if not word:
        return Severity.WARNING, "no severity label: treated as warning"
    lower = word.lower()
    if lower in routing.severities:
        severity = routing.severities[lower]
        return severity, f"severity {word!r} means {severity} ({routing.file}, severities)"
    try:
        return Severity(lower), None
    except ValueError:
        return Severity.WARNING, f"severity {word!r} is not known: treated as warning"


def choose(labels: Labels, routing: Routing, windows: Sequence[Window] = ()) -> Choice:
    """Who is told of an alert with these labels, while these maintenance windows are active."""
    choice = _told(labels, routing)
    if not windows or not choice.receivers:
        return choice
    window = holding({**labels, "severity": choice.severity.value}, windows)
    if window is None:
        return choice
    why = f"{window.place(routing.file)} holds it" + (
        " and collects it for the digest" if window.mode is Mode.DIGEST else "")
    return dataclasses.replace(choice, why=(*choice.why, why), window=window)


def _told(labels: Labels, routing: Routing) -> Choice:
    severity, remark = severity_of(labels, routing)
    unknown = remark is not None and "treated as warning" in remark
    why = (remark,) if remark else ()
    if labels.get("alertname") == WATCHDOG:
        return Choice(severity, (), (*why, "Watchdog is a heartbeat: told to nobody while it beats"), unknown)
    if severity is Severity.NONE:
        return Choice(severity, (), (*why, "severity none is kept and shown, told to nobody"), unknown)
    told = {**labels, "severity": severity.value} if routing.overrides else labels
    for override in routing.overrides:
        if all(matcher.matches(told) for matcher in override.matchers):
            matched = ", ".join(str(matcher) for matcher in override.matchers)
            reason = f"{routing.file}:{override.line} override {{{matched}}} → {' + '.join(override.receivers)}"
            return Choice(severity, override.receivers, (*why, reason), unknown)
    route = routing.routes.get(severity)
    if route is None:
        return Choice(severity, (), (*why, f"{routing.file} has no route for {severity}"), unknown)
    reason = f"{routing.file}:{route.line} {severity} → {' + '.join(route.receivers)}"
    return Choice(severity, route.receivers, (*why, reason), unknown)


@value
class Ways:
    """Where a receiver's messages go at some moment, each outlet with the receiver it belongs to, and why there.
    `covered` is False where its rotas have nobody on call."""

    outlets: tuple[tuple[Outlet, Receiver], ...]
    why: tuple[str, ...] = ()
    covered: bool = True


def ways(receiver: Receiver, routing: Routing, now: Millis, passed: Sequence[str] = ()) -> Ways:
    """The outlets of a receiver at this moment. Where nobody is on call its fallback is told as well, or everybody of
    the rotas where it has none: better a person in their free time than nobody. `passed` are receivers that led here.
    """
    if not receiver.rotas:
        return Ways(tuple((outlet, receiver) for outlet in receiver.outlets))
    personal = {outlet for outlets in receiver.people.values() for outlet in outlets}
    always = [(outlet, receiver) for outlet in receiver.outlets if outlet not in personal]
    rotas = [routing.rotas[name] for name in receiver.rotas if name in routing.rotas]
    said = f"{routing.file}:{receiver.line} {receiver.name}, rota {' + '.join(receiver.rotas)}"
    people = [person for person in on_call(rotas, now) if receiver.people.get(person)]
    if people:
        found = [(outlet, receiver) for person in people for outlet in receiver.people[person]]
        return Ways((*always, *found), (f"{said}: {' + '.join(people)} on call",))
    other = routing.receivers.get(receiver.fallback or "")
    if other is not None and other.name not in passed:
        then = ways(other, routing, now, (*passed, receiver.name))
        return Ways((*always, *then.outlets), (f"{said}: nobody is on call, so {other.name} is told", *then.why), False)
    everybody = dict.fromkeys(person for rota in rotas for person in rota.people)
    found = [(outlet, receiver) for person in everybody for outlet in receiver.people.get(person, ())]
    return Ways((*always, *found), (f"{said}: nobody is on call, so everybody of it is told",), False)


class Chooser:
    """`choose`, asked once for alerts that agree in the labels it looks at, as those of one webhook mostly do."""

    def __init__(self, routing: Routing, now: Millis) -> None:
        self._routing = routing
        self._windows = routing.windows.active(now)
        self._reads = (*routing.reads, *(one.label for window in self._windows for one in window.matchers))
        self._made: dict[tuple[str | None, ...], Choice] = {}

    def __call__(self, labels: Labels) -> Choice:
        key = tuple(map(labels.get, self._reads))
        choice = self._made.get(key)
        if choice is None:
            choice = self._made[key] = choose(labels, self._routing, self._windows)
        return choice
