import re
from pathlib import Path

import pytest
import yaml

from alertd.config import preset_file
from alertd.rulegen.version import OLDEST, PrometheusVersion, parse
from tests.rulegen.rules_made import generated, prove

KNOWN = preset_file.load(Path("none"))[0]
MACHINES = [name for name, preset in KNOWN.items() if preset.utilization]
SERVICES = [name for name, preset in KNOWN.items() if preset.requests or preset.latency or preset.probe]
TRAEFIK = """
thresholds: {error_rate: 0.5%, response_time: 1s, response_time_p95: 300ms}
services: {shop: {metrics: traefik, selector: 'job="shop"'}}
"""


def alerts(folder: Path, text: str, name: str, version: PrometheusVersion = OLDEST) -> dict[str, dict]:
    groups = yaml.safe_load(generated(folder, text, version)[f"{name}.rules.yaml"])["groups"]
    return {rule["alert"]: rule for group in groups for rule in group["rules"] if "alert" in rule}


@pytest.mark.parametrize("preset", MACHINES)
def test_cpu_and_memory_are_causes(tmp_path: Path, preset: str) -> None:
    """Warnings after a quarter of an hour, told on for five minutes: low urgency at PagerDuty, never critical."""
    text = f"thresholds: {{cpu_utilization: 70%, memory_utilization: 75%}}\nwatch: [{preset}]"
    for alert in alerts(tmp_path, text, "nodes").values():
        assert (alert["labels"]["severity"], alert["for"], alert["keep_firing_for"]) == ("warning", "15m", "5m")


@pytest.mark.parametrize("name", [*MACHINES, *SERVICES])
def test_every_value_is_humanised(name: str, tmp_path: Path) -> None:
    """No description shows a raw number, no summary any, and no label either."""
    text = ("thresholds: {cpu_utilization: 70%, memory_utilization: 75%, error_rate: 1%, response_time: 1s}\n"
            + (f"watch: [{name}]" if name in MACHINES
               else f"services: {{shop: {{metrics: {name}, selector: 'job=\"shop\"'}}}}"))
    for alert in alerts(tmp_path, text, "nodes" if name in MACHINES else "shop").values():
        assert "{{ $value | humanizePercentage }}" in alert["annotations"]["description"]
        assert re.findall(r"\$value\b(?! \| humanize)", str(alert)) == []
        assert "$value" not in alert["annotations"]["summary"] + str(alert["labels"])


def test_an_estimate_says_so_and_an_edge_does_not(tmp_path: Path) -> None:
    """Only the time between two buckets is about something, with its bounds."""
    found = alerts(tmp_path, TRAEFIK, "shop")
    between, at = (found[name]["annotations"]["description"] for name in ("HighResponseTime", "HighResponseTimeP95"))
    assert between.startswith("About {{")
    assert "The true share is between {{ with query" in between
    assert between.endswith("the histogram has no bucket between 300ms and 1s200ms.")
    assert not at.startswith("About")
    assert "query" not in at


def test_an_estimate_lies_between_its_bounds(tmp_path: Path) -> None:
    """Of 100 requests 10 take longer than 300 ms and 3 of these longer than 1.2 s: 2/9 of the way from 3 to 10 are
    slower than a second."""
    generated(tmp_path, TRAEFIK)
    name = 'traefik_service_request_duration_seconds_%s{job="shop",instance="a"%s}'
    series = {name % ("count", ""): "0+100x40", name % ("bucket", ',le="0.3"'): "0+90x40",
              name % ("bucket", ',le="1.2"'): "0+97x40"}
    slow = 'sum(service:slow_requests:increase10m{over="%s"})'
    prove(tmp_path, series, samples={slow % "300ms": [("30m", 100)], slow % "1s200ms": [("30m", 30)],
                                     slow % "1s": [("30m", (2 * 100 + 7 * 30) / 9)]})


def test_a_prometheus_without_native_histograms_is_not_asked_for_them(tmp_path: Path) -> None:
    """Before 3.0 no rule has a histogram function; from then on the classic series still come first."""
    texts = {version: generated(tmp_path / version, TRAEFIK, parse(version))["shop.rules.yaml"].partition("\n")[2]
             for version in ("2.42", "2.53", "3.0")}  # the first line names the version
    assert texts["2.42"] == texts["2.53"]
    assert "histogram_" not in texts["2.42"]
    assert "histogram_fraction(0, 1.2, " in texts["3.0"]
    assert texts["3.0"].index("_bucket{") < texts["3.0"].index("histogram_fraction")
