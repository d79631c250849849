"""What rules/*.yaml declares, as values: thresholds, services, objectives. alertd.config.rules_file reads them."""

from __future__ import annotations

import dataclasses
import enum
from collections.abc import Mapping
from decimal import Decimal

from alertd.matchers import Matcher
from alertd.model import Millis, Severity
from alertd.presets import Preset
from alertd.presets.guardrail import Guardrail
from alertd.rulegen import promql
from alertd.slo.window import Calendar

NODES = "node_exporter"  # CPU and memory thresholds watch every target of this preset unless others are named


class Watched(enum.StrEnum):
    """What a threshold can be set on."""

    CPU = "cpu_utilization"
    MEMORY = "memory_utilization"
    ERRORS = "error_rate"
    RESPONSE_TIME = "response_time"
    RESPONSE_TIME_P95 = "response_time_p95"


UTILIZATIONS = (Watched.CPU, Watched.MEMORY)
RESPONSE_TIMES = (Watched.RESPONSE_TIME, Watched.RESPONSE_TIME_P95)


@dataclasses.dataclass(frozen=True, slots=True)
class Level:
    """One line of a threshold. `above` is a ratio, for response times milliseconds. None is the alert's default."""

    above: Decimal
    lasting: Millis | None = None
    severity: Severity | None = None
    keep_firing: Millis | None = None


class Symptom(enum.StrEnum):
    """What a user of the service feels. An objective with `under` is about latency, any other about availability."""

    AVAILABILITY = "availability"
    LATENCY = "latency"


@dataclasses.dataclass(frozen=True, slots=True)
class Counter:
    """The series of a counter: its name, and conditions on its labels."""

    metric: str
    matchers: tuple[Matcher, ...] = ()


@dataclasses.dataclass(frozen=True, slots=True)
class Counted:
    """What is counted for an objective, each as the sum of its counters: all events, and the `bad` or the `good` of
    them."""

    events: tuple[Counter, ...]
    bad: tuple[Counter, ...] = ()
    good: tuple[Counter, ...] = ()


class Holds(enum.StrEnum):
    """How a gauge must compare with its bound."""

    LESS = "<"
    AT_MOST = "<="
    MORE = ">"
    AT_LEAST = ">="
    EQUAL = "=="


@dataclasses.dataclass(frozen=True, slots=True)
class Condition:
    """What every sample of every series of a gauge must meet."""

    gauge: Counter
    holds: Holds
    bound: Decimal


@dataclasses.dataclass(frozen=True, slots=True)
class Fresh:
    """A gauge that shows a time (seconds of the Unix epoch), which must be no further back than `within`."""

    gauge: Counter
    within: Millis


@dataclasses.dataclass(frozen=True, slots=True)
class Slices:
    """Time is counted in place of events: each slice of `length` is good or bad. Of events, `target` is the share that
    must be good in a slice; of a gauge there is none, its condition must hold all along."""

    length: Millis
    target: Decimal | None = None


@dataclasses.dataclass(frozen=True, slots=True)
class Told:
    """How one alert of an objective is told. None is the alert's default."""

    severity: Severity | None = None
    keep_firing: Millis | None = None


@dataclasses.dataclass(frozen=True, slots=True)
class Part:
    """One of the objectives that another is made of, and its service."""

    service: Service
    objective: Objective

    @property
    def called(self) -> str:
        return f"{self.service.name} {self.objective.name}"


@dataclasses.dataclass(frozen=True, slots=True)
class Objective:
    """An SLO. `target` is the ratio of good events (0 to 1, both exclusive) over the last `window`, or over a period of
    the `calendar`: Prometheus has none, and takes the rolling `window` that is most like it. `under` is the duration
    within which a good answer comes. It holds for each value of the labels `by` apart. With `slices` the
    slices of time are the events; a `gauge` is counted by slices only. The events of its `parts` are its own. `told` is
    by what tells its alerts apart: a tier, a level of the budget left, or a name."""

    name: str
    target: Decimal
    window: Millis
    under: Millis | None = None
    by: tuple[str, ...] = ()
    counted: Counted | None = None
    gauge: Condition | Fresh | None = None
    slices: Slices | None = None
    told: Mapping[str, Told] = dataclasses.field(default_factory=dict)
    parts: tuple[Part, ...] = ()
    calendar: Calendar | None = None

    @property
    def over(self) -> str:
        """Its window in a sentence."""
        return promql.duration(self.window) if self.calendar is None else self.calendar.said

    @property
    def longest(self) -> Millis:
        """How far back its window may reach."""
        return self.window if self.calendar is None else self.calendar.period.longest

    @property
    def symptom(self) -> Symptom | None:
        """None for counters and gauges of its own, and for several parts: what they are about is not known."""
        if self.counted or self.gauge or self.parts:
            return None
        return Symptom.AVAILABILITY if self.under is None else Symptom.LATENCY


@dataclasses.dataclass(frozen=True, slots=True)
class Service:
    """A service and where its numbers are. `buckets` are the finite edges of its histogram in the preset's unit;
    `source` is the file within rules/ that declares it."""

    name: str
    preset: Preset
    selector: tuple[Matcher, ...]
    buckets: tuple[Decimal, ...] = ()
    objectives: tuple[Objective, ...] = ()
    source: str = ""


@dataclasses.dataclass(frozen=True, slots=True)
class Limit:
    """What a guardrail may show, in its unit: at least, at most, or one of these names. Nothing of these: nothing."""

    least: Decimal | None = None
    most: Decimal | None = None
    names: tuple[str, ...] = ()


@dataclasses.dataclass(frozen=True, slots=True)
class Guarded:
    """A guardrail that is watched, under its name in rules/."""

    name: str
    guardrail: Guardrail
    limit: Limit
    severity: Severity
    lasting: Millis
    keep_firing: Millis
    where: tuple[Matcher, ...] = ()
    metric: str = ""


@dataclasses.dataclass(frozen=True, slots=True)
class Source:
    """A file the rules are made from: its name within rules/ and its text with plain line ends."""

    name: str
    text: str


@dataclasses.dataclass(frozen=True, slots=True)
class Declared:
    """All of rules/*.yaml. CPU and memory thresholds watch every target of `nodes`; `runbooks` is the address under
    which every alert has a page of its name; rules are evaluated as of `query_offset` ago where Prometheus can."""

    thresholds: Mapping[Watched, tuple[Level, ...]]
    services: tuple[Service, ...]
    nodes: tuple[Preset, ...]
    runbooks: str
    sources: tuple[Source, ...]
    query_offset: Millis = 0
    guardrails: tuple[Guarded, ...] = ()
