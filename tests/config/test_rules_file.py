from decimal import Decimal
from pathlib import Path

import pytest

from alertd.config import rules_file
from alertd.errors import BadInput
from alertd.model import DAY, MINUTE, Severity
from alertd.rulegen.declared import Level, Objective, Watched

SERVICE = "services: {shop: {metrics: prometheus-http, selector: 'job=\"shop\"'}}"


def read(folder: Path, **texts: str) -> rules_file.Rules:
    for name, text in texts.items():
        path = folder / f"{name.replace('__', '/')}.yaml"
        path.parent.mkdir(exist_ok=True)
        path.write_text(text, encoding="utf-8")
    return rules_file.load(folder)


def faults(folder: Path, **texts: str) -> list[str]:
    with pytest.raises(BadInput) as caught:
        read(folder, **texts)
    return [str(finding).removeprefix(f"{folder}/") for finding in caught.value.findings]


def test_files_are_read_together(tmp_path: Path) -> None:
    """Thresholds of one file and services of another make one set; the files' order is that of their names."""
    rules = read(tmp_path, b="thresholds: {cpu_utilization: 70%}", a=SERVICE).declared
    assert rules.thresholds == {Watched.CPU: (Level(Decimal("0.7")),)}
    assert [service.name for service in rules.services] == ["shop"]
    assert [source.name for source in rules.sources] == ["a.yaml", "b.yaml"]


def test_levels_and_objectives(tmp_path: Path) -> None:
    """A threshold of several levels, and an objective with and without a time, as values."""
    text = """
thresholds: {response_time: [{above: 1 second, for: 10m, severity: Critical}, {above: 500ms, severity: info}]}
services:
  shop:
    metrics: prometheus-http
    selector: job="shop"
    slos: {availability: {objective: 99.9%}, latency: {objective: 95%, under: 500ms, window: 28d}}
"""
    rules = read(tmp_path, a=text).declared
    assert rules.thresholds[Watched.RESPONSE_TIME] == (
        Level(Decimal(1000), 10 * MINUTE, Severity.CRITICAL), Level(Decimal(500), None, Severity.INFO))
    assert rules.services[0].objectives == (Objective("availability", Decimal("0.999"), 30 * DAY),
                                            Objective("latency", Decimal("0.95"), 28 * DAY, 500))


def test_a_window_of_the_calendar(tmp_path: Path) -> None:
    """By the clocks of its zone, UTC unless it says so; Prometheus' alerts are of the last days, which is remarked."""
    slos = "a: {objective: 99%, window: month, timezone: Europe/Berlin}, b: {objective: 99%, window: quarter}"
    rules = read(tmp_path, a=SERVICE.replace("}}", f", slos: {{{slos}}}}}}}"))
    month, quarter = rules.declared.services[0].objectives
    assert (month.window, month.longest, month.over) == (30 * DAY, 31 * DAY, "the calendar month (Europe/Berlin)")
    assert (quarter.window, quarter.longest, quarter.over) == (90 * DAY, 92 * DAY, "the calendar quarter (UTC)")
    said = [remark.what for remark in rules.remarks if remark.id == "calendar"]
    assert said[0] == ("shop a: Prometheus' alerts are of the last 30d, as it has no calendar; alertd's ledger has the "
                       "budget of the calendar month (Europe/Berlin)")


@pytest.mark.parametrize(("text", "fault"), [
    ("", "a.yaml:1:1: is empty; declare thresholds or services, or remove the file"),
    ("# nothing\n", "a.yaml:1:1: is empty; declare thresholds or services, or remove the file"),
    ("thresholds: {}", "a.yaml:1:1: declares nothing; declare thresholds or services, or remove the file"),
    ("threshold: {}", "a.yaml:1:1: unknown key 'threshold'; did you mean 'thresholds'?"),
    ("thresholds:\n  cpu_utilisation: 70%",
     "a.yaml:2:3: unknown key 'cpu_utilisation'; did you mean 'cpu_utilization'?"),
    ("thresholds:\n  cpu_utilization: 0.7", "a.yaml:2:20: 0.7 has no unit; write 0.7%, or 70% if a ratio was meant"),
    ("thresholds:\n  cpu_utilization: 70s", "a.yaml:2:20: '70s' is no percentage; write one such as 70% or 99.9%"),
    ("thresholds:\n  cpu_utilization: 100%", "a.yaml:2:20: 100% must lie between 0% and 100%, not at an end"),
    ("thresholds:\n  response_time: 1", "a.yaml:2:18: 1 has no unit; write 1s or 1ms"),
    ("thresholds:\n  response_time: 0s", "a.yaml:2:18: must be longer than nothing"),
    ("thresholds:\n  error_rate: []",
     "a.yaml:2:15: the list is empty; give a value, or one or more of {above, for, severity}"),
    ("thresholds:\n  error_rate: [{above: 1%}, {above: 2%}]", "a.yaml:2:15: each of several levels needs a severity"),
    ("thresholds:\n  error_rate: [{above: 1%, severity: info}, {above: 2%, severity: info}]",
     "a.yaml:2:15: two levels have the same severity; they would be one and the same alert"),
    ("thresholds:\n  error_rate: [{above: 1%, severity: loud}]",
     "a.yaml:2:38: 'loud' is no severity; use critical, warning or info"),
    ("thresholds:\n  error_rate: [{abov: 1%}]", "a.yaml:2:17: unknown key 'abov'; did you mean 'above'?"),
    (SERVICE.replace("prometheus-http", "prometheus-htpp"),
     "a.yaml:1:28: there is no preset 'prometheus-htpp'; did you mean 'prometheus-http'?"),
    (SERVICE.replace("prometheus-http", "node_exporter"),
     "a.yaml:1:28: the preset 'node_exporter' measures no requests; known are blackbox, django, envoy, "
     "envoy-upstream, fastapi, flask, grpc, ingress-nginx, istio, opentelemetry-http, opentelemetry-http-old, "
     "prometheus-http, spring, traefik"),
    (SERVICE.replace("shop:", "nodes:"),
     "a.yaml:1:12: 'nodes' cannot name a service; use letters, digits, '.', '_' and '-', and neither "
     "nodes nor watchdog nor a part '.slo'"),
    (SERVICE.replace("}}", ", slos: {a: {objective: 100%}}}}"),
     "a.yaml:1:91: 100% allows no failure, so that it has no error budget to spend; write what you can live with, "
     "such as 99.9% (43 minutes of 30 days)"),
    (SERVICE.replace("}}", ", slos: {a: {objective: 9%}}}}"),
     "a.yaml:1:91: 'a' can have no burn alert: no fast tier: even a total outage is no burn rate of over 1 at 9%; no "
     "medium tier: even a total outage is no burn rate of over 1 at 9%; no slow tier: even a total outage is no burn "
     "rate of over 1 at 9%; no long tier: even a total outage is no burn rate of over 1 at 9%; raise the objective, "
     "or take a longer window"),
    ("retention: 15d\n" + SERVICE.replace("}}", ", slos: {a: {objective: 99%}}}}"),
     "a.yaml:2:79: the window 30d of 'a' is longer than the 15d that metrics are kept; shorten it, or keep metrics "
     "longer (`retention:` says how long)"),
    (SERVICE.replace("}}", ", slos: {a: {objective: 99%, window: 90m}}}}"),
     "a.yaml:1:104: 90m is no whole number of hours, two or more"),
    (SERVICE.replace("shop:", "shop.slo-7d:"),
     "a.yaml:1:12: 'shop.slo-7d' cannot name a service; use letters, digits, '.', '_' and '-', and neither nodes nor "
     "watchdog nor a part '.slo'"),
    (SERVICE.replace("}}", ", slos: {a: {objective: 99%, by: [x, x]}}}}"), "a.yaml:1:100: a label is given twice; "
     "keep one"),
    (SERVICE.replace("}}", ", slos: {a: {objective: 99%, method: timeslices}}}}"),
     "a.yaml:1:79: `method: timeslices` needs `slice_target`, the share of a slice's events that must be good, such as "
     "99%"),
    (SERVICE.replace("}}", ", slos: {a: {objective: 99%, condition: x < 1}}}}"),
     "a.yaml:1:79: a gauge has no events to count; write `method: timeslices`, which counts the slices of time in "
     "which it is as it should be"),
    (SERVICE.replace("}}", ", slos: {a: {objective: 99%, method: timeslices, condition: x + y}}}}"),
     "a.yaml:1:127: 'x + y' is no condition; write what must hold, such as queue_depth < 1000, with one of < <= > >= "
     "== and a number"),
    (SERVICE.replace("}}", ", slos: {a: {objective: 99%, method: timeslices, condition: x < 1, slice: 2m}}}}"),
     "a.yaml:1:141: 2m is no slice; use 1m or 5m"),
    (SERVICE.replace("}}", ", slos: {a: {objective: 99%, slice: 1m}}}}"),
     "a.yaml:1:79: `slice` and `slice_target` are of `method: timeslices`; write that too, or neither"),
    (SERVICE.replace("}}", ", slos: {a: {objective: 99%, condition: x < 1, under: 1s}}}}"),
     "a.yaml:1:79: `under` and `condition` count different things; keep one of them"),
    (SERVICE.replace("}}", ", slos: {a: {objective: 99%, method: slices}}}}"),
     "a.yaml:1:104: must be 'occurrences' or 'timeslices'"),
    (SERVICE.replace("}}", ", slos: {a: {objective: 99%, by: slo}}}}"),
     "a.yaml:1:100: 'slo' is a label of the alerts themselves; group by another"),
    (SERVICE.replace("}}", ", slos: {a: {objective: 99%, events: x_total}}}}"),
     "a.yaml:1:79: `events` needs `bad` or `good` beside it, and not both; say which of them count"),
    (SERVICE.replace("}}", ", slos: {a: {objective: 99%, events: 'x{', bad: y}}}}"),
     "a.yaml:1:104: 'x{' is no metric and its labels; write one such as jobs_total{job=\"shop\"}"),
    (SERVICE.replace("}}", ", slos: {a: {objective: 99%, window: 367d}}}}"),
     "a.yaml:1:104: 367d is longer than the 366d a window may have"),
    (SERVICE.replace("}}", ", slos: {a: {objective: 99%, window: monthly}}}}"),
     "a.yaml:1:104: 'monthly' is no window; write one such as 30d, or week, month or quarter of the calendar"),
    (SERVICE.replace("}}", ", slos: {a: {objective: 99%, window: month, timezone: Mars}}}}"),
     "a.yaml:1:121: 'Mars' is no time zone; write one such as Europe/Berlin"),
    (SERVICE.replace("}}", ", slos: {a: {objective: 99%, timezone: Europe/Berlin}}}}"),
     "a.yaml:1:79: `timezone` is of a window of the calendar; write `window: month` (week, quarter) too, or leave it "
     "out"),
    (SERVICE.replace("}}", ", slos: {a: {objective: 99%, under: 300ms}}}}"),
     "a.yaml:1:103: a 300ms is no bucket of 'shop' (prometheus-http); the nearest are 250ms and 500ms; or say with "
     "`buckets:` which its histogram has"),
    (SERVICE + "\nthresholds:\n  response_time: 20s",
     "a.yaml:3:18: response_time 20s lies above the last bucket of 'shop' (prometheus-http), 10s, where nothing tells "
     "requests apart; choose a time among its buckets, or say with `buckets:` which its histogram has"),
    (SERVICE + "\nthresholds:\n  response_time_p95: 4ms",
     "a.yaml:3:22: response_time_p95 4ms lies below the first bucket of 'shop' (prometheus-http), 5ms, where nothing "
     "tells requests apart; choose a time among its buckets, or say with `buckets:` which its histogram has"),
    ("watch: []", "a.yaml:1:8: is empty; give at least one"),
    ("watch: [windows_exporterr]",
     "a.yaml:1:9: there is no preset 'windows_exporterr'; did you mean 'windows_exporter'?"),
    ("watch: [node_exporter, traefik]", "a.yaml:1:24: the preset 'traefik' has nothing to watch by itself; known are "
     "alertd, container-limits, container-requests, node_exporter, windows_exporter"),
    (SERVICE.replace("}}", ", buckets: [1, 0.5]}}"), "a.yaml:1:78: buckets must rise from above 0, without +Inf"),
    ("runbooks: ftp://x", "a.yaml:1:11: 'ftp://x' is no address; write one such as https://runbooks.example.com"),
    ("thresholds: {\n", "a.yaml:2:1: while parsing a flow node did not find expected node content; mend the YAML"),
])
def test_each_fault_is_one_line_with_its_place(tmp_path: Path, text: str, fault: str) -> None:
    """What is wrong, where it stands, and what to do."""
    assert faults(tmp_path, a=text) == [fault]


@pytest.mark.parametrize("selector", ["", "{}", 'job="a', 'job=~"("', 'job=~"(?=a)b"', '__name__="a"', 'le="1"',
                                      'job="a",job="b"', 'code="200"', 'job=~"a.b", job!~".+"'])
def test_a_selector_that_cannot_work_is_refused(tmp_path: Path, selector: str) -> None:
    """Bad syntax, what matches nothing, and what would leave out the failures."""
    found = faults(tmp_path, a=f"services:\n  shop:\n    metrics: prometheus-http\n    selector: '{selector}'")
    assert len(found) == 1
    assert found[0].startswith("a.yaml:4:15: ")


def test_faults_of_all_files_come_at_once(tmp_path: Path) -> None:
    """One run tells everything: repeats over files, wrong units, wrong presets."""
    found = faults(tmp_path, a="thresholds: {cpu_utilization: 70%, cpu_utilization: 80%}\n" + SERVICE,
                   b="thresholds: {memory_utilization: lots}", c="thresholds: {error_rate: 1%}\n" + SERVICE,
                   d="thresholds: {error_rate: 2%}\nx: 1", e="thresholds: {error_rate: 3%}",
                   presets__own="request: {}")
    assert [line.split(": ")[0] for line in found] == ["a.yaml:1:36", "b.yaml:1:34", "c.yaml:2:12", "d.yaml:2:1",
                                                       "e.yaml:1:14", "presets/own.yaml:1:1"]


def test_files_that_are_none(tmp_path: Path) -> None:
    """A folder named as a file, one too large, one not UTF-8 and one with another ending are told, not skipped."""
    (tmp_path / "a.yaml").mkdir()
    (tmp_path / "b.yaml").write_bytes(b"#" * 5_000_001)
    (tmp_path / "c.yaml").write_bytes(b"x: \xff")
    (tmp_path / "d.yml").write_text("thresholds: {cpu_utilization: 70%}")
    assert [line.split(";")[0] for line in faults(tmp_path)] == [
        "a.yaml: is a folder", "b.yaml: is larger than 5 MB", "c.yaml: is not UTF-8 text (byte 3)",
        "d.yml: is not read"]


def test_an_empty_folder_is_a_fault(tmp_path: Path) -> None:
    """A build of nothing would remove every rule."""
    assert faults(tmp_path)[0].endswith("holds no *.yaml file; declare a threshold in one")


def test_a_users_own_preset(tmp_path: Path) -> None:
    """A file in presets/ is a preset like any other; what it does not measure is remarked."""
    preset = """
requests: {counter: hits_total, failures: [{match: 'ok="no"', bad: {ok: "no"}, good: {ok: "yes"}}]}
"""
    text = "thresholds: {error_rate: 1%, response_time: 1s}\n" + SERVICE.replace("prometheus-http", "own")
    rules = read(tmp_path, a=text, presets__own=preset)
    requests = rules.declared.services[0].preset.requests
    assert requests is not None
    assert requests.counter == "hits_total"
    assert [remark.what for remark in rules.remarks] == [
        "response_time does not watch 'shop': the preset 'own' does not measure it"]


def test_a_preset_whose_examples_do_not_fit_is_refused(tmp_path: Path) -> None:
    """The labels that the generated tests use must mean what the preset says."""
    preset = "requests: {counter: hits_total, failures: [{match: 'ok=\"no\"', bad: {ok: \"yes\"}, good: {ok: \"no\"}}]}"
    assert "must match the labels of `bad`" in faults(tmp_path, a=SERVICE, presets__own=preset)[0]


def test_a_time_between_buckets_is_remarked(tmp_path: Path) -> None:
    """A threshold there is estimated, and the remark says between what; an objective there is refused."""
    service = SERVICE.replace("prometheus-http", "traefik")
    text = f"thresholds: {{response_time_p95: 500ms, response_time: 1200ms}}\n{service}"
    assert [str(remark).removeprefix(f"{tmp_path}/") for remark in read(tmp_path, a=text).remarks] == [
        "a.yaml:2:12: response_time_p95 500ms is no bucket of 'shop' (traefik); its share is estimated, between 300ms "
        "and 1s200ms; give the histogram a bucket at 500ms and say so with `buckets:`"]
    text = text.replace("}}", ", slos: {fast: {objective: 99%, under: 500ms}}}}")
    assert "fast 500ms is no bucket" in faults(tmp_path, a=text)[0]


def test_a_preset_in_the_place_of_node_exporter_may_lack_a_part(tmp_path: Path) -> None:
    """What is declared and no preset that is watched knows is told."""
    preset = """
utilization: {cpu_utilization: {expression: busy, window: 0s, cases: {one: [{metric: busy, used: 1}]}}}
"""
    assert faults(tmp_path, a="thresholds:\n  memory_utilization: 75%\nwatch: [own]", presets__own=preset) == [
        "a.yaml:2:23: the preset 'own' says nothing of memory_utilization; add it there"]
