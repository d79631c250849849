"""What the lines of a policy document mean."""

from __future__ import annotations

import functools
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from alertd.config import limits, preset_file
from alertd.errors import BadInput
from alertd.model import Severity
from alertd.starting import document, policy
from alertd.starting.policy import Quick, Setting

DOCUMENT = Path(__file__).parents[1] / "fixtures" / "production-environment.md"


def understood(text: str, limits: policy.Limits | None = None) -> policy.Understood:
    return policy.understand(document.Policy("p.md", tuple(document.said(text, "p.md"))), limits or {})


def errors(found: policy.Understood) -> list[str]:
    return [str(finding) for finding in found.findings if finding.level == "error"]


def test_thresholds_keep_their_words() -> None:
    """`1 second` is written as it was said, with its line."""
    found = understood("```yaml\nAlert Thresholds:\n  response_time: 1 second\n```\n")
    assert found.declared.thresholds == {"response_time": Setting("1 second", "p.md:3")}


@pytest.mark.parametrize("told", ["on-call + slack", "on-call, slack", "on-call & slack", "on-call and slack",
                                  "[on-call, slack]"])
def test_who_is_told_in_any_spelling(told: str) -> None:
    """People write lists in many ways."""
    found = understood(f"```yaml\nAlert Routing:\n  critical: {told}\n```\n")
    assert found.declared.routes == {Severity.CRITICAL: Setting("on-call + slack", "p.md:3")}


def test_a_percentile_is_an_objective() -> None:
    """And the 95th a threshold too, beside the one for single requests."""
    found = understood("```yaml\nresponse_time: 1 second\n```\n\n- Response time: < 500ms p95\n").declared
    assert found.latency == Quick("95%", "500ms", "p.md:5")
    assert {name: each.text for name, each in found.thresholds.items()} == {
        "response_time": "1 second", "response_time_p95": "500ms"}


def test_another_percentile_is_no_threshold() -> None:
    """Only the 95th has one."""
    found = understood("- Response time: < 2 seconds p99.9\n").declared
    assert (found.latency, found.thresholds) == (Quick("99.9%", "2 seconds", "p.md:1"), {})


def test_what_should_hold_is_not_when_to_tell() -> None:
    """An error rate below 0.1 % is a guardrail, beside the threshold of 0.5 %."""
    found = understood("```yaml\nerror_rate: 0.5%\n```\n\n- Error rate: < 0.1%\n", {"error_rate": str}).declared
    assert found.thresholds["error_rate"].text == "0.5%"
    assert found.guardrails["error_rate"] == Setting("< 0.1%", "p.md:5")


def test_sentences_that_hold_a_limit() -> None:
    """How often a drill is made stands in prose."""
    found = understood("- Disaster recovery tested monthly\n", {"recovery_drill": str}).declared
    assert found.guardrails == {"recovery_drill": Setting("monthly", "p.md:1")}


@pytest.mark.parametrize(("line", "said"), [
    ("cpu_utilization: high", "p.md:2:18: 'high' is no percentage; write one such as 70% or 99.9%"),
    ("cpu_utilization: 0.7", "p.md:2:18: 0.7 has no unit; write 0.7%, or 70% if a ratio was meant"),
    ("cpu_utilization:", "p.md:2:17: 'cpu_utilization' has no value"),
    ("response_time: < 500ms p100", "p.md:2:16: '< 500ms p100' is no time and percentile; write one such as"),
    ("response_time: < soon p95", "p.md:2:16: 'soon' is no duration"),
    ("response_time: soon", "p.md:2:16: 'soon' is no duration"),
    ("cpu_utilisation: 70%", "p.md:2:1: 'cpu_utilisation' is nothing that alertd watches; did you mean "
                             "'cpu_utilization'?"),
])
def test_what_cannot_be_read_is_an_error(line: str, said: str) -> None:
    """At its place, with what to do: a limit that is left out would look watched."""
    assert errors(understood(f"```yaml\n{line}\n```\n"))[0].startswith(said)


def test_an_unknown_severity_is_an_error() -> None:
    """Whoever it names would never be told."""
    assert errors(understood("```yaml\nAlert Routing:\n  critcal: on-call\n```\n")) == [
        "p.md:3:3: unknown severity 'critcal'; did you mean 'critical'?"]


def test_other_routing_is_nobodys_business() -> None:
    """Only alerts are told to somebody; where they are, every key is a severity."""
    assert not errors(understood("```yaml\ncpu_utilization: 70%\nnetwork_routing:\n  ingress: nginx\n```\n"))
    assert errors(understood("```yaml\nAlert Routing:\n  critical: {to: on-call}\n```\n")) == [
        "p.md:3:14: unknown severity 'to'; known are critical, info, warning"]


def test_a_document_that_sets_nothing_is_an_error() -> None:
    """Somebody gave another one than they meant."""
    assert errors(understood("# Hello\n\nWe like alerts.\n")) == [
        "p.md: says nothing that alertd watches or tells; give a document with settings such as "
        "`cpu_utilization: 70%`"]


def test_a_second_word_that_says_the_same() -> None:
    """In another spelling is no contradiction."""
    found = understood("```yaml\nresponse_time: 1 second\n```\n\n- Response time: below 1s\n")
    assert [str(each) for each in found.findings] == [
        "p.md:5:18: not used: Response time: below 1s; line 2 says the same: response_time: 1 second"]


def test_a_second_word_is_listed() -> None:
    """The first is taken, and the second said to be left."""
    found = understood("```yaml\ncpu_utilization: 70%\n```\n\n- CPU: 80%\n")
    assert found.declared.thresholds["cpu_utilization"].text == "70%"
    assert [str(each) for each in found.findings] == [
        "p.md:5:8: not used: CPU: 80%; line 2 says otherwise, and comes first: cpu_utilization: 70%"]


def test_every_line_of_the_document_is_used_or_listed() -> None:
    """None is neither, and none is both."""
    policy_document = document.read(DOCUMENT)
    found = policy.understand(policy_document, {})
    declared = found.declared
    settings = [*declared.routes.values(), *declared.thresholds.values(), declared.availability, declared.latency,
                declared.retention]
    used = {setting.origin for setting in settings if setting}
    listed = {f"{DOCUMENT.name}:{finding.line}" for finding in found.findings}
    assert used | listed == {said.place for said in policy_document.said}
    assert not used & listed - {f"{DOCUMENT.name}:107"}
    assert not errors(found)


LIMITS: policy.Limits = {name: functools.partial(limits.read, guardrail=guardrail)
                         for preset in preset_file.load(Path("none"))[0].values()
                         for name, guardrail in preset.guardrails.items()}
VALUES = st.one_of(st.sampled_from(["70%", "1 second", "8-15 nodes", "< 500ms p95", "> 99.9%", "on-call + slack", "",
                                    "~", "hourly", "[a, b]", "{a: b}", "3", "true", "90 days", "- x"]),
                   st.text(alphabet="0123456789%.-<> apms", max_size=12))


@given(st.lists(st.tuples(st.sampled_from(["cpu_utilization", "response_time", "availability", "critical", "error_rate",
                                           *LIMITS]), VALUES), max_size=6),
       st.sampled_from(["Alert Routing", "Retention", "Limits", None]))
def test_whatever_is_said_is_used_listed_or_refused(lines: list[tuple[str, str]], block: str | None) -> None:
    """And nothing else happens: each line is in what is declared or in what is told."""
    text = "".join(f"  {key}: {value}\n" if block else f"- {key}: {value}\n" for key, value in lines)
    try:
        found = understood(f"```yaml\n{block}:\n{text}```\n" if block else text, LIMITS)
    except BadInput:
        return
    declared = found.declared
    settings = [*declared.routes.values(), *declared.thresholds.values(), *declared.guardrails.values(),
                *filter(None, (declared.availability, declared.latency, declared.retention))]
    told = {int(one.origin.rpartition(":")[2]) for one in settings} | {finding.line for finding in found.findings}
    first = 3 if block else 1
    assert {first + number for number, (_, value) in enumerate(lines) if block or value.strip()} <= told
