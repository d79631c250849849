"""Dashboards show what there is: each query reads what a rule records, the daemon exports, or an exporter has."""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner
from hypothesis import given
from hypothesis import strategies as st

from alertd import dashboards, expressions, rulegen
from alertd.cli.rules import command
from alertd.config import rule_files, rules_file
from alertd.dashboards.grafana import WIDTH, uid
from alertd.engine.metrics import Metrics
from alertd.rulegen import guarding

ROOT = Path(__file__).parents[2]
RULES = """
guardrails: {node_count: 8-15 nodes, backup_frequency: hourly, pod_security_standards: restricted}
thresholds: {cpu_utilization: 70%, memory_utilization: 75%, error_rate: 0.5%, response_time: 1 second}
services:
  checkout:
    metrics: prometheus-http
    selector: job="checkout"
    slos:
      availability: {objective: 99.9%}
      latency: {objective: 95%, under: 500ms, window: 28d}
      tenants: {objective: 99.5%, by: [tenant]}
      both: {objective: 99%, of: [availability, latency]}
      minutes: {objective: 99%, method: timeslices, slice_target: 95%}
      queue: {objective: 99%, method: timeslices, condition: queue_depth < 1000}
      week: {objective: 90%, window: 7d}
      month: {objective: 99%, window: month}
"""
TARGETS = {"instance", "job", "le"}  # what Prometheus adds to every sample, and the edges of buckets


@pytest.fixture(scope="module")
def declared(tmp_path_factory):
    folder = tmp_path_factory.mktemp("rules")
    (folder / "a.yaml").write_text(RULES)
    return rules_file.load(folder).declared


@pytest.fixture(scope="module")
def drawn(declared) -> dict[str, dict[str, Any]]:
    """Every dashboard by its file's name, as Grafana reads it."""
    return {name: json.loads(text) for name, text in dashboards.each(declared)}


def panels(dashboard: Mapping[str, Any]) -> list[dict[str, Any]]:
    return [panel for panel in dashboard["panels"] if panel["type"] != "row"]


def queries(drawn: Mapping[str, dict[str, Any]]) -> Iterator[tuple[str, str]]:
    """Where each stands, and the query."""
    for name, dashboard in drawn.items():
        for panel in panels(dashboard):
            for target in panel["targets"]:
                yield f"{name}: {panel['title']}", target["expr"]


def exported() -> dict[str, set[str]]:
    """The labels of every series the daemon exports, by name."""
    registry, found = Metrics().registry, {}
    for family in registry.collect():
        collector = registry._names_to_collectors.get(family.name)
        labels = {*(getattr(collector, "_labelnames", None) or getattr(family, "_labelnames", ()))}
        suffixes = {"counter": ("_total",), "histogram": ("_bucket", "_sum", "_count")}.get(family.type, ("",))
        found |= {family.name + suffix: labels | TARGETS for suffix in suffixes}
    return found


def test_there_is_one_for_each_objective_and_three_more(drawn):
    """An overview, alertd itself, the guardrails, and every SLO that can be counted."""
    assert "alertd counts the calendar month" in drawn["alertd-slo-checkout-month.json"]["description"]
    assert len(drawn) == 3 + 8
    assert {"alertd-overview.json", "alertd-own.json", "alertd-slo-checkout-availability.json"} < drawn.keys()


def test_every_panel_is_described_and_has_a_unit(drawn):
    """Nobody has to guess what a line is at night."""
    for dashboard in drawn.values():
        assert dashboard["description"]
        for panel in panels(dashboard):
            assert panel["title"]
            assert panel["description"].endswith("."), panel["title"]
            assert panel["fieldConfig"]["defaults"]["unit"]


def test_every_metric_exists(drawn, declared):
    """It is recorded by a generated rule, exported by the daemon, Prometheus' own, or of the preset that is watched."""
    recorded = {rule.name for rule in rule_files.generated(rulegen.files(declared)) if rule.kind == "record"}
    node = {example.metric for preset in declared.nodes for use in preset.utilization.values()
            for case in use.cases.values() for example in case}
    rails = {guarding.filled(guarded, series.metric) for guarded in declared.guardrails
             for case in guarded.guardrail.cases.values() for series in case}
    known = recorded | exported().keys() | node | rails | {"ALERTS"}
    asked = {(place, selector.metric) for place, query in queries(drawn) for selector in expressions.selectors(
        expressions.parse(query))}
    assert len(asked) > 80
    assert {(place, metric) for place, metric in asked if metric not in known} == set()


def test_every_label_of_alertds_own_metrics_exists(drawn):
    """Those that are chosen by, and those that are added up by."""
    known = exported()
    for place, query in queries(drawn):
        own = [selector for selector in expressions.selectors(expressions.parse(query)) if selector.metric in known]
        for selector in own:
            by = {label.strip() for found in re.findall(r"by \(([^)]*)\)", query) for label in found.split(",")}
            chosen = {label for label, _, _ in selector.matchers}
            assert (chosen | by) <= known[selector.metric], place


def test_every_label_in_a_legend_is_left_by_its_query(drawn):
    """A `{{label}}` that the sum took away shows as nothing."""
    for name, dashboard in drawn.items():
        for panel in panels(dashboard):
            for target in panel["targets"]:
                wanted = set(re.findall(r"\{\{(\w+)\}\}", target["legendFormat"]))
                kept = re.match(r"(?:max|min|sum|count) by \(([^)]*)\)", target["expr"])
                if kept:
                    assert wanted <= {label.strip() for label in kept[1].split(",")}, f"{name}: {panel['title']}"


def test_a_guardrail_has_lines_at_its_limits(drawn):
    """From where on it is kept, and from where on not."""
    steps = {panel["title"]: [(step["value"], step["color"]) for step in
                              panel["fieldConfig"]["defaults"]["thresholds"]["steps"]]
             for panel in panels(drawn["alertd-guardrails.json"])}
    assert steps["node_count"] == [(None, "red"), (8, "green"), (15, "red")]
    assert steps["backup_frequency"] == [(None, "green"), (3600, "red")]
    assert len(steps["pod_security_standards"]) == 1  # whatever is shown is a fault


def test_ids_are_unique_and_fit(drawn):
    """Of dashboards among all, of panels within one; 40 characters are what Grafana takes."""
    ids = [dashboard["uid"] for dashboard in drawn.values()]
    assert max(Counter(ids).values()) == 1
    assert max(map(len, ids)) <= 40
    assert {name.removesuffix(".json") for name in drawn} == set(ids)
    for dashboard in drawn.values():
        assert max(Counter(panel["id"] for panel in dashboard["panels"]).values()) == 1


NAMES = st.text("ab-_.AB9", min_size=1, max_size=40)


@given(NAMES, NAMES, NAMES, NAMES)
def test_two_objectives_never_share_an_id(service, slo, other_service, other_slo):
    """Whatever their names: what does not fit, or could be read in two ways, is told apart by a digest."""
    one, other = uid("slo", service, slo), uid("slo", other_service, other_slo)
    assert (one == other) == ((service, slo) == (other_service, other_slo))
    assert re.fullmatch(r"[a-z0-9-]{1,40}", one)


def test_no_panel_covers_another(drawn):
    """Every one lies within the grid."""
    for dashboard in drawn.values():
        cells: Counter[tuple[int, int]] = Counter()
        for place in (panel["gridPos"] for panel in dashboard["panels"]):
            cells.update((x, y) for x in range(place["x"], place["x"] + place["w"])
                         for y in range(place["y"], place["y"] + place["h"]))
        assert max(cells.values()) == 1
        assert max(x for x, _ in cells) < WIDTH


def test_no_source_is_written_into_them(drawn):
    """Everybody's Prometheus has another id: it is chosen in the dashboard."""
    for dashboard in drawn.values():
        assert {panel["datasource"]["uid"] for panel in panels(dashboard)} == {"${datasource}"}
        assert [variable["type"] for variable in dashboard["templating"]["list"]] == ["datasource"]


def test_the_same_rules_give_the_same_bytes(declared):
    """So that a build changes nothing where nothing changed."""
    assert list(dashboards.each(declared)) == list(dashboards.each(declared))


def test_the_deployments_dashboards_are_current():
    """Those of deploy/grafana are what rules/ of this repository declares."""
    folder = ROOT / "deploy" / "grafana" / "dashboards"
    words = ["build", "--check", "--rules", str(ROOT / "rules"), "--dashboards", str(folder)]
    result = CliRunner().invoke(command, words)
    assert (result.exit_code, result.stdout) == (0, "")


def test_a_stale_dashboard_is_shown(tmp_path):
    """`--check` prints what a build would change, and writes nothing."""
    (tmp_path / "rules").mkdir()
    (tmp_path / "rules" / "a.yaml").write_text("thresholds: {cpu_utilization: 70%}\n")
    words = ["build", "--rules", str(tmp_path / "rules"), "--dashboards", str(tmp_path / "grafana" / "dashboards")]
    assert CliRunner().invoke(command, words).exit_code == 0
    (tmp_path / "rules" / "a.yaml").write_text("thresholds: {cpu_utilization: 80%}\n")
    result = CliRunner().invoke(command, [*words, "--check"])
    assert result.exit_code == 1
    assert re.search(r"\+ +\"value\": 0.8", result.stdout)
    assert "0.7" in (tmp_path / "grafana" / "dashboards" / "alertd-overview.json").read_text()


def test_a_folder_of_other_dashboards_is_left_alone(tmp_path):
    """What a person made there is neither kept current nor deleted: the build says so and changes nothing."""
    (tmp_path / "rules").mkdir()
    (tmp_path / "rules" / "a.yaml").write_text("thresholds: {cpu_utilization: 70%}\n")
    (tmp_path / "dashboards").mkdir()
    (tmp_path / "dashboards" / "mine.json").write_text("{}\n")
    result = CliRunner().invoke(command, ["build", "--rules", str(tmp_path / "rules"),
                                          "--dashboards", str(tmp_path / "dashboards")])
    assert result.exit_code == 1
    assert "mine.json: was not written by alertd" in result.stderr
    assert [path.name for path in (tmp_path / "dashboards").iterdir()] == ["mine.json"]
    assert not (tmp_path / "rules" / "generated").exists()
