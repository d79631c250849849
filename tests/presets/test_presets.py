import re
from pathlib import Path

import pytest

from alertd import presets
from alertd.config import preset_file
from alertd.rulegen.declared import NODES
from alertd.rulegen.version import parse
from tests.rulegen.rules_made import declared, generated, promtool

THRESHOLDS = """
thresholds: {cpu_utilization: 70%, memory_utilization: 75%, error_rate: 0.5%,
  response_time: [{above: 1s, severity: critical}, {above: 700ms, severity: info}], response_time_p95: 500ms}
"""
PRESETS = preset_file.load(Path("none"))[0]
OFFERING = preset_file.offering(PRESETS.values())
WATCHING = [name for name, preset in PRESETS.items() if preset.utilization]
GUARDING = [name for name, preset in PRESETS.items() if preset.guardrails]
MEASURING = sorted({*OFFERING, *WATCHING})


def using(name: str) -> str:
    """Rules that use all that a preset offers."""
    watch = f"watch: [{name}]\n" if name in WATCHING else ""
    service = f"services: {{shop: {{metrics: {name}, selector: 'job=\"shop\"'}}}}\n" if name in OFFERING else ""
    return THRESHOLDS + watch + service


def test_every_preset_is_sound(tmp_path: Path) -> None:
    """What comes with alertd has no fault, and each can be used for something."""
    found, texts, findings = preset_file.load(tmp_path / "presets")
    assert findings == []
    assert texts == {}
    assert set(found) == set(presets.names()) >= {NODES, "prometheus-http"}
    assert set(MEASURING) | set(GUARDING) == set(found)


@pytest.mark.parametrize("name", MEASURING)
def test_its_rules_pass_their_tests(name: str, tmp_path: Path) -> None:
    """Every threshold on every preset makes rules that promtool accepts without a warning, and that pass their own
    tests."""
    files = generated(tmp_path, using(name))
    folder = tmp_path / "generated"
    told = promtool("check", "rules", *sorted(folder.glob("*.rules.yaml")))
    assert "SUCCESS" in told
    assert "duplicate" not in told
    promtool("test", "rules", *sorted(folder.glob("*.test.yaml")))
    assert f"{'nodes' if name in WATCHING else 'shop'}.test.yaml" in files


@pytest.mark.parametrize("name", [name for name in presets.names() if name in OFFERING])
def test_its_rules_are_accepted_with_native_histograms(name: str, tmp_path: Path) -> None:
    """What is written for Prometheus 3 is PromQL too, and reads classic histograms as before: its tests pass."""
    generated(tmp_path, using(name), parse("3.0"))
    folder = tmp_path / "generated"
    promtool("check", "rules", folder / "shop.rules.yaml")
    promtool("test", "rules", folder / "shop.test.yaml")


@pytest.mark.parametrize("name", MEASURING)
def test_its_names_are_names(name: str, tmp_path: Path) -> None:
    """Every metric is well-formed, and the counters and histograms are named as exporters name them."""
    preset = preset_file.load(tmp_path)[0][name]
    counters = [preset.requests.counter] if preset.requests else []
    histograms = [preset.latency.histogram] if preset.latency else []
    gauges = [name for name in (preset.probe.gauge, preset.probe.duration) if name] if preset.probe else []
    cases = [case for part in preset.utilization.values() for examples in part.cases.values() for case in examples]
    every = [*counters, *histograms, *gauges, *(case.metric for case in cases)]
    assert every
    assert all(re.fullmatch("[a-z][a-zA-Z0-9_]*[a-z]", metric) for metric in every)
    assert not any(metric.endswith(("_bucket", "_sum", "_count", "_total")) for metric in histograms)
    for part in preset.utilization.values():
        shown = {case.metric for examples in part.cases.values() for case in examples}
        assert shown == set(re.findall(r"\b(?:node|windows|container|kube)_[a-z_]+", part.expression, re.IGNORECASE))


@pytest.mark.parametrize("name", presets.names())
def test_it_says_where_its_names_come_from(name: str) -> None:
    """Each begins with a comment that names a page of its exporter."""
    comment = presets.text(name).split("\nabout:")[0]
    assert comment.startswith("#")
    assert "https://" in comment or name == "prometheus-http"


def test_a_preset_named_in_watch_is_watched(tmp_path: Path) -> None:
    """The alerts of several presets stand beside each other, told apart by a label; node_exporter's are as ever."""
    alone = generated(tmp_path / "a", "thresholds: {cpu_utilization: 70%}")
    files = generated(tmp_path / "b", "thresholds: {cpu_utilization: 70%}\n"
                                      "watch: [node_exporter, windows_exporter, container-limits]")
    rules = files["nodes.rules.yaml"].split("\n", 2)[2]
    assert rules.startswith(alone["nodes.rules.yaml"].split("\n", 2)[2])
    assert re.findall("preset: (.*)", rules) == ["windows_exporter", "container-limits"]
    assert "duplicate" not in promtool("check", "rules", tmp_path / "b" / "generated" / "nodes.rules.yaml")


def test_a_presets_own_selector_goes_into_every_series(tmp_path: Path) -> None:
    """Both proxies of an Istio request count it: one of them is taken, unless the service names the other."""
    text = using("istio")
    rules = generated(tmp_path / "a", text)["shop.rules.yaml"]
    selectors = re.findall("istio_[a-z_]+{([^}]*)", rules)
    assert selectors
    assert all(selector.startswith('reporter="destination",job="shop"') for selector in selectors)
    rules = generated(tmp_path / "b", text.replace('job="shop"', 'reporter="source"'))["shop.rules.yaml"]
    assert "destination" not in rules


def test_a_users_preset_behaves_alike(tmp_path: Path) -> None:
    """The text of a preset that comes with alertd makes the same rules from rules/presets/ under another name."""
    theirs = generated(tmp_path / "a", using("spring"))["shop.rules.yaml"]
    (tmp_path / "b" / "presets").mkdir(parents=True)
    (tmp_path / "b" / "presets" / "own.yaml").write_text(presets.text("spring"))
    assert generated(tmp_path / "b", using("spring").replace("metrics: spring", "metrics: own")
                     )["shop.rules.yaml"].split("\n", 2)[2] == theirs.split("\n", 2)[2]


def test_a_users_preset_takes_the_place_of_ours(tmp_path: Path) -> None:
    """A file named as a preset of alertd replaces it."""
    (tmp_path / "presets").mkdir(parents=True)
    (tmp_path / "presets" / "traefik.yaml").write_text(presets.text("traefik").replace("0.3, 1.2", "0.3, 1, 1.2"))
    assert [remark.what.split(" is ")[0] for remark in declared(tmp_path, using("traefik")).remarks] == [
        "response_time 700ms", "response_time_p95 500ms"]
