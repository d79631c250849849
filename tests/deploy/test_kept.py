"""How long metrics, logs and traces are kept, as each program reads it."""

from pathlib import Path

import yaml

from alertd.config.units import duration
from alertd.model import DAY

DEPLOY = Path(__file__).parents[2] / "deploy"
# The keys of these sections that we write, from https://grafana.com/docs/loki/latest/configure/ and
# https://grafana.com/docs/tempo/v2.10.x/configuration/manifest/: a misspelt one stops these programs at their start.
LOKI = {
    "": {"auth_enabled", "server", "common", "schema_config", "limits_config", "compactor", "analytics"},
    "server": {"http_listen_port"}, "common": {"path_prefix", "replication_factor", "ring", "storage"},
    "schema_config": {"configs"}, "limits_config": {"retention_period"}, "analytics": {"reporting_enabled"},
    "compactor": {"working_directory", "retention_enabled", "delete_request_store"},
}
TEMPO = {
    "": {"server", "distributor", "storage", "compactor", "overrides", "usage_report"}, "server": {"http_listen_port"},
    "distributor": {"receivers"}, "storage": {"trace"}, "compactor": {"compaction"},
    "overrides": {"defaults"}, "usage_report": {"reporting_enabled"},
}


def read(name):
    return yaml.safe_load((DEPLOY / name).read_text())


def keys(content):
    return {"": set(content), **{name: set(section) for name, section in content.items() if isinstance(section, dict)}}


def test_metrics_90_days():
    """Prometheus takes it on its command line alone."""
    words = read("compose.yaml")["services"]["prometheus"]["command"]
    [kept] = [word.split("=")[1] for word in words if word.startswith("--storage.tsdb.retention.time=")]
    assert duration(kept) == 90 * DAY


def test_logs_30_days():
    """And they are deleted: Loki's compactor does so only when it is told to, and knows where it notes it."""
    loki = read("loki.yaml")
    assert duration(loki["limits_config"]["retention_period"]) == 30 * DAY
    assert loki["compactor"]["retention_enabled"] is True
    [schema] = loki["schema_config"]["configs"]
    assert loki["compactor"]["delete_request_store"] == schema["object_store"] == "filesystem"
    assert schema["index"]["period"] == "24h"  # retention works by days of the index
    assert keys(loki) == LOKI


def test_loki_shows_how_long_it_keeps_logs():
    """By a part of it that runs only where it is named."""
    assert "-target=all,overrides-exporter" in read("compose.yaml")["services"]["loki"]["command"]


def test_traces_14_days():
    """In hours: Tempo's durations know no days."""
    tempo = read("tempo.yaml")
    kept = tempo["compactor"]["compaction"]["block_retention"]
    assert kept.endswith("h")
    assert duration(kept) == 14 * DAY
    assert tempo["overrides"]["defaults"]["compaction"]["block_retention"] == kept  # what it shows as a metric
    assert keys(tempo) == TEMPO


def test_grafana_asks_each_where_it_listens():
    """The ports of the sources are those of the programs."""
    sources = {one["uid"]: one["url"] for one in read("grafana/provisioning/datasources/sources.yaml")["datasources"]}
    assert sources["loki"] == f"http://loki:{read('loki.yaml')['server']['http_listen_port']}"
    assert sources["tempo"] == f"http://tempo:{read('tempo.yaml')['server']['http_listen_port']}"
    assert sources["prometheus"] == "http://prometheus:9090"
    assert sources["alertmanager"] == "http://alertmanager:9093"
