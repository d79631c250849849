"""rules/*.yaml, any number of files read together, as values; every fault of all of them at once."""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path
from typing import Any

from alertd import matchers
from alertd.config import composites, guardrails, preset_file, rules_model, slo_windows
from alertd.config.yaml import Document, did_you_mean, read, validate
from alertd.errors import BadInput, Finding
from alertd.model import Millis
from alertd.presets import Latency, Preset
from alertd.rulegen import RESERVED, buckets, budget, counting, example, promql, reserved, runbook, slices, tiers
from alertd.rulegen.declared import (
    NODES,
    RESPONSE_TIMES,
    UTILIZATIONS,
    Counted,
    Declared,
    Fresh,
    Level,
    Objective,
    Service,
    Slices,
    Source,
    Told,
    Watched,
)
from alertd.slo.window import UTC, Calendar, Period

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,99}")  # a service's name is a file's name too
_TEST_FILE = re.compile(r"\.slo(-\w+)?", re.IGNORECASE)  # NAME.slo.test.yaml is a file of the service NAME
_RESERVED_LABELS = {"__name__", "le"}
RESERVED_GROUPS = {"service", "slo", "tier", "left", "part", "severity", "alertname", "le"}


@dataclasses.dataclass(frozen=True, slots=True)
class Rules:
    """What rules/ declares, and remarks on what is read but has no effect."""

    declared: Declared
    remarks: tuple[Finding, ...] = ()


@dataclasses.dataclass(frozen=True, slots=True)
class _File:
    document: Document
    model: rules_model.RulesFile


def load(folder: Path) -> Rules:
    """The rules in `folder`, its presets/ included and its generated/ not. Raises BadInput with every fault."""
    shown = str(folder)
    presets, preset_texts, findings = preset_file.load(folder / preset_file.FOLDER, f"{shown}/{preset_file.FOLDER}")
    files, sources, wrong = _read(folder, shown)
    findings += wrong
    thresholds, places, wrong = _thresholds(files)
    findings += wrong
    alerts, wrong = _once(files, "alerts")
    findings += wrong
    services, wrong, remarks = _Services(files, presets, thresholds, places, _told(alerts)).read()
    findings += wrong
    runbooks, wrong = _once(files, "runbooks")
    findings += wrong
    retention, wrong = _once(files, "retention")
    findings += wrong
    findings += slo_windows.forgotten(((file.document, file.model.services or {}) for file in files), retention)
    query_offset, wrong = _once(files, "query_offset")
    findings += wrong
    watched, wrong = _watch(files, presets)
    findings += wrong or _unmeasured(watched, thresholds, places)
    guarded, wrong = guardrails.read([(file.document, file.model.guardrails) for file in files], presets, watched)
    findings += wrong
    if findings:
        raise BadInput(findings)
    sources += [Source(f"{preset_file.FOLDER}/{name}", _plain(text)) for name, text in preset_texts.items()]
    nodes = tuple(preset for preset in watched if preset.utilization)
    declared = Declared(thresholds, services, nodes, runbooks or runbook.DEFAULT, tuple(sources), query_offset or 0,
                        guarded)
    return Rules(declared, tuple(sorted(remarks)))


def _read(folder: Path, shown: str) -> tuple[list[_File], list[Source], list[Finding]]:
    files: list[_File] = []
    sources: list[Source] = []
    findings: list[Finding] = []
    paths = sorted(path for path in folder.iterdir() if not path.name.startswith("."))
    for path in paths:
        name = f"{shown}/{path.name}"
        if path.suffix == ".yml":
            findings.append(Finding(name, 0, 0, "is not read", "rename it to .yaml", "file"))
        if path.suffix != ".yaml":
            continue
        try:
            document = read(path, name)
            sources.append(Source(path.name, _plain(path.read_text(encoding="utf-8"))))
        except BadInput as error:
            findings.extend(error.findings)
            continue
        model, wrong = _shape(document)
        findings += wrong
        if model:
            files.append(_File(document, model))
    if not any(path.suffix == ".yaml" for path in paths):
        findings.append(Finding(shown, 0, 0, "holds no *.yaml file", "declare a threshold in one", "empty"))
    return files, sources, findings


def _plain(text: str) -> str:
    """The same on a machine that checks out with other line ends."""
    return text.replace("\r\n", "\n")


def _shape(document: Document) -> tuple[rules_model.RulesFile | None, list[Finding]]:
    if not document.data:
        return None, [document.finding((), "is empty", "declare thresholds or services, or remove the file",
                                       id="empty")]
    model, findings = validate(document, rules_model.RulesFile)
    if model and not (model.services or model.guardrails or model.runbooks or model.watch or model.alerts
                      or model.retention or model.query_offset
                      or (model.thresholds and model.thresholds.model_fields_set)):
        findings = [document.finding((), "declares nothing", "declare thresholds or services, or remove the file",
                                     id="empty")]
    return model, [*document.duplicates, *_told_once(findings)]


def _told_once(findings: list[Finding]) -> Iterator[Finding]:
    """A misspelt key is unknown, and the right one missing: one slip, one finding."""
    guesses = {finding.fix for finding in findings}
    for finding in findings:
        if finding.id != "missing-key" or f"did you mean {finding.what.split()[0]}?" not in guesses:
            yield finding


_Places = dict[Watched, tuple[Document, tuple[str, str]]]


def _thresholds(files: list[_File]) -> tuple[dict[Watched, tuple[Level, ...]], _Places, list[Finding]]:
    levels: dict[Watched, tuple[Level, ...]] = {}
    places: _Places = {}
    findings: list[Finding] = []
    for file in files:
        for watched in Watched:
            given = getattr(file.model.thresholds, watched, None)
            if given is None:
                continue
            path = ("thresholds", watched.value)
            if watched in places:
                findings.append(_again(file.document, path, places[watched][0], watched))
                continue
            places[watched] = (file.document, path)
            levels[watched] = tuple(Level(level.above, level.lasting, level.severity, level.keep_firing_for)
                                    for level in given)
    return levels, places, findings


def _again(document: Document, path: tuple[str, ...], first: Document, name: str) -> Finding:
    return document.finding(path, f"{name!r} is given twice",
                            f"the first stands in {first.file}:{first.line(path)}; keep one", key=True, id="duplicate")


def _once(files: list[_File], key: str) -> tuple[Any, list[Finding]]:
    """What the one file that has `key` says; None where none does."""
    given = [file for file in files if getattr(file.model, key) is not None]
    again = [_again(file.document, (key,), given[0].document, key) for file in given[1:]]
    return (getattr(given[0].model, key) if given else None), again


def _watch(files: list[_File], presets: dict[str, Preset]) -> tuple[tuple[Preset, ...], list[Finding]]:
    """The presets whose every target the CPU and memory thresholds watch, and whose usual guardrails are watched."""
    given = [file for file in files if file.model.watch is not None]
    findings = [_again(file.document, ("watch",), given[0].document, "watch") for file in given[1:]]
    names = given[0].model.watch if given else None
    usable = preset_file.watching(presets.values())
    for index, name in enumerate(names or ()):
        if name not in usable:
            what = (f"the preset {name!r} has nothing to watch by itself" if name in presets else
                    f"there is no preset {name!r}")
            findings.append(given[0].document.finding(("watch", index), what, did_you_mean(name, usable), id="preset"))
    return tuple(presets[name] for name in names or (NODES,) if name in presets), findings


def _unmeasured(nodes: tuple[Preset, ...], thresholds: dict[Watched, tuple[Level, ...]], places: _Places
                ) -> Iterator[Finding]:
    """What is declared and no preset that is watched knows: one of the user's own may lack it."""
    for watched in UTILIZATIONS:
        if watched in thresholds and nodes and not any(watched in preset.utilization for preset in nodes):
            document, path = places[watched]
            names = " and ".join(repr(preset.name) for preset in nodes)
            yield document.finding(path, f"the preset {names} says nothing of {watched}", "add it there")


class _Services:
    """Reads the services of all files, which have to agree with the presets and the thresholds."""

    def __init__(self, files: list[_File], presets: dict[str, Preset], thresholds: dict[Watched, tuple[Level, ...]],
                 places: _Places, told: dict[str, Told]) -> None:
        self.files = files
        self.presets = presets
        self.thresholds = thresholds
        self.places = places
        self.told = told
        self.made_of: dict[composites.Key, composites.Named] = {}
        self.findings: list[Finding] = []
        self.remarks: list[Finding] = []

    def read(self) -> tuple[tuple[Service, ...], list[Finding], list[Finding]]:
        services: list[Service] = []
        first: dict[str, tuple[Document, str]] = {}
        for file in self.files:
            for name, model in (file.model.services or {}).items():
                path = ("services", name)
                if name.lower() in first:
                    other, its_name = first[name.lower()]
                    self.findings.append(file.document.finding(
                        path, f"service {name!r} is given twice", "the first stands in "
                        f"{other.file}:{other.line(('services', its_name))}; keep one", key=True, id="duplicate"))
                    continue
                first[name.lower()] = (file.document, name)
                if service := self._service(file.document, name, model):
                    services.append(service)
        declared = ((name, slo) for file in self.files for name, model in (file.model.services or {}).items()
                    for slo in model.slos)
        services, wrong = composites.resolved(services, self.made_of, declared)
        return tuple(services), self.findings + wrong, self.remarks

    def _service(self, document: Document, name: str, model: rules_model.Service) -> Service | None:
        path = ("services", name)
        if not _NAME.fullmatch(name) or reserved(name) or _TEST_FILE.search(name):
            self.findings.append(document.finding(
                path, f"{name!r} cannot name a service", "use letters, digits, '.', '_' and '-', and neither "
                f"{' nor '.join(RESERVED)} nor a part '.slo'", key=True, id="name"))
        preset = self._preset(document, (*path, "metrics"), model.metrics)
        selector = self._selector(document, (*path, "selector"), model.selector, preset)
        if preset is None or selector is None:
            return None
        buckets = tuple(model.buckets or (preset.latency.buckets if preset.latency else ()))
        objectives = tuple(_objective(slo, given, self.told) for slo, given in model.slos.items())
        self.made_of |= {(name, slo): composites.Named(document, (*path, "slos", slo, "of"), given.of)
                         for slo, given in model.slos.items() if given.of}
        service = Service(name, preset, selector, buckets, objectives, Path(document.file).name)
        self._buckets(document, path, service)
        self._watched(document, path, service)
        for objective in objectives:
            self._measured(document, (*path, "slos", objective.name), service, objective)
        return service

    def _measured(self, document: Document, path: tuple[str, ...], service: Service, objective: Objective) -> None:
        """An objective nothing can be counted for, or nothing can alert on, would look watched."""
        if not _NAME.fullmatch(objective.name):
            self.findings.append(document.finding(
                path, f"{objective.name!r} cannot name an SLO", "use letters, digits, '.', '_' and '-'", key=True,
                id="name"))
        part = service.preset.requests if objective.under is None else service.preset.latency
        made = (service.name, objective.name) in self.made_of
        if objective.counted is None and objective.gauge is None and part is None and not made:
            self.findings.append(document.finding(
                path, f"the preset {service.preset.name!r} does not measure {objective.symptom}",
                "say what to count by `events` and `bad` or `good`, or by `condition`", key=True, id="unmeasured"))
        if len(set(objective.by)) < len(objective.by):
            self.findings.append(document.finding((*path, "by"), "a label is given twice", "keep one", id="label"))
        for label in sorted(RESERVED_GROUPS & set(objective.by)):
            self.findings.append(document.finding((*path, "by"), f"{label!r} is a label of the alerts themselves",
                                                  "group by another", id="label"))
        fit = tiers.fit(objective.target, objective.window)
        if not fit.burns:
            self.findings.append(document.finding(
                (*path, "objective"), f"{objective.name!r} can have no burn alert: {'; '.join(fit.remarks)}",
                "raise the objective, or take a longer window", id="tiers"))
            return
        self.remarks += [document.finding(path, f"{service.name} {objective.name}: {remark}", key=True, id="tiers",
                                          level="remark") for remark in fit.remarks]
        self.remarks += slo_windows.by_the_calendar(document, path, objective)

    def _preset(self, document: Document, path: tuple[str, ...], name: str) -> Preset | None:
        usable = preset_file.offering(self.presets.values())
        if name in usable:
            return self.presets[name]
        known = name in self.presets
        what = f"the preset {name!r} measures no requests" if known else f"there is no preset {name!r}"
        self.findings.append(document.finding(path, what, did_you_mean(name, usable), id="preset"))
        return None

    def _selector(self, document: Document, path: tuple[str, ...], text: str, preset: Preset | None
                  ) -> tuple[matchers.Matcher, ...] | None:
        try:
            return _selector(text, preset)
        except ValueError as error:
            self.findings.append(document.finding(path, str(error), id="selector"))
            return None

    def _buckets(self, document: Document, path: tuple[str, ...], service: Service) -> None:
        """A time that an objective counts by must be the edge of a bucket: between edges nothing is counted. A
        threshold's may lie between two, where its share is estimated."""
        for objective in service.objectives:
            where = (document, (*path, "slos", objective.name, "under"))
            self._edge(where, service, objective.name, objective.under)
        for watched in RESPONSE_TIMES:
            for level in self.thresholds.get(watched, ()):
                self._level(document, path, service, watched, int(level.above))

    def _edge(self, place: tuple[Document, tuple[str, ...]], service: Service, name: str, time: Millis | None) -> None:
        latency = service.preset.latency
        if latency is None or time is None or counting.edge(latency, time) in service.buckets:
            return
        document, path = place
        near = " and ".join(_nearest(latency, service.buckets, time))
        self.findings.append(document.finding(
            path, f"{name} {promql.duration(time)} is no bucket of {service.name!r} ({service.preset.name})",
            f"the nearest are {near}; or say with `buckets:` which its histogram has", id="bucket"))

    def _level(self, document: Document, path: tuple[str, ...], service: Service, watched: Watched, time: Millis
               ) -> None:
        latency = service.preset.latency
        if latency is None:
            return
        shown, its = promql.duration(time), f"{service.name!r} ({service.preset.name})"
        place = buckets.between(latency, service.buckets, time)
        near = _nearest(latency, service.buckets, time)
        if place is None:
            side = "above the last" if counting.edge(latency, time) > service.buckets[-1] else "below the first"
            at, places = self.places[watched]
            self.findings.append(at.finding(
                places, f"{watched} {shown} lies {side} bucket of {its}, {near[0]}, where nothing tells requests apart",
                "choose a time among its buckets, or say with `buckets:` which its histogram has", id="bucket"))
        elif not place.exact:
            self.remarks.append(document.finding(
                path, f"{watched} {shown} is no bucket of {its}; its share is estimated, between {' and '.join(near)}",
                f"give the histogram a bucket at {shown} and say so with `buckets:`", key=True, id="estimated",
                level="remark"))

    def _watched(self, document: Document, path: tuple[str, ...], service: Service) -> None:
        preset = service.preset
        times = preset.latency or (preset.probe and preset.probe.duration)
        for watched in (Watched.ERRORS, *RESPONSE_TIMES):
            part = (preset.requests or preset.probe) if watched is Watched.ERRORS else times
            if watched in self.thresholds and not part:
                self.remarks.append(document.finding(
                    path, f"{watched} does not watch {service.name!r}: the preset {service.preset.name!r} does not "
                    "measure it", key=True, id="unwatched", level="remark"))


def _told(alerts: rules_model.Alerts | None) -> dict[str, Told]:
    """How alerts are told, by what tells them apart; without those that nothing is said of."""
    if alerts is None:
        return {}
    given: dict[str, rules_model.Told | None] = {budget.ABSENT: alerts.absent}
    for model in (alerts.burns, alerts.lows):
        given |= {info.alias or key: getattr(model, key) for key, info in type(model).model_fields.items()}
    return {which: Told(each.severity, each.keep_firing_for) for which, each in given.items() if each}


def _objective(name: str, given: rules_model.Slo, told: dict[str, Told]) -> Objective:
    counted = (Counted(tuple(given.events), tuple(given.bad or ()), tuple(given.good or ()))
               if given.events else None)
    gauge = Fresh(given.fresh.metric, given.fresh.within) if given.fresh else given.condition
    sliced = Slices(given.slice or slices.LENGTHS[0], given.slice_target) if given.method == "timeslices" else None
    calendar = Calendar(given.window, given.timezone or UTC) if isinstance(given.window, Period) else None
    return Objective(name, given.objective, given.rolling, given.under, tuple(given.by), counted, gauge, sliced,
                     _over(told, _told(given.alerts)), calendar=calendar)


def _over(every: dict[str, Told], own: dict[str, Told]) -> dict[str, Told]:
    """What an objective says itself goes before what is said of all."""
    found = dict(every)
    for which, each in own.items():
        of_all = every.get(which, Told())
        found[which] = Told(each.severity or of_all.severity,
                            of_all.keep_firing if each.keep_firing is None else each.keep_firing)
    return found


def _nearest(latency: Latency, edges: tuple[Decimal, ...], time: Millis) -> list[str]:
    edge = counting.edge(latency, time)
    below, above = [at for at in edges if at < edge][-1:], [at for at in edges if at > edge][:1]
    return [buckets.shown(latency, at) for at in (*below, *above)]


def _selector(text: str, preset: Preset | None) -> tuple[matchers.Matcher, ...]:
    found = matchers.parse_all(text)
    if not found:
        raise ValueError('the selector is empty and would take every service\'s requests; write one such as job="shop"')
    for matcher in found:
        if not re.fullmatch("[a-zA-Z_][a-zA-Z0-9_]*", matcher.label) or matcher.label in _RESERVED_LABELS:
            raise ValueError(f"{matcher.label!r} is no label a selector may use")
    named = {matcher.label for matcher in found}
    found = (*(matcher for matcher in matchers.parse_all(preset.selector if preset else "")
               if matcher.label not in named), *found)
    labels = example.labels(found)
    failures = preset.requests.failures if preset and preset.requests else ()
    for shown in (shown for failure in failures for shown in (failure.bad, failure.good)):
        if not all(matcher.matches({**labels, **shown}) for matcher in found):
            raise ValueError(f"the selector leaves out requests with {dict(shown)}, which the error rate counts")
    return found
