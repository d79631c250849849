"""The shape of a rules/*.yaml file."""

from __future__ import annotations

import re
from decimal import Decimal
from typing import Annotated, Any, Literal
from zoneinfo import ZoneInfo

import pydantic

from alertd import matchers
from alertd.config import units
from alertd.config.preset_file import Buckets, Duration, Metric, some
from alertd.model import DAY, HOUR, MINUTE, Millis, Severity
from alertd.rulegen import budget, burn, promql, slices
from alertd.rulegen.declared import Condition, Counter, Holds
from alertd.slo.window import Period, zone

MOST_WINDOW: Millis = 366 * DAY
LEAST_WINDOW: Millis = 2 * HOUR
WINDOW: Millis = 30 * DAY


class Strict(pydantic.BaseModel):
    model_config = pydantic.ConfigDict(extra="forbid", frozen=True)


def _share(text: object) -> Decimal:
    ratio = units.percentage(text)
    if not 0 < ratio < 1:
        raise ValueError(f"{str(text).strip()} must lie between 0% and 100%, not at an end")
    return ratio


def _time(text: object) -> Decimal:
    return Decimal(_some_time(text))


def _some_time(text: object) -> Millis:
    millis = units.duration(text)
    if millis == 0:
        raise ValueError("must be longer than nothing")
    return millis


def _window(text: object) -> Millis | Period:
    word = str(text).strip()
    if word in set(Period):
        return Period(word)
    if re.fullmatch("[A-Za-z]+", word):
        raise ValueError(f"{word!r} is no window; write one such as 30d, or week, month or quarter of the calendar")
    millis = _some_time(text)
    if millis > MOST_WINDOW:
        raise ValueError(f"{text} is longer than the 366d a window may have")
    if millis % HOUR or millis < LEAST_WINDOW:
        raise ValueError(f"{text} is no whole number of hours, two or more")
    return millis


def _severity(text: object) -> object:
    word = str(text).strip().lower()
    if word not in ("critical", "warning", "info"):
        raise ValueError(f"{text!r} is no severity; use critical, warning or info")
    return Severity(word)


Share = Annotated[Decimal, pydantic.BeforeValidator(_share)]
Time = Annotated[Decimal, pydantic.BeforeValidator(_time)]


def _kept(text: object) -> Millis:
    millis = units.duration(text)
    if millis % MINUTE:
        raise ValueError(f"{text} is no whole number of minutes")
    return millis


class Told(Strict):
    severity: Annotated[Severity | None, pydantic.BeforeValidator(_severity)] = None
    keep_firing_for: Annotated[int | None, pydantic.BeforeValidator(_kept)] = None


class Level(Told):
    """`lasting` is written `for`."""

    lasting: Annotated[Duration | None, pydantic.Field(alias="for")] = None


class ShareLevel(Level):
    above: Share


class TimeLevel(Level):
    above: Time


def _levels(given: Any) -> Any:
    """One value is a list of one level; a list must say which severity each level has."""
    return given if isinstance(given, list) else [{"above": given}]


def _told_apart(levels: list[Any]) -> list[Any]:
    if not levels:
        raise ValueError("the list is empty; give a value, or one or more of {above, for, severity}")
    severities = [level.severity for level in levels]
    if len(levels) > 1 and None in severities:
        raise ValueError("each of several levels needs a severity")
    if len(set(severities)) < len(severities):
        raise ValueError("two levels have the same severity; they would be one and the same alert")
    return levels


Shares = Annotated[list[ShareLevel], pydantic.BeforeValidator(_levels), pydantic.AfterValidator(_told_apart)]
Times = Annotated[list[TimeLevel], pydantic.BeforeValidator(_levels), pydantic.AfterValidator(_told_apart)]


class Thresholds(Strict):
    cpu_utilization: Shares | None = None
    memory_utilization: Shares | None = None
    error_rate: Shares | None = None
    response_time: Times | None = None
    response_time_p95: Times | None = None


def _target(text: object) -> Decimal:
    ratio = units.percentage(text)
    if ratio == 1:
        raise ValueError("100% allows no failure, so that it has no error budget to spend; write what you can live "
                         "with, such as 99.9% (43 minutes of 30 days)")
    if ratio == 0:
        raise ValueError("0% asks for nothing; write the share of events that must be good")
    return ratio


def _list(given: Any) -> Any:
    return given if isinstance(given, list) else [given]


def _selector(text: object) -> Counter:
    """`name{label="value", …}` of a counter."""
    found = re.fullmatch(r"([a-zA-Z_:][a-zA-Z0-9_:]*)\s*(\{.*\})?", str(text).strip(), re.DOTALL)
    if found is None:
        raise ValueError(f'{text!r} is no metric and its labels; write one such as jobs_total{{job="shop"}}')
    return Counter(found[1], tuple(matchers.parse_all(found[2] or "{}")))


def _condition(text: object) -> Condition:
    """`name{label="value", …} < 1000`."""
    found = re.fullmatch(r"(.+?)\s*(<=|>=|==|<|>)\s*([^<>=\s]+)", str(text).strip(), re.DOTALL)
    bound = None if found is None else _decimal(found[3])
    if found is None or bound is None:
        raise ValueError(f"{text!r} is no condition; write what must hold, such as queue_depth < 1000, with one of "
                         f"{' '.join(Holds)} and a number")
    return Condition(_selector(found[1]), Holds(found[2]), bound)


def _decimal(text: str) -> Decimal | None:
    return Decimal(text) if re.fullmatch(r"[+-]?(\d+(\.\d*)?|\.\d+)([eE][+-]?\d{1,2})?", text, re.ASCII) else None


def _length(text: object) -> Millis:
    length = _some_time(text)
    if length not in slices.LENGTHS:
        raise ValueError(f"{text} is no slice; use {' or '.join(map(promql.duration, slices.LENGTHS))}")
    return length


def _least_good(text: object) -> Decimal:
    """Of a slice's events. All of them is no empty budget here: that is the objective's, in slices."""
    ratio = units.percentage(text)
    if ratio == 0:
        raise ValueError("0% asks for nothing; write the share of a slice's events that must be good")
    return ratio


def _parts(given: Any) -> Any:
    if isinstance(given, dict):
        raise ValueError("parts have no weights: events are counted, and a weight would make several of one; write "
                         "them as a list [a, b]")
    if isinstance(given, list) and len(given) < 2:
        raise ValueError("an objective is made of two others or more; name them as SLO or SERVICE/SLO")
    return given


Selector = Annotated[Counter, pydantic.BeforeValidator(_selector)]
Selectors = Annotated[list[Selector], pydantic.BeforeValidator(_list), pydantic.Field(min_length=1)]
LABEL = re.compile("[a-zA-Z_][a-zA-Z0-9_]*")
Label = Annotated[str, pydantic.Field(pattern=f"^{LABEL.pattern}$")]


class Fresh(Strict):
    metric: Selector
    within: Annotated[int, pydantic.BeforeValidator(_some_time)]


class Burns(Strict):
    fast: Told | None = None
    medium: Told | None = None
    slow: Told | None = None
    long: Told | None = None


class Lows(Strict):
    half: Annotated[Told | None, pydantic.Field(alias="50%")] = None
    quarter: Annotated[Told | None, pydantic.Field(alias="25%")] = None
    tenth: Annotated[Told | None, pydantic.Field(alias="10%")] = None
    nothing: Annotated[Told | None, pydantic.Field(alias="0%")] = None


class Alerts(Strict):
    """By the alerts' names; those of several alerts by what tells these apart."""

    burns: Annotated[Burns, pydantic.Field(alias=burn.ALERT)] = Burns()
    lows: Annotated[Lows, pydantic.Field(alias=budget.LOW)] = Lows()
    absent: Annotated[Told | None, pydantic.Field(alias=budget.ABSENT)] = None


class Slo(Strict):
    objective: Annotated[Decimal, pydantic.BeforeValidator(_target)]
    window: Annotated[int | Period, pydantic.BeforeValidator(_window)] = WINDOW
    timezone: Annotated[ZoneInfo | None, pydantic.BeforeValidator(zone)] = None
    under: Annotated[int | None, pydantic.BeforeValidator(_some_time)] = None
    method: Literal["occurrences", "timeslices"] = "occurrences"  # never by accident: slices are asked for by name
    slice: Annotated[int | None, pydantic.BeforeValidator(_length)] = None
    slice_target: Annotated[Decimal | None, pydantic.BeforeValidator(_least_good)] = None
    by: Annotated[list[Label], pydantic.BeforeValidator(_list)] = []
    events: Selectors | None = None
    bad: Selectors | None = None
    good: Selectors | None = None
    condition: Annotated[Condition | None, pydantic.BeforeValidator(_condition)] = None
    fresh: Fresh | None = None
    of: Annotated[list[str] | None, pydantic.BeforeValidator(_parts)] = None
    alerts: Alerts | None = None

    @property
    def rolling(self) -> Millis:
        """How long its window is, or the one most like it that Prometheus can have."""
        return self.window.rolling if isinstance(self.window, Period) else self.window

    @pydantic.model_validator(mode="after")
    def _by_a_clock(self) -> Slo:
        if self.timezone is not None and not isinstance(self.window, Period):
            raise ValueError("`timezone` is of a window of the calendar; write `window: month` (week, quarter) too, or "
                             "leave it out")
        return self

    @pydantic.model_validator(mode="after")
    def _one_indicator(self) -> Slo:
        if self.events and self.under is not None:
            raise ValueError("`under` is of the service's histogram, `events` counts something else; keep one of them")
        if self.events and (self.bad is None) == (self.good is None):
            raise ValueError("`events` needs `bad` or `good` beside it, and not both; say which of them count")
        if not self.events and (self.bad or self.good):
            raise ValueError("`bad` and `good` need `events` beside them; say what all events are")
        given = [key for key in ("under", "events", "condition", "fresh", "of") if getattr(self, key) is not None]
        if len(given) > 1:
            raise ValueError(f"{' and '.join(f'`{key}`' for key in given)} count different things; keep one of them")
        return self

    @pydantic.model_validator(mode="after")
    def _counted_by(self) -> Slo:
        gauge = self.condition or self.fresh
        if self.of and self.method == "timeslices":
            raise ValueError("`of` adds up the events of its parts, `method: timeslices` counts time; keep one of them")
        if self.method == "occurrences":
            if gauge:
                raise ValueError("a gauge has no events to count; write `method: timeslices`, which counts the slices "
                                 "of time in which it is as it should be")
            if self.slice or self.slice_target:
                raise ValueError("`slice` and `slice_target` are of `method: timeslices`; write that too, or neither")
        elif gauge and self.slice_target:
            raise ValueError("`slice_target` is a share of events, which a gauge has not; a slice is good while the "
                             "gauge is as it should be in all of it")
        elif not gauge and self.slice_target is None:
            raise ValueError("`method: timeslices` needs `slice_target`, the share of a slice's events that must be "
                             "good, such as 99%")
        return self


class Service(Strict):
    metrics: str
    selector: str
    buckets: Buckets | None = None
    slos: dict[str, Slo] = {}


def _limit(given: Any) -> Any:
    """As it is: which limits there are depends on the guardrail."""
    return given


class Guardrail(Told):
    """A limit, and what is otherwise than the preset says. `lasting` is written `for`."""

    limit: Annotated[Any, pydantic.BeforeValidator(_limit)] = None
    lasting: Annotated[int | None, pydantic.BeforeValidator(_kept), pydantic.Field(alias="for")] = None
    where: str | None = None
    metric: Metric | None = None
    use: str | None = None


def _guardrail(given: Any) -> Any:
    """A limit alone stands for itself."""
    return given if isinstance(given, dict) else {"limit": given}


Guardrails = dict[str, Annotated[Guardrail, pydantic.BeforeValidator(_guardrail)]]


def _address(text: object) -> str:
    address = str(text).strip()
    if not address.startswith(("http://", "https://")) or any(part.isspace() for part in address):
        raise ValueError(f"{text!r} is no address; write one such as https://runbooks.example.com")
    return address


class RulesFile(Strict):
    thresholds: Thresholds | None = None
    services: dict[str, Service] | None = None
    guardrails: Guardrails | None = None
    watch: Annotated[list[str], pydantic.AfterValidator(some)] | None = None
    runbooks: Annotated[str | None, pydantic.BeforeValidator(_address)] = None
    retention: Annotated[int | None, pydantic.BeforeValidator(_some_time)] = None
    query_offset: Annotated[int | None, pydantic.BeforeValidator(_some_time)] = None
    alerts: Alerts | None = None
