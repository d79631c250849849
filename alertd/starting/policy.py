"""From what a policy document says to what is declared: routes, thresholds, objectives, guardrails. Every line is used,
or listed with the reason; one that looks like a limit and cannot be read is an error."""

from __future__ import annotations

import dataclasses
import difflib
import re
from collections.abc import Callable, Mapping
from decimal import Decimal
from typing import Any

from alertd.config import routing_file, rules_model, units
from alertd.config.yaml import did_you_mean
from alertd.errors import Finding
from alertd.model import Severity
from alertd.rulegen.declared import RESPONSE_TIMES, Watched
from alertd.starting import meanings
from alertd.starting.document import Policy, Said, shown

ROUTED = (Severity.CRITICAL, Severity.WARNING, Severity.INFO)
_THRESHOLDS = frozenset(watched.value for watched in Watched)
ALIKE = 0.85  # of two words, from which on one is taken for the other misspelt
_SETTINGS = ("availability", "metrics_retention")  # more than a guardrail: an objective, and what windows may be
_ROUTING = re.compile(r"rout|notification")  # sections in which a severity is told to somebody
_ALERT_ROUTING = re.compile(r"alert\w*_rout|notification_rout")  # and nothing but that
_SIGN = re.compile(r"(?:<=|>=|<|>|≤|≥|(?:at most|at least|maximum|minimum|max|min|up to|under|below|over|above)\b)\s*",
                   re.IGNORECASE)
_AND = re.compile(r"\s*(?:[,;&]|\band\b)\s*")  # other words for the + of a route
_PERCENTILE = re.compile(r"\bp\d", re.IGNORECASE)
_QUICK = re.compile(r"(?P<under>.+?)\s+(?:at )?\(?p(?P<share>\d{2}(?:\.\d+)?)\)?", re.IGNORECASE)


@dataclasses.dataclass(frozen=True, slots=True)
class Setting:
    """A value in its document's own words, and where it stands there ("" where no document says so)."""

    value: Any
    origin: str = ""

    @property
    def text(self) -> str:
        return str(self.value)


@dataclasses.dataclass(frozen=True, slots=True)
class Quick:
    """A share of requests that must be quicker than a time, as texts: 95%, 500ms."""

    share: str
    under: str
    origin: str = ""


@dataclasses.dataclass(slots=True)
class Declared:
    """What is declared. `thresholds` and `guardrails` are by name; None is what nothing is said of."""

    routes: dict[Severity, Setting] = dataclasses.field(default_factory=dict)
    thresholds: dict[str, Setting] = dataclasses.field(default_factory=dict)
    guardrails: dict[str, Setting] = dataclasses.field(default_factory=dict)
    availability: Setting | None = None
    latency: Quick | None = None
    retention: Setting | None = None


@dataclasses.dataclass(slots=True)
class Understood:
    """What a document declares; `findings` are its lines that were not used (remarks) or cannot be read (errors)."""

    declared: Declared = dataclasses.field(default_factory=Declared)
    findings: list[Finding] = dataclasses.field(default_factory=list)


Limits = Mapping[str, Callable[[Any], object]]  # how each guardrail reads its limit; ValueError says what is wrong


def understand(policy: Policy, limits: Limits) -> Understood:
    """What `policy` declares; `limits` are the guardrails there are, by name."""
    reader = _Reader(limits)
    for said in policy.said:
        reader.take(said)
    if not reader.first and all(finding.level == "remark" for finding in reader.findings):
        reader.findings.append(Finding(policy.file, 0, 0, "says nothing that alertd watches or tells",
                                       "give a document with settings such as `cpu_utilization: 70%`", "empty"))
    return Understood(reader.declared, sorted(reader.findings))


class _Reader:
    def __init__(self, limits: Limits) -> None:
        self.limits = limits
        self.declared = Declared()
        self.findings: list[Finding] = []
        self.first: dict[str, tuple[Said, object]] = {}  # by what it sets, with what it means

    def take(self, said: Said) -> None:
        sentence = next(((each.key, found["value"]) for each in meanings.SENTENCES if not said.key
                         and (found := each.pattern.fullmatch(str(said.value)))), None)
        if sentence:
            said = dataclasses.replace(said, key=sentence[0], value=sentence[1].lower())
        name = next((alias for (section, key), alias in meanings.ALIASES.items()
                     if key == said.key and section in said.section), said.key)
        if said.value is None and (name in _THRESHOLDS or name in self.limits):
            self.wrong(said, f"{said.key!r} has no value", "write one, or remove the line", "empty")
            return
        expected = isinstance(said.value, str) and _SIGN.match(said.value) is not None
        if said.key and (_ALERT_ROUTING.search(said.section)
                         or (said.key in set(ROUTED) and _ROUTING.search(said.section))):
            self.route(said)
        elif name == "response_time" and isinstance(said.value, str) and _PERCENTILE.search(said.value):
            self.quick(said)
        elif name in _THRESHOLDS and not (expected and name in self.limits):
            self.threshold(said, name)
        elif name in self.limits or name in _SETTINGS:
            self.guardrail(said, name)
        else:
            self.leave(said)

    def wrong(self, said: Said, what: str, fix: str = "", id: str = "invalid-value", *, key: bool = False) -> None:
        self.findings.append(said.finding(what, fix, id=id, key=key))

    def unused(self, said: Said, why: str) -> None:
        self.findings.append(said.finding(f"not used: {said.text}", why, id="not-used", level="remark"))

    def once(self, said: Said, what: str, meant: object) -> bool:
        """Whether nothing said `what` before; a second word on it is listed, never quietly the one that counts. `meant`
        is what was read: two spellings may say the same."""
        first, before = self.first.setdefault(what, (said, meant))
        if first is not said:
            how = "the same" if before == meant else "otherwise, and comes first"
            self.unused(said, f"line {first.line} says {how}: {first.text}")
        return first is said

    def route(self, said: Said) -> None:
        known = {severity.value: severity for severity in ROUTED}
        if said.key not in known:
            self.wrong(said, f"unknown severity {said.key!r}", did_you_mean(said.key, known), "unknown-severity",
                       key=True)
            return
        try:
            names = routing_file.names(_AND.sub("+", said.value) if isinstance(said.value, str) else said.value)
        except ValueError as error:
            self.wrong(said, *str(error).split("; ", 1))
            return
        if self.once(said, f"routes.{said.key}", names):
            self.declared.routes[known[said.key]] = Setting(" + ".join(names), said.place)

    def threshold(self, said: Said, name: str) -> None:
        text = _SIGN.sub("", str(said.value), count=1)
        try:
            meant = (units.duration if name in RESPONSE_TIMES else units.percentage)(text)
            rules_model.Thresholds.model_validate({name: text})
        except ValueError as error:
            self.wrong(said, *_reason(error))
            return
        if self.once(said, f"thresholds.{name}", meant):
            self.declared.thresholds[name] = Setting(text, said.place)

    def quick(self, said: Said) -> None:
        """`< 500ms p95`: an objective, and where it is of the 95th percentile, a threshold as well."""
        found = _QUICK.fullmatch(_SIGN.sub("", said.value, count=1))
        if found is None:
            self.wrong(said, f"{said.value!r} is no time and percentile", "write one such as < 500ms p95")
            return
        share, under = Decimal(found["share"]), found["under"]
        try:
            meant = units.duration(under)
        except ValueError as error:
            self.wrong(said, *_reason(error))
            return
        if not self.once(said, "latency", (share, meant)):
            return
        self.declared.latency = Quick(f"{share}%", under, said.place)
        if share == 95 and self.once(said, "thresholds.response_time_p95", meant):
            self.declared.thresholds[Watched.RESPONSE_TIME_P95.value] = Setting(under, said.place)

    def guardrail(self, said: Said, name: str) -> None:
        text = shown(said.value)
        meant: object = text
        try:
            if name in self.limits:
                meant = self.limits[name](said.value)
            if name == "availability":
                rules_model.Slo.model_validate({"objective": _SIGN.sub("", text, count=1)})
            elif name == "metrics_retention":
                rules_model.RulesFile.model_validate({"retention": text})
        except ValueError as error:
            self.wrong(said, *_reason(error))
            return
        if not self.once(said, f"guardrails.{name}", meant):
            return
        if name in self.limits:
            self.declared.guardrails[name] = Setting(said.value, said.place)
        if name == "availability":
            self.declared.availability = Setting(_SIGN.sub("", text, count=1), said.place)
        elif name == "metrics_retention":
            self.declared.retention = Setting(text, said.place)

    def leave(self, said: Said) -> None:
        """What becomes no rule, unless it is the misspelt name of one."""
        near = difflib.get_close_matches(said.key, [*self.limits, *_THRESHOLDS], n=1, cutoff=ALIKE) if said.key else []
        reason = next((left.why for left in meanings.LEFT if re.search(left.section, said.section)
                       and re.search(left.line, said.text, re.IGNORECASE)), None)
        if near and reason is None:
            self.wrong(said, f"{said.key!r} is nothing that alertd watches", f"did you mean {near[0]!r}?",
                       "unknown-key", key=True)
        else:
            self.unused(said, reason or (meanings.UNKNOWN if said.key else meanings.UNNAMED
                                         if re.search(r"\d", said.text) else meanings.DESCRIBES))


def _reason(error: ValueError) -> tuple[str, str]:
    """What is wrong and what to do, of a reader's or of pydantic's words."""
    text = str(error)
    if "Value error, " in text:
        text = text.split("Value error, ", 1)[1].split(" [type=", 1)[0]
    what, _, fix = text.partition("; ")
    return what, fix
