"""Presets from YAML: those that come with alertd, and the user's own in rules/presets/."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sized
from decimal import Decimal
from pathlib import Path
from typing import Annotated, Literal, TypeVar

import pydantic

from alertd import matchers, presets
from alertd.config import guardrail_model, units
from alertd.config.yaml import Document, parse, read, validate
from alertd.errors import BadInput, Finding
from alertd.model import SECOND, Millis
from alertd.rulegen.declared import UTILIZATIONS, Watched

FOLDER = "presets"  # within rules/

Given = TypeVar("Given", bound=Sized)

_UNITS: dict[str, Millis] = {"s": SECOND, "ms": 1}
_USED = {Watched.CPU: "CPU", Watched.MEMORY: "memory"}
_PLACE = re.compile(r"\{([^}]*)\}")
_TARGET = {"job", "instance"}


def _metric(text: str) -> str:
    if not re.fullmatch("[a-zA-Z_:][a-zA-Z0-9_:]*", text):
        raise ValueError(f"{text!r} is no metric's name; use letters, digits, '_' and ':'")
    return text


def _labels(labels: dict[str, str]) -> dict[str, str]:
    for name in labels:
        if not re.fullmatch("[a-zA-Z_][a-zA-Z0-9_]*", name) or name in ("__name__", "le"):
            raise ValueError(f"{name!r} is no label's name that an exporter may show; use letters, digits and '_'")
    return labels


Metric = Annotated[str, pydantic.AfterValidator(_metric)]
Labels = Annotated[dict[str, str], pydantic.AfterValidator(_labels)]
Duration = Annotated[int, pydantic.BeforeValidator(units.duration)]


class _Strict(pydantic.BaseModel):
    model_config = pydantic.ConfigDict(extra="forbid", frozen=True)


class _Failure(_Strict):
    match: str
    bad: Labels
    good: Labels

    @pydantic.model_validator(mode="after")
    def _examples_fit(self) -> _Failure:
        matcher = matchers.parse(self.match)
        if not matcher.matches(self.bad) or matcher.matches(self.good):
            raise ValueError(f"{self.match} must match the labels of `bad` and not those of `good`")
        return self


def some(given: Given) -> Given:
    """A list, section or text that holds something; ValueError where it does not."""
    if not given:
        raise ValueError("is empty; give at least one")
    return given


class _Requests(_Strict):
    counter: Metric
    failures: Annotated[list[_Failure], pydantic.AfterValidator(some)]


def ascending(edges: list[Decimal]) -> list[Decimal]:
    """The finite edges of a histogram's buckets; ValueError where they do not rise from above 0."""
    if any(edge <= 0 for edge in edges) or edges != sorted(set(edges)):
        raise ValueError("buckets must rise from above 0, without +Inf")
    return edges


Buckets = Annotated[list[Decimal], pydantic.AfterValidator(some), pydantic.AfterValidator(ascending)]


class _Latency(_Strict):
    histogram: Metric
    unit: Literal["s", "ms"]
    buckets: Buckets


class _Probe(_Strict):
    gauge: Metric
    duration: Metric | None = None
    unit: Literal["s", "ms"] = "s"


class _Example(_Strict):
    metric: Metric
    labels: Labels = {}
    per_second: Decimal | None = None
    free: Decimal | None = None
    used_per_second: Decimal | None = None
    used: Decimal | None = None
    fixed: Decimal | None = None

    @pydantic.model_validator(mode="after")
    def _one_value(self) -> _Example:
        values = (self.per_second, self.free, self.used_per_second, self.used, self.fixed)
        if sum(value is not None for value in values) != 1:
            raise ValueError("give one of per_second, free, used_per_second, used and fixed")
        return self

    @property
    def moves(self) -> bool:
        return bool(self.per_second or self.free or self.used_per_second or self.used)


def _moving(examples: list[_Example]) -> list[_Example]:
    if not any(example.moves for example in examples):
        raise ValueError("nothing in this case follows the utilization, so its test could not fail; give one series "
                         "per_second, free, used_per_second or used")
    return examples


Case = Annotated[list[_Example], pydantic.AfterValidator(_moving)]


class _Utilization(_Strict):
    expression: Annotated[str, pydantic.AfterValidator(some)]
    window: Duration
    cases: Annotated[dict[str, Case], pydantic.AfterValidator(some)]
    of: str | None = None


def _conditions(text: str) -> str:
    if any(matcher.op != "=" for matcher in matchers.parse_all(text)):
        raise ValueError('a preset\'s selector has conditions with = only; write one such as reporter="destination"')
    return text


class PresetSection(_Strict):
    """The whole file."""

    about: str = ""
    selector: Annotated[str, pydantic.AfterValidator(_conditions)] = ""
    service: Annotated[str, pydantic.Field(pattern="^[a-zA-Z_][a-zA-Z0-9_]*$")] = "job"
    requests: _Requests | None = None
    latency: _Latency | None = None
    probe: _Probe | None = None
    subject: str = "{instance}"
    labels: Labels = {}
    utilization: dict[str, _Utilization] = {}
    guardrails: dict[str, guardrail_model.Entry] = {}


def load(folder: Path, shown: str = FOLDER) -> tuple[dict[str, presets.Preset], dict[str, str], list[Finding]]:
    """All presets by name, the texts of the user's own, and what is wrong with any. A file in `folder` (which need
    not exist) takes the place of a preset of the same name; `shown` is how messages call the folder."""
    documents = [(name, parse(presets.text(name), f"alertd/presets/{name}.yaml")) for name in presets.names()]
    texts: dict[str, str] = {}
    findings: list[Finding] = []
    for path in sorted(folder.glob("*.yaml")):
        try:
            documents.append((path.stem, read(path, f"{shown}/{path.name}")))
            texts[path.name] = path.read_text(encoding="utf-8")
        except BadInput as error:
            findings.extend(error.findings)
    found: dict[str, presets.Preset] = {}
    places: dict[str, Document] = {}
    for name, document in documents:
        preset, wrong = _preset(name, document)
        findings.extend(wrong)
        if preset:
            found[name] = preset
            places[name] = document
    return found, texts, [*findings, *_twice(found, places)]


def _twice(found: dict[str, presets.Preset], places: dict[str, Document]) -> Iterator[Finding]:
    """Guardrails and their alerts have names of their own, across presets: rules/ names them alone."""
    first: dict[str, str] = {}
    for preset in found.values():
        for name, guardrail in preset.guardrails.items():
            for what, key in ((f"the guardrail {name!r}", ()), (f"the alert {guardrail.alert!r}", ("alert",))):
                if (other := first.setdefault(what, f"{preset.name} {name}")) != f"{preset.name} {name}":
                    yield places[preset.name].finding(("guardrails", name, *key), f"{what} is in the preset {other} "
                                                      "too", "name it otherwise", key=not key, id="duplicate")


def _preset(name: str, document: Document) -> tuple[presets.Preset | None, list[Finding]]:
    if document.data is None:
        return None, [document.finding((), "is empty", "describe a preset or remove the file", id="empty")]
    model, findings = validate(document, PresetSection)
    findings = [*document.duplicates, *findings]
    if model is None or findings:
        return None, findings
    findings = [*_unfit(document, model)]
    return (None, findings) if findings else (_value(name, model), [])


def _unfit(document: Document, model: PresetSection) -> Iterator[Finding]:
    """What each part alone does not show."""
    if not (model.requests or model.latency or model.probe or model.utilization or model.guardrails):
        yield document.finding((), "measures nothing", "describe requests, latency, probe, utilization or guardrails",
                               id="empty")
    for key in model.utilization:
        if key not in set(UTILIZATIONS):
            yield document.finding(("utilization", key), f"{key!r} is nothing a threshold can be set on",
                                   f"known are {', '.join(UTILIZATIONS)}", key=True)
    yield from guardrail_model.faults(document, model.guardrails)
    known = set(model.labels) or _TARGET
    for label in _PLACE.findall(model.subject):
        if label not in known:
            yield document.finding(("subject",), f"{label!r} is no label of what is watched",
                                   f"known are {', '.join(sorted(known))}; `labels` says others")


def _value(name: str, model: PresetSection) -> presets.Preset:
    return presets.Preset(
        name,
        requests=_requests(model.requests) if model.requests else None,
        latency=_latency(model.latency) if model.latency else None,
        probe=_probe(model.probe) if model.probe else None,
        utilization={key: _utilization(key, utilization) for key, utilization in model.utilization.items()},
        guardrails={key: entry.guardrail() for key, entry in model.guardrails.items()},
        selector=model.selector,
        service=model.service,
        subject=model.subject,
        labels=model.labels,
    )


def _requests(model: _Requests) -> presets.Requests:
    return presets.Requests(model.counter, tuple(
        presets.Failure(failure.match, failure.bad, failure.good) for failure in model.failures))


def _latency(model: _Latency) -> presets.Latency:
    return presets.Latency(model.histogram, _UNITS[model.unit], tuple(model.buckets))


def _probe(model: _Probe) -> presets.Probe:
    return presets.Probe(model.gauge, model.duration, _UNITS[model.unit])


def _utilization(key: str, model: _Utilization) -> presets.Utilization:
    cases = {name: tuple(presets.Example(**example.model_dump()) for example in examples)
             for name, examples in model.cases.items()}
    return presets.Utilization(model.expression, model.window, cases, model.of or _USED[Watched(key)])


def offering(found: Iterable[presets.Preset]) -> list[str]:
    """The names of the presets that a service can be measured by."""
    return sorted(preset.name for preset in found if preset.requests or preset.latency or preset.probe)


def watching(found: Iterable[presets.Preset]) -> list[str]:
    """The names of the presets that know a CPU or memory utilization, or guardrails with a usual limit."""
    return sorted(preset.name for preset in found if preset.utilization or _usual(preset))


def _usual(preset: presets.Preset) -> bool:
    return any(guardrail.usual is not None for guardrail in preset.guardrails.values())
