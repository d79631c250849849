import os
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from alertd import rulegen
from alertd.config import rules_file
from tests.rulegen.rules_made import PRODUCTION, SHOP, generated, promtool

ROOT = Path(__file__).parents[2]
LEVELS = """
thresholds:
  cpu_utilization: [{above: 70%, severity: warning}, {above: 90%, for: 90s, severity: critical}]
  memory_utilization: [{above: 12.3456%, for: 0s, severity: info}, {above: 99.95%, for: 1h, severity: critical}]
  error_rate: [{above: 0.05%, for: 30m, severity: warning}, {above: 20%, for: 0s, severity: critical}]
  response_time: [{above: 500ms, severity: warning}, {above: 10s, for: 1m, severity: critical}]
  response_time_p95: 5ms
"""
SHAPES = {
    "the five": PRODUCTION,
    "levels": LEVELS + """
services: {shop: {metrics: prometheus-http, selector: 'job=~"shop-(a|b)[0-9]+",env!=""'}}""",
    "own buckets": """
thresholds: {response_time: 700ms, error_rate: 99.999999%}
services: {shop: {metrics: prometheus-http, selector: 'job="a\\"b",code!~"4.."', buckets: [0.3, 0.7, 3]}}""",
    "between buckets": LEVELS.replace("5ms", "[{above: 700ms, severity: info}, {above: 400ms, severity: warning}]"
                                      ).replace("10s", "4s") + """
services: {shop: {metrics: traefik, selector: 'service=~"shop@.*",process!="x",replica="1"'}}""",
    "milliseconds": LEVELS.replace("10s", "30m") + """
services: {shop: {metrics: istio, selector: 'app="shop"'}}""",
    "probes": LEVELS.replace("20%", "99%") + """
services: {shop: {metrics: blackbox, selector: 'instance=~"https://shop.*",process="a"'}}""",
    "other machines": LEVELS + "watch: [container-requests, windows_exporter, node_exporter]",
    "an objective": "thresholds: {error_rate: 0.5%}\nservices:" + SHOP.replace(
        "{metrics", "{slos: {up: {objective: 99.9%, window: 12h}}, metrics"),
    "objectives of its own": """
services:
  shop:
    metrics: prometheus-http
    selector: env="live"
    slos:
      pages: {objective: 93%, window: 18h, by: [route, tenant]}
      slow: {objective: 99.95%, under: 1s, window: 12h}
  mill:
    metrics: prometheus-http
    selector: env="live"
    slos:
      jobs: {objective: 99%, window: 12h, events: 'jobs_total{kind="mail"}', bad: jobs_failed_total}
      sent: {objective: 99.9999%, window: 4h, events: [sent_total, 'lost_total{x=~"a|b"}'], good: 'sent_total{ok="1"}'}
""",
    "slices of time": """
services:
  shop:
    metrics: prometheus-http
    selector: job="shop"
    slos:
      queue: {objective: 99%, window: 12h, method: timeslices, condition: 'depth{q=~"a|b"} < 1e3', by: q}
      fresh: {objective: 93%, window: 4h, method: timeslices, fresh: {metric: last_seconds, within: 26h}}
  mill:
    metrics: prometheus-http
    selector: job="mill"
    slos:
      alive: {objective: 99.9%, window: 4h, method: timeslices, slice: 5m, condition: alive == 1}
      steady: {objective: 99%, window: 4h, method: timeslices, slice_target: 99.5%}
      quick: {objective: 99%, window: 4h, method: timeslices, slice_target: 95%, under: 500ms}
""",
}


def alerts(files: dict[str, str], name: str) -> dict[str, dict]:
    groups = yaml.safe_load(files[f"{name}.rules.yaml"])["groups"]
    return {rule["alert"]: rule for group in groups for rule in group["rules"] if "alert" in rule}


@pytest.mark.parametrize("text", SHAPES.values(), ids=SHAPES)
def test_promtool_accepts_every_rule_and_every_test(tmp_path: Path, text: str) -> None:
    """Whatever is declared, the rules are valid and their own tests pass."""
    files = generated(tmp_path, text)
    folder = tmp_path / "generated"
    promtool("check", "rules", *sorted(folder.glob("*.rules.yaml")))
    promtool("test", "rules", *sorted(folder.glob("*.test.yaml")))
    assert {name.split(".")[0] for name in files} >= {"watchdog", "nodes" if "watch:" in text else "shop"}


SUBJECTS = {
    "nodes": "thresholds: {cpu_utilization: 70%, memory_utilization: 75%}",
    "errors": f"thresholds: {{error_rate: 0.5%}}\nservices:{SHOP}",
    "times": f"thresholds: {{response_time: 1s, response_time_p95: 500ms}}\nservices:{SHOP}",
    "between": "thresholds: {response_time: 1s, response_time_p95: 500ms}\n"
               "services: {shop: {metrics: traefik, selector: 'job=\"shop\"'}}",
    "probes": "thresholds: {error_rate: 0.5%, response_time: 1s}\n"
              "services: {shop: {metrics: blackbox, selector: 'job=\"shop\"'}}",
    "windows": "thresholds: {cpu_utilization: 70%, memory_utilization: 75%}\nwatch: [windows_exporter]",
    "limits": "thresholds: {cpu_utilization: 70%, memory_utilization: 75%}\nwatch: [container-limits]",
    "requests": "thresholds: {cpu_utilization: 70%, memory_utilization: 75%}\nwatch: [container-requests]",
}
CHANGES = [("nodes", "> 0.7", "> 0.7002"), ("nodes", "> 0.7", "> 0.6998"), ("nodes", "for: 15m", "for: 14m"),
           ("nodes", "for: 15m", "for: 16m"), ("nodes", "|iowait", ""), ("nodes", "|steal", ""), ("nodes", "idle|", ""),
           ("nodes", "avg without", "max without"), ("nodes", "node_memory_Buffers_bytes + ", ""),
           ("nodes", "node_memory_MemAvailable_bytes\n          or", ""), ("errors", "> 0.005", "> 0.00502"),
           ("errors", "> 0.005", "> 0.00498"), ("times", "> 0.05\n", "> 0.0502\n"), ("times", "> 0.05\n", "> 0.0498\n"),
           ("errors", ">= 3", ">= 2"), ("errors", ">= 3", ">= 4"), ("errors", "for: 5m", "for: 4m"),
           ("errors", "for: 5m", "for: 6m"), ("errors", "up offset 10m == 1 or ", ""),
           ("errors", ' or http_requests_total{job="shop"} offset 10m)', ")"), ("times", 'le="0.5"', 'le="0.25"'),
           ("times", 'le="0.5"', 'le="1"'), ("times", r'le=~"1(\\.0)?"', 'le="1"'),
           ("errors", 'code=~"5.."', 'code=~"4.."'),
           ("errors", 'status=~"5.."', 'status=~"4.."'), ("errors", "offset 10m", "offset 5m"),
           ("errors", ' unless resets(http_requests_total{job="shop",code=~"5.."}[15m]) > 0', ""),
           ("errors", 'floor(increase(http_requests_total{job="shop",c', '(increase(http_requests_total{job="shop",c'),
           ("times", "floor(", "("), ("between", "floor(", "("),
           ("between", "2 * ", "3 * "), ("between", "7 * ", "6 * "), ("between", ") / 9", ") / 10"),
           ("between", '"1.2"', '"5"'), ("between", '"0.3"', '"0.1"'), ("between", ">= 3", ">= 4"),
           ("between", "> 0.05\n", "> 0.055\n"), ("between", "> 0.05\n", "> 0.045\n"),
           ("between", r'query "service:slow_requests:increase10m{service=\"shop\",over=\"1s200ms\"}',
            r'query "service:slow_requests:increase10m{service=\"shop\",over=\"300ms\"}'),
           ("between", r'query "service:slow_requests:increase10m{service=\"shop\",over=\"300ms\"}',
            r'query "service:slow_requests:increase10m{service=\"shop\",over=\"1s200ms\"}'),
           ("probes", "> 0.005", "> 0.0055"), ("probes", "> 0.005", "> 0.0045"), ("probes", ">= 3", ">= 2"),
           ("probes", ">= 3", ">= 4"), ("probes", "> bool 1", "> bool 1.1"), ("probes", "> bool", ">= bool"),
           ("probes", "9m59s999ms", "5m"), ("probes", "9m59s999ms", "15m"), ("probes", "> 0.05\n", "> 0.055\n"),
           ("probes", "> 0.05\n", "> 0.045\n"), ("probes", "for: 5m", "for: 4m"), ("probes", "for: 5m", "for: 6m"),
           ("windows", "> 0.7", "> 0.7002"), ("windows", 'mode="idle"', 'mode="user"'),
           ("windows", "avg without", "max without"), ("windows", "avg without", "min without"),
           ("windows", "windows_memory_physical_total_bytes\n          or\n", ""),
           ("windows", "or\n          windows_cs_physical_memory_bytes\n", ""),
           ("windows", "or\n          windows_os_visible_memory_bytes\n", ""),
           *((subject, before, after) for subject in ("limits", "requests") for before, after in (
               ("> 0.7", "> 0.7002"), ("> 0.7", "> 0.6998"), ('image!=""', ""),
               ('resource="cpu"', ""), ('resource="memory"', ""), ("Pending|Running", "Pending"), (" == 1", ""),
               ("container_memory_working_set_bytes", "container_memory_usage_bytes"), ("[5m]", "[10m]")))]


@pytest.mark.parametrize(("subject", "before", "after"), CHANGES)
def test_every_change_of_a_rule_breaks_its_tests(tmp_path: Path, subject: str, before: str, after: str) -> None:
    """A limit, a duration, a label or a branch of a rule that is changed fails one of its generated tests."""
    files = generated(tmp_path, SUBJECTS[subject])
    name = "nodes" if "nodes.rules.yaml" in files else "shop"
    rules = files[f"{name}.rules.yaml"]
    assert before in rules
    (tmp_path / "generated" / f"{name}.rules.yaml").write_text(rules.replace(before, after))
    promtool("check", "rules", tmp_path / "generated" / f"{name}.rules.yaml")
    with pytest.raises(AssertionError, match="FAILED"):
        promtool("test", "rules", tmp_path / "generated" / f"{name}.test.yaml")


def test_every_alert_is_complete(tmp_path: Path) -> None:
    """Every alert says how bad it is, what it is, and where its page is; the summary holds no value."""
    files = generated(tmp_path, PRODUCTION)
    every = {**alerts(files, "nodes"), **alerts(files, "shop"), **alerts(files, "watchdog")}
    assert set(every) == {"HighCPUUtilization", "HighMemoryUtilization", "HighErrorRate", "HighResponseTime",
                          "HighResponseTimeP95", "Watchdog"}
    for name, alert in every.items():
        assert alert["labels"]["severity"]
        assert alert["annotations"]["runbook_url"].endswith(f"/{name}")
        assert alert["annotations"]["description"]
        assert "$value" not in alert["annotations"]["summary"]


@pytest.mark.parametrize(("slos", "errors", "slow"), [
    ("", "critical", "critical"),
    ("slos: {a: {objective: 99.9%}}, ", "warning", "critical"),
    ("slos: {a: {objective: 95%, under: 500ms}}, ", "critical", "warning"),
    ("slos: {a: {objective: 99%, events: mails_total, bad: mails_failed_total}}, ", "critical", "critical"),
])
def test_an_objective_takes_over_the_page(tmp_path: Path, slos: str, errors: str, slow: str) -> None:
    """Error rate and response time page, but warn where an objective pages for the same symptom."""
    found = alerts(generated(tmp_path, PRODUCTION.replace("{metrics", f"{{{slos}metrics")), "shop")
    assert [found[name]["labels"]["severity"] for name in ("HighErrorRate", "HighResponseTime", "HighResponseTimeP95")
            ] == [errors, slow, "warning"]


def test_the_same_bytes_on_every_run(tmp_path: Path) -> None:
    """Neither the hash seed nor the order of the declarations changes a byte below the header."""
    (tmp_path / "made.yaml").write_text(PRODUCTION)
    code = ("import sys, pathlib; from alertd import rulegen; from alertd.config import rules_file; "
            "print(rulegen.files(rules_file.load(pathlib.Path(sys.argv[1])).declared))")
    runs = {subprocess.run([sys.executable, "-c", code, tmp_path], env={**os.environ, "PYTHONHASHSEED": seed},
                           capture_output=True, check=True, text=True).stdout for seed in ("1", "2")}
    assert len(runs) == 1
    turned = PRODUCTION.replace("{cpu_utilization: 70%, memory_utilization: 75%",
                                "{memory_utilization: 75%, cpu_utilization: 70%")
    assert turned != PRODUCTION
    plain = [text.split("\n", 2)[2] for text in generated(tmp_path, PRODUCTION).values()]
    assert [text.split("\n", 2)[2] for text in generated(tmp_path, turned).values()] == plain


def test_line_ends_change_nothing(tmp_path: Path) -> None:
    """A checkout with other line ends gives the same files."""
    plain = generated(tmp_path, PRODUCTION)
    (tmp_path / "made.yaml").write_bytes(PRODUCTION.replace("\n", "\r\n").encode())
    assert rulegen.files(rules_file.load(tmp_path).declared) == plain


def test_the_committed_rules_are_current() -> None:
    """rules/generated/ is what a build of rules/ writes."""
    want = rulegen.files(rules_file.load(ROOT / "rules").declared)
    folder = ROOT / "rules" / "generated"
    assert {path.relative_to(folder).as_posix(): path.read_text(encoding="utf-8")
            for path in folder.rglob("*") if path.is_file()} == want
