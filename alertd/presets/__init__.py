"""Presets: the metric names of one kind of exporter, as data. One YAML file each, found by its name; a new exporter
is a new file here, or in the user's own rules/presets/. alertd.config.preset_file reads and checks them."""

from __future__ import annotations

import dataclasses
import importlib.resources
from collections.abc import Mapping
from decimal import Decimal

from alertd.model import SECOND, Millis
from alertd.presets.guardrail import Guardrail


@dataclasses.dataclass(frozen=True, slots=True)
class Failure:
    """One way the request counter marks a failure. `match` is a condition such as `code=~"5.."`; `bad` and `good`
    are labels of a request that failed and of one that did not, for the generated tests."""

    match: str
    bad: Mapping[str, str]
    good: Mapping[str, str]


@dataclasses.dataclass(frozen=True, slots=True)
class Requests:
    """A counter of requests. A series is a failure where any of `failures` matches it."""

    counter: str
    failures: tuple[Failure, ...]


@dataclasses.dataclass(frozen=True, slots=True)
class Latency:
    """A classic histogram of durations. `unit` is the milliseconds of one in its `le` label; `buckets` are the
    finite edges its library has by default, in that unit, ascending."""

    histogram: str
    unit: Millis
    buckets: tuple[Decimal, ...]


@dataclasses.dataclass(frozen=True, slots=True)
class Probe:
    """Probes from outside. `gauge` is 1 where the last one succeeded and 0 where it failed; `duration` is how long it
    took, where that is known, and `unit` the milliseconds of one in it."""

    gauge: str
    duration: str | None = None
    unit: Millis = SECOND


@dataclasses.dataclass(frozen=True, slots=True)
class Example:
    """One input series of a utilization's generated tests. `per_second` and `free` are what a counter grows by and
    what a gauge shows while nothing is used (at a utilization u both shrink to 1 - u of it); `used_per_second` and
    `used` are the same while all is used (u of it); `fixed` never changes. Exactly one is given."""

    metric: str
    labels: Mapping[str, str]
    per_second: Decimal | None = None
    free: Decimal | None = None
    used_per_second: Decimal | None = None
    used: Decimal | None = None
    fixed: Decimal | None = None


@dataclasses.dataclass(frozen=True, slots=True)
class Utilization:
    """A share in use, 0 to 1, one sample for each thing that is watched. `window` is the range the expression looks
    back over (0 for gauges); `cases` are worlds it must be right in, each by name the series an exporter would show;
    `of` says what is in use, as in "70% of the CPU limit"."""

    expression: str
    window: Millis
    cases: Mapping[str, tuple[Example, ...]]
    of: str


@dataclasses.dataclass(frozen=True, slots=True)
class Preset:
    """What one exporter offers. Empty parts are what it does not measure.

    `selector` are conditions that every service measured by it has, as text (`reporter="destination"`); `service` is
    the label that tells services apart. `subject` is how people call what a utilization is of, a label's name in braces
    standing for its value; `labels` are an example of the labels of that, for the generated tests (empty: those of the
    target, job and instance). `guardrails` are by name.
    """

    name: str
    requests: Requests | None = None
    latency: Latency | None = None
    probe: Probe | None = None
    utilization: Mapping[str, Utilization] = dataclasses.field(default_factory=dict)
    guardrails: Mapping[str, Guardrail] = dataclasses.field(default_factory=dict, compare=False)  # no service's rule
    selector: str = ""
    service: str = dataclasses.field(default="job", compare=False)  # `alertd init` asks for it; no rule is made of it
    subject: str = "{instance}"
    labels: Mapping[str, str] = dataclasses.field(default_factory=dict)


def names() -> tuple[str, ...]:
    """The presets that come with alertd."""
    files = importlib.resources.files(__name__).iterdir()
    return tuple(sorted(file.name.removesuffix(".yaml") for file in files if file.name.endswith(".yaml")))


def text(name: str) -> str:
    """The YAML of one of `names()`."""
    return importlib.resources.files(__name__).joinpath(f"{name}.yaml").read_text(encoding="utf-8")
