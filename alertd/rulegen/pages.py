"""A page for each alert, for whoever it wakes: what it means, how it was measured, what to do first, who is told."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Iterator, Mapping, Sequence

from alertd.rulegen import promql
from alertd.rulegen.rules import AlertRule

MOST = 12  # queries a page shows; a page of hundreds helps nobody, the rest stands in the rule files


@dataclasses.dataclass(frozen=True, slots=True)
class Written:
    """What only a person can say of an alert. `meaning` is what has happened to whom, `measured` how the figure comes
    about, `steps` what to do first, the quickest and likeliest before the others."""

    meaning: str
    measured: str
    steps: tuple[str, ...]


_LOOK = "Open the incident in alertd: it shows which services and instances fire, since when, and what came before it."
_DEPLOYED = "What changed in the last hour: a deployment, a setting, a feature switch? Take it back first, ask later."
_DEPENDS = "Do the services it depends on (database, queue, payment provider) show alerts of their own?"
_COUNTS = ("Events are counted in whole numbers from the counters themselves; restarts, new and vanished targets and "
           "gaps are accounted for.")

WRITTEN: Mapping[str, Written] = {
    "HighCPUUtilization": Written(
        "A machine is busier than it should be for long. That alone hurts no user: it is a cause, not a symptom. It "
        "can wait for the day unless response times rise too.",
        "The share of time in which the processors were not idle, waiting for a disk, or taken away by the hypervisor.",
        ("`top` on the machine: is it one process? Is it the one that should be busy?",
         "Did load move here from a machine that is gone? Look for fewer instances than usual.",
         "Add an instance or a larger machine if it is simply traffic.")),
    "HighMemoryUtilization": Written(
        "A machine has little memory left for new work. At its end the kernel kills a process, often the largest, "
        "which is the one that serves users.",
        "The share of memory that a new program could not get, by the kernel's own estimate.",
        ("`ps aux --sort=-rss | head`: which process grew? Does it still grow?",
         "A steady climb since the last deployment is a leak: restart it now, take the deployment back.",
         "Move work elsewhere before the kernel chooses.")),
    "HighErrorRate": Written(
        "Users get errors from this service: a larger share of its requests than was declared bearable fails.",
        f"Failed requests among all of the last 10 minutes, at least three of them. {_COUNTS}",
        (_LOOK, _DEPLOYED, _DEPENDS, "Read the service's log for the first error, not for the most frequent one.")),
    "HighResponseTime": Written(
        "Users wait: more than one request in twenty takes longer than the declared time.",
        "The share of requests above that edge of the histogram, in the last 10 minutes, at least three of them. It is "
        "a share and no quantile, since a quantile is a guess between two edges.",
        (_LOOK, _DEPLOYED, _DEPENDS, "Is it all requests or one route? One slow query is found in the database's log.",
         "Too much traffic? Add instances; they help only if the processors or connections are what is short.")),
    "HighResponseTimeP95": Written(
        "Users wait a little longer than promised: more than one request in twenty is slower than the declared 95th "
        "percentile.",
        "The share of requests above that edge of the histogram, in the last 10 minutes, at least three of them.",
        (_LOOK, _DEPLOYED, _DEPENDS, "If HighResponseTime is silent, it can wait for the day.")),
    "ErrorBudgetBurn": Written(
        "Users are failed faster than the objective allows. The tier says how fast: `fast` and `medium` need somebody "
        "now, `slow` and `long` need somebody in working hours.",
        "Two windows must agree: the long one says that it matters, the short one that it still goes on. Those of "
        "`fast` end now, those of the other tiers one to six minutes ago. Both hold "
        f"more than the tier's share of bad events, the long one at least three of them. {_COUNTS}",
        (_LOOK, _DEPLOYED, _DEPENDS,
         "The description says when the budget is gone at this rate. That is the time you have for a repair; if it "
         "is short, take traffic away from what fails first.",
         "It ends by itself: `fast` within the short window after the repair, the others up to six minutes later.")),
    "ErrorBudgetLow": Written(
        "The objective's error budget runs out. Nothing needs to be on fire now: it may have gone in many small "
        "failures, none of which alerted.",
        "1 less the bad events of the window over those that the objective allows. Where the window is not yet known "
        "in full, what is unknown counts as free of errors, so that this never says too much.",
        ("`alertd slo status` shows what is left, how fast it goes and when old errors age out.",
         "25 % and less: hold back risky changes. 0 %: repairs only, until it recovers.",
         "Look at the failures of the whole window, not at those of today.",
         "Based on fewer days than the window has? The rules are younger than it. `alertd rules backfill` prints how "
         "to fill the past from the counters that Prometheus still has.")),
    "IndicatorAbsent": Written(
        "Nobody knows whether users are served: the metrics of an objective are gone, and no other alert of it can "
        "fire.",
        "A counter that the objective needs has no series at all for ten minutes.",
        ("The description says how many of the targets can be scraped. None: the service is down, or Prometheus does "
         "not find it; look at Prometheus' page of targets.",
         "Some: the metric was renamed or its labels changed, most often by a deployment of today. Compare the query "
         "with what `/metrics` of a target shows.",
         "Was the service taken away on purpose? Then remove its objective from rules/.")),
    "GuardrailUnknown": Written(
        "Nobody knows whether a declared operating limit is kept: the series it is judged by are missing. Silence of "
        "its own alert means nothing until they are back.",
        "At least one of the metrics that the guardrail needs has had no series for a quarter of an hour.",
        ("The description names the metric. Is its exporter up? Look at Prometheus' page of targets.",
         "The exporter is up and does not show it: it may have to be switched on there. The head of the guardrail's "
         "preset says how.",
         "Nothing here will ever show it? Then take the guardrail out of rules/, so that nobody believes in it.")),
    "Watchdog": Written(
        "Nothing is wrong: this alert always fires, so that its silence can be noticed.",
        "It is the number 1.",
        ("Where it is missing, follow the way: Prometheus' page of alerts, Alertmanager's, alertd's.",)),
}


@dataclasses.dataclass(slots=True)
class _Rules:
    """What the page of one alert shows of its rules, each with its file: the first ones, and of the `more` behind them
    their files."""

    first: list[tuple[str, AlertRule]] = dataclasses.field(default_factory=list)
    severities: set[str] = dataclasses.field(default_factory=set)
    more: int = 0
    files: set[str] = dataclasses.field(default_factory=set)


class Book:
    """The pages of all alerts, which need not be held all at once."""

    def __init__(self, more: Mapping[str, Written] | None = None) -> None:
        """`more` is what is said of alerts that come from presets."""
        self._written = {**WRITTEN, **(more or {})}
        self._rules: dict[str, _Rules] = {}

    def add(self, file: str, rule: AlertRule) -> None:
        """A rule of the rule file `file`."""
        its = self._rules.setdefault(rule.alert, _Rules())
        its.severities.add(rule.labels["severity"])
        if len(its.first) < MOST:
            its.first.append((file, rule))
        else:
            its.more += 1
            its.files.add(file)

    def pages(self) -> Iterator[tuple[str, str]]:
        """Each alert's name with its page in Markdown."""
        for name, rules in sorted(self._rules.items()):
            yield name, _page(name, self._written[name], rules)


def _page(name: str, written: Written, rules: _Rules) -> str:
    parts = [f"# {name}", written.meaning, "## First steps", _numbered(written.steps), "## Who is told",
             *_told(rules), "## How it is measured", written.measured, *_queries(rules)]
    return "\n\n".join(parts) + "\n"


def _numbered(steps: Iterable[str]) -> str:
    return "\n".join(f"{number}. {step}" for number, step in enumerate(steps, 1))


def _told(rules: _Rules) -> Iterator[str]:
    yield "Severity " + ", ".join(sorted(rules.severities)) + (". routing.yaml says who that is; this prints it, with "
                                                               "the line:")
    _, rule = rules.first[0]
    labels = {"alertname": rule.alert, **rule.labels}
    words = " ".join(f"{name}={value!r}" if "%" in value else f"{name}={value}" for name, value in labels.items())
    yield f"```\nalertd routes explain {words}\n```"


def _queries(rules: _Rules) -> Iterator[str]:
    for _, rule in rules.first:
        yield f"### {_whose(rule)}"
        yield f"{rule.annotations['summary'].replace('{{ $labels.', '<').replace(' }}', '>')}{_after(rule)}."
        yield f"```promql\n{rule.expr}\n```"
    if rules.more:
        yield f"{rules.more} more queries like these stand in {_listed(sorted(rules.files))}."


def _listed(files: Sequence[str]) -> str:
    return ", ".join(files[:MOST]) + (f" and {len(files) - MOST} files more" if len(files) > MOST else "")


def _whose(rule: AlertRule) -> str:
    telling = ("service", "slo", "tier", "left", "guardrail", "severity")
    return ", ".join(rule.labels[label] for label in telling if label in rule.labels)


def _after(rule: AlertRule) -> str:
    times = [f"for {promql.duration(rule.lasting)}" if rule.lasting else "",
             f"and is kept for {promql.duration(rule.keep_firing)} after its end" if rule.keep_firing else ""]
    return "".join(f", {time}" if time.startswith("for") else f" {time}" for time in times if time)


