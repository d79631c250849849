"""routing.yaml: read, checked, and turned into values. Every fault of the file is told in one run."""

from __future__ import annotations

import dataclasses
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import pairwise
from pathlib import Path
from typing import Any

from alertd.access import Access
from alertd.config import access as access_section
from alertd.config import alive, floods, maintenance, routing_lint, units, yaml
from alertd.config import receivers as receivers_section
from alertd.config import rotas as rotas_section
from alertd.config.receivers import ChannelSettings, Digest
from alertd.config.yaml import Document, Key, did_you_mean
from alertd.errors import BadInput, Finding
from alertd.matchers import Matcher, parse_all
from alertd.model import DAY, HOUR, Kind, Millis, Outlet, Severity
from alertd.routing import Heartbeat, Inhibition, Override, Route, Routing, Step

KEYS = ("defaults", "receivers", "routes", "overrides", "severities", "incident_by", "acknowledge",
        "escalation", "flapping", "heartbeats", "inhibit", "maintenance", "people", "rotas", "storm", "access",
        "retention", "outgoing", alive.KEY)
HOLDS = {Severity.CRITICAL: HOUR, Severity.WARNING: 8 * HOUR}  # acknowledgements, where the file does not say
RETENTION: Millis = 90 * DAY
LEAST_RETENTION: Millis = DAY  # what ended today is still compared with, and told of
TOLD = (Severity.CRITICAL, Severity.WARNING, Severity.INFO)  # none is told to nobody and has no route


@dataclasses.dataclass(frozen=True, slots=True)
class RoutingFile:
    """routing.yaml, whole and without errors. `settings` are by receiver and channel, `digests` by receiver, `people`
    the addresses of each by channel, `calendars` by rota, relative to `folder`, `access` who may do what, `retention`
    how long what is over is kept, `beat` where alertd says that it works, `private_addresses` whether anything is sent
    into private networks; `remarks` are what `check` prints and `serve` logs."""

    routing: Routing
    settings: Mapping[tuple[str, str], ChannelSettings]
    digests: Mapping[str, Digest]
    remarks: tuple[Finding, ...] = ()
    people: Mapping[str, Mapping[str, str]] = dataclasses.field(default_factory=dict)
    calendars: Mapping[str, rotas_section.Calendar] = dataclasses.field(default_factory=dict)
    folder: Path = Path()
    access: Access = dataclasses.field(default_factory=Access)
    retention: Millis = RETENTION
    beat: alive.Beat | None = None
    private_addresses: bool = True

    def settings_for(self, outlet: Outlet, kind: Kind = Kind.FIRING) -> ChannelSettings | None:
        """The settings to send a notification of this kind by; None where its receiver has left the file."""
        if kind is Kind.DIGEST:
            digest = self.digests.get(outlet.receiver)
            return digest.settings.get(outlet.channel) if digest else None
        return self.settings.get((outlet.receiver, outlet.channel))


def load(path: Path, channels: Mapping[str, type[Any]], *, read_secrets: bool = True) -> RoutingFile:
    """The file; BadInput with every error where there is one. `channels` are the Settings classes
    by name (alertd.channels.settings_types()); secret files are relative to the file's folder. Without
    `read_secrets` no secret is opened, and one that is missing is only a remark."""
    found, findings = examine(path, channels, read_secrets=read_secrets)
    if found is None:
        raise BadInput([finding for finding in findings if finding.level == "error"])
    return found


def examine(path: Path, channels: Mapping[str, type[Any]], *, read_secrets: bool
            ) -> tuple[RoutingFile | None, list[Finding]]:
    """The file where it holds no error, and all there is to say about it in the order of its lines."""
    try:
        document = yaml.read(path)
    except BadInput as error:
        return None, list(error.findings)
    if not isinstance(document.data, dict):
        what = "is empty" if document.data is None else "must be a section of keys"
        return None, [document.finding((), what, "begin with receivers: and routes:")]
    on_call = rotas_section.read(document, path.parent, read_secrets=read_secrets)
    everyone = receivers_section.read(document, channels, path.parent, read_secrets=read_secrets, on_call=on_call)
    reader = _Rest(document, everyone.receivers)
    windows, planned = maintenance.read(
        document, reader.matchers, any(one.channel == "digest" for receiver in everyone.receivers.values()
                                       for one in receiver.outlets), time.time_ns() // 1_000_000)
    flapping, unsteady = floods.flapping(document)
    storm, stormy = floods.storm(document)
    routing = Routing(everyone.receivers, reader.routes(), reader.overrides(), reader.severities(),
                      reader.incident_by(), path.name, acknowledge=reader.acknowledge(),
                      escalation=reader.escalation(), heartbeats=reader.heartbeats(), inhibitions=reader.inhibitions(),
                      rotas=on_call.rotas, windows=windows, flapping=flapping, storm=storm)
    access, granted = access_section.read(document)
    retention, private = reader.retention(), reader.private_addresses()
    beat, unheard = alive.read(document, path.parent, read_secrets=read_secrets)
    findings = [*document.duplicates, *granted, *on_call.findings, *everyone.findings, *planned, *unsteady, *stormy,
                *unheard, *reader.top_level(), *reader.findings,
                *routing_lint.lint(document, routing, reader.override_places)]
    findings = list(_told_once(findings, document))
    faulty = any(finding.level == "error" for finding in findings)
    if not faulty:
        findings += [*routing_lint.never_used(document, routing), *routing_lint.placeholders(document)]
    findings = sorted(set(findings))  # a fault in the defaults is met once for each receiver
    if faulty:
        return None, findings
    return RoutingFile(routing, everyone.settings, everyone.digests, tuple(findings), on_call.people,
                       on_call.calendars, path.parent, access, retention, beat, private), findings


# what is said of a section that is not there, and of what it would have named
_CONSEQUENCES = {"receivers": ("no receiver is given", "unknown receiver"), "routes": ("no route for",)}


def _told_once(findings: list[Finding], document: Document) -> Iterator[Finding]:
    """A section by a misspelt key is an unknown key, and missing: one slip, one finding."""
    guesses = {finding.fix for finding in findings}
    consequences = tuple(said for section, words in _CONSEQUENCES.items() for said in words
                         if section not in document.data and f"did you mean {section!r}?" in guesses)
    return (finding for finding in findings if not finding.what.startswith(consequences))


def names(value: object) -> tuple[str, ...]:
    """The receivers that "a + b", [a, b] or a plain name tell; ValueError for anything else."""
    parts = [part for part in _listed(value) if isinstance(part, str)]
    if len(parts) < len(_listed(value)):
        raise ValueError('must name receivers; write "a + b" or [a, b]')
    found = [name.strip() for part in parts for name in part.split("+")]
    if not found or not all(found):
        raise ValueError('a receiver is missing; write "a + b" or [a, b]')
    return tuple(dict.fromkeys(found))


def _listed(value: object) -> list[object]:
    return value if isinstance(value, list) else [value]


class _Rest:
    """Everything but the receivers, which it may name."""

    def __init__(self, document: Document, receivers: Iterable[str]) -> None:
        self.document = document
        self.receivers = set(receivers)
        self.findings: list[Finding] = []
        self.override_places: list[tuple[Key, ...]] = []  # of the overrides without faults, in their order

    def wrong(self, path: tuple[Key, ...], what: str, fix: str = "", *, key: bool = False, id: str = "invalid-value"
              ) -> None:
        self.findings.append(self.document.finding(path, what, fix, key=key, id=id))

    def section(self, name: str, kind: type[Any], words: str) -> Any:
        """A top-level section, or an empty one where it is not written or not of this kind."""
        data = self.document.data.get(name)
        if data is not None and not isinstance(data, kind):
            self.wrong((name,), f"must be {words}")
        return data if isinstance(data, kind) else kind()

    def top_level(self) -> list[Finding]:
        unknown = self.document.data.keys() - set(KEYS)
        return [self.document.finding((key,), f"unknown key {key!r}", did_you_mean(key, KEYS), key=True,
                                      id="unknown-key") for key in unknown]

    def routes(self) -> dict[Severity, Route]:
        data = self.section("routes", dict, "a section of severities")
        found: dict[Severity, Route] = {}
        for word, value in data.items():
            path = ("routes", word)
            severity = self.severity(word, path, TOLD)
            told = self.told(value, path)
            if severity is None:
                continue
            if severity in found:
                self.wrong(path, f"{severity} is given twice", f"the first stands in line {found[severity].line}; "
                           "severities compare without case", key=True, id="duplicate-key")
            found.setdefault(severity, Route(told, self.document.line(path)))
        for severity in TOLD:
            if severity not in found:
                self.wrong(("routes",), f"no route for {severity}",
                           f"name who is told: `{severity}: receiver + receiver`", key=True, id="no-route")
        return found

    def severity(self, word: str, path: tuple[Key, ...], allowed: Iterable[Severity]) -> Severity | None:
        known = {severity.value: severity for severity in allowed}
        if word.lower() not in known:
            self.wrong(path, f"unknown severity {word!r}", did_you_mean(word.lower(), known), key=True,
                       id="unknown-severity")
        return known.get(word.lower())

    def told(self, value: object, path: tuple[Key, ...]) -> tuple[str, ...]:
        """The receivers `value` names; unknown ones are faults, each at its own place in a list."""
        try:
            found = names(value)
        except ValueError as error:
            self.wrong(path, *str(error).split("; ", 1))
            return ()
        for name in found:
            if name not in self.receivers:
                index = next((at for at, part in enumerate(value) if name in part), 0) if isinstance(value, list) else 0
                self.wrong((*path, index), f"unknown receiver {name!r}", did_you_mean(name, self.receivers),
                           id="unknown-receiver")
        return found

    def overrides(self) -> tuple[Override, ...]:
        data = self.section("overrides", list, "a list of {match: […], to: …}")
        found = []
        for index, value in enumerate(data):
            override = self.override(("overrides", index), value)
            if override is not None:
                found.append(override)
                self.override_places.append(("overrides", index))
        return tuple(found)

    def override(self, path: tuple[Key, ...], value: Any) -> Override | None:
        if not isinstance(value, dict):
            self.wrong(path, "must be {match: […], to: …}")
            return None
        for key in value.keys() - {"match", "to"}:
            self.wrong((*path, key), f"unknown key {key!r}", did_you_mean(key, ("match", "to")), key=True,
                       id="unknown-key")
        for key in {"match", "to"} - value.keys():
            self.wrong(path, f"{key!r} is missing", "write {match: […], to: …}", id="missing-key")
        told = self.told(value["to"], (*path, "to")) if "to" in value else ()
        matchers = self.matchers(value["match"], (*path, "match")) if "match" in value else ()
        return Override(matchers, told, self.document.line(path)) if matchers and told else None

    def private_addresses(self) -> bool:
        """Whether anything is sent into private networks."""
        data = self.section("outgoing", dict, "a section: {private_addresses: deny}")
        for key in data.keys() - {"private_addresses"}:
            self.wrong(("outgoing", key), f"unknown key {key!r}", did_you_mean(key, ("private_addresses",)), key=True,
                       id="unknown-key")
        said = data.get("private_addresses", "allow")
        if said not in ("allow", "deny"):
            self.wrong(("outgoing", "private_addresses"), "must be allow or deny")
        return bool(said != "deny")

    def matchers(self, value: Any, path: tuple[Key, ...]) -> tuple[Matcher, ...]:
        """The matchers of an override, each fault at the one of the list that has it."""
        found: list[Matcher] = []
        faults = len(self.findings)
        for index, part in enumerate(_listed(value)):
            place = (*path, index) if isinstance(value, list) else path
            if not isinstance(part, str):
                self.wrong(place, "a matcher must be text", "write 'service=\"payments\"'", id="invalid-matcher")
                continue
            try:
                found += parse_all(part)
            except ValueError as error:
                what, _, fix = str(error).rpartition("; ")
                self.wrong(place, what, fix, id="invalid-matcher")
        if len(self.findings) > faults:
            return ()  # half of the matchers would match too much
        if not found:
            self.wrong(path, "without a matcher this would take every alert", "write one such as service=\"payments\"",
                       id="invalid-matcher")
        return tuple(found)

    def severities(self) -> dict[str, Severity]:
        data = self.section("severities", dict, "a section such as {page: critical}")
        found = {}
        for word, value in data.items():
            if not isinstance(value, str):
                self.wrong(("severities", word), "must be one of critical, warning, info, none")
            elif (severity := self.severity(value, ("severities", word), Severity)) is not None:
                found[word.lower()] = severity
        return found

    def incident_by(self) -> tuple[str, ...] | None:
        value = self.document.data.get("incident_by")
        if value is None:
            return None
        if not isinstance(value, list) or not value or not all(isinstance(label, str) and label for label in value):
            self.wrong(("incident_by",), "must be a list of labels", "write [alertname, service]")
            return None
        return tuple(dict.fromkeys(value))

    def retention(self) -> Millis:
        if "retention" not in self.document.data:
            return RETENTION
        kept = self.length(self.document.data["retention"], ("retention",))
        if kept is not None and kept < LEAST_RETENTION:
            self.wrong(("retention",), "is too short", "keep what is over for a day at least: `retention: 90d`")
        return kept or RETENTION

    def acknowledge(self) -> dict[Severity, Millis]:
        data = self.section("acknowledge", dict, "a section such as {critical: 1h, warning: 8h}")
        found = dict(HOLDS)
        for word, value in data.items():
            severity = self.severity(word, ("acknowledge", word), TOLD)
            holds = self.length(value, ("acknowledge", word))
            if severity is not None and holds is not None:
                found[severity] = holds
        return found

    def length(self, value: object, path: tuple[Key, ...]) -> Millis | None:
        """A duration that is longer than nothing."""
        try:
            millis = units.duration(value)
        except ValueError as error:
            self.wrong(path, *str(error).split("; ", 1))
            return None
        if millis == 0:
            self.wrong(path, "must be longer than nothing", "write a duration such as 1h")
        return millis or None

    def escalation(self) -> dict[Severity, tuple[Step, ...]]:
        data = self.section("escalation", dict, "a section such as {critical: [{after: 5m, to: on-call}]}")
        found = {}
        for word, value in data.items():
            path = ("escalation", word)
            severity = self.severity(word, path, TOLD)
            if not isinstance(value, list) or not value:
                self.wrong(path, "must be a list of steps", "write [{after: 5m, to: on-call}, {after: 15m, to: …}]")
                continue
            steps = [self.step((*path, index), step, last=index == len(value) - 1) for index, step in enumerate(value)]
            self.in_order(path, steps)
            if severity is not None and all(steps):
                found[severity] = tuple(step for step in steps if step)
        return found

    def in_order(self, path: tuple[Key, ...], steps: Sequence[Step | None]) -> None:
        for index, (before, step) in enumerate(pairwise(steps), 1):
            if before and step and step.after <= before.after:
                self.wrong((*path, index, "after"), "comes no later than the step before it",
                           "both count from the start; put the steps in the order of time")

    def step(self, path: tuple[Key, ...], value: Any, *, last: bool) -> Step | None:
        known = ("after", "to", "repeat")
        if not isinstance(value, dict):
            self.wrong(path, "must be a step", "write {after: 5m, to: on-call}")
            return None
        for key in value.keys() - set(known):
            self.wrong((*path, key), f"unknown key {key!r}", did_you_mean(key, known), key=True, id="unknown-key")
        for key in {"after", "to"} - value.keys():
            self.wrong(path, f"{key!r} is missing", "write {after: 5m, to: on-call}", id="missing-key")
        if "repeat" in value and not last:
            self.wrong((*path, "repeat"), "only the last step can repeat", "the next step takes over from this one",
                       key=True)
        after = self.length(value["after"], (*path, "after")) if "after" in value else None
        told = self.told(value["to"], (*path, "to")) if "to" in value else ()
        repeat = self.length(value["repeat"], (*path, "repeat")) if "repeat" in value else None
        return Step(after, told, self.document.line(path), repeat) if after and told else None

    def inhibitions(self) -> tuple[Inhibition, ...]:
        data = self.section("inhibit", list, "a list of {source: […], target: […], equal: […]}")
        found = (self.inhibition(("inhibit", index), value) for index, value in enumerate(data))
        return tuple(inhibition for inhibition in found if inhibition)

    def inhibition(self, path: tuple[Key, ...], value: Any) -> Inhibition | None:
        write = "write {source: ['alertname=\"NodeDown\"'], target: ['severity=\"warning\"'], equal: [instance]}"
        if not isinstance(value, dict):
            self.wrong(path, "must be a pair of source and target", write)
            return None
        known = ("source", "target", "equal")
        for key in value.keys() - set(known):
            self.wrong((*path, key), f"unknown key {key!r}", did_you_mean(str(key), known), key=True, id="unknown-key")
        for key in {"source", "target"} - value.keys():
            self.wrong(path, f"{key!r} is missing", write, id="missing-key")
        source, target = (self.matchers(value[key], (*path, key)) if key in value else () for key in known[:2])
        equal = value.get("equal", [])
        if not isinstance(equal, list) or not all(isinstance(label, str) and label for label in equal):
            self.wrong((*path, "equal"), "must be a list of labels", "write [instance]")
            return None
        if source and target and not equal:
            self.findings.append(self.document.finding(
                path, "one source keeps every such target quiet, wherever it is", "name the labels that must agree, as "
                "in equal: [instance]", id="inhibits-all", level="remark"))
        inhibition = Inhibition(source, target, tuple(dict.fromkeys(equal)), self.document.line(path))
        return inhibition if source and target else None

    def heartbeats(self) -> tuple[Heartbeat, ...]:
        data = self.section("heartbeats", list, "a list of {match: […], every: 2m, to: …}")
        found = (self.heartbeat(("heartbeats", index), value) for index, value in enumerate(data))
        return tuple(heartbeat for heartbeat in found if heartbeat)

    def heartbeat(self, path: tuple[Key, ...], value: Any) -> Heartbeat | None:
        known = ("match", "every", "to")
        if not isinstance(value, dict):
            self.wrong(path, "must be a heartbeat", "write {match: ['alertname=\"Watchdog\"'], every: 2m, to: on-call}")
            return None
        for key in value.keys() - set(known):
            self.wrong((*path, key), f"unknown key {key!r}", did_you_mean(key, known), key=True, id="unknown-key")
        for key in set(known) - value.keys():
            self.wrong(path, f"{key!r} is missing", "write {match: […], every: 2m, to: …}", id="missing-key")
        if set(known) - value.keys():
            return None
        matchers = self.matchers(value["match"], (*path, "match"))
        every, told = self.length(value["every"], (*path, "every")), self.told(value["to"], (*path, "to"))
        return Heartbeat(matchers, every, told, self.document.line(path)) if matchers and every and told else None
