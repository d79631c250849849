"""Files of other tools: what is carried over, and that the rest is listed."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml
from click.testing import CliRunner

from alertd.cli.group import group
from alertd.config import preset_file, rules_file, slo_import
from alertd.errors import BadInput

SLOTH = """\
version: "prometheus/v1"
service: shop
labels: {owner: team-a}
slos:
  - name: availability
    objective: 99.9
    sli:
      events:
        error_query: sum(rate(http_requests_total{job="shop",code=~"(5..)"}[{{.window}}]))
        total_query: sum(rate(http_requests_total{job="shop"}[{{ .window }}]))
    alerting: {name: ShopErrors}
  - name: fast
    objective: 95
    sli:
      events:
        error_query: |
          (
            sum(rate(http_request_duration_seconds_count{job="shop"}[{{.window}}]))
            - sum(rate(http_request_duration_seconds_bucket{job="shop",le="0.4"}[{{.window}}]))
          )
        total_query: sum(rate(http_request_duration_seconds_count{job="shop"}[{{.window}}]))
  - name: throttled
    objective: 99
    sli:
      events:
        error_query: sum(rate(http_requests_total{job="shop",code=~"5..|429"}[{{.window}}]))
        total_query: sum(rate(http_requests_total{job="shop"}[{{.window}}]))
  - name: ready-made
    objective: 99
    sli: {raw: {error_ratio_query: x}}
"""
PYRRA = """\
apiVersion: pyrra.dev/v1alpha1
kind: ServiceLevelObjective
metadata: {name: shop-errors}
spec:
  target: "99.5"
  window: 4w
  indicator:
    ratio:
      errors: {metric: 'http_requests_total{job="shop",code=~"5.."}'}
      total: {metric: 'http_requests_total{job="shop"}'}
      grouping: [handler, severity]
---
apiVersion: pyrra.dev/v1alpha1
kind: ServiceLevelObjective
metadata: {name: slow}
spec:
  target: "95"
  indicator:
    latency:
      success: {metric: 'http_request_duration_seconds_bucket{job="shop",le="0.5"}'}
      total: {metric: 'http_request_duration_seconds_count{job="shop"}'}
"""
OPENSLO = """\
apiVersion: openslo/v1
kind: SLI
metadata: {name: errors}
spec:
  ratioMetric:
    counter: true
    bad: {metricSource: {type: Prometheus, spec: {query: 'http_requests_total{job="shop",status=~"5.."}'}}}
    total: {metricSource: {type: Prometheus, spec: {query: 'http_requests_total{job="shop"}'}}}
---
apiVersion: openslo/v1
kind: SLO
metadata: {name: up}
spec:
  service: shop
  indicatorRef: errors
  timeWindow: [{duration: 28d, isRolling: true}]
  budgetingMethod: Occurrences
  objectives: [{target: 0.999, displayName: Up}]
---
apiVersion: openslo/v1
kind: AlertPolicy
metadata: {name: page}
spec: {}
"""


def load(tmp_path: Path, text: str) -> tuple[dict, list[str]]:
    """What the printed YAML holds, once alertd itself has read it; and what was listed, with lines."""
    (tmp_path / "slo.yaml").write_text(text)
    imported = slo_import.load(tmp_path / "slo.yaml", preset_file.load(tmp_path / "none")[0])
    if imported.text:
        (tmp_path / "rules").mkdir(exist_ok=True)
        (tmp_path / "rules" / "a.yaml").write_text(imported.text)
        rules_file.load(tmp_path / "rules")
    return yaml.safe_load(imported.text) or {}, [f"{left.line} {left.what}" for left in imported.left]


def test_sloth(tmp_path: Path) -> None:
    """Ratio and latency are recognised by a preset, whatever the spelling; what none counts keeps its counters; the
    rest is listed with its line."""
    made, left = load(tmp_path, SLOTH)
    slos = {"availability": {"objective": "99.9%", "window": "30d"},
            "fast": {"objective": "95%", "window": "30d", "under": "400ms"},
            "throttled": {"objective": "99%", "window": "30d", "events": 'http_requests_total{job="shop"}',
                          "bad": 'http_requests_total{job="shop",code=~"5..|429"}'}}
    assert made == {"services": {"shop": {
        "metrics": "prometheus-http", "selector": 'job="shop"', "buckets": [0.4], "slos": slos}}}
    assert left == [
        "3 labels.owner is not carried over",
        "11 slos.0.alerting.name is not carried over",
        "28 shop ready-made: its indicator is raw, and only events are read"]


def test_sloth_as_a_kubernetes_object(tmp_path: Path) -> None:
    """The same keys in camel case, below `spec`."""
    inner = yaml.safe_load(SLOTH.replace("error_query", "errorQuery").replace("total_query", "totalQuery"))
    inner.pop("version")
    made, _ = load(tmp_path, yaml.safe_dump({"apiVersion": "sloth.slok.dev/v1", "kind": "PrometheusServiceLevel",
                                             "metadata": {"name": "x"}, "spec": inner}))
    assert set(made["services"]["shop"]["slos"]) == {"availability", "fast", "throttled"}


def test_pyrra(tmp_path: Path) -> None:
    """Several documents; the job names the service; a grouping is `by`, where alerts can have it."""
    made, left = load(tmp_path, PYRRA)
    assert made["services"]["shop"]["slos"] == {
        "shop-errors": {"objective": "99.5%", "window": "28d", "by": ["handler"]},
        "slow": {"objective": "95%", "window": "30d", "under": "500ms"}}
    assert left == ["11 spec.indicator.ratio.grouping.1 is not carried over"]


def test_a_counter_that_names_no_job(tmp_path: Path) -> None:
    """Its service is told by the labels there are; without any it is listed."""
    first = PYRRA.split("---", maxsplit=1)[0]
    counters = first.replace("http_requests_total", "api_calls_total")
    made, _ = load(tmp_path, counters.replace('job="shop"', 'handler="/api"'))
    service, = made["services"].values()
    assert service["selector"] == 'handler="/api"'
    assert service["slos"]["shop-errors"]["events"] == 'api_calls_total{handler="/api"}'
    made, left = load(tmp_path, counters.replace('{job="shop"}', "").replace('job="shop",', ""))
    assert made == {}
    assert "no label says whose they are" in left[0]


def test_openslo(tmp_path: Path) -> None:
    """An indicator of its own document, found by its name; alert policies are listed."""
    made, left = load(tmp_path, OPENSLO)
    assert made["services"]["shop"]["slos"] == {"up": {"objective": "99.9%", "window": "28d"}}
    assert left == ["18 spec.objectives.0.displayName is not carried over", "20 a AlertPolicy is not carried over"]


@pytest.mark.parametrize(("old", "new", "said"), [
    ("isRolling: true", "isRolling: false", "needs its calendar"),
    ("28d, isRolling: true", "1Y, calendar: {startTime: 2024-01-01}", "a calendar window of '1Y' is not carried over"),
    ("28d, isRolling: true", "1M, calendar: {startTime: 2024-01-15}", "a month that begins at 2024-01-15"),
    ("28d, isRolling: true", "1w, calendar: {startTime: soon}", "startTime 'soon' is no time"),
    ("Occurrences", "Timeslices", "counted by Timeslices"),
    ("indicatorRef: errors", "indicatorRef: gone", "no ratioMetric"),
    ("0.999", "1", "is no objective between 0 and 100 %"),
])
def test_what_alertd_does_not_have_is_not_bent(tmp_path: Path, old: str, new: str, said: str) -> None:
    """Nothing is carried over as something else than it was."""
    made, left = load(tmp_path, OPENSLO.replace(old, new))
    assert made == {}
    assert any(said in line for line in left)


@pytest.mark.parametrize("text", ["a: 1\n", "- 1\n", "version: prometheus/v2\n", "", "a: [\n", SLOTH + "---\n" + PYRRA])
def test_what_is_no_such_file_is_an_error(tmp_path: Path, text: str) -> None:
    """Told with its name, not as a traceback."""
    with pytest.raises(BadInput, match=r"slo\.yaml"):
        load(tmp_path, text)


def test_what_is_exported_comes_back(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Exported to OpenSLO and imported again, the SLOs are the same and nothing is left over."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "rules").mkdir()
    text = ("services: {Shop_1: {metrics: prometheus-http, selector: 'job=\"shop\"', slos: {"
            "availability: {objective: 99.95%, window: 90d}, latency: {objective: 95%, window: 30d, under: 500ms}, "
            "steady: {objective: 99%, window: 30d, method: timeslices, slice: 5m, slice_target: 95%}, "
            "calm: {objective: 99%, window: quarter, timezone: Europe/Berlin}}}}\n")
    (tmp_path / "rules" / "a.yaml").write_text(text)
    exported = CliRunner().invoke(group, ["rules", "export", "openslo"])
    (tmp_path / "o.yaml").write_text(exported.stdout)
    imported = CliRunner().invoke(group, ["rules", "import", "o.yaml"])
    assert (exported.exit_code, imported.exit_code, imported.stderr) == (0, 0, "")
    assert yaml.safe_load(imported.stdout) == yaml.safe_load(text)
