"""The shape of the `guardrails:` part of a preset, and what its parts owe each other."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from decimal import Decimal
from typing import Annotated, Any, Literal

import pydantic

from alertd import expressions, matchers
from alertd.config import limits, units
from alertd.config.yaml import Document
from alertd.errors import Finding
from alertd.model import MINUTE, Severity
from alertd.presets.guardrail import METRIC, WHERE, Asks, Guardrail, Series, Shows, Unit, When
from alertd.rulegen.guarding import query

_ALERT = re.compile("[A-Z][A-Za-z0-9]+")
_NAME = re.compile("[a-z][a-z0-9_]*")
_PLACE = re.compile(r"\{(\w+)\}")
_OWN_PLACES = {"value", "limit", "metric"}
_MOVING = set(Shows) - {Shows.FIXED}
_TIME = {Shows.AGE, Shows.LEFT, Shows.APART}

Duration = Annotated[int, pydantic.BeforeValidator(units.duration)]


class _Strict(pydantic.BaseModel):
    model_config = pydantic.ConfigDict(extra="forbid", frozen=True)


class _Series(_Strict):
    metric: str
    labels: dict[str, str] = {}
    fixed: Decimal | None = None
    value: Decimal | None = None
    rest: Decimal | None = None
    copies: Decimal | None = None
    rest_copies: Decimal | None = None
    grows: Decimal | None = None
    age: Decimal | None = None
    left: Decimal | None = None
    steps: Decimal | None = None
    apart: Decimal | None = None
    counts: Decimal | None = None
    when: Literal["always", "inside", "outside"] = "always"

    @pydantic.model_validator(mode="after")
    def _one_way(self) -> _Series:
        given = [shows for shows in _MOVING if getattr(self, shows) is not None]
        copied = {Shows.COPIES, Shows.REST_COPIES} & set(given)
        if len(given) > 1 or (not given and self.fixed is None) or (given and self.fixed is not None and not copied):
            raise ValueError(f"give one of {', '.join(Shows)}; `fixed` beside copies is the value of each")
        if (copied or Shows.STEPS in given) and not any("{n}" in value for value in self.labels.values()):
            raise ValueError('copies are told apart by a label; write {n} in one, such as node: "node-{n}"')
        return self

    def series(self) -> Series:
        shows = next((shows for shows in _MOVING if getattr(self, shows) is not None), Shows.FIXED)
        each = self.fixed if shows in (Shows.COPIES, Shows.REST_COPIES) and self.fixed is not None else Decimal(1)
        return Series(self.metric, self.labels, shows, Decimal(getattr(self, shows)), each, When(self.when))


class Entry(_Strict):
    """One guardrail of a preset."""

    alert: Annotated[str, pydantic.Field(pattern=f"^{_ALERT.pattern}$")]
    limit: Literal["most", "least", "between", "one of", "nothing"]
    unit: Literal["count", "share", "cores", "bytes", "time"] = "count"
    words: list[str] = []
    reads: dict[str, str] = {}
    usual: Any = None
    measure: str
    window: Duration = 0
    notices: Duration = 0
    step: str | None = None
    lasting: Annotated[Duration, pydantic.Field(alias="for")]
    severity: Literal["info", "warning", "critical"] = "info"
    where: str = ""
    metric: str | None = None
    needs: list[str]
    labels: dict[str, str] = {}
    summary: str
    description: str
    meaning: str
    measured: str
    steps: Annotated[list[str], pydantic.Field(min_length=1)]
    cases: Annotated[dict[str, list[_Series]], pydantic.Field(min_length=1)]

    def guardrail(self) -> Guardrail:
        return Guardrail(
            self.alert, Asks(self.limit), Unit(self.unit), self.measure.strip(), self.window, self.lasting,
            Severity(self.severity), _line(self.summary), _line(self.description), _line(self.meaning),
            _line(self.measured), tuple(map(_line, self.steps)),
            {name: tuple(each.series() for each in shown) for name, shown in self.cases.items()}, tuple(self.needs),
            self.labels, tuple(self.words), self.reads, None if self.usual is None else str(self.usual), self.where,
            self.metric, _step(self.step, Unit(self.unit)) if self.step else None, self.notices)


def _line(text: str) -> str:
    return " ".join(text.split())


def _step(text: str, unit: Unit) -> Decimal:
    return limits.figure(text, unit)


def faults(document: Document, entries: Mapping[str, Entry]) -> Iterator[Finding]:
    """What each key alone does not show: a test that cannot fail, PromQL that does not parse, a limit nobody reads."""
    for name, entry in entries.items():
        at = ("guardrails", name)
        if not _NAME.fullmatch(name):
            yield document.finding(at, f"{name!r} cannot name a guardrail", "use small letters, digits and '_'",
                                   key=True, id="name")
        for key, problem in _wrong(entry):
            what, _, fix = problem.partition("; ")
            yield document.finding((*at, key), what, fix)


def _wrong(entry: Entry) -> Iterator[tuple[str, str]]:
    for key in ("measure", "where", "step", "usual"):
        try:
            _reads(entry, key)
        except ValueError as error:
            yield key, str(error)
            return
    known = _OWN_PLACES | set(entry.labels)
    for key in ("summary", "description"):
        for place in _PLACE.findall(getattr(entry, key)):
            if place not in known:
                yield key, f"{place!r} is no label of what is watched; known are {', '.join(sorted(known))}"
    guardrail = entry.guardrail()
    if "{value}" in entry.summary or (guardrail.whole and "{value}" in entry.description):
        yield "summary" if "{value}" in entry.summary else "description", (
            "{value} changes while the alert fires; say it in the description, and only of a figure that is compared")
    for case, shown in guardrail.cases.items():
        if not any(each.shows in _MOVING or each.when is not When.ALWAYS for each in shown):
            yield "cases", f"nothing in {case!r} follows the figure, so its test could not fail; let one series do so"
        elif guardrail.unit is not Unit.TIME and any(each.shows in _TIME for each in shown):
            yield "cases", f"{case!r} shows times, and the unit is {guardrail.unit}; give `unit: time`"
    if any(time % MINUTE for time in (entry.window, entry.notices, entry.lasting)):
        yield "for", "the tests go by the minute; give whole minutes"


def _reads(entry: Entry, key: str) -> None:
    """ValueError where the text at `key` cannot be read."""
    if key == "measure":
        expressions.parse(query(entry.measure, "5m" if entry.unit == "time" else "a", "", entry.metric or "x"))
        for need in entry.needs:
            expressions.parse(query(need, "", "", entry.metric or "x"))
        if METRIC in entry.measure and entry.metric is None:
            raise ValueError("$metric needs a name where none is given; say it as `metric`")
    elif key == "where":
        matchers.parse_all(entry.where)
        if entry.where and WHERE not in entry.measure:
            raise ValueError("`where` has no place in the query; write $where into a selector")
    elif key == "step" and entry.step:
        _step(entry.step, Unit(entry.unit))
    elif key == "usual" and entry.usual is not None:
        limits.read(entry.usual, entry.guardrail())
