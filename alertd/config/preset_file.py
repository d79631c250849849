"""Presets from YAML: those that come with alertd, and the user's own in rules/presets/."""

from __future__ import annotations

from collections.abc import Iterable
from decimal import Decimal
from pathlib import Path
from typing import Annotated, Literal

import pydantic

from alertd import matchers, presets
from alertd.config import units
from alertd.config.yaml import Document, parse, read, validate
from alertd.errors import BadInput, Finding
from alertd.model import SECOND, Millis
from alertd.rulegen.declared import UTILIZATIONS

FOLDER = "presets"  # within rules/

_UNITS: dict[str, Millis] = {"s": SECOND, "ms": 1}
Metric = Annotated[str, pydantic.Field(pattern="^[a-zA-Z_:][a-zA-Z0-9_:]*$")]
Duration = Annotated[int, pydantic.BeforeValidator(units.duration)]


class _Strict(pydantic.BaseModel):
    model_config = pydantic.ConfigDict(extra="forbid", frozen=True)


class _Failure(_Strict):
    match: str
    bad: dict[str, str]
    good: dict[str, str]

    @pydantic.model_validator(mode="after")
    def _examples_fit(self) -> _Failure:
        matcher = matchers.parse(self.match)
        if not matcher.matches(self.bad) or matcher.matches(self.good):
            raise ValueError(f"{self.match} must match the labels of `bad` and not those of `good`")
        return self


class _Requests(_Strict):
    counter: Metric
    failures: Annotated[list[_Failure], pydantic.Field(min_length=1)]


def ascending(edges: list[Decimal]) -> list[Decimal]:
    """The finite edges of a histogram's buckets; ValueError where they do not rise from above 0."""
    if any(edge <= 0 for edge in edges) or edges != sorted(set(edges)):
        raise ValueError("buckets must rise from above 0, without +Inf")
    return edges


Buckets = Annotated[list[Decimal], pydantic.Field(min_length=1), pydantic.AfterValidator(ascending)]


class _Latency(_Strict):
    histogram: Metric
    unit: Literal["s", "ms"]
    buckets: Buckets


class _Example(_Strict):
    metric: Metric
    labels: dict[str, str] = {}
    per_second: Decimal | None = None
    free: Decimal | None = None
    fixed: Decimal | None = None

    @pydantic.model_validator(mode="after")
    def _one_value(self) -> _Example:
        if [self.per_second, self.free, self.fixed].count(None) != 2:
            raise ValueError("give one of per_second, free and fixed")
        return self


class _Utilization(_Strict):
    expression: str
    window: Duration
    cases: Annotated[dict[str, list[_Example]], pydantic.Field(min_length=1)]


class _Preset(_Strict):
    about: str = ""
    requests: _Requests | None = None
    latency: _Latency | None = None
    utilization: dict[str, _Utilization] = {}


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
    for name, document in documents:
        preset, wrong = _preset(name, document)
        findings.extend(wrong)
        if preset:
            found[name] = preset
    return found, texts, findings


def _preset(name: str, document: Document) -> tuple[presets.Preset | None, list[Finding]]:
    if document.data is None:
        return None, [document.finding((), "is empty", "describe a preset or remove the file", id="empty")]
    model, findings = validate(document, _Preset)
    findings = [*document.duplicates, *findings]
    if model is None or findings:
        return None, findings
    unknown = [document.finding(("utilization", key), f"{key!r} is nothing a threshold can be set on",
                                f"known are {', '.join(UTILIZATIONS)}", key=True)
               for key in model.utilization if key not in set(UTILIZATIONS)]
    return _value(name, model), unknown


def _value(name: str, model: _Preset) -> presets.Preset:
    return presets.Preset(
        name,
        requests=_requests(model.requests) if model.requests else None,
        latency=_latency(model.latency) if model.latency else None,
        utilization={key: _utilization(utilization) for key, utilization in model.utilization.items()},
    )


def _requests(model: _Requests) -> presets.Requests:
    return presets.Requests(model.counter, tuple(
        presets.Failure(failure.match, failure.bad, failure.good) for failure in model.failures))


def _latency(model: _Latency) -> presets.Latency:
    return presets.Latency(model.histogram, _UNITS[model.unit], tuple(model.buckets))


def _utilization(model: _Utilization) -> presets.Utilization:
    return presets.Utilization(model.expression, model.window, {
        name: tuple(presets.Example(**example.model_dump()) for example in examples)
        for name, examples in model.cases.items()})


def offering(found: Iterable[presets.Preset]) -> list[str]:
    """The names of the presets that a service can be measured by."""
    return sorted(preset.name for preset in found if preset.requests or preset.latency)
