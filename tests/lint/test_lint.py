"""Each lint: a rule it finds, and the rule beside it that it leaves alone."""

from __future__ import annotations

import pytest

from alertd import lint
from alertd.config import rule_files
from alertd.lint import Known, Setting
from alertd.model import DAY, SECOND

SETTING = Setting(15 * DAY, 30 * SECOND, Known(frozenset({"up", "seen_total", "h_bucket", "a", "b"}),
                                               {"h_bucket": frozenset({"0.5", "1.0", "+Inf"})}))
BAD_AND_GOOD = [
    ("promql-syntax", "sum(a", "sum(a) > 0"),
    ("range-over-retention", "a offset 16d > 0", "a offset 15d > 0"),
    ("range-over-retention", "max_over_time(rate(a[1d])[14d:1h] offset 1m) > 0",
     "max_over_time(rate(a[1d])[14d:1h]) > 0"),
    ("range-under-scrapes", "rate(a[1m59s]) > 0", "rate(a[2m]) > 0"),
    ("range-under-scrapes", "sum(increase(a[30s])) > 0", "sum(max_over_time(a[30s])) > 0"),
    ("impossible-matcher", 'a{b="500",b!~"5.."} > 0', 'a{b="500",b=~"5.."} > 0'),
    ("impossible-matcher", 'a{b="x",b="y"} > 0', 'a{b="x",c="y"} > 0'),
    ("label-mismatch", "sum by (x) (a) / sum by (y) (b) > 0", "sum by (x) (a) / sum by (x) (b) > 0"),
    ("label-mismatch", 'a{x="1"} and b{x="2"} > 0', 'a{x="1"} or b{x="2"} > 0'),
    ("label-mismatch", "sum by (x) (a) / sum(b) > 0", "sum by (x) (a) / ignoring (x) group_left sum(b) > 0"),
    ("label-mismatch", "sum without (x) (a) * on (x) b{x='1'} > 0", "sum without (y) (a) * on (x) b{x='1'} > 0"),
    ("label-mismatch", "a > 1 and absent(b{x='1'})", "a > 1 and on () absent(b{x='1'})"),
    ("label-mismatch", "a{x='1'} * vector(2) > 0", "a{x='1'} * on () group_left vector(2) > 0"),
    ("always-firing", "a", "a > 0"),
    ("always-firing", "a > bool 0", "a unless b"),
    ("counter-without-rate", "seen_total > 5", "increase(seen_total[5m]) > 5"),
    ("rate-of-sum", "rate(sum(a)[5m:1m]) > 0", "sum(rate(a[5m])) > 0"),
    ("absent-metric", "misspelt > 0", "up > 0"),
    ("missing-bucket", 'h_bucket{le="0.7"} > 0', 'h_bucket{le=~"1(\\\\.0)?"} > 0'),
]


def found(expr: str, more: str = "", setting: Setting = SETTING) -> set[str]:
    quoted = "'" + expr.replace("'", "''") + "'"
    text = (f"groups: [{{name: g, rules: [{{alert: A, expr: {quoted}, labels: {{severity: info}}, "
            f"annotations: {{summary: s}}{more}}}]}}]\n")
    rules, wrong = rule_files.parsed(text, "r.yaml")
    assert wrong == []
    return {finding.id for finding in lint.findings(rules, setting)}


@pytest.mark.parametrize(("id", "bad", "good"), BAD_AND_GOOD)
def test_what_is_wrong_is_found_and_what_is_right_is_not(id: str, bad: str, good: str) -> None:
    """The finding is there for the one and nothing is said of the other."""
    assert id in found(bad)
    assert found(good) == set()


def test_nothing_is_judged_that_nobody_said() -> None:
    """Without retention, scrape interval or server, the lints that need them are silent."""
    assert found("rate(misspelt[1s] offset 900d) > 0", setting=Setting()) == set()


RULES = """\
groups:
  - name: g
    interval: 10m
    rules:
      - record: c:sum
        expr: sum(a)
      - alert: A
        expr: |
          a
            > on (x) sum by (y) (b)
            unless c:sum or last_over_time(c:sum[1h])
        for: 5m
        labels: {was: "{{ $value }}"}
      - record: c:sum
        expr: sum(a)
"""


def test_each_finding_has_its_place() -> None:
    """In a block of several lines too: the line and column of what is meant."""
    rules, _ = rule_files.parsed(RULES, "r.yaml")
    places = {(finding.id, finding.line, finding.column) for finding in lint.findings(rules, Setting())}
    assert places == {
        ("interval-over-lookback", 11, 20), ("duplicate-rule", 15, 15),
        ("label-mismatch", 10, 13), ("hold-under-interval", 9, 11), ("no-severity", 9, 11), ("no-summary", 9, 11),
        ("value-in-label", 9, 11)}


def test_a_prometheusrule_is_read_too() -> None:
    """The object of the Prometheus operator holds the same groups below `spec`."""
    text = "kind: PrometheusRule\nspec: {groups: [{name: g, rules: [{alert: A, expr: up}]}]}\n"
    assert [rule.name for rule in rule_files.parsed(text, "r.yaml")[0]] == ["A"]


@pytest.mark.parametrize("text", ["a: 1", "- 1", "groups: 3", "groups: [3]", "groups: [{rules: [{alert: A}]}]"])
def test_what_is_no_rule_file_is_one_finding(text: str) -> None:
    """Any other YAML is told, and never a traceback."""
    rules, wrong = rule_files.parsed(text, "r.yaml")
    assert (rules, [finding.id for finding in wrong]) == ([], ["rule-file"])


@pytest.mark.parametrize("expr", [
    'count_values("v", a) > 1', "topk(3, a) > 1", "a @ 1609746000 > 1", "a @ end() > 1", '{__name__=~"a|b"} > 1',
    "time() - a > scalar(b)", "-a > 1", "sort_desc(a) > 1", 'label_join(a, "x", ",", "y") > 1', "vector(1) > 2",
    "a offset -5m > 1", 'quantile(0.9, a) > 1', "histogram_quantile(0.9, sum by (le) (rate(a[5m]))) > 1", 'a{x=""} > 1',
    "sum by (x) (a) > on (x) group_left (y) sum by (x, y) (b)", "month() == 12", "a ^ 2 ^ 3 > 1", 'a{x=~"(?i)b"} > 1',
])
def test_rare_forms_are_read(expr: str) -> None:
    """Everything PromQL has is looked at, and none of these is a fault."""
    assert found(expr, setting=Setting()) == set()
